-- The first schema of the audit log. Rows are only ever added; the triggers hold off our own mistakes, the
-- chain of hashes and its signatures show what anybody else did. Times are nanoseconds since 1970-01-01 UTC.

CREATE TABLE entries (
    -- 1, 2, 3 …: a gap is a row that was taken out.
    number  INTEGER PRIMARY KEY,
    -- The exact text that was hashed; the columns below are copies of parts of it, for looking up.
    content TEXT NOT NULL,
    hash    BLOB NOT NULL,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
CREATE INDEX entries_by_actor ON entries (actor, number);
CREATE INDEX entries_by_action ON entries (action, number);

-- Signatures over the hash of an entry: one at each interval, and one at the newest entry.
CREATE TABLE seals (
    number    INTEGER PRIMARY KEY REFERENCES entries (number),
    signature TEXT NOT NULL
) STRICT;

CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
