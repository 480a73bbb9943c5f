-- The first schema of the catalog. SCHEMA.md says who writes each table and what survives a crash.
-- Times are nanoseconds since 1970-01-01 UTC. Migrations are append-only: this file never changes
-- once a release has carried it.

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Equipment, known by serial number.

CREATE TABLE libraries (
    id         INTEGER PRIMARY KEY,
    serial     TEXT NOT NULL UNIQUE,
    vendor     TEXT NOT NULL,
    product    TEXT NOT NULL,
    revision   TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
) STRICT;

CREATE TABLE drives (
    id         INTEGER PRIMARY KEY,
    serial     TEXT NOT NULL UNIQUE,
    vendor     TEXT NOT NULL,
    product    TEXT NOT NULL,
    revision   TEXT NOT NULL,
    generation TEXT,
    library_id INTEGER REFERENCES libraries (id),
    element    INTEGER,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
) STRICT;

-- Moves are written down before the robot is told, so a half-done one is found after a restart.
CREATE TABLE moves (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    library_id   INTEGER NOT NULL REFERENCES libraries (id),
    barcode      TEXT,
    from_element INTEGER NOT NULL,
    to_element   INTEGER NOT NULL,
    job_id       INTEGER,
    started      INTEGER NOT NULL,
    ended        INTEGER,
    outcome      TEXT,
    found_at     INTEGER
) STRICT;
CREATE INDEX moves_open ON moves (library_id) WHERE ended IS NULL;

CREATE TABLE cartridges (
    id                 INTEGER PRIMARY KEY,
    barcode            TEXT,
    medium_serial      TEXT UNIQUE,
    generation         TEXT,
    kind               TEXT NOT NULL,
    state              TEXT NOT NULL,
    state_reason       TEXT,
    is_write_protected INTEGER NOT NULL DEFAULT 0,
    library_id         INTEGER REFERENCES libraries (id),
    element            INTEGER,
    location           TEXT,
    load_count         INTEGER NOT NULL DEFAULT 0,
    first_seen         INTEGER NOT NULL,
    last_seen          INTEGER NOT NULL
) STRICT;
CREATE INDEX cartridges_barcode ON cartridges (barcode);

-- Protection: sets, their volumes, runs, and segments (what one run put on one volume).

CREATE TABLE sets (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    root_dir_id INTEGER NOT NULL,
    spec        TEXT NOT NULL,
    created     INTEGER NOT NULL
) STRICT;

CREATE TABLE volumes (
    id              INTEGER PRIMARY KEY,
    uuid            BLOB NOT NULL UNIQUE,
    cartridge_id    INTEGER REFERENCES cartridges (id),
    set_id          INTEGER REFERENCES sets (id),
    copy_number     INTEGER NOT NULL DEFAULT 0,
    sequence        INTEGER,
    state           TEXT NOT NULL,
    former_state    TEXT,
    state_reason    TEXT,
    barcode         TEXT,
    name            TEXT NOT NULL,
    block_size      INTEGER NOT NULL,
    index_partition INTEGER NOT NULL,
    data_partition  INTEGER NOT NULL,
    generation      INTEGER NOT NULL DEFAULT 0,
    capacity        INTEGER NOT NULL,
    used            INTEGER NOT NULL DEFAULT 0,
    formatted       INTEGER NOT NULL,
    last_written    INTEGER,
    last_verified   INTEGER,
    UNIQUE (set_id, copy_number, sequence)
) STRICT;
CREATE INDEX volumes_cartridge ON volumes (cartridge_id);

CREATE TABLE index_generations (
    volume_id   INTEGER NOT NULL REFERENCES volumes (id),
    generation  INTEGER NOT NULL,
    partition   INTEGER NOT NULL,
    block       INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    files       INTEGER NOT NULL,
    written     INTEGER NOT NULL,
    copy_path   TEXT,
    copy_sha256 BLOB,
    PRIMARY KEY (volume_id, generation, partition)
) STRICT, WITHOUT ROWID;

