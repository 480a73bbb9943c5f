-- What happened to cartridges and is written nowhere else: loads, changes of state, what people said of them.
CREATE TABLE cartridge_events (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    cartridge_id INTEGER NOT NULL REFERENCES cartridges (id),
    at           INTEGER NOT NULL,
    code         TEXT NOT NULL,
    message      TEXT NOT NULL,
    job_id       INTEGER
) STRICT;
CREATE INDEX cartridge_events_cartridge ON cartridge_events (cartridge_id, id);

-- The moves of one cartridge.
CREATE INDEX moves_barcode ON moves (barcode);
