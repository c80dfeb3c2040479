-- The shop's side: who may call, what was sold, and the buyer's right to the token.

CREATE TABLE api_keys (
    api_key_id  TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    scope       TEXT    NOT NULL CHECK (scope IN ('curator', 'shop', 'auditor', 'admin')),
    key_sha256  TEXT    NOT NULL UNIQUE,
    created_at  BIGINT  NOT NULL,
    revoked_at  BIGINT
);

-- One row for a key + method + path. `status` is null while the request is in flight.
CREATE TABLE idempotency_keys (
    api_key_id      TEXT    NOT NULL REFERENCES api_keys (api_key_id),
    method          TEXT    NOT NULL,
    path            TEXT    NOT NULL,
    idempotency_key TEXT    NOT NULL,
    body_sha256     TEXT    NOT NULL,
    attempt         TEXT    NOT NULL,
    leased_until    BIGINT  NOT NULL,
    status          BIGINT,
    location        TEXT,
    body            TEXT,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (api_key_id, method, path, idempotency_key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE sales (
    sale_id          TEXT    NOT NULL PRIMARY KEY,
    channel          TEXT    NOT NULL,
    order_ref        TEXT    NOT NULL,
    line_ref         TEXT    NOT NULL,
    unit_no          BIGINT  NOT NULL CHECK (unit_no > 0),
    edition_id       TEXT    NOT NULL REFERENCES editions (edition_id),
    impression_id    TEXT    NOT NULL REFERENCES impressions (impression_id),
    -- 1 while this sale has a right to its sheet: at most one such sale for a sheet.
    holds_impression BIGINT  NOT NULL CHECK (holds_impression IN (0, 1)),
    price_minor      BIGINT  NOT NULL CHECK (price_minor >= 0),
    currency         TEXT    NOT NULL,
    sold_at          BIGINT  NOT NULL,
    payment          TEXT    NOT NULL CHECK (payment IN ('paid', 'refund_pending', 'refunded')),
    dispute          TEXT    NOT NULL CHECK (dispute IN ('none', 'open', 'won', 'lost')),
    goods            TEXT    NOT NULL CHECK (goods IN ('reserved', 'shipped', 'delivered', 'return_requested', 'received',
                                                       'inspected_same', 'inspected_swapped', 'inspected_damaged', 'lost', 'canceled')),
    carrier          TEXT,
    tracking_ref     TEXT,
    shipped_at       BIGINT,
    delivered_at     BIGINT,
    -- The order line's facts as given, hashed: the same unit sent again must bring the same facts.
    facts_sha256     TEXT    NOT NULL,
    created_at       BIGINT  NOT NULL,
    updated_at       BIGINT  NOT NULL,
    UNIQUE (channel, order_ref, line_ref, unit_no)
);
CREATE UNIQUE INDEX sales_one_holder ON sales (impression_id) WHERE holds_impression = 1;
CREATE INDEX sales_by_edition ON sales (edition_id);

CREATE TABLE claims (
    claim_id       TEXT    NOT NULL PRIMARY KEY,
    sale_id        TEXT    NOT NULL UNIQUE REFERENCES sales (sale_id),
    state          TEXT    NOT NULL CHECK (state IN ('prepared', 'open', 'redeemed', 'released', 'void', 'expired')),
    code_hmac      TEXT    UNIQUE,
    code_issued_at BIGINT,
    opened_at      BIGINT,
    recipient      TEXT,
    token_id       BIGINT  UNIQUE,
    redeemed_at    BIGINT,
    proof_nonce    TEXT,
    created_at     BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL
);

-- EIP-4361 texts handed out, each bound to one claim and one recipient.
CREATE TABLE challenges (
    nonce      TEXT    NOT NULL PRIMARY KEY,
    claim_id   TEXT    NOT NULL REFERENCES claims (claim_id),
    recipient  TEXT    NOT NULL,
    message    TEXT    NOT NULL,
    issued_at  BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);
CREATE INDEX challenges_by_claim ON challenges (claim_id, recipient, issued_at);
