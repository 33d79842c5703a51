//! What the Telegram door keeps.

use async_trait::async_trait;
use channels::telegram::keyboard::Copy;
use channels::telegram::parse::Place;
use channels::telegram::store::{Arrived, Chat, Ending, Finished, Inbox, Outbox, Queued, Upload, Waiting};
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, query, query_scalar};
use workflows::frame::Frame;
use workflows::ids::{ConversationId, PersonId, TaskId};
use workflows::person::Channel;
use workflows::ports::StoreError;

use super::error::driver;
use super::people::text;
use super::{Db, rows};

/// Chats and messages with buttons read at a time.
const ROWS_MAX: i64 = 1_000;

fn small(number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| StoreError::Corrupt(format!("{number} is no count")))
}

fn place(row: &SqliteRow) -> Result<Place, StoreError> {
    let thread: i32 = row.try_get("thread").map_err(driver)?;
    Ok(Place {
        chat: row.try_get("chat").map_err(driver)?,
        thread: (thread != 0).then_some(thread),
        private: row.try_get("private").map_err(driver)?,
    })
}

fn chat(row: &SqliteRow) -> Result<Chat, StoreError> {
    Ok(Chat {
        conversation_id: ConversationId(row.try_get("conversation_id").map_err(driver)?),
        place: place(row)?,
        person_id: PersonId(row.try_get("person_id").map_err(driver)?),
        told: row.try_get("told").map_err(driver)?,
    })
}

fn copy(row: &SqliteRow) -> Result<Copy, StoreError> {
    let (subject, turned): (String, String) =
        (row.try_get("subject").map_err(driver)?, row.try_get("turned").map_err(driver)?);
    Ok(Copy {
        token: row.try_get("token").map_err(driver)?,
        conversation_id: ConversationId(row.try_get("conversation_id").map_err(driver)?),
        person_id: PersonId(row.try_get("person_id").map_err(driver)?),
        place: place(row)?,
        message: row.try_get("message").map_err(driver)?,
        subject: rows::json("a message's subject", &subject)?,
        turned: rows::json("a message's buttons", &turned)?,
        rev: small(row.try_get("rev").map_err(driver)?)?,
        shown: small(row.try_get("shown").map_err(driver)?)?,
    })
}

fn left_over(row: &SqliteRow) -> Result<Waiting, StoreError> {
    Ok(Waiting { id: row.try_get("id").map_err(driver)?, raw: row.try_get("raw").map_err(driver)?, again: true })
}

async fn insert_copy(connection: &mut SqliteConnection, copy: Copy, at: DateTime<Utc>) -> Result<(), StoreError> {
    let (subject, turned) = (text(&copy.subject)?, text(&copy.turned)?);
    // A message that only says how far a task is has no buttons, but is kept up to date all the same.
    let sql = "INSERT INTO telegram_copies
        (token, conversation_id, person_id, chat, thread, private, message, subject, turned, rev, shown, open, made_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, ?12)";
    let asked = query(sql).bind(copy.token).bind(copy.conversation_id.0).bind(copy.person_id.0).bind(copy.place.chat);
    let asked = asked.bind(copy.place.thread.unwrap_or(0)).bind(copy.place.private).bind(copy.message);
    let asked = asked.bind(subject).bind(turned).bind(copy.rev).bind(copy.shown).bind(at.timestamp_millis());
    asked.execute(connection).await.map_err(driver).map(drop)
}

async fn insert_queued(connection: &mut SqliteConnection, queued: Queued, at: DateTime<Utc>) -> Result<(), StoreError> {
    let asks = queued.asks.as_ref().map(|copy| copy.token.clone());
    if let Some(copy) = queued.asks {
        insert_copy(connection, copy, at).await?;
    }
    let sql =
        "INSERT INTO telegram_queue (chat, thread, private, reply_to, reply, asks) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let asked = query(sql).bind(queued.place.chat).bind(queued.place.thread.unwrap_or(0)).bind(queued.place.private);
    let asked = asked.bind(queued.reply_to).bind(text(&queued.reply)?).bind(asks);
    asked.execute(connection).await.map_err(driver).map(drop)
}

