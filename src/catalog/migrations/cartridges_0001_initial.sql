-- What people have said of cartridges, by label and by the serial in their memory. Times are nanoseconds
-- since 1970-01-01 UTC.
CREATE TABLE notes (
    id             INTEGER PRIMARY KEY,
    barcode        TEXT,
    medium_serial  TEXT,
    alias          TEXT,
    location       TEXT,
    locked         INTEGER,
    locked_by      TEXT,
    lock_reason    TEXT,
    retained_until INTEGER
) STRICT;
