-- The journal as an audit log: why each change was made, and the chain of hashes that seals the rows.

ALTER TABLE journal ADD COLUMN reason TEXT NOT NULL DEFAULT '';
-- Its place in the chain, 1, 2, 3 …; null until the sealer has come by.
ALTER TABLE journal ADD COLUMN position BIGINT;
ALTER TABLE journal ADD COLUMN sealed_at BIGINT;
-- SHA-256 over the row, its place and the hash before.
ALTER TABLE journal ADD COLUMN hash TEXT;
CREATE UNIQUE INDEX journal_by_position ON journal (position);
CREATE INDEX journal_unsealed ON journal (sequence) WHERE position IS NULL;

-- The end of the chain. Whoever seals holds this row.
CREATE TABLE journal_head (
    journal_head_id BIGINT  NOT NULL PRIMARY KEY CHECK (journal_head_id = 1),
    position        BIGINT  NOT NULL CHECK (position >= 0),
    hash            TEXT    NOT NULL,
    sealed_at       BIGINT  NOT NULL
);
-- Before the first row: SHA-256 of "colophon journal/1".
INSERT INTO journal_head (journal_head_id, position, hash, sealed_at)
VALUES (1, 0, '4af3ed4755c9e70ae410f2ce61cf3029ea06c42a0c73d1fb2500332d0039b441', 0);

-- A row is written once and sealed once. This stops mistakes; the seals find malice.
CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal
WHEN OLD.position IS NOT NULL
  OR NEW.sequence <> OLD.sequence
  OR NEW.event_id <> OLD.event_id
  OR NEW.occurred_at <> OLD.occurred_at
  OR NEW.actor <> OLD.actor
  OR NEW.reason <> OLD.reason
  OR coalesce(NEW.request_id, '') <> coalesce(OLD.request_id, '')
  OR NEW.kind <> OLD.kind
  OR NEW.subject <> OLD.subject
  OR NEW.payload <> OLD.payload
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
