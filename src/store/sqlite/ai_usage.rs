//! What models were asked, for whom.

use async_trait::async_trait;
use chrono::NaiveDate;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, query};
use workflows::ids::PersonId;
use workflows::ports::StoreError;

use super::Db;
use super::error::driver;
use crate::store::ai_usage::{AiUsage, AiUsageStore};

fn count(row: &SqliteRow, column: &str) -> Result<u64, StoreError> {
    let count: i64 = row.try_get(column).map_err(driver)?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn as_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[async_trait]
impl AiUsageStore for Db {
    async fn ai_usage(&self, person: &PersonId, day: NaiveDate) -> Result<Vec<AiUsage>, StoreError> {
        let sql = "SELECT * FROM ai_usage WHERE person_id = ?1 AND day = ?2 ORDER BY provider, model";
        let asked = query(sql).bind(person.as_str()).bind(day.to_string());
        let found = asked.fetch_all(self.reader()).await.map_err(driver)?;
        let usage = |row: &SqliteRow| {
            Ok(AiUsage {
                provider: row.try_get("provider").map_err(driver)?,
                model: row.try_get("model").map_err(driver)?,
                calls: count(row, "calls")?,
                input_tokens: count(row, "input_tokens")?,
                output_tokens: count(row, "output_tokens")?,
                cost_micros: count(row, "cost_micros")?,
            })
        };
        found.iter().map(usage).collect()
    }

    async fn add_ai_usage(&self, person: &PersonId, day: NaiveDate, more: AiUsage) -> Result<(), StoreError> {
        let person = person.as_str().to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "INSERT INTO ai_usage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                    ON CONFLICT (person_id, day, provider, model) DO UPDATE SET calls = calls + excluded.calls,
                        input_tokens = input_tokens + excluded.input_tokens,
                        output_tokens = output_tokens + excluded.output_tokens,
                        cost_micros = cost_micros + excluded.cost_micros";
                let asked = query(sql).bind(person).bind(day.to_string()).bind(more.provider).bind(more.model);
                let asked = asked.bind(as_i64(more.calls)).bind(as_i64(more.input_tokens));
                let asked = asked.bind(as_i64(more.output_tokens)).bind(as_i64(more.cost_micros));
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }
}
