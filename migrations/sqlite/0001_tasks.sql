-- Conversations, the inbox, tasks, their questions and the log. Ids are text, times are
-- milliseconds since 1970 UTC, JSON is text.

CREATE TABLE conversations (
    id         TEXT PRIMARY KEY,
    person_id  TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every inbound event, stored before its platform is answered.
CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY,
    channel     TEXT NOT NULL,
    source_id   TEXT NOT NULL,
    payload     TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    taken_at    INTEGER NOT NULL,
    done_at     INTEGER,
    UNIQUE (channel, source_id)
) STRICT;

CREATE INDEX inbox_pending ON inbox (id) WHERE done_at IS NULL;

-- The row is the queue: a row with wake_at at or before now is due. Rows are small, so that a claim
-- touches few pages; what a task has become is beside it, in snapshots.
CREATE TABLE tasks (
    n               INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    person_id       TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    status          TEXT NOT NULL,
    ended           INTEGER NOT NULL,
    listed          INTEGER NOT NULL,
    title           TEXT NOT NULL,
    ver             INTEGER NOT NULL,
    epoch           INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    lease_owner     TEXT,
    lease_until     INTEGER,
    wake_at         INTEGER,
    state_version   INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE snapshots (
    task  INTEGER PRIMARY KEY REFERENCES tasks (n),
    state TEXT NOT NULL
) STRICT;

CREATE INDEX tasks_due ON tasks (wake_at, state_version) WHERE wake_at IS NOT NULL;
CREATE INDEX tasks_of_person ON tasks (person_id, created_at DESC, id DESC) WHERE listed = 1;
CREATE INDEX tasks_of_conversation ON tasks (conversation_id, created_at DESC, id DESC);

-- A lookup by token; the task's snapshot is the truth.
CREATE TABLE prompts (
    id              TEXT PRIMARY KEY,
    task_id         TEXT NOT NULL,
    person_id       TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    open            INTEGER NOT NULL,
    status          TEXT NOT NULL,
    view            TEXT NOT NULL,
    asked_at        INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX prompts_open_of_person ON prompts (person_id, asked_at DESC) WHERE open = 1;
CREATE INDEX prompts_open_of_conversation ON prompts (conversation_id, asked_at DESC) WHERE open = 1;

-- The log. seq rises in commit order.
CREATE TABLE frames (
    seq       INTEGER PRIMARY KEY,
    person_id TEXT NOT NULL,
    task_id   TEXT,
    kind      TEXT NOT NULL,
    data      TEXT NOT NULL,
    at        INTEGER NOT NULL,
    key       TEXT UNIQUE
) STRICT;

CREATE INDEX frames_of_person ON frames (person_id, seq);
CREATE INDEX frames_of_task ON frames (task_id, seq) WHERE task_id IS NOT NULL;
