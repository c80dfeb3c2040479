-- Order feeds: what shop platforms send, kept before it is worked on.

-- One row for each different delivery. Its text goes once it is done or dismissed: it names the buyer.
CREATE TABLE inbox (
    entry_id      TEXT    NOT NULL PRIMARY KEY,
    channel       TEXT    NOT NULL,
    topic         TEXT    NOT NULL CHECK (topic IN ('order', 'cancellation', 'shipment', 'refund', 'dispute', 'unknown')),
    -- What the platform called it, and the version of its API; neither is signed.
    topic_told    TEXT    NOT NULL,
    version_told  TEXT,
    origin        TEXT    NOT NULL CHECK (origin IN ('webhook', 'reconcile')),
    -- The signed bytes as text, or in hex where they are no text.
    body          TEXT,
    body_hex      TEXT,
    body_sha256   TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('waiting', 'done', 'parked', 'dismissed')),
    reason        TEXT,
    reason_detail TEXT,
    -- The platform's names for the order and for this very thing, once they were read.
    order_ref     TEXT,
    business_key  TEXT,
    tries         BIGINT  NOT NULL,
    due_at        BIGINT  NOT NULL,
    -- From here the time counts that it may wait before it is parked.
    waits_from    BIGINT  NOT NULL,
    received_at   BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL
);
CREATE UNIQUE INDEX inbox_once ON inbox (channel, topic, body_sha256);
CREATE INDEX inbox_due ON inbox (due_at, entry_id) WHERE state = 'waiting';
CREATE INDEX inbox_open_by_order ON inbox (channel, order_ref) WHERE state IN ('waiting', 'parked');
CREATE INDEX inbox_by_state ON inbox (state, entry_id) WHERE state <> 'done';
CREATE INDEX inbox_by_key ON inbox (channel, topic, business_key);

-- What had its effect, for ever, under the platform's own names.
CREATE TABLE feed_keys (
    channel      TEXT    NOT NULL,
    topic        TEXT    NOT NULL,
    business_key TEXT    NOT NULL,
    effect       TEXT    NOT NULL CHECK (effect IN ('applied', 'ignored')),
    done_at      BIGINT  NOT NULL,
    PRIMARY KEY (channel, topic, business_key)
);

-- Which edition a shop sells under which of its article numbers; none: the article is no print.
CREATE TABLE skus (
    channel    TEXT    NOT NULL,
    sku        TEXT    NOT NULL,
    edition_id TEXT    REFERENCES editions (edition_id),
    updated_at BIGINT  NOT NULL,
    PRIMARY KEY (channel, sku)
);
