//! Real servers: Postfix takes the mail, Dovecot keeps it, and what arrived is read over IMAP;
//! Radicale and Xandikos keep calendars; an MCP server is called; a small language model answers.
//!
//! `tests/run` starts the servers and names them in `MAIL_SMTP_PORT`, `MAIL_IMAPS_PORT` and
//! `MAIL_CA`. Without them nothing here can run, and each test says so loudly.

#[path = "../it/service.rs"]
#[expect(dead_code, reason = "the other suite uses what this one does not")]
mod service;

#[path = "../it/fake_smtp.rs"]
#[expect(dead_code, reason = "the other suite uses what this one does not")]
mod fake_smtp;

mod caldav;
mod llm;
mod mailbox;
mod mcp;

use reqwest::Method;
use serde_json::{Value, json};

use mailbox::Mailbox;
use service::{Service, Setup, has_ended};

/// Where the servers are; `None`, said loudly, when they were not started.
struct Peers {
    smtp_port: String,
    imaps_port: u16,
    ca: String,
}

fn peers() -> Option<Peers> {
    let found = (|| {
        Some(Peers {
            smtp_port: std::env::var("MAIL_SMTP_PORT").ok()?,
            imaps_port: std::env::var("MAIL_IMAPS_PORT").ok()?.parse().ok()?,
            ca: std::env::var("MAIL_CA").ok()?,
        })
    })();
    if found.is_none() {
        println!("!!!! NOT RUN: no mail servers (use tests/run) !!!!");
        assert!(std::env::var_os("PEERS_REQUIRED").is_none(), "the peers are required and are not there");
    }
    found
}

impl Peers {
    fn setup(&self, dir: &std::path::Path, password: &str) -> Setup {
        Setup::new(dir, "")
            .with("SMTP_URL", &format!("smtp://localhost:{}", self.smtp_port))
            .with("SMTP_EMAIL", "bot@test.local")
            .with("SMTP_PASSWORD", password)
            .with("MAIL_CA_FILE", &self.ca)
            .with("DEFAULT_TIMEZONE", "Europe/Berlin")
    }

    async fn mailbox(&self, user: &str) -> Mailbox {
        Mailbox::open(self.imaps_port, &self.ca, user, "secret").await
    }
}

