//! A calendar that the account may only read.

use serde_json::json;
use super_manager::plugins::calendar::port::CalendarBook as _;

use super::peer::{Peer, event, owner, shown};
use super::through::{plan, setup};
use crate::service::Service;

const RANGE: (&str, &str) = ("2031-07-01T00:00:00Z", "2031-07-02T00:00:00Z");

#[tokio::test(flavor = "multi_thread")]
async fn what_may_only_be_read_is_shown_and_every_write_is_refused_in_words() {
    let Some(peer) = Peer::reader() else { return };
    let calendar = peer.calendar(&peer.at("/"), "secret");
    assert_eq!(shown(&calendar, RANGE.0, RANGE.1).await, ["07-01T19:00 Theirs"]);
    let kept = calendar.event(&owner(), "shared-1").await.expect("a look").expect("there");
    assert_eq!(kept.fixed.as_deref(), Some("the calendar \"Shared\" can only be read"));
    let error = calendar.add(&owner(), &event("new", RANGE.0), kept.event.starts_at).await.expect_err("refused");
    assert_eq!(error.to_string(), "no calendar of the account can be written to");
    let error = calendar.remove(&owner(), "shared-1", &kept.version).await.expect_err("refused");
    assert!(error.to_string().contains("403"), "the server holds it too: {error}");
    assert_eq!(shown(&calendar, RANGE.0, RANGE.1).await, ["07-01T19:00 Theirs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_would_write_it_fails_with_the_reason() {
    let Some(peer) = Peer::reader() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&setup(&peer, peer.base.as_str(), dir.path(), "secret"));
    for (action, params, why) in [
        (
            "calendar.schedule_event",
            json!({"title": "Mine", "starts_at": "2031-07-01T10:00"}),
            "no calendar of the account",
        ),
        ("calendar.update_event", json!({"uid": "shared-1", "title": "Mine"}), "can only be read"),
        ("calendar.cancel_event", json!({"uid": "shared-1"}), "can only be read"),
    ] {
        let begun = service.post("/api/tasks", plan(action, &params)).await;
        if begun["requires_confirmation"] == true {
            let yes = json!({"session_id": begun["session_id"], "action": "approve_all"});
            service.post("/api/agent/confirm", yes).await;
        }
        service.task_until(begun["task_id"].as_str().expect("a task"), |task| task.to_string().contains(why)).await;
    }
    let events = service.get("/api/events?from=2031-07-01T00:00:00Z&to=2031-07-02T00:00:00Z").await;
    assert_eq!(events["events"].as_array().map(Vec::len), Some(1), "{events}");
    assert_eq!(events["events"][0]["title"], "Theirs");
}
