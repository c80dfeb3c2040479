-- What names buyers: encrypted under the contact key, which is not in the database.

-- How the buyer of a sale is reached, if the shop told. The row goes when the shop erases it.
CREATE TABLE contacts (
    sale_id     TEXT   NOT NULL PRIMARY KEY REFERENCES sales (sale_id),
    -- Nonce, ciphertext and tag in base64; bound to the sale's id.
    encrypted   TEXT   NOT NULL,
    recorded_at BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL
);

-- What shops sent is encrypted as well, bound to the entry's id.
ALTER TABLE inbox ADD COLUMN body_encrypted TEXT;
-- HMAC-SHA256 of the body's digest under the contact key: the same bytes are known again, and nobody can try out guesses.
ALTER TABLE inbox RENAME COLUMN body_sha256 TO body_mac;
-- 1 for a row of an older version, until the next start encrypts it: its text stands in body or body_hex, and body_mac is the plain
-- SHA-256 of it. In all other rows body and body_hex are null.
ALTER TABLE inbox ADD COLUMN plain BIGINT NOT NULL DEFAULT 0 CHECK (plain IN (0, 1));
UPDATE inbox SET plain = 1;
CREATE INDEX inbox_plain ON inbox (entry_id) WHERE plain = 1;
