-- Waiting calls are read in the order of this index, to its last column: what is left to sort would be all that wait.
DROP INDEX calls_queued;
CREATE INDEX calls_queued ON calls (kind, not_before_at, created_at, call_id) WHERE state = 'queued';
