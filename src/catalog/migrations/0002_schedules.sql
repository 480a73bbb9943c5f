-- Schedules, what became of each of their moments, and times at which nothing begins. The rules and tasks
-- are JSON that `schedules` and `jobs` understand.

CREATE TABLE schedules (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    rule       TEXT NOT NULL,
    task       TEXT NOT NULL,
    is_enabled INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    -- Moments up to this one were dealt with.
    handled    INTEGER NOT NULL,
    -- Another attempt of a failed job, as JSON.
    retry      TEXT
) STRICT;

CREATE TABLE schedule_events (
    id          INTEGER PRIMARY KEY,
    schedule_id INTEGER NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    -- The moment that it is about, and when it was dealt with.
    due         INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    what        TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    job_id      INTEGER REFERENCES jobs (id),
    reason      TEXT
) STRICT;
CREATE INDEX schedule_events_schedule ON schedule_events (schedule_id, id);

CREATE TABLE maintenance_windows (
    name TEXT PRIMARY KEY NOT NULL,
    spec TEXT NOT NULL
) STRICT;
