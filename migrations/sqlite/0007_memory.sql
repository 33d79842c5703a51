-- What is remembered of and for a person: facts they told, and what they asked for. source is what it
-- came from, so that the same thing noted twice is there once.
CREATE TABLE memories (
    n               INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    person_id       TEXT NOT NULL REFERENCES persons (id),
    kind            TEXT NOT NULL,
    source          TEXT NOT NULL,
    text            TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    embedding_model TEXT,
    -- Little-endian 32-bit floats.
    embedding       BLOB,
    UNIQUE (person_id, kind, source),
    CHECK ((embedding IS NULL) = (embedding_model IS NULL))
) STRICT;

CREATE INDEX memories_of_person ON memories (person_id, kind, created_at DESC, n DESC);
CREATE INDEX memories_by_model ON memories (embedding_model);

-- The words of every text; a text itself is only in memories.
CREATE VIRTUAL TABLE memories_words USING fts5 (
    text, content = 'memories', content_rowid = 'n', tokenize = "unicode61 remove_diacritics 2"
);
-- What is forgotten leaves no words behind in the index.
INSERT INTO memories_words (memories_words, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER memories_inserted AFTER INSERT ON memories BEGIN
    INSERT INTO memories_words (rowid, text) VALUES (new.n, new.text);
END;

CREATE TRIGGER memories_deleted AFTER DELETE ON memories BEGIN
    INSERT INTO memories_words (memories_words, rowid, text) VALUES ('delete', old.n, old.text);
END;

CREATE TRIGGER memories_changed AFTER UPDATE OF n, text ON memories BEGIN
    INSERT INTO memories_words (memories_words, rowid, text) VALUES ('delete', old.n, old.text);
    INSERT INTO memories_words (rowid, text) VALUES (new.n, new.text);
END;
