-- What the chain has and the books did not know: after a restored backup, or by somebody else's hand.

-- The last final block up to which the contract's log was compared with the books.
CREATE TABLE contract_scans (
    contract_scan_id BIGINT  NOT NULL PRIMARY KEY CHECK (contract_scan_id = 1),
    block_number     BIGINT  NOT NULL CHECK (block_number >= 0),
    block_hash       TEXT COLLATE "C"    NOT NULL,
    scanned_at       BIGINT  NOT NULL
);

-- A token or tombstone that nobody of ours wrote. While it is open or rejected, its sheet is not sold.
CREATE TABLE foreign_tokens (
    token_id         BIGINT  NOT NULL PRIMARY KEY,
    standing         TEXT COLLATE "C"    NOT NULL CHECK (standing IN ('token', 'tombstone')),
    recipient        TEXT COLLATE "C",
    block_number     BIGINT  NOT NULL,
    block_hash       TEXT COLLATE "C"    NOT NULL,
    transaction_hash TEXT COLLATE "C"    NOT NULL,
    verdict          TEXT COLLATE "C"    NOT NULL CHECK (verdict IN ('open', 'linked', 'rejected')),
    reason           TEXT COLLATE "C",
    found_at         BIGINT  NOT NULL,
    decided_at       BIGINT
);
CREATE INDEX foreign_tokens_undecided ON foreign_tokens (token_id) WHERE verdict <> 'linked';

-- An edition on chain that the books did not publish. Its number goes only to an edition with the same terms.
CREATE TABLE foreign_editions (
    number               BIGINT  NOT NULL PRIMARY KEY,
    serials              BIGINT  NOT NULL,
    image_sha256         TEXT COLLATE "C"    NOT NULL,
    colophon_sha256      TEXT COLLATE "C"    NOT NULL,
    royalty_receiver     TEXT COLLATE "C"    NOT NULL,
    royalty_basis_points BIGINT  NOT NULL,
    found_at             BIGINT  NOT NULL
);
