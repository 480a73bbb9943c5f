-- The lines of the log. Times are nanoseconds since 1970-01-01 UTC; levels are 1 (error) to 5 (trace).
CREATE TABLE lines (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    level   INTEGER NOT NULL,
    part    TEXT NOT NULL,
    job     INTEGER,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX lines_at ON lines (at);
CREATE INDEX lines_job ON lines (job, number) WHERE job IS NOT NULL;
