//! Meetings on Google Meet, through the service, against a strict stand-in.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::fake_smtp::{AfterData, FakeSmtp};
use crate::fake_web::google::{CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN};
use crate::fake_web::{FakeGoogle, Fault};
use crate::service::{Service, Setup, has_ended};

fn setup(dir: &Path, smtp_url: &str, google: &FakeGoogle) -> Setup {
    Setup::new(dir, smtp_url)
        .with("GOOGLE_CLIENT_ID", CLIENT_ID)
        .with("GOOGLE_CLIENT_SECRET", CLIENT_SECRET)
        .with("GOOGLE_REFRESH_TOKEN", REFRESH_TOKEN)
        .with("GOOGLE_TOKEN_URL", &google.token_url())
        .with("GOOGLE_MEET_URL", &google.meet_url())
}

fn plan(action: &str, params: &Value) -> Value {
    json!({"version": 1, "title": "Meet", "stages": [{"id": "m", "type": "execution", "action": action, "params": params,
        "on_failure": "skip"}]})
}

fn link_plan() -> Value {
    plan("meeting.create_meeting", &json!({"title": "Review", "provider": "google_meet"}))
}

/// Runs a plan that needs no yes, to its end.
async fn run(service: &Service, plan: Value) -> Value {
    let begun = service.post("/api/tasks", json!({"plan": plan})).await;
    service.task_until(begun["task_id"].as_str().expect("a task"), has_ended).await
}

/// Runs a plan that needs a yes, to its end.
async fn approved(service: &Service, plan: Value) -> Value {
    let begun = service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await;
    service.task_until(begun["task_id"].as_str().expect("a task"), has_ended).await
}

