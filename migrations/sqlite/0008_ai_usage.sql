-- What models were asked for a person on a day of theirs, and what it is thought to have cost.
CREATE TABLE ai_usage (
    person_id     TEXT NOT NULL,
    day           TEXT NOT NULL,
    provider      TEXT NOT NULL,
    model         TEXT NOT NULL,
    calls         INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    -- Millionths of a US dollar.
    cost_micros   INTEGER NOT NULL,
    PRIMARY KEY (person_id, day, provider, model)
) STRICT, WITHOUT ROWID;
