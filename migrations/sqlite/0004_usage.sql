-- What a person has had done on a day of theirs: the daily limit is kept in the commit that starts an act.
CREATE TABLE usage (
    person_id TEXT NOT NULL,
    day       TEXT NOT NULL,
    effects   INTEGER NOT NULL,
    PRIMARY KEY (person_id, day)
) STRICT, WITHOUT ROWID;