-- The key of a run is its start in milliseconds, bumped where two would share it and never below an
-- earlier run of its set. Versions are ordered by it, also when runs are rebuilt in another order.
CREATE TABLE runs (
    id              INTEGER PRIMARY KEY,
    run             TEXT NOT NULL UNIQUE,
    set_id          INTEGER NOT NULL REFERENCES sets (id),
    kind            TEXT NOT NULL,
    parent_id       INTEGER REFERENCES runs (id),
    state           TEXT NOT NULL,
    state_reason    TEXT,
    job_id          INTEGER,
    started         INTEGER NOT NULL,
    ended           INTEGER,
    planned_files   INTEGER NOT NULL DEFAULT 0,
    planned_bytes   INTEGER NOT NULL DEFAULT 0,
    unchanged_files INTEGER NOT NULL DEFAULT 0,
    unchanged_bytes INTEGER NOT NULL DEFAULT 0,
    copies          INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX runs_set ON runs (set_id, id);

CREATE TABLE segments (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id              INTEGER NOT NULL REFERENCES runs (id),
    volume_id           INTEGER NOT NULL REFERENCES volumes (id),
    number              INTEGER NOT NULL,
    copy_number         INTEGER NOT NULL,
    checkpoint_sequence INTEGER NOT NULL DEFAULT 0,
    checkpoint_ordinal  INTEGER NOT NULL DEFAULT 0,
    resume              TEXT,
    manifest_sha256     BLOB,
    UNIQUE (run_id, volume_id)
) STRICT;
CREATE INDEX segments_volume ON segments (volume_id);

-- Files. A path is its folder's id and its name; names are raw bytes. A folder belongs to one set,
-- and a set's top folder has the parent 0 and the set's name.

CREATE TABLE dirs (
    id        INTEGER PRIMARY KEY,
    set_id    INTEGER NOT NULL,
    parent_id INTEGER NOT NULL,
    name      BLOB NOT NULL,
    UNIQUE (parent_id, name)
) STRICT;

-- Mode, owner, extended attributes: few different ones, so each is kept once.
CREATE TABLE attributes (
    id      INTEGER PRIMARY KEY,
    content BLOB NOT NULL UNIQUE
) STRICT;

-- One row for each state of a path that a run stored, or saw gone. segment_id and sequence name the
-- first copy: that of the lowest letter. No foreign keys: this table takes 150,000 rows a second.
CREATE TABLE versions (
    dir_id        INTEGER NOT NULL,
    name          BLOB NOT NULL,
    run_id        INTEGER NOT NULL,
    kind          INTEGER NOT NULL,
    size          INTEGER NOT NULL,
    modified      INTEGER NOT NULL,
    changed       INTEGER,
    inode         INTEGER,
    sha256        BLOB,
    attributes_id INTEGER,
    segment_id    INTEGER,
    sequence      INTEGER,
    PRIMARY KEY (dir_id, name, run_id)
) STRICT, WITHOUT ROWID;

-- What only few versions have: link targets, sparse maps, attributes of their own.
CREATE TABLE details (
    dir_id  INTEGER NOT NULL,
    name    BLOB NOT NULL,
    run_id  INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (dir_id, name, run_id)
) STRICT, WITHOUT ROWID;

-- id is segment * 2^36 + sequence, so a segment's copies lie together in tape order.
CREATE TABLE copies (
    id      INTEGER PRIMARY KEY,
    dir_id  INTEGER NOT NULL,
    name    BLOB NOT NULL,
    extents BLOB NOT NULL
) STRICT;

-- Copies of a version beside its first: further parts of a split file, and copies on other volumes.
CREATE TABLE extra_copies (
    dir_id  INTEGER NOT NULL,
    name    BLOB NOT NULL,
    run_id  INTEGER NOT NULL,
    copy_id INTEGER NOT NULL,
    PRIMARY KEY (dir_id, name, run_id, copy_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE copy_codecs (
    copy_id       INTEGER PRIMARY KEY,
    codec         TEXT NOT NULL,
    stored_size   INTEGER NOT NULL,
    stored_sha256 BLOB NOT NULL
) STRICT;

CREATE TABLE copy_parts (
    copy_id INTEGER PRIMARY KEY,
    number  INTEGER NOT NULL,
    of_parts INTEGER,
    offset  INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    sha256  BLOB
) STRICT;

-- The path on the volume, where it is not the path of the version.
CREATE TABLE copy_paths (
    copy_id     INTEGER PRIMARY KEY,
    stored_path TEXT NOT NULL
) STRICT;

-- Planned files that ended in another state than stored, by the copy of the set that lacks them.
CREATE TABLE outcomes (
    run_id  INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    copy_number INTEGER NOT NULL,
    segment_id INTEGER NOT NULL,
    dir_id  INTEGER NOT NULL,
    name    BLOB NOT NULL,
    state   TEXT NOT NULL,
    reason  TEXT NOT NULL,
    size    INTEGER NOT NULL,
    PRIMARY KEY (run_id, ordinal, copy_number)
) STRICT, WITHOUT ROWID;

-- Evidence, by ranges of copies. Rows count in the order of their ids; see evidence.rs.

CREATE TABLE evidence (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    segment_id    INTEGER NOT NULL REFERENCES segments (id),
    act           TEXT NOT NULL,
    state         TEXT NOT NULL,
    from_sequence INTEGER NOT NULL,
    to_sequence   INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    job_id        INTEGER,
    reason        TEXT
) STRICT;
CREATE INDEX evidence_segment ON evidence (segment_id, id);

-- Running totals of a segment's copies before `sequence`: sums over a range need no scan.
CREATE TABLE segment_marks (
    segment_id INTEGER NOT NULL,
    sequence   INTEGER NOT NULL,
    files      INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    PRIMARY KEY (segment_id, sequence)
) STRICT, WITHOUT ROWID;

-- Jobs.

CREATE TABLE jobs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL,
    request    TEXT,
    spec       TEXT NOT NULL,
    progress   TEXT NOT NULL,
    checkpoint TEXT,
    error      TEXT,
    created    INTEGER NOT NULL,
    started    INTEGER,
    updated    INTEGER NOT NULL,
    ended      INTEGER
) STRICT;
CREATE INDEX jobs_state ON jobs (state, id);

CREATE TABLE job_events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id  INTEGER NOT NULL REFERENCES jobs (id),
    at      INTEGER NOT NULL,
    level   TEXT NOT NULL,
    code    TEXT NOT NULL,
    message TEXT NOT NULL,
    content TEXT
) STRICT;
CREATE INDEX job_events_job ON job_events (job_id, id);

-- What a restore has chosen, in tape order, with what became of each item.
CREATE TABLE selections (
    job_id    INTEGER NOT NULL,
    volume_id INTEGER NOT NULL,
    block     INTEGER NOT NULL,
    offset    INTEGER NOT NULL,
    copy_id   INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    state     TEXT NOT NULL,
    reason    TEXT,
    PRIMARY KEY (job_id, volume_id, block, offset, copy_id)
) STRICT, WITHOUT ROWID;