/// Lets go of what waits for a chat; its messages stay as they are.
pub(super) async fn clear(connection: &mut SqliteConnection, chat: i64) -> Result<(), StoreError> {
    for sql in ["DELETE FROM telegram_queue WHERE chat = ?1", "UPDATE telegram_copies SET open = 0 WHERE chat = ?1"] {
        query(sql).bind(chat).execute(&mut *connection).await.map_err(driver)?;
    }
    Ok(())
}

async fn end(connection: &mut SqliteConnection, finished: Finished) -> Result<(), StoreError> {
    let ending = match finished.ending {
        Ending::Handled => "handled".to_owned(),
        Ending::Unreadable(why) => format!("unreadable: {why}"),
        Ending::SetAside => "set aside".to_owned(),
    };
    let (chat, message, task) = match finished.about {
        Some((chat, message, task)) => (Some(chat), Some(message), Some(task.0)),
        None => (None, None, None),
    };
    let sql = "UPDATE telegram_updates SET ended_at = ?2, ending = ?3, chat = ?4, message = ?5, task_id = ?6
        WHERE id = ?1 AND ended_at IS NULL";
    let asked = query(sql).bind(finished.id).bind(finished.at.timestamp_millis()).bind(ending);
    let asked = asked.bind(chat).bind(message).bind(task);
    if asked.execute(&mut *connection).await.map_err(driver)?.rows_affected() == 0 {
        return Ok(());
    }
    if let Some((user, day)) = finished.stranger {
        let user = i64::try_from(user).unwrap_or(i64::MAX);
        let sql = "INSERT INTO telegram_strangers (user, day) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        let asked = query(sql).bind(user).bind(day.to_string());
        if asked.execute(&mut *connection).await.map_err(driver)?.rows_affected() == 0 {
            return Ok(());
        }
    }
    if let Some((token, turned)) = finished.turned {
        let sql = "UPDATE telegram_copies SET turned = ?2, rev = rev + 1 WHERE token = ?1";
        query(sql).bind(token).bind(text(&turned)?).execute(&mut *connection).await.map_err(driver)?;
    }
    for queued in finished.replies {
        insert_queued(connection, queued, finished.at).await?;
    }
    Ok(())
}

#[async_trait]
impl Inbox for Db {
    async fn keep(&self, batch: Vec<Arrived>, at: DateTime<Utc>) -> Result<Vec<Waiting>, StoreError> {
        let at = at.timestamp_millis();
        self.write(move |connection| {
            Box::pin(async move {
                let mut fresh = Vec::with_capacity(batch.len());
                for update in batch {
                    let raw = update.raw.to_string();
                    let sql = "INSERT INTO telegram_updates (id, raw, begun, kept_at) VALUES (?1, ?2, 1, ?3)
                        ON CONFLICT DO NOTHING";
                    let asked = query(sql).bind(update.id).bind(&raw).bind(at);
                    if asked.execute(&mut *connection).await.map_err(driver)?.rows_affected() > 0 {
                        fresh.push(Waiting { id: update.id, raw, again: false });
                    }
                }
                Ok(fresh)
            })
        })
        .await
    }

    async fn left_over(&self, after: i64, limit: u32) -> Result<Vec<Waiting>, StoreError> {
        let sql = "SELECT id, raw FROM telegram_updates WHERE ended_at IS NULL AND id > ?1 ORDER BY id LIMIT ?2";
        let found = query(sql).bind(after).bind(limit).fetch_all(self.reader()).await.map_err(driver)?;
        found.iter().map(left_over).collect()
    }

