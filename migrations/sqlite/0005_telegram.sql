-- The Telegram door: updates before they are handled, chats, messages with buttons, replies that wait.

-- Every update, kept before Telegram is answered.
CREATE TABLE telegram_updates (
    id         INTEGER PRIMARY KEY,
    raw        TEXT NOT NULL,
    begun      INTEGER NOT NULL,
    kept_at    INTEGER NOT NULL,
    ended_at   INTEGER,
    ending     TEXT,
    chat       INTEGER,
    message    INTEGER,
    task_id    TEXT
) STRICT;

CREATE INDEX telegram_updates_waiting ON telegram_updates (id) WHERE ended_at IS NULL;
CREATE INDEX telegram_updates_ended ON telegram_updates (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX telegram_updates_about ON telegram_updates (chat, message, id DESC) WHERE task_id IS NOT NULL;

-- A person's chat with us; thread 0 is the chat itself.
CREATE TABLE telegram_chats (
    conversation_id TEXT PRIMARY KEY,
    chat            INTEGER NOT NULL,
    thread          INTEGER NOT NULL,
    private         INTEGER NOT NULL,
    person_id       TEXT NOT NULL,
    told            INTEGER NOT NULL,
    reachable       INTEGER NOT NULL,
    UNIQUE (chat, thread, person_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX telegram_chats_of_person ON telegram_chats (person_id);

-- A message of ours that has, or had, buttons, or that is kept up to date.
CREATE TABLE telegram_copies (
    token           TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    person_id       TEXT NOT NULL,
    chat            INTEGER NOT NULL,
    thread          INTEGER NOT NULL,
    private         INTEGER NOT NULL,
    message         INTEGER,
    subject         TEXT NOT NULL,
    turned          TEXT NOT NULL,
    rev             INTEGER NOT NULL,
    shown           INTEGER NOT NULL,
    open            INTEGER NOT NULL,
    made_at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX telegram_copies_open ON telegram_copies (chat) WHERE open = 1;
CREATE INDEX telegram_copies_over ON telegram_copies (made_at) WHERE open = 0;
CREATE INDEX telegram_copies_at ON telegram_copies (chat, message) WHERE message IS NOT NULL;

-- Replies that belong to no task, until they are sent.
CREATE TABLE telegram_queue (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    chat     INTEGER NOT NULL,
    thread   INTEGER NOT NULL,
    private  INTEGER NOT NULL,
    reply_to INTEGER,
    reply    TEXT NOT NULL,
    asks     TEXT REFERENCES telegram_copies (token)
) STRICT;

CREATE INDEX telegram_queue_of_chat ON telegram_queue (chat, id);

-- Strangers who were told how to join, by day.
CREATE TABLE telegram_strangers (
    user INTEGER NOT NULL,
    day  TEXT NOT NULL,
    PRIMARY KEY (user, day)
) STRICT, WITHOUT ROWID;

-- Files that people sent.
CREATE TABLE uploads (
    channel   TEXT NOT NULL,
    source_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    path      TEXT NOT NULL,
    bytes     INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (channel, source_id)
) STRICT, WITHOUT ROWID;