async fn approve(service: &Service) -> Value {
    service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_arrives_as_mail_with_date_and_link_and_the_receipt_has_its_message_id() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&peers.setup(dir.path(), "secret"));
    service.contact("Bob", "user@test.local").await;
    service.contact("Carol", "guest@test.local").await;
    let words = "Email Bob and Carol that the review moved to Friday 3pm and set up a video meeting for it";
    let asked = service.post("/api/agent/process", json!({"message": words, "session_id": "s"})).await;
    assert_eq!(asked["requires_confirmation"], true, "{asked:#}");
    let link = asked["meeting_url"].as_str().expect("a link").to_owned();
    let done = approve(&service).await;
    let results = done["results"].as_array().expect("results");
    let sent = results.iter().find(|result| result["action"] == "email.send_email").expect("a mail");
    let message_id = sent["details"]["message_id"].as_str().expect("a Message-ID").to_owned();
    for user in ["user@test.local", "guest@test.local"] {
        let mail = peers.mailbox(user).await.wait_for(&message_id).await;
        let to = mail.header("To");
        assert!(to.contains("user@test.local") && to.contains("guest@test.local"), "{to}");
        assert_eq!(mail.header("Message-ID"), message_id);
        assert!(mail.text.contains("Friday") && mail.text.contains("3:00 pm"), "{}", mail.text);
        assert!(mail.text.contains(&link), "{}", mail.text);
        assert!(mail.header("From").contains("Ann Archer"));
        assert_eq!(peers.mailbox(user).await.count(&message_id).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_postfix_refuses_is_asked_about_and_its_replacement_gets_the_mail() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&peers.setup(dir.path(), "secret"));
    let subject = format!("Three {}", dir.path().display());
    let guests: Vec<Value> = ["user", "nobody", "guest"]
        .iter()
        .map(|name| json!({"id": name, "name": name, "value": {"email": format!("{name}@test.local")}}))
        .collect();
    let plan = json!({"version": 1, "title": "Three mails", "stages": [
        {"id": "who", "type": "multi_select", "question": "Who?", "options": guests},
        {"id": "mail", "type": "execution", "action": "email.send_email", "for_each": "who",
         "params": {"to": ["{{ item.email }}"], "subject": subject, "body": "Hello there"}}]});
    let begun = service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    let all = json!({"session_id": "s", "selections": ["user", "nobody", "guest"]});
    service.post("/api/agent/select", all).await;
    approve(&service).await;
    let open = service.get("/api/prompts").await;
    let failure = &open["prompts"][0];
    let question = failure["question"].as_str().expect("words");
    assert!(question.contains("550") && question.contains("nobody@test.local"), "{question}");
    let other = json!({"session_id": "s", "prompt_id": failure["prompt_id"], "selection": "other"});
    service.post("/api/agent/select", other).await;
    service.post("/api/agent/select", json!({"session_id": "s", "selection": "friend@test.local"})).await;
    approve(&service).await;
    let id = begun["task_id"].as_str().expect("a task");
    let task = service.task_until(id, has_ended).await;
    assert_eq!(task["status"], "completed", "{task:#}");
    for receipt in task["result"]["receipts"].as_array().expect("receipts") {
        let message_id = receipt["message_id"].as_str().expect("a Message-ID");
        let address = receipt["accepted"][0].as_str().expect("an address");
        peers.mailbox(address).await.wait_for(message_id).await;
        assert_eq!(peers.mailbox(address).await.count(message_id).await, 1, "{address} has it once");
    }
    assert_eq!(task["result"]["receipts"].as_array().map(Vec::len), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_a_clear_failure_and_doctor_exits_with_1() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let setup = peers.setup(dir.path(), "canary-wrong");
    let doctor = setup.command().arg("doctor").output().expect("doctor runs");
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert_eq!(doctor.status.code(), Some(1), "{said}");
    assert!(said.contains("535") && !said.contains("canary"), "{said}");
    let right = peers.setup(dir.path(), "secret").command().arg("doctor").output().expect("doctor runs");
    assert_eq!(right.status.code(), Some(0), "{}", String::from_utf8_lossy(&right.stdout));

    let service = Service::start(&setup);
    let words = json!({"message": "Email user@test.local: hello there", "session_id": "s"});
    service.post("/api/agent/process", words).await;
    let failed = approve(&service).await;
    assert!(failed.to_string().contains("SMTP_PASSWORD"), "{failed:#}");
    let cancelled =
        service.call(Method::POST, "/api/agent/process", Some(json!({"message": "stop", "session_id": "s"})));
    assert_eq!(cancelled.await.expect("an answer").0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_arrives_with_a_calendar_part_that_says_when() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&peers.setup(dir.path(), "secret"));
    let plan = json!({"version": 1, "title": "Party", "stages": [{"id": "i", "type": "execution", "action": "email.send_invitation",
        "params": {"to": ["user@test.local"], "title": "Party", "starts_at": "2031-07-01T19:00", "duration_minutes": 90, "location": "Beach"}}]});
    let begun = service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    approve(&service).await;
    let task = service.task_until(begun["task_id"].as_str().expect("a task"), has_ended).await;
    let receipt = &task["result"]["receipts"][0];
    let mail = peers.mailbox("user@test.local").await.wait_for(receipt["message_id"].as_str().expect("an id")).await;
    let ics = mail.calendar.expect("a calendar part");
    assert!(mail.method.as_deref().is_some_and(|method| method.eq_ignore_ascii_case("REQUEST")));
    for line in
        ["METHOD:REQUEST", "DTSTART:20310701T170000Z", "DTEND:20310701T183000Z", "SUMMARY:Party", "LOCATION:Beach"]
    {
        assert!(ics.contains(line), "{line} is not in\n{ics}");
    }
    assert!(ics.contains(receipt["uid"].as_str().expect("a uid")), "{ics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_gets_the_letter_that_was_shown_and_the_one_that_takes_it_back() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&peers.setup(dir.path(), "secret"));
    let plan = json!({"version": 1, "title": "A table", "stages": [{"id": "ask", "type": "execution", "action": "booking.book_restaurant",
        "params": {"venue": "Strandhaus", "venue_email": "user@test.local", "date": "2031-07-01", "time": "19:00", "people": 4,
                   "notes": "Bitte am Fenster."}}]});
    let begun = service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    let task = begun["task_id"].as_str().expect("a task");
    approve(&service).await;
    let ended = service.task_until(task, has_ended).await;
    let mut mailbox = peers.mailbox("user@test.local").await;
    let asked = mailbox.wait_for(ended["result"]["receipts"][0]["message_id"].as_str().expect("an id")).await;
    for words in ["a table for 4 people on Tuesday 1 July 2031 at 19:00", "Bitte am Fenster.", "Ann Archer"] {
        assert!(asked.text.contains(words), "{words} is not in\n{}", asked.text);
    }
    service.post(&format!("/api/tasks/{task}/undo"), json!({})).await;
    let undone = service.task_until(task, |task| task["result"]["receipts"].to_string().contains("undone")).await;
    let receipts = undone["result"]["receipts"].as_array().expect("receipts");
    let last = receipts.iter().rev().find_map(|receipt| receipt["message_id"].as_str()).expect("an id");
    let taken_back = mailbox.wait_for(last).await;
    let subject = taken_back.header("Subject");
    assert!(subject.starts_with("Cancelled: Reservation for 4 people"), "{subject}");
}