    async fn count(&self, id: i64, by: i32) -> Result<u32, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "UPDATE telegram_updates SET begun = max(begun + ?2, 0) WHERE id = ?1 RETURNING begun";
                small(query_scalar(sql).bind(id).bind(by).fetch_one(connection).await.map_err(driver)?)
            })
        })
        .await
    }

    async fn finish(&self, finished: Finished) -> Result<(), StoreError> {
        self.write(move |connection| Box::pin(end(connection, finished))).await
    }

    async fn task_of(&self, chat: i64, message: i32) -> Result<Option<TaskId>, StoreError> {
        let sql = "SELECT task_id FROM telegram_updates WHERE chat = ?1 AND message = ?2 AND task_id IS NOT NULL
            ORDER BY id DESC LIMIT 1";
        let asked = query_scalar(sql).bind(chat).bind(message);
        let found: Option<String> = asked.fetch_optional(self.reader()).await.map_err(driver)?;
        Ok(found.map(TaskId))
    }

    async fn trim(&self, before: DateTime<Utc>, copies: DateTime<Utc>) -> Result<u64, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "DELETE FROM telegram_strangers WHERE day < ?1";
                let day = before.date_naive().to_string();
                query(sql).bind(day).execute(&mut *connection).await.map_err(driver)?;
                let sql = "DELETE FROM telegram_copies WHERE open = 0 AND made_at < ?1
                    AND token NOT IN (SELECT asks FROM telegram_queue WHERE asks IS NOT NULL)";
                query(sql).bind(copies.timestamp_millis()).execute(&mut *connection).await.map_err(driver)?;
                let sql = "DELETE FROM telegram_updates WHERE ended_at < ?1";
                let asked = query(sql).bind(before.timestamp_millis());
                Ok(asked.execute(connection).await.map_err(driver)?.rows_affected())
            })
        })
        .await
    }
}

