-- Persons, how they are known on each channel, whom they know, and their calendar.

CREATE TABLE persons (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    settings   TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
    channel   TEXT NOT NULL,
    address   TEXT NOT NULL,
    person_id TEXT NOT NULL REFERENCES persons (id),
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (channel, address)
) STRICT, WITHOUT ROWID;

CREATE INDEX identities_of_person ON identities (person_id);

CREATE TABLE contacts (
    person_id TEXT NOT NULL REFERENCES persons (id),
    id        TEXT NOT NULL,
    name      TEXT NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (person_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    person_id TEXT NOT NULL REFERENCES persons (id),
    uid       TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,
    -- When its last repetition ends; the end itself for a single event.
    until_at  INTEGER NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (person_id, uid)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_in_time ON events (person_id, starts_at, until_at);
