-- The shop's side: who may call, what was sold, and the buyer's right to the token.

CREATE TABLE api_keys (
    api_key_id  TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    name        TEXT COLLATE "C"    NOT NULL,
    scope       TEXT COLLATE "C"    NOT NULL CHECK (scope IN ('curator', 'shop', 'auditor', 'admin')),
    key_sha256  TEXT COLLATE "C"    NOT NULL UNIQUE,
    created_at  BIGINT  NOT NULL,
    revoked_at  BIGINT
);

-- One row for a key + method + path. `status` is null while the request is in flight.
CREATE TABLE idempotency_keys (
    api_key_id      TEXT COLLATE "C"    NOT NULL REFERENCES api_keys (api_key_id),
    method          TEXT COLLATE "C"    NOT NULL,
    path            TEXT COLLATE "C"    NOT NULL,
    idempotency_key TEXT COLLATE "C"    NOT NULL,
    body_sha256     TEXT COLLATE "C"    NOT NULL,
    attempt         TEXT COLLATE "C"    NOT NULL,
    leased_until    BIGINT  NOT NULL,
    status          BIGINT,
    location        TEXT COLLATE "C",
    body            TEXT COLLATE "C",
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (api_key_id, method, path, idempotency_key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE sales (
    sale_id          TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    channel          TEXT COLLATE "C"    NOT NULL,
    order_ref        TEXT COLLATE "C"    NOT NULL,
    line_ref         TEXT COLLATE "C"    NOT NULL,
    unit_no          BIGINT  NOT NULL CHECK (unit_no > 0),
    edition_id       TEXT COLLATE "C"    NOT NULL REFERENCES editions (edition_id),
    impression_id    TEXT COLLATE "C"    NOT NULL REFERENCES impressions (impression_id),
    -- 1 while this sale has a right to its sheet: at most one such sale for a sheet.
    holds_impression BIGINT  NOT NULL CHECK (holds_impression IN (0, 1)),
    price_minor      BIGINT  NOT NULL CHECK (price_minor >= 0),
    currency         TEXT COLLATE "C"    NOT NULL,
    sold_at          BIGINT  NOT NULL,
    payment          TEXT COLLATE "C"    NOT NULL CHECK (payment IN ('paid', 'refund_pending', 'refunded')),
    dispute          TEXT COLLATE "C"    NOT NULL CHECK (dispute IN ('none', 'open', 'won', 'lost')),
    goods            TEXT COLLATE "C"    NOT NULL CHECK (goods IN ('reserved', 'shipped', 'delivered', 'return_requested', 'received',
                                                       'inspected_same', 'inspected_swapped', 'inspected_damaged', 'lost', 'canceled')),
    carrier          TEXT COLLATE "C",
    tracking_ref     TEXT COLLATE "C",
    shipped_at       BIGINT,
    delivered_at     BIGINT,
    -- The order line's facts as given, hashed: the same unit sent again must bring the same facts.
    facts_sha256     TEXT COLLATE "C"    NOT NULL,
    created_at       BIGINT  NOT NULL,
    updated_at       BIGINT  NOT NULL,
    UNIQUE (channel, order_ref, line_ref, unit_no)
);
CREATE UNIQUE INDEX sales_one_holder ON sales (impression_id) WHERE holds_impression = 1;
CREATE INDEX sales_by_edition ON sales (edition_id);

CREATE TABLE claims (
    claim_id       TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    sale_id        TEXT COLLATE "C"    NOT NULL UNIQUE REFERENCES sales (sale_id),
    state          TEXT COLLATE "C"    NOT NULL CHECK (state IN ('prepared', 'open', 'redeemed', 'released', 'void', 'expired')),
    code_hmac      TEXT COLLATE "C"    UNIQUE,
    code_issued_at BIGINT,
    opened_at      BIGINT,
    recipient      TEXT COLLATE "C",
    token_id       BIGINT  UNIQUE,
    redeemed_at    BIGINT,
    proof_nonce    TEXT COLLATE "C",
    created_at     BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL
);

-- EIP-4361 texts handed out, each bound to one claim and one recipient.
CREATE TABLE challenges (
    nonce      TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    claim_id   TEXT COLLATE "C"    NOT NULL REFERENCES claims (claim_id),
    recipient  TEXT COLLATE "C"    NOT NULL,
    message    TEXT COLLATE "C"    NOT NULL,
    issued_at  BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);
CREATE INDEX challenges_by_claim ON challenges (claim_id, recipient, issued_at);
