//! The tools of MCP servers as they were allowed.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, query, query_scalar};
use workflows::ids::PersonId;
use workflows::ports::StoreError;

use super::error::driver;
use super::{Db, rows};
use crate::store::mcp::{McpStore, Pin};

/// Tools read of one server.
const PINS_MAX: i64 = 10_000;

fn pin(row: &SqliteRow) -> Result<Pin, StoreError> {
    let schema: String = row.try_get("schema").map_err(driver)?;
    Ok(Pin {
        tool: row.try_get("tool").map_err(driver)?,
        hash: row.try_get("hash").map_err(driver)?,
        description: row.try_get("description").map_err(driver)?,
        schema: rows::json("a tool's schema", &schema)?,
    })
}

async fn put(
    connection: &mut SqliteConnection,
    server: &str,
    pin: Pin,
    by: Option<String>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO mcp_tools (server, tool, hash, description, schema, allowed_by, allowed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (server, tool) DO UPDATE SET hash = excluded.hash, description = excluded.description,
            schema = excluded.schema, allowed_by = excluded.allowed_by, allowed_at = excluded.allowed_at";
    let asked = query(sql).bind(server).bind(pin.tool).bind(pin.hash).bind(pin.description);
    let asked = asked.bind(pin.schema.to_string()).bind(by).bind(at.timestamp_millis());
    asked.execute(connection).await.map_err(driver).map(drop)
}

#[async_trait]
impl McpStore for Db {
    async fn pins(&self, server: &str) -> Result<Option<Vec<Pin>>, StoreError> {
        let asked = query_scalar("SELECT count(*) FROM mcp_servers WHERE name = ?1").bind(server);
        let seen: i64 = asked.fetch_one(self.reader()).await.map_err(driver)?;
        if seen == 0 {
            return Ok(None);
        }
        let asked = query("SELECT * FROM mcp_tools WHERE server = ?1 ORDER BY tool LIMIT ?2").bind(server);
        let found = asked.bind(PINS_MAX).fetch_all(self.reader()).await.map_err(driver)?;
        found.iter().map(pin).collect::<Result<_, _>>().map(Some)
    }

    async fn first_sight(&self, server: &str, pins: Vec<Pin>, at: DateTime<Utc>) -> Result<(), StoreError> {
        let server = server.to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "INSERT INTO mcp_servers (name, first_seen_at) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";
                let asked = query(sql).bind(&server).bind(at.timestamp_millis());
                if asked.execute(&mut *connection).await.map_err(driver)?.rows_affected() == 0 {
                    return Ok(());
                }
                for pin in pins {
                    put(connection, &server, pin, None, at).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn allow(&self, server: &str, pin: Pin, by: &PersonId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let (server, by) = (server.to_owned(), by.0.clone());
        self.write(move |connection| Box::pin(async move { put(connection, &server, pin, Some(by), at).await })).await
    }
}
