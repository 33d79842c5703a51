-- Who may come in. Secrets are kept as SHA-256 only.

CREATE TABLE credentials (
    hash         TEXT PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    person_id    TEXT NOT NULL REFERENCES persons (id),
    kind         TEXT NOT NULL,
    -- The token that opened a session: the session ends with it.
    parent       TEXT,
    name         TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    expires_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX credentials_of_person ON credentials (person_id);

CREATE TABLE codes (
    hash       TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    person_id  TEXT NOT NULL REFERENCES persons (id),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
