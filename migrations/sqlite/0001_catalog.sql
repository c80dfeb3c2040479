-- The catalog: artworks, their print images, editions, and every single sheet.
-- Times are microseconds UTC, booleans 0/1, digests lower-case hex.

CREATE TABLE print_images (
    sha256        TEXT    NOT NULL PRIMARY KEY,
    cid           TEXT    NOT NULL,
    format        TEXT    NOT NULL CHECK (format IN ('png', 'jpeg', 'tiff', 'webp')),
    width_px      BIGINT  NOT NULL CHECK (width_px > 0),
    height_px     BIGINT  NOT NULL CHECK (height_px > 0),
    byte_count    BIGINT  NOT NULL CHECK (byte_count > 0),
    taken_in_at   BIGINT  NOT NULL
);

CREATE TABLE artworks (
    artwork_id       TEXT    NOT NULL PRIMARY KEY,
    accession_number TEXT    UNIQUE,
    artist           TEXT    NOT NULL,
    title_zh         TEXT,
    title_en         TEXT,
    year             BIGINT,
    description_zh   TEXT,
    description_en   TEXT,
    image_sha256     TEXT    REFERENCES print_images (sha256),
    created_at       BIGINT  NOT NULL,
    updated_at       BIGINT  NOT NULL,
    CHECK (title_zh IS NOT NULL OR title_en IS NOT NULL)
);

CREATE TABLE editions (
    edition_id           TEXT    NOT NULL PRIMARY KEY,
    artwork_id           TEXT    NOT NULL REFERENCES artworks (artwork_id),
    state                TEXT    NOT NULL CHECK (state IN ('draft', 'published', 'closed')),
    run_size             BIGINT  NOT NULL CHECK (run_size > 0),
    artist_proofs        BIGINT  NOT NULL CHECK (artist_proofs >= 0),
    printer_proofs       BIGINT  NOT NULL CHECK (printer_proofs >= 0),
    hors_commerce        BIGINT  NOT NULL CHECK (hors_commerce >= 0),
    bon_a_tirer          BIGINT  NOT NULL CHECK (bon_a_tirer >= 0),
    medium               TEXT    NOT NULL,
    support              TEXT,
    printer              TEXT,
    printed_in           BIGINT,
    sheet_height_mm      BIGINT,
    sheet_width_mm       BIGINT,
    image_height_mm      BIGINT,
    image_width_mm       BIGINT,
    royalty_receiver     TEXT,
    royalty_basis_points BIGINT  NOT NULL CHECK (royalty_basis_points BETWEEN 0 AND 10000),
    created_at           BIGINT  NOT NULL,
    -- Frozen at publication, all at once.
    number               BIGINT  UNIQUE CHECK (number BETWEEN 1 AND 999999999),
    image_sha256         TEXT    REFERENCES print_images (sha256),
    colophon             TEXT,
    colophon_sha256      TEXT,
    published_at         BIGINT,
    closed_at            BIGINT,
    CHECK (run_size + artist_proofs + printer_proofs + hors_commerce + bon_a_tirer <= 9999)
);
CREATE INDEX editions_by_artwork ON editions (artwork_id);

CREATE TABLE impressions (
    impression_id TEXT    NOT NULL PRIMARY KEY,
    edition_id    TEXT    NOT NULL REFERENCES editions (edition_id),
    serial        BIGINT  NOT NULL CHECK (serial BETWEEN 1 AND 9999),
    label         TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('available', 'reserved', 'sold', 'in_return', 'quarantined', 'withdrawn')),
    updated_at    BIGINT  NOT NULL,
    UNIQUE (edition_id, serial)
);
CREATE INDEX impressions_by_state ON impressions (edition_id, state, serial);

-- The one append-only event table. Whoever changes state appends here in the same transaction.
CREATE TABLE journal (
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id    TEXT    NOT NULL UNIQUE,
    occurred_at BIGINT  NOT NULL,
    actor       TEXT    NOT NULL,
    request_id  TEXT,
    kind        TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    payload     TEXT    NOT NULL
);
CREATE INDEX journal_by_subject ON journal (subject, sequence);
