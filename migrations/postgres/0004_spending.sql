-- What gas costs, by day: at worst while a transaction is under way, really once it is final.

-- Held by whoever promises money of that day (days since 1970-01-01, UTC).
CREATE TABLE gas_days (
    day      BIGINT  NOT NULL PRIMARY KEY,
    promises BIGINT  NOT NULL
);

-- A database cannot add wei in 64 bits: gwei, rounded up.
CREATE TABLE gas_spends (
    transaction_id TEXT COLLATE "C" NOT NULL REFERENCES transactions (transaction_id),
    day            BIGINT  NOT NULL,
    gwei           BIGINT  NOT NULL CHECK (gwei >= 0),
    PRIMARY KEY (transaction_id, day)
);
CREATE INDEX gas_spends_by_day ON gas_spends (day);
