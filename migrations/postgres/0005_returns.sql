-- What becomes of a sale: disputes, returns, refunds, and what they make of token and sheet.

-- The moment of the newest word about the dispute: an older word changes nothing.
ALTER TABLE sales ADD COLUMN disputed_at BIGINT;
-- The buyer's last word on sending the sheet back, and its moment.
ALTER TABLE sales ADD COLUMN return_wish TEXT COLLATE "C" CHECK (return_wish IN ('return', 'keep'));
ALTER TABLE sales ADD COLUMN return_wish_at BIGINT;
-- Why its token, which is out of the issuer's reach, bears a flag.
ALTER TABLE sales ADD COLUMN token_flag TEXT COLLATE "C" CHECK (token_flag IN ('refunded', 'disputed', 'canceled', 'returned', 'lost'));
-- 1 while the chain or the clock may ask for something without anybody telling.
ALTER TABLE sales ADD COLUMN waits BIGINT NOT NULL DEFAULT 0 CHECK (waits IN (0, 1));
CREATE INDEX sales_waiting ON sales (sale_id) WHERE waits = 1;

-- 1 while a sheet is outside the house though its sale was undone.
ALTER TABLE impressions ADD COLUMN unreturned BIGINT NOT NULL DEFAULT 0 CHECK (unreturned IN (0, 1));

-- Money that went back without undoing the sale; the shop's name for it makes it one.
CREATE TABLE amount_refunds (
    sale_id      TEXT COLLATE "C"    NOT NULL REFERENCES sales (sale_id),
    refund_ref   TEXT COLLATE "C"    NOT NULL,
    amount_minor BIGINT  NOT NULL CHECK (amount_minor >= 0),
    currency     TEXT COLLATE "C"    NOT NULL,
    refunded_at  BIGINT  NOT NULL,
    created_at   BIGINT  NOT NULL,
    PRIMARY KEY (sale_id, refund_ref)
);
