-- The chain's side: calls, the transactions that carry them, and the signed bytes.

-- What this database is bound to from its first start. A process that differs refuses to start.
CREATE TABLE deployments (
    deployment_id  BIGINT  NOT NULL PRIMARY KEY CHECK (deployment_id = 1),
    chain_id       BIGINT  NOT NULL,
    contract       TEXT COLLATE "C"    NOT NULL,
    image_store_id TEXT COLLATE "C"    NOT NULL,
    created_at     BIGINT  NOT NULL
);

-- HMAC of a fixed text under each secret: tells a wrong secret without holding it.
CREATE TABLE key_checks (
    name        TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    check_value TEXT COLLATE "C"    NOT NULL,
    created_at  BIGINT  NOT NULL
);

-- A signer is a lane. The lease and its fencing token live on the same row as first_nonce.
CREATE TABLE lanes (
    signer        TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    role          TEXT COLLATE "C"    NOT NULL CHECK (role IN ('curator', 'minter', 'registrar', 'vault')),
    first_nonce   BIGINT  NOT NULL CHECK (first_nonce >= 0),
    frozen_at     BIGINT,
    frozen_reason TEXT COLLATE "C",
    lease_holder  TEXT COLLATE "C",
    lease_until   BIGINT  NOT NULL,
    fence         BIGINT  NOT NULL,
    created_at    BIGINT  NOT NULL
);

CREATE TABLE transactions (
    transaction_id TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    signer         TEXT COLLATE "C"    NOT NULL REFERENCES lanes (signer),
    nonce          BIGINT  NOT NULL CHECK (nonce >= 0),
    kind           TEXT COLLATE "C"    NOT NULL,
    state          TEXT COLLATE "C"    NOT NULL CHECK (state IN ('bound', 'signed', 'live', 'included', 'confirmed', 'reverted_confirmed', 'displaced')),
    -- Fixed with the first stored attempt.
    calldata       TEXT COLLATE "C",
    gas_limit      BIGINT,
    -- Facts of `included` and the two finalities.
    block_number   BIGINT,
    block_hash     TEXT COLLATE "C",
    attempt_hash   TEXT COLLATE "C",
    bound_at       BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL,
    fence          BIGINT  NOT NULL,
    -- A nonce belongs to one transaction for ever.
    UNIQUE (signer, nonce)
);
CREATE INDEX transactions_unsettled ON transactions (signer, nonce) WHERE state IN ('bound', 'signed', 'live', 'included');

-- One thing that we want the contract to do exactly once.
CREATE TABLE calls (
    call_id        TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    kind           TEXT COLLATE "C"    NOT NULL CHECK (kind IN ('open_edition', 'mint', 'settle', 'void', 'release', 'surrender')),
    business_key   TEXT COLLATE "C"    NOT NULL UNIQUE,
    edition_number BIGINT,
    token_id       BIGINT,
    arguments      TEXT COLLATE "C"    NOT NULL,
    -- Not bound before that call is done.
    after_call_id  TEXT COLLATE "C"    REFERENCES calls (call_id),
    state          TEXT COLLATE "C"    NOT NULL CHECK (state IN ('queued', 'bound', 'done', 'void', 'refused', 'review')),
    reason         TEXT COLLATE "C",
    transaction_id TEXT COLLATE "C"    REFERENCES transactions (transaction_id),
    position       BIGINT,
    -- Parked until then, after a transaction that did not carry it through.
    not_before_at  BIGINT  NOT NULL,
    setbacks       BIGINT  NOT NULL,
    created_at     BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL
);
CREATE INDEX calls_queued ON calls (kind, not_before_at, created_at) WHERE state = 'queued';
CREATE INDEX calls_by_transaction ON calls (transaction_id, position);

-- Signed bytes. Insert-only; committed before the first of them leaves.
CREATE TABLE attempts (
    attempt_hash     TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    transaction_id   TEXT COLLATE "C"    NOT NULL REFERENCES transactions (transaction_id),
    raw              TEXT COLLATE "C"    NOT NULL,
    max_fee          TEXT COLLATE "C"    NOT NULL,
    max_priority_fee TEXT COLLATE "C"    NOT NULL,
    fence            BIGINT  NOT NULL,
    signed_at        BIGINT  NOT NULL
);
CREATE INDEX attempts_by_transaction ON attempts (transaction_id, signed_at);

CREATE TABLE tokens (
    token_id      BIGINT  NOT NULL PRIMARY KEY,
    impression_id TEXT COLLATE "C"    NOT NULL REFERENCES impressions (impression_id),
    issue         BIGINT  NOT NULL CHECK (issue BETWEEN 0 AND 99),
    recipient     TEXT COLLATE "C"    NOT NULL,
    settles_at    BIGINT  NOT NULL,
    mint_call_id  TEXT COLLATE "C"    NOT NULL UNIQUE REFERENCES calls (call_id),
    state         TEXT COLLATE "C"    NOT NULL CHECK (state IN ('unissued', 'bound', 'settled', 'voided', 'surrendered')),
    metadata      TEXT COLLATE "C"    NOT NULL,
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL,
    UNIQUE (impression_id, issue)
);
