-- The first schema of the alerts' file. Times are nanoseconds since 1970-01-01 UTC.

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What needs or needed a person. One row stands for one thing as long as it lasts.
CREATE TABLE alerts (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT NOT NULL,
    subject         TEXT NOT NULL,
    severity        TEXT NOT NULL,
    sentence        TEXT NOT NULL,
    next_step       TEXT NOT NULL,
    raised          INTEGER NOT NULL,
    last_seen       INTEGER NOT NULL,
    times           INTEGER NOT NULL,
    ended           INTEGER,
    acknowledged    INTEGER,
    acknowledged_by TEXT,
    note            TEXT
) STRICT;
CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE ended IS NULL;

-- Where notices go. The secret (a password, a key for signing) is sealed with the appliance's local key.
CREATE TABLE channels (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    spec       TEXT NOT NULL,
    secret     TEXT,
    is_enabled INTEGER NOT NULL,
    changed    INTEGER NOT NULL
) STRICT;

-- What was or is to be sent to whom.
CREATE TABLE deliveries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    notice     TEXT NOT NULL,
    state      TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    created    INTEGER NOT NULL,
    due        INTEGER NOT NULL,
    ended      INTEGER,
    error      TEXT
) STRICT;
CREATE INDEX deliveries_due ON deliveries (due) WHERE state = 'waiting';
CREATE INDEX deliveries_channel ON deliveries (channel_id, id);
