-- Passkeys: public keys that devices of users sign with. Nothing here lets anybody sign in.
CREATE TABLE passkeys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    -- By which the device knows it.
    credential BLOB NOT NULL UNIQUE,
    -- COSE's number.
    algorithm  INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    -- The name of this appliance for which it was made, and is good.
    site       TEXT NOT NULL,
    -- How often it has signed, as it says; 0 for one that does not count.
    counter    INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    last_used  INTEGER
) STRICT;
CREATE INDEX passkeys_by_user ON passkeys (user_id);
