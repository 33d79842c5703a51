//! What people ask for, from the words to the mail.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fake_smtp::{FakeSmtp, header};
use crate::service::{Service, Setup, TOKEN, has_ended};

struct Desk {
    smtp: FakeSmtp,
    service: Service,
    _dir: tempfile::TempDir,
}

async fn desk() -> Desk {
    let dir = tempfile::tempdir().expect("a directory");
    let smtp = FakeSmtp::start().await;
    let service = Service::start(&Setup::new(dir.path(), &smtp.url()));
    service.contact("Bob", "bob@test.local").await;
    service.contact("Carol", "carol@test.local").await;
    Desk { smtp, service, _dir: dir }
}

impl Desk {
    async fn say(&self, text: &str) -> Value {
        self.service.post("/api/agent/process", json!({"message": text, "session_id": "s"})).await
    }

    async fn approve(&self) -> Value {
        self.service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_becomes_a_confirmed_mail_with_a_meeting_link() {
    let desk = desk().await;
    let asked =
        desk.say("Email Bob and Carol that the review moved to Friday 3pm and set up a video meeting for it").await;
    assert_eq!(asked["stage_type"], "confirmation", "{asked:#}");
    let shown = &asked["pending_actions"][0]["parameters"];
    let link = asked["meeting_url"].as_str().expect("a link").to_owned();
    assert!(shown["body"].as_str().expect("a body").contains(&link), "{shown}");
    assert!(desk.smtp.ledger().is_empty(), "nothing goes out before the yes");

    let done = desk.approve().await;
    assert_eq!(done["status"], "completed", "{done:#}");
    let ledger = desk.smtp.ledger();
    assert_eq!(ledger.len(), 1);
    let mail = &ledger[0];
    assert_eq!(mail.to, ["bob@test.local", "carol@test.local"]);
    assert_eq!(mail.from, "bot@test.local");
    assert!(mail.data.contains("3:00 pm") && mail.data.contains(&link), "{}", mail.data);
    let receipt = done["results"].as_array().expect("results").iter().find(|r| r["action"] == "email.send_email");
    assert_eq!(receipt.expect("a receipt")["details"]["message_id"], mail.message_id.as_str());
    assert!(header(&mail.data, "From").expect("a sender").contains("Ann Archer"));
    assert_eq!(desk.smtp.violations(), Vec::<String>::new());
    let task = desk.service.get(&format!("/api/tasks/{}", asked["task_id"].as_str().expect("a task"))).await;
    assert_eq!((&task["status"], &task["progress"]), (&json!("completed"), &json!(100)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_recipient_is_asked_about_and_the_others_get_theirs_once() {
    let desk = desk().await;
    desk.smtp.refuse("nobody@test.local", "550 5.1.1 <nobody@test.local>: no such user here");
    let guests: Vec<Value> = ["bob", "nobody", "carol"]
        .iter()
        .map(|name| json!({"id": name, "name": name, "value": {"email": format!("{name}@test.local")}}))
        .collect();
    let plan = json!({"version": 1, "title": "Three mails", "stages": [
        {"id": "who", "type": "multi_select", "question": "Who?", "options": guests},
        {"id": "mail", "type": "execution", "action": "email.send_email", "for_each": "who",
         "params": {"to": ["{{ item.email }}"], "subject": "Hello", "body": "Hello there"}}]});
    let begun = desk.service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    let id = begun["task_id"].as_str().expect("a task").to_owned();
    let chosen = desk
        .service
        .post("/api/agent/select", json!({"session_id": "s", "selections": ["bob", "nobody", "carol"]}))
        .await;
    assert_eq!(chosen["pending_actions"].as_array().map(Vec::len), Some(3), "{chosen:#}");
    desk.approve().await;
    let prompts = desk.service.get("/api/prompts").await;
    let failure = &prompts["prompts"][0];
    assert!(failure["question"].as_str().expect("words").contains("no such user here"), "{failure:#}");
    desk.service.task_until(&id, |_| desk.smtp.ledger().len() == 2).await;

    desk.service
        .post("/api/agent/select", json!({"session_id": "s", "prompt_id": failure["prompt_id"], "selection": "other"}))
        .await;
    let again =
        desk.service.post("/api/agent/select", json!({"session_id": "s", "selection": "dora@test.local"})).await;
    assert_eq!(again["pending_actions"][0]["parameters"]["to"], json!(["dora@test.local"]), "{again:#}");
    assert_eq!(desk.smtp.ledger().len(), 2, "the new address waits for its own yes");
    desk.approve().await;
    desk.service.task_until(&id, has_ended).await;
    let mut got: Vec<String> = desk.smtp.ledger().into_iter().flat_map(|mail| mail.to).collect();
    got.sort();
    assert_eq!(got, ["bob@test.local", "carol@test.local", "dora@test.local"], "each exactly once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_taps_have_one_effect() {
    let desk = desk().await;
    let asked = desk.say("Email bob@test.local: lunch at noon?").await;
    let body = json!({"session_id": "s", "action": "approve_all", "prompt_id": asked["prompt_id"]});
    let taps = (0..100).map(|_| desk.service.call(Method::POST, "/api/agent/confirm", Some(body.clone())));
    let answers = futures_util::future::join_all(taps).await;
    let won = answers.iter().filter(|answer| matches!(answer, Ok((200, _)))).count();
    let late =
        answers.iter().filter(|answer| matches!(answer, Ok((409, body)) if body["code"] == "already_decided")).count();
    assert_eq!((won, late), (1, 99));
    assert_eq!(desk.smtp.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_it_in_words_and_a_late_yes_does_nothing() {
    let desk = desk().await;
    let asked = desk.say("Email Bob that I am late").await;
    let stopped = desk.say("stop").await;
    assert_eq!(stopped["task_id"], asked["task_id"]);
    let body = json!({"session_id": "s", "action": "approve_all", "prompt_id": asked["prompt_id"]});
    let (status, answer) = desk.service.call(Method::POST, "/api/agent/confirm", Some(body)).await.expect("an answer");
    assert_eq!(status, 409, "{answer}");
    assert!(desk.smtp.ledger().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_mind_voids_the_old_question_and_is_confirmed_anew() {
    let desk = desk().await;
    let asked = desk.say("Email Bob and Carol that the review moved to Friday 3pm").await;
    let changed = desk.say("make it Sunday").await;
    assert_eq!(changed["task_id"], asked["task_id"], "{changed:#}");
    let body = changed["pending_actions"][0]["parameters"]["body"].as_str().expect("a body");
    assert!(body.contains("Sunday") && !body.contains("Friday"), "{body}");
    let old = json!({"session_id": "s", "action": "approve_all", "prompt_id": asked["prompt_id"]});
    let (status, _) = desk.service.call(Method::POST, "/api/agent/confirm", Some(old)).await.expect("an answer");
    assert_eq!(status, 409);
    assert!(desk.smtp.ledger().is_empty());
    desk.approve().await;
    assert_eq!(desk.smtp.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn own_things_happen_at_once_and_can_be_taken_back() {
    let desk = desk().await;
    let plan = json!({"version": 1, "title": "Dentist", "stages": [{"id": "e", "type": "execution", "action": "calendar.schedule_event",
        "params": {"title": "Dentist", "starts_at": "2031-05-05T10:00", "duration_minutes": 30}}]});
    let made = desk.service.post("/api/tasks", json!({"plan": plan})).await;
    let id = made["task_id"].as_str().expect("a task");
    desk.service.task_until(id, has_ended).await;
    let events = "/api/events?from=2031-05-01T00:00:00Z&to=2031-06-01T00:00:00Z";
    assert_eq!(desk.service.get(events).await["events"][0]["title"], "Dentist");
    desk.service.post(&format!("/api/tasks/{id}/undo"), json!({})).await;
    desk.service.task_until(id, |task| task["result"]["receipts"].to_string().contains("undone")).await;
    assert_eq!(desk.service.get(events).await["events"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_is_told_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let setup = Setup::new(dir.path(), "");
    let service = Service::start(&setup);
    let plan = json!({"version": 1, "title": "Soon", "stages": [{"id": "w", "type": "wait", "for": "PT2S", "then": [
        {"id": "n", "type": "execution", "action": "notify.send_notification", "params": {"text": "the kettle boils"}}]}]});
    let id = service.post("/api/tasks", json!({"plan": plan})).await["task_id"].as_str().expect("a task").to_owned();
    assert!(service.stop(), "it ends well when it is asked to");
    let service = Service::start(&setup);
    let task = service.task_until(&id, has_ended).await;
    assert_eq!(task["status"], "completed", "{task:#}");
    let events = service.get(&format!("/api/tasks/{id}/events?after=0")).await;
    let told =
        events["events"].as_array().expect("events").iter().filter(|frame| frame["type"] == "notification").count();
    assert_eq!(told, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_under_the_same_key_happens_once() {
    let desk = desk().await;
    let body = json!({"message": "Email Bob that I am late", "session_id": "s"});
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let call = desk.service.call_as(TOKEN, Method::POST, "/api/agent/process", Some(body.clone()), Some("key-1"));
        tasks.push(call.await.expect("an answer").1["task_id"].clone());
    }
    assert!(tasks.windows(2).all(|pair| pair[0] == pair[1]), "{tasks:?}");
    assert_eq!(desk.service.get("/api/tasks/").await["tasks"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_every_stage_type_nested_runs_to_its_end() {
    let desk = desk().await;
    desk.smtp.refuse("eve@test.local", "550 5.1.1 no eve here");
    let guest = |id: &str| json!({"id": id, "name": id, "value": {"name": id, "email": format!("{id}@test.local")}});
    let plan = json!({"version": 1, "title": "A party", "intent": "plan_event", "slots": {"date": "2031-11-28", "people": 2}, "stages": [
        {"id": "area", "type": "clarification", "question": "Which area?", "answer": "text", "suggestions": ["North", "South"]},
        {"id": "free", "type": "execution", "action": "calendar.check_availability", "params": {"from": "{{ slots.date }}T18:00", "to": "{{ slots.date }}T23:00"}},
        {"id": "hour", "type": "selection", "question": "{{ free.free | length }} stretch is free in the {{ area }}. Which?",
         "options_from": "free.free", "option": {"name": "from {{ item.from }}"}},
        {"id": "guests", "type": "multi_select", "question": "Who?", "min": 1, "max": 2, "options": [guest("bob"), guest("eve")]},
        {"id": "ok", "type": "confirmation", "question": "Shall I go ahead?", "covers": ["go"]},
        {"id": "go", "type": "parallel", "stages": [
            {"id": "event", "type": "execution", "action": "calendar.schedule_event", "params": {"title": "Party", "starts_at": "{{ hour.from }}"}},
            {"id": "invite", "type": "execution", "action": "email.send_invitation", "for_each": "guests", "on_failure": "skip",
             "params": {"to": ["{{ item.email }}"], "title": "Party", "starts_at": "{{ hour.from }}", "duration_minutes": 180}}]},
        {"id": "check", "type": "conditional", "if": "invite.failed | length > 0", "then": [
            {"id": "note", "type": "execution", "action": "notify.send_notification", "params": {"text": "Not reached: {{ invite.failed[0].item.name }}"}}], "else": []},
        {"id": "soon", "type": "wait", "for": "PT1S", "then": [
            {"id": "nudge", "type": "execution", "action": "notify.send_notification", "params": {"text": "The party is near"}}]}]});
    let begun = desk.service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    let id = begun["task_id"].as_str().expect("a task").to_owned();
    let choose = async |body: Value| {
        let mut all = json!({"session_id": "s"});
        all.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
        desk.service.post("/api/agent/select", all).await
    };
    let asked = choose(json!({"selection": "2"})).await;
    assert_eq!(asked["response"], "1 stretch is free in the South. Which?", "{asked:#}");
    choose(json!({"selection": "1"})).await;
    let shown = choose(json!({"selections": ["bob", "eve"]})).await;
    assert_eq!(shown["pending_actions"].as_array().map(Vec::len), Some(3), "{shown:#}");
    desk.approve().await;
    let task = desk.service.task_until(&id, has_ended).await;
    assert_eq!(task["status"], "completed_with_failures", "{task:#}");
    let texts = task["result"]["receipts"].to_string();
    assert!(
        texts.contains("Not reached: eve") && texts.contains("The party is near") && texts.contains("no eve here"),
        "{texts}"
    );
    let got: Vec<String> = desk.smtp.ledger().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(got, ["bob@test.local"]);
    assert_eq!(task["progress"], 100);
}