#[async_trait]
impl Outbox for Db {
    async fn chat(&self, place: Place, person: &PersonId, fresh: ConversationId) -> Result<Chat, StoreError> {
        let sql = "SELECT * FROM telegram_chats WHERE chat = ?1 AND thread = ?2 AND person_id = ?3";
        let asked = query(sql).bind(place.chat).bind(place.thread.unwrap_or(0)).bind(person.as_str());
        if let Some(row) = asked.fetch_optional(self.reader()).await.map_err(driver)? {
            if !row.try_get::<bool, _>("reachable").map_err(driver)? {
                // Whoever speaks there can be spoken to.
                self.reachable(place.chat, true).await?;
            }
            return chat(&row);
        }
        let person = person.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let sql =
                    "INSERT INTO telegram_chats (conversation_id, chat, thread, private, person_id, told, reachable)
                    VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(seq), 0) FROM frames WHERE person_id = ?5), 1)
                    ON CONFLICT (chat, thread, person_id) DO UPDATE SET chat = chat RETURNING *";
                let asked = query(sql).bind(fresh.0).bind(place.chat).bind(place.thread.unwrap_or(0));
                let asked = asked.bind(place.private).bind(person.0);
                chat(&asked.fetch_one(connection).await.map_err(driver)?)
            })
        })
        .await
    }

    async fn private_chat(&self, person: &PersonId) -> Result<Option<Chat>, StoreError> {
        let sql = "SELECT * FROM telegram_chats WHERE person_id = ?1 AND private = 1 AND thread = 0
            ORDER BY reachable DESC, told DESC LIMIT 1";
        let found = query(sql).bind(person.as_str()).fetch_optional(self.reader()).await.map_err(driver)?;
        found.as_ref().map(chat).transpose()
    }

    async fn chats(&self, id: i64) -> Result<Vec<Chat>, StoreError> {
        let sql = "SELECT * FROM telegram_chats WHERE chat = ?1 AND reachable = 1 ORDER BY conversation_id LIMIT ?2";
        let found = query(sql).bind(id).bind(ROWS_MAX).fetch_all(self.reader()).await.map_err(driver)?;
        found.iter().map(chat).collect()
    }

    async fn chats_of(&self, people: Vec<PersonId>) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT DISTINCT chat FROM telegram_chats
            WHERE person_id IN (SELECT value FROM json_each(?1)) AND reachable = 1";
        query_scalar(sql).bind(text(&people)?).fetch_all(self.reader()).await.map_err(driver)
    }

    async fn behind(&self) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT chat FROM telegram_chats AS c WHERE reachable = 1
                AND EXISTS (SELECT 1 FROM frames WHERE person_id = c.person_id AND seq > c.told)
            UNION SELECT chat FROM telegram_queue
            UNION SELECT chat FROM telegram_copies WHERE open = 1 AND shown <> rev AND message IS NOT NULL
            UNION SELECT chat FROM telegram_copies WHERE open = 1 AND json_extract(subject, '$.is') = 'growing'
            UNION SELECT c.chat FROM telegram_copies AS c JOIN prompts ON prompts.id = json_extract(c.subject, '$.of')
                WHERE c.open = 1 AND prompts.open = 0";
        query_scalar(sql).fetch_all(self.reader()).await.map_err(driver)
    }

    async fn untold(&self, chat: &Chat, limit: u32) -> Result<(Vec<Frame>, i64), StoreError> {
        let sql = "SELECT coalesce(max(seq), 0) FROM frames WHERE person_id = ?1";
        let newest: i64 =
            query_scalar(sql).bind(chat.person_id.as_str()).fetch_one(self.reader()).await.map_err(driver)?;
        let sql = "SELECT f.* FROM frames AS f LEFT JOIN tasks ON tasks.id = f.task_id
            WHERE f.person_id = ?1 AND f.seq > ?2 AND f.seq <= ?3
                AND f.kind IN ('message', 'stage_waiting', 'task_progress', 'task_completed', 'task_failed')
                AND (tasks.conversation_id = ?4 OR (f.task_id IS NULL AND json_extract(f.data, '$.session_id') = ?4))
            ORDER BY f.seq LIMIT ?5";
        let asked = query(sql).bind(chat.person_id.as_str()).bind(chat.told).bind(newest);
        let asked = asked.bind(chat.conversation_id.as_str()).bind(limit);
        let found = asked.fetch_all(self.reader()).await.map_err(driver)?;
        let frames: Vec<Frame> = found.iter().map(rows::frame).collect::<Result<_, _>>()?;
        let whole = frames.len() < limit as usize;
        let upto = if whole { newest } else { frames.last().map_or(newest, |frame| frame.seq) };
        Ok((frames, upto))
    }

    async fn told(&self, conversation: &ConversationId, upto: i64) -> Result<(), StoreError> {
        let conversation = conversation.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "UPDATE telegram_chats SET told = max(told, ?2) WHERE conversation_id = ?1";
                let asked = query(sql).bind(conversation.0).bind(upto);
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }

    async fn move_chat(&self, from: i64, to: i64) -> Result<(), StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                // Where somebody spoke in the new one before we heard of the move, the old one's name wins: its tasks
                // are known by it.
                let twins = "SELECT new.conversation_id, old.conversation_id FROM telegram_chats AS new
                    JOIN telegram_chats AS old ON old.thread = new.thread AND old.person_id = new.person_id
                    WHERE new.chat = ?2 AND old.chat = ?1";
                let twins: Vec<(String, String)> =
                    sqlx::query_as(twins).bind(from).bind(to).fetch_all(&mut *connection).await.map_err(driver)?;
                for (new, old) in twins {
                    for sql in [
                        "UPDATE tasks SET conversation_id = ?2 WHERE conversation_id = ?1",
                        "UPDATE prompts SET conversation_id = ?2 WHERE conversation_id = ?1",
                        "UPDATE telegram_copies SET conversation_id = ?2 WHERE conversation_id = ?1",
                    ] {
                        query(sql).bind(&new).bind(&old).execute(&mut *connection).await.map_err(driver)?;
                    }
                }
                let sql = "DELETE FROM telegram_chats WHERE chat = ?2 AND EXISTS (SELECT 1 FROM telegram_chats AS old
                    WHERE old.chat = ?1 AND old.thread = telegram_chats.thread AND old.person_id = telegram_chats.person_id)";
                query(sql).bind(from).bind(to).execute(&mut *connection).await.map_err(driver)?;
                for sql in [
                    "UPDATE telegram_chats SET chat = ?2, reachable = 1 WHERE chat = ?1",
                    // The new chat counts its messages anew: the old ones cannot be changed any more.
                    "UPDATE telegram_copies SET chat = ?2, message = NULL, open = 0 WHERE chat = ?1",
                    "UPDATE telegram_queue SET chat = ?2, reply_to = NULL WHERE chat = ?1",
                ] {
                    query(sql).bind(from).bind(to).execute(&mut *connection).await.map_err(driver)?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn reachable(&self, chat: i64, yes: bool) -> Result<(), StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                if !yes {
                    clear(connection, chat).await?;
                }
                let sql = "UPDATE telegram_chats SET reachable = ?2,
                    told = (SELECT coalesce(max(seq), 0) FROM frames WHERE person_id = telegram_chats.person_id)
                    WHERE chat = ?1 AND reachable <> ?2";
                query(sql).bind(chat).bind(yes).execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }

    async fn put_copy(&self, copy: Copy, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(move |connection| Box::pin(insert_copy(connection, copy, at))).await
    }

    async fn copy(&self, token: &str) -> Result<Option<Copy>, StoreError> {
        let asked = query("SELECT * FROM telegram_copies WHERE token = ?1").bind(token);
        asked.fetch_optional(self.reader()).await.map_err(driver)?.as_ref().map(copy).transpose()
    }

    async fn copy_at(&self, chat: i64, message: i32) -> Result<Option<Copy>, StoreError> {
        let asked =
            query("SELECT * FROM telegram_copies WHERE chat = ?1 AND message = ?2 LIMIT 1").bind(chat).bind(message);
        asked.fetch_optional(self.reader()).await.map_err(driver)?.as_ref().map(copy).transpose()
    }

    async fn open_copies(&self, chat: i64) -> Result<Vec<Copy>, StoreError> {
        let sql = "SELECT * FROM telegram_copies WHERE chat = ?1 AND open = 1 ORDER BY message LIMIT ?2";
        let found = query(sql).bind(chat).bind(ROWS_MAX).fetch_all(self.reader()).await.map_err(driver)?;
        found.iter().map(copy).collect()
    }

    async fn shown(&self, token: &str, message: i32, rev: u32) -> Result<(), StoreError> {
        let token = token.to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "UPDATE telegram_copies SET message = ?2, shown = max(shown, ?3) WHERE token = ?1";
                let asked = query(sql).bind(token).bind(message).bind(rev);
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }

    async fn close_copy(&self, token: &str) -> Result<(), StoreError> {
        let token = token.to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                let asked = query("UPDATE telegram_copies SET open = 0 WHERE token = ?1").bind(token);
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }

    async fn queued(&self, chat: i64, limit: u32) -> Result<Vec<Queued>, StoreError> {
        let sql = "SELECT * FROM telegram_queue WHERE chat = ?1 ORDER BY id LIMIT ?2";
        let found = query(sql).bind(chat).bind(limit).fetch_all(self.reader()).await.map_err(driver)?;
        let mut queued = Vec::with_capacity(found.len());
        for row in &found {
            let asks: Option<String> = row.try_get("asks").map_err(driver)?;
            let reply: String = row.try_get("reply").map_err(driver)?;
            queued.push(Queued {
                id: row.try_get("id").map_err(driver)?,
                place: place(row)?,
                reply_to: row.try_get("reply_to").map_err(driver)?,
                reply: rows::json("a reply", &reply)?,
                asks: match asks {
                    Some(token) => Outbox::copy(self, &token).await?,
                    None => None,
                },
            });
        }
        Ok(queued)
    }

    async fn sent(&self, id: i64) -> Result<(), StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let asked = query("DELETE FROM telegram_queue WHERE id = ?1").bind(id);
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }

    async fn photos_since(&self, person: &PersonId, since: DateTime<Utc>) -> Result<u32, StoreError> {
        let sql = "SELECT count(*) FROM uploads WHERE channel = ?1 AND person_id = ?2 AND at > ?3";
        let asked = query_scalar(sql).bind(Channel::Telegram.as_str()).bind(person.as_str());
        let sent: i64 = asked.bind(since.timestamp_millis()).fetch_one(self.reader()).await.map_err(driver)?;
        Ok(u32::try_from(sent).unwrap_or(u32::MAX))
    }

    async fn put_upload(&self, upload: Upload) -> Result<(), StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "INSERT INTO uploads (channel, source_id, person_id, path, bytes, at)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
                let asked = query(sql).bind(Channel::Telegram.as_str()).bind(upload.source_id);
                let asked = asked.bind(upload.person_id.0).bind(upload.path.to_string_lossy().into_owned());
                let bytes = i64::try_from(upload.bytes).unwrap_or(i64::MAX);
                let asked = asked.bind(bytes).bind(upload.at.timestamp_millis());
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }
}
