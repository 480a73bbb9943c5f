-- The first schema of the people's file. Times are nanoseconds since 1970-01-01 UTC. Nothing here
-- lets anybody sign in: passwords, tokens and keys are kept as hashes, except for the secret of a second
-- factor, which both sides must know.

CREATE TABLE users (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    name                TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role                TEXT NOT NULL,
    is_disabled         INTEGER NOT NULL DEFAULT 0,
    -- argon2id, with its costs and salt in the text; a changed cost shows here.
    password_hash       TEXT NOT NULL,
    -- Set by somebody else: the first thing to do is to choose one's own.
    is_password_interim INTEGER NOT NULL DEFAULT 0,
    totp_secret         BLOB,
    -- Not in use before a first code has been typed back.
    is_totp_on          INTEGER NOT NULL DEFAULT 0,
    -- The last time step whose code was taken: none is taken twice.
    totp_step           INTEGER NOT NULL DEFAULT 0,
    preferences         TEXT NOT NULL DEFAULT '{}',
    created             INTEGER NOT NULL,
    password_changed    INTEGER NOT NULL,
    last_sign_in        INTEGER
) STRICT;

CREATE TABLE recovery_codes (
    user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BLOB NOT NULL,
    used      INTEGER,
    PRIMARY KEY (user_id, code_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash BLOB NOT NULL UNIQUE,
    address    TEXT NOT NULL,
    agent      TEXT NOT NULL,
    created    INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Where somebody has signed in from before: guessing elsewhere does not slow these down.
CREATE TABLE known_addresses (
    user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    address   TEXT NOT NULL,
    last_used INTEGER NOT NULL,
    PRIMARY KEY (user_id, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Whose rights it has at most; none for a key that the machine's owner made.
    user_id      INTEGER REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    -- Its first characters, by which people know it again.
    shown        TEXT NOT NULL,
    secret_hash  BLOB NOT NULL UNIQUE,
    role         TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    created      INTEGER NOT NULL,
    expires      INTEGER,
    last_used    INTEGER,
    last_address TEXT
) STRICT;
CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE approvals (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    method     TEXT NOT NULL,
    path       TEXT NOT NULL,
    -- The very request: another body needs another approval.
    body_hash  BLOB NOT NULL,
    summary    TEXT NOT NULL,
    asked_by   TEXT NOT NULL,
    asked      INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    decided_by TEXT,
    decided    INTEGER,
    state      TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
