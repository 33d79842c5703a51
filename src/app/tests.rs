//! The whole service on port 0 with a real database.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::Map;
use workflows::ids::{ConversationId, EffectId, TaskId};
use workflows::person::Person;
use workflows::ports::ActionCall;

use super::*;
use crate::config::from_values;
use crate::plugins::Reminders as _;

fn config(dir: &Path) -> Config {
    config_with(dir, &[])
}

fn config_with(dir: &Path, more: &[(&str, &str)]) -> Config {
    let dir = dir.to_str().expect("a plain path");
    // No model of whoever runs the tests.
    let values = [("DATA_DIR", dir), ("BIND_ADDR", "127.0.0.1:0"), ("AI_PROVIDERS", "builtin")];
    let values: BTreeMap<String, String> =
        values.iter().chain(more).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    from_values(&values, Vec::new()).expect("a configuration")
}

#[tokio::test]
async fn a_second_service_on_the_same_data_is_refused_until_the_first_has_stopped() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = App::start(config(dir.path())).await.expect("a service");
    let error = App::start(config(dir.path())).await.err().expect("the second is refused");
    let why = error.source().expect("a reason").to_string();
    assert!(why.contains("already in use by another process"), "{why}");
    first.run(std::future::ready(())).await.expect("an end in order");
    App::start(config(dir.path())).await.expect("the database is free again");
}

#[tokio::test]
async fn secrets_are_printed_at_the_first_start_only() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = App::start(config(&dir.path().join("data"))).await.expect("a service");
    let shown = first.welcome().to_owned();
    assert!(shown.contains("not: Schedule call (email is not configured"), "a part that is half on says so: {shown}");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(dir.path().join("data")).expect("it"));
    assert_eq!(mode & 0o777, 0o700, "nobody else may look into the data directory");
    assert!(shown.contains(&format!("http://{}/login?code=", first.address())), "{shown}");
    assert!(shown.contains("sm_"), "{shown}");
    first.run(std::future::ready(())).await.expect("an end in order");
    let later = App::start(config(&dir.path().join("data"))).await.expect("a service");
    assert!(!later.welcome().contains("sm_"), "{}", later.welcome());
}

#[tokio::test]
async fn plugins_say_what_they_are_set_up_with() {
    const SERVER: &str = r#"{"command": "nowhere"}"#;
    const OFF: &str = r#"{"command": "nowhere", "disabled": true}"#;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("mcp.json");
    let values = [
        ("SMTP_URL", "smtp://127.0.0.1:1"),
        ("SMTP_EMAIL", "bot@test.local"),
        ("MAIL_TRUST", "insecure-loopback"),
        ("CALDAV_URL", "http://127.0.0.1:1/dav"),
        ("CALDAV_USERNAME", "ann"),
        ("CALDAV_PASSWORD", "secret"),
        ("MCP_CONFIG", file.to_str().expect("a plain path")),
    ];
    let on_and_off = [
        (SERVER, "\n  mcp           tools of notes\n"),
        (OFF, "\n  mcp           no server is turned on in MCP_CONFIG"),
    ];
    for (server, told) in on_and_off {
        std::fs::write(&file, format!(r#"{{"mcpServers": {{"notes": {server}, "other": {OFF}}}}}"#)).expect("a file");
        let app = App::start(config_with(dir.path(), &values)).await.expect("a service");
        let shown = app.welcome();
        assert!(shown.contains(told), "{shown}");
        assert!(shown.contains("\n  email         bot@test.local by smtp://127.0.0.1:1"), "{shown}");
        assert!(shown.contains("\n  calendar      the owner's at http://127.0.0.1:1/dav"), "{shown}");
        app.run(std::future::ready(())).await.expect("an end in order");
    }
    let plain = tempfile::tempdir().expect("a directory");
    let app = App::start(config(plain.path())).await.expect("a service");
    for told in [
        "email         email is not configured",
        "calendar      built in; ",
        "mcp           not configured: set MCP_CONFIG",
    ] {
        assert!(app.welcome().contains(told), "{told}: {}", app.welcome());
    }
}

#[tokio::test]
async fn a_part_that_ends_by_itself_ends_the_service() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut app = App::start(config(dir.path())).await.expect("a service");
    app.doors.clear();
    let outcome = app.run(std::future::pending()).await;
    assert!(matches!(outcome, Err(AppError::Ended("a door"))), "{outcome:?}");
}

fn call(person: &Person, effect: &str, conversation: &str, task: &TaskId, now: DateTime<Utc>) -> ActionCall {
    ActionCall {
        effect_id: EffectId::from(effect),
        task_id: task.clone(),
        conversation_id: ConversationId::from(conversation),
        person: person.clone(),
        action: "calendar.set_reminder".to_owned(),
        args: Map::new(),
        now,
    }
}

#[tokio::test]
async fn a_repeating_reminder_keeps_its_name_and_is_stopped_by_it() {
    const RULE: Option<&str> = Some("FREQ=DAILY");
    let dir = tempfile::tempdir().expect("a directory");
    let app = App::start(config(dir.path())).await.expect("a service");
    let store = app.health.store();
    let owner = store.persons().await.expect("persons").remove(0);
    let now = SystemClock.now();
    let tomorrow = now + chrono::Duration::days(1);

    let asked = call(&owner, "e1", "web:s", &TaskId::from("none"), now);
    let uid = app.reminders.remind(&asked, "stretch", tomorrow, RULE).await.expect("a reminder");
    let own = ConversationId::from("web:s#reminders");
    let first = app.engine.conversation(&own).await.expect("it").live.expect("the reminder's task");

    // What its plan does when it has told.
    let again = call(&owner, "e2", own.as_str(), &first, now);
    let next = app.reminders.remind(&again, "stretch", tomorrow, RULE).await.expect("the next one");
    let second = app.engine.conversation(&own).await.expect("it").live.expect("in the same conversation");
    assert_eq!(next, uid);
    assert_ne!(second, first);

    // Redelivered, it changes nothing.
    app.reminders.remind(&again, "stretch", tomorrow, RULE).await.expect("the same again");
    assert_eq!(app.engine.conversation(&own).await.expect("it").live.as_ref(), Some(&second));

    let cancel = call(&owner, "e3", "web:s", &TaskId::from("none"), now);
    app.reminders.cancel(&cancel, &uid).await.expect("the newest is stopped");
    let row = app.engine.load(&second).await.expect("a task").expect("the second");
    assert_eq!(row.state.status().as_str(), "cancelled");
}
