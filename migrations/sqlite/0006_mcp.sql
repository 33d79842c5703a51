-- The tools of MCP servers as they were allowed.
CREATE TABLE mcp_servers (
    name          TEXT PRIMARY KEY,
    first_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- allowed_by is empty for what a server offered when it was first seen.
CREATE TABLE mcp_tools (
    server      TEXT NOT NULL REFERENCES mcp_servers (name),
    tool        TEXT NOT NULL,
    hash        TEXT NOT NULL,
    description TEXT NOT NULL,
    schema      TEXT NOT NULL,
    allowed_by  TEXT,
    allowed_at  INTEGER NOT NULL,
    PRIMARY KEY (server, tool)
) STRICT, WITHOUT ROWID;
