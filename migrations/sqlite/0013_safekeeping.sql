-- Tokens that the issuer's vault keeps in a buyer's name.

-- 1 when the claim was redeemed by its code alone: the recipient is the vault, and no wallet was proved.
ALTER TABLE claims ADD COLUMN safekept BIGINT NOT NULL DEFAULT 0 CHECK (safekept IN (0, 1));
-- What the buyer ordered about the token in the vault: one thing, once.
ALTER TABLE claims ADD COLUMN vault_order TEXT CHECK (vault_order IN ('release', 'surrender'));
ALTER TABLE claims ADD COLUMN vault_ordered_at BIGINT;
-- Of a release: the wallet, and the challenge by whose signature it was proved.
ALTER TABLE claims ADD COLUMN release_recipient TEXT;
ALTER TABLE claims ADD COLUMN release_proof_nonce TEXT;
