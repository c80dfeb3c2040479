-- What others are told: events as they go out, where they go, and how each delivery fares.

-- Every sealed row of the journal, in its order, as the outside may see it.
CREATE TABLE outgoing_events (
    position    BIGINT  NOT NULL PRIMARY KEY,
    event_id    TEXT    NOT NULL UNIQUE,
    event_type  TEXT    NOT NULL,
    audience    TEXT    NOT NULL CHECK (audience IN ('shop', 'auditor')),
    -- Events of one stream are delivered in order: the sale's id where there is a sale.
    stream      TEXT    NOT NULL,
    token_id    TEXT,
    occurred_at BIGINT  NOT NULL,
    data        TEXT    NOT NULL
);
CREATE INDEX outgoing_events_by_stream ON outgoing_events (stream, position);
CREATE INDEX outgoing_events_by_token ON outgoing_events (token_id, position) WHERE token_id IS NOT NULL;
CREATE INDEX outgoing_events_by_time ON outgoing_events (occurred_at, position);

-- How far the journal has gone out. Whoever publishes holds this row.
CREATE TABLE outbox_head (
    outbox_head_id BIGINT  NOT NULL PRIMARY KEY CHECK (outbox_head_id = 1),
    position       BIGINT  NOT NULL CHECK (position >= 0)
);
INSERT INTO outbox_head (outbox_head_id, position) VALUES (1, 0);

CREATE TABLE webhook_endpoints (
    webhook_endpoint_id TEXT    NOT NULL PRIMARY KEY,
    url                 TEXT    NOT NULL,
    description         TEXT,
    -- Event types with a space between them; null: all.
    event_types         TEXT,
    state               TEXT    NOT NULL CHECK (state IN ('enabled', 'disabled', 'removed')),
    disabled_reason     TEXT    CHECK (disabled_reason IN ('requested', 'gone', 'failing')),
    -- The first failure since the last success.
    failing_since       BIGINT,
    -- Nothing is sent before: the receiver asked for it.
    paused_until        BIGINT  NOT NULL DEFAULT 0,
    created_at          BIGINT  NOT NULL,
    updated_at          BIGINT  NOT NULL
);

-- Secrets are derived from the key file, the endpoint and this number: none stands here.
CREATE TABLE webhook_secrets (
    webhook_endpoint_id TEXT    NOT NULL REFERENCES webhook_endpoints (webhook_endpoint_id),
    version             BIGINT  NOT NULL CHECK (version > 0),
    created_at          BIGINT  NOT NULL,
    -- Null: the present one.
    valid_until         BIGINT,
    PRIMARY KEY (webhook_endpoint_id, version)
);

CREATE TABLE webhook_deliveries (
    webhook_delivery_id TEXT    NOT NULL PRIMARY KEY,
    webhook_endpoint_id TEXT    NOT NULL REFERENCES webhook_endpoints (webhook_endpoint_id),
    position            BIGINT  NOT NULL REFERENCES outgoing_events (position),
    stream              TEXT    NOT NULL,
    state               TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up')),
    attempts            BIGINT  NOT NULL,
    next_attempt_at     BIGINT  NOT NULL,
    -- Who sends it at this moment, by the database's clock.
    lease_holder        TEXT,
    leased_until        BIGINT  NOT NULL,
    last_attempt_at     BIGINT,
    last_outcome        TEXT,
    last_status         BIGINT,
    created_at          BIGINT  NOT NULL,
    updated_at          BIGINT  NOT NULL,
    UNIQUE (webhook_endpoint_id, position)
);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook_endpoint_id, stream, position) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_endpoint_id, next_attempt_at) WHERE state = 'waiting';
