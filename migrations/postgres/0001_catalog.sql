-- The catalog: artworks, their print images, editions, and every single sheet.
-- Times are microseconds UTC, booleans 0/1, digests lower-case hex.

CREATE TABLE print_images (
    sha256        TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    cid           TEXT COLLATE "C"    NOT NULL,
    format        TEXT COLLATE "C"    NOT NULL CHECK (format IN ('png', 'jpeg', 'tiff', 'webp')),
    width_px      BIGINT  NOT NULL CHECK (width_px > 0),
    height_px     BIGINT  NOT NULL CHECK (height_px > 0),
    byte_count    BIGINT  NOT NULL CHECK (byte_count > 0),
    taken_in_at   BIGINT  NOT NULL
);

CREATE TABLE artworks (
    artwork_id       TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    accession_number TEXT COLLATE "C"    UNIQUE,
    artist           TEXT COLLATE "C"    NOT NULL,
    title_zh         TEXT COLLATE "C",
    title_en         TEXT COLLATE "C",
    year             BIGINT,
    description_zh   TEXT COLLATE "C",
    description_en   TEXT COLLATE "C",
    image_sha256     TEXT COLLATE "C"    REFERENCES print_images (sha256),
    created_at       BIGINT  NOT NULL,
    updated_at       BIGINT  NOT NULL,
    CHECK (title_zh IS NOT NULL OR title_en IS NOT NULL)
);

CREATE TABLE editions (
    edition_id           TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    artwork_id           TEXT COLLATE "C"    NOT NULL REFERENCES artworks (artwork_id),
    state                TEXT COLLATE "C"    NOT NULL CHECK (state IN ('draft', 'published', 'closed')),
    run_size             BIGINT  NOT NULL CHECK (run_size > 0),
    artist_proofs        BIGINT  NOT NULL CHECK (artist_proofs >= 0),
    printer_proofs       BIGINT  NOT NULL CHECK (printer_proofs >= 0),
    hors_commerce        BIGINT  NOT NULL CHECK (hors_commerce >= 0),
    bon_a_tirer          BIGINT  NOT NULL CHECK (bon_a_tirer >= 0),
    medium               TEXT COLLATE "C"    NOT NULL,
    support              TEXT COLLATE "C",
    printer              TEXT COLLATE "C",
    printed_in           BIGINT,
    sheet_height_mm      BIGINT,
    sheet_width_mm       BIGINT,
    image_height_mm      BIGINT,
    image_width_mm       BIGINT,
    royalty_receiver     TEXT COLLATE "C",
    royalty_basis_points BIGINT  NOT NULL CHECK (royalty_basis_points BETWEEN 0 AND 10000),
    created_at           BIGINT  NOT NULL,
    -- Frozen at publication, all at once.
    number               BIGINT  UNIQUE CHECK (number BETWEEN 1 AND 999999999),
    image_sha256         TEXT COLLATE "C"    REFERENCES print_images (sha256),
    colophon             TEXT COLLATE "C",
    colophon_sha256      TEXT COLLATE "C",
    published_at         BIGINT,
    closed_at            BIGINT,
    CHECK (run_size + artist_proofs + printer_proofs + hors_commerce + bon_a_tirer <= 9999)
);
CREATE INDEX editions_by_artwork ON editions (artwork_id);

CREATE TABLE impressions (
    impression_id TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    edition_id    TEXT COLLATE "C"    NOT NULL REFERENCES editions (edition_id),
    serial        BIGINT  NOT NULL CHECK (serial BETWEEN 1 AND 9999),
    label         TEXT COLLATE "C"    NOT NULL,
    state         TEXT COLLATE "C"    NOT NULL CHECK (state IN ('available', 'reserved', 'sold', 'in_return', 'quarantined', 'withdrawn')),
    updated_at    BIGINT  NOT NULL,
    UNIQUE (edition_id, serial)
);
CREATE INDEX impressions_by_state ON impressions (edition_id, state, serial);

-- The one append-only event table. Whoever changes state appends here in the same transaction.
CREATE TABLE journal (
    sequence    BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    TEXT COLLATE "C"    NOT NULL UNIQUE,
    occurred_at BIGINT  NOT NULL,
    actor       TEXT COLLATE "C"    NOT NULL,
    request_id  TEXT COLLATE "C",
    kind        TEXT COLLATE "C"    NOT NULL,
    subject     TEXT COLLATE "C"    NOT NULL,
    payload     TEXT COLLATE "C"    NOT NULL
);
CREATE INDEX journal_by_subject ON journal (subject, sequence);