fn step(task: &Value) -> &Value {
    let steps = task["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["id"] == "m").unwrap_or_else(|| panic!("no step: {task:#}"))
}

fn failure(task: &Value) -> &str {
    step(task)["error"].as_str().unwrap_or_else(|| panic!("no failure: {task:#}"))
}

/// Nothing that lets anyone in is in what was said or logged.
fn assert_no_secrets(service: &Service, said: &str) {
    for secret in [CLIENT_SECRET, REFRESH_TOKEN, "ya29."] {
        assert!(!said.contains(secret) && !service.log().contains(secret), "{secret} was told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_account_google_meet_is_refused_with_the_keys_before_anything_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    let setup = Setup::new(dir.path(), "");
    let service = Service::start(&setup);
    let asked = service.call(Method::POST, "/api/tasks", Some(json!({"plan": link_plan()}))).await;
    let (status, body) = asked.expect("an answer");
    assert_eq!(status, 422, "{body}");
    let fault = &body["detail"][0];
    assert_eq!(fault["loc"], json!(["body", "plan", "stages", 0, "params", "provider"]), "{body:#}");
    let told = fault["msg"].as_str().expect("words");
    for key in ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "GOOGLE_REFRESH_TOKEN"] {
        assert!(told.contains(key), "{told}");
    }
    let said = service.post("/api/agent/process", json!({"message": "create a Google Meet link for the review"})).await;
    assert!(said["response"].as_str().is_some_and(|words| words.contains("GOOGLE_REFRESH_TOKEN")), "{said:#}");
    let jitsi = run(&service, plan("meeting.create_meeting", &json!({"title": "Review"}))).await;
    assert_eq!(step(&jitsi)["receipt"]["provider"], "jitsi", "{jitsi:#}");
    let doctor = setup.command().arg("doctor").output().expect("doctor runs");
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("off  google meet"), "{doctor:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_space_is_made_with_a_token_that_is_kept_until_it_ends() {
    let dir = tempfile::tempdir().expect("a directory");
    let google = FakeGoogle::start().await;
    let setup = setup(dir.path(), "", &google);
    let service = Service::start(&setup);
    for n in 0..2 {
        let task = run(&service, link_plan()).await;
        let receipt = &step(&task)["receipt"];
        assert_eq!(receipt["url"], json!(google.spaces()[n].uri()), "{task:#}");
        assert_eq!(receipt["provider"], "google_meet");
    }
    assert_eq!((google.count("POST /token"), google.count("POST /v2/spaces")), (1, 2), "one token for both");
    let said = service.post("/api/agent/process", json!({"message": "create a Google Meet link for the review"})).await;
    assert_eq!(google.spaces().len(), 3, "{said:#}");

    // What is taken back before its time is noticed, and made anew.
    google.advance(chrono::Duration::hours(2));
    let task = run(&service, link_plan()).await;
    assert_eq!(step(&task)["receipt"]["url"], json!(google.spaces()[3].uri()), "{task:#}");
    assert_eq!(google.count("POST /token"), 2);
    google.assert_no_violations();
    assert_no_secrets(&service, &task.to_string());
    let doctor = setup.command().arg("doctor").output().expect("doctor runs");
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("on   google meet") && doctor.status.code() == Some(0), "{said}");
    assert_eq!(google.spaces().len(), 4, "doctor makes none");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_google_refuses_is_told_with_the_key_and_no_secret() {
    let dir = tempfile::tempdir().expect("a directory");
    let google = FakeGoogle::start().await;
    let setup = setup(dir.path(), "", &google);
    let service = Service::start(&setup);
    google.deny();
    let task = run(&service, link_plan()).await;
    assert!(failure(&task).contains("insufficient authentication scopes"), "{task:#}");
    assert!(failure(&task).contains("GOOGLE_REFRESH_TOKEN"), "{task:#}");
    google.revoke();
    google.advance(chrono::Duration::hours(2));
    let task = run(&service, link_plan()).await;
    assert!(failure(&task).contains("invalid_grant") && failure(&task).contains("GOOGLE_REFRESH_TOKEN"), "{task:#}");
    assert_no_secrets(&service, &task.to_string());
    let doctor = setup.command().arg("doctor").output().expect("doctor runs");
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("BAD  google meet") && said.contains("GOOGLE_REFRESH_TOKEN"), "{said}");
    assert_eq!(doctor.status.code(), Some(1), "{said}");
    let wrong = setup.with("GOOGLE_CLIENT_SECRET", "canary-wrong-secret");
    let doctor = wrong.command().arg("doctor").output().expect("doctor runs");
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("GOOGLE_CLIENT_SECRET") && !said.contains("canary"), "{said}");
    assert!(google.spaces().is_empty());
}

/// One bad day after the other: each is waited out, and the link is the one that was made last.
async fn waited_out(place: &str, bad_days: &[Fault]) {
    let dir = tempfile::tempdir().expect("a directory");
    let google = FakeGoogle::start().await;
    let service = Service::start(&setup(dir.path(), "", &google));
    for fault in bad_days {
        google.fault_at(place, 1, fault.clone());
        let task = run(&service, link_plan()).await;
        let last = google.spaces().last().map(crate::fake_web::google::Space::uri);
        assert_eq!(step(&task)["receipt"]["url"], json!(last), "{fault:?}: {task:#}");
    }
    google.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_given_today_is_asked_for_again() {
    waited_out("POST /token", &[Fault::ServerError]).await;
    waited_out("POST /token", &[Fault::BadJson]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_day_are_waited_out() {
    let late = Fault::TooMany { retry_after: Some(1) };
    waited_out("POST /v2/spaces", &[Fault::ServerError, late, Fault::Page(401)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_space_whose_making_was_not_answered_is_made_again() {
    waited_out("POST /v2/spaces", &[Fault::DoneThenCut, Fault::Huge { declared: true }, Fault::EmptyBody]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_google_that_never_answers_is_given_up_and_said_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let google = FakeGoogle::start().await;
    let service = Service::start(&setup(dir.path(), "", &google));
    google.fault_at("POST /v2/spaces", 1, Fault::DoneThenHang);
    let task = run(&service, link_plan()).await;
    assert_eq!(google.spaces().len(), 2, "the first link is lost, and harms nobody");
    assert_eq!(step(&task)["receipt"]["url"], json!(google.spaces()[1].uri()), "{task:#}");
    google.stop();
    let task = run(&service, link_plan()).await;
    assert!(failure(&task).contains("cannot be reached"), "{task:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_failed_after_the_space_was_made_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let (google, smtp) = (FakeGoogle::start().await, FakeSmtp::start().await);
    let service = Service::start(&setup(dir.path(), &smtp.url(), &google));
    let params = json!({"title": "Review", "provider": "google_meet", "starts_at": "2031-05-05T10:00",
        "attendees": ["bob@test.local"]});
    smtp.refuse("bob@test.local", "550 no such user");
    let task = approved(&service, plan("meeting.create_meeting", &params)).await;
    let uri = google.spaces()[0].uri();
    let told = failure(&task);
    assert!(told.contains(&uri) && told.contains("but not") && told.contains("no such user"), "{told}");

    // A mail that was put off is sent at the next attempt, with the link that is there.
    smtp.after_next_data(AfterData::Later);
    let params = json!({"title": "Review", "provider": "google_meet", "starts_at": "2031-05-05T10:00",
        "attendees": ["carol@test.local"]});
    let task = approved(&service, plan("meeting.create_meeting", &params)).await;
    let uri = google.spaces()[1].uri();
    assert_eq!(step(&task)["receipt"]["url"], json!(uri), "{task:#}");
    assert_eq!((google.spaces().len(), smtp.ledger().len()), (2, 1));
    assert!(smtp.ledger()[0].data.contains(&uri), "{}", smtp.ledger()[0].data);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_finds_my_wife_and_asks_which_of_two_addresses() {
    let dir = tempfile::tempdir().expect("a directory");
    let (google, smtp) = (FakeGoogle::start().await, FakeSmtp::start().await);
    let service = Service::start(&setup(dir.path(), &smtp.url(), &google));
    let priya = json!({"name": "Priya", "relation": "wife", "email": "priya@test.local"});
    let bob = json!({"name": "Bob", "email": "bob@home.local", "emails": ["bob@work.local"]});
    for contact in [priya, bob] {
        service.post("/api/contacts", contact).await;
    }
    let call = |with: &str| {
        plan(
            "meeting.schedule_call",
            &json!({"with": [with], "starts_at": "2031-05-05T10:00", "provider": "google_meet"}),
        )
    };
    let task = approved(&service, call("my wife")).await;
    assert_eq!(step(&task)["status"], "done", "{task:#}");
    assert_eq!(smtp.ledger()[0].to, ["priya@test.local"]);
    assert!(smtp.ledger()[0].data.contains(&google.spaces()[0].uri()));

    let mut ask = call("Bob");
    ask["stages"][0]["on_failure"] = json!("ask");
    let begun = service.post("/api/tasks", json!({"plan": ask, "session_id": "t"})).await;
    let asked = service.post("/api/agent/confirm", json!({"session_id": "t", "action": "approve_all"})).await;
    let options = asked["options"].as_array().unwrap_or_else(|| panic!("{asked:#}"));
    assert!(options.iter().any(|option| option["name"] == "Bob, bob@work.local"), "{asked:#}");
    service.post("/api/agent/select", json!({"session_id": "t", "selection": "offer_2"})).await;
    service.post("/api/agent/confirm", json!({"session_id": "t", "action": "approve_all"})).await;
    service.task_until(begun["task_id"].as_str().expect("a task"), has_ended).await;
    assert_eq!(smtp.ledger()[1].to, ["bob@work.local"]);
    assert_eq!(google.spaces().len(), 2, "no link is made before it is known for whom");

    // A guess is asked about, and goes out on a new yes only.
    service.contact("Carol King", "carol@test.local").await;
    let mut ask = call("King");
    ask["stages"][0]["on_failure"] = json!("ask");
    service.post("/api/tasks", json!({"plan": ask, "session_id": "u"})).await;
    let asked = service.post("/api/agent/confirm", json!({"session_id": "u", "action": "approve_all"})).await;
    assert!(asked["pending_actions"].to_string().contains("carol@test.local"), "{asked:#}");
    assert_eq!(smtp.ledger().len(), 2, "nothing went to a guess");
}
