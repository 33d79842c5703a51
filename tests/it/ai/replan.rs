//! When a plan cannot go on: its maker is asked for another way, with what was done kept.

use super::*;
use crate::fake_ai::Reply;
use crate::fake_smtp::FakeSmtp;
use crate::fake_web::{FakeWeb, Fault};
use crate::service::TOKEN;

const REQUEST: &str = "tell Bob that I go out, then find me a casino and ask there for a table";
const HALL: &str = "Miramar Banquets";

/// A service whose models are Groq's, with what it mails and looks up.
struct Desk {
    ai: FakeAi,
    web: FakeWeb,
    smtp: FakeSmtp,
    service: Service,
    _dir: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let (ai, web, smtp) = (FakeAi::start().await, FakeWeb::start().await, FakeSmtp::start().await);
        let dir = tempfile::tempdir().expect("a directory");
        let setup = with_models(Setup::new(dir.path(), &smtp.url()), &ai, "groq");
        let setup = web.settings().into_iter().fold(setup, |setup, (name, value)| setup.with(name, &value));
        let service = consenting(&setup).await;
        for name in ["Bob", "Carol", "Dora"] {
            service.contact(name, &format!("{}@test.local", name.to_lowercase())).await;
        }
        Self { ai, web, smtp, service, _dir: dir }
    }

    /// What the person was told of a task, in order.
    async fn told(&self, task: &str) -> Vec<String> {
        let events = self.service.get(&format!("/api/tasks/{task}/events?after=0")).await;
        let frames = events["events"].as_array().expect("events");
        let told = frames.iter().filter(|frame| frame["type"] == "message");
        told.map(|frame| frame["data"]["text"].as_str().expect("words").to_owned()).collect()
    }

    async fn confirm(&self) -> Value {
        self.service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await
    }

    async fn select(&self, option: &Value) -> Value {
        self.service.post("/api/agent/select", json!({"session_id": "s", "selection": option})).await
    }

    /// Whom mails went to, in order of their names.
    fn mailed(&self) -> Vec<String> {
        let mut mailed: Vec<String> = self.smtp.ledger().into_iter().flat_map(|mail| mail.to).collect();
        mailed.sort();
        mailed
    }

    /// What the model was asked, each time.
    fn prompts(&self) -> Vec<String> {
        self.ai.groq.asked().iter().map(|asked| asked.user().to_owned()).collect()
    }

    fn assert_strict(&self) {
        self.ai.assert_no_violations();
        self.web.assert_no_violations();
        assert_eq!(self.smtp.violations(), Vec::<String>::new());
    }
}

fn id(answer: &Value) -> &str {
    answer["task_id"].as_str().unwrap_or_else(|| panic!("a task: {answer:#}"))
}

fn mail(stage: &str, to: &str) -> Value {
    json!({"id": stage, "type": "execution", "action": "email.send_email",
        "params": {"to": [to], "subject": "Tonight", "body": "I go out."}})
}

/// A mail to Bob, a search for this, and a letter to what was found.
fn outing(query: &str, near: &str) -> Value {
    json!({"kind": "plan", "title": "Going out", "intent": "plan_event", "slots": {}, "stages": [
        mail("tell", "Bob"),
        {"id": "places", "type": "execution", "action": "search.find_places",
         "params": {"query": query, "near": near, "limit": 8}},
        {"id": "venue", "type": "selection", "question": "Which one?", "options_from": "places.results",
         "option": {"name": "{{ item.name }}"}},
        {"id": "letter", "type": "execution", "action": "email.send_email",
         "params": {"to": ["{{ venue.email }}"], "subject": "A table", "body": "For two, please."}}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_finds_nothing_is_planned_another_way_and_nothing_is_done_twice() {
    let desk = Desk::new().await;
    desk.ai.groq.answer(Reply::json(&outing("casino", "Panaji")));
    desk.ai.groq.answer(Reply::json(&outing("party venue", "Panaji")));
    let asked = say(&desk.service, REQUEST).await;
    let task = id(&asked).to_owned();
    assert_eq!(asked["pending_actions"].as_array().map(Vec::len), Some(1), "{asked:#}");
    let venues = desk.confirm().await;
    assert_eq!(venues["stage_type"], "selection", "the mail that went out is not asked about again: {venues:#}");
    assert_eq!(desk.mailed(), ["bob@test.local"]);

    let prompts = desk.prompts();
    assert_eq!(prompts.len(), 2, "its maker is asked again, once");
    assert!(!prompts[0].contains("WHAT DID NOT WORK"), "{}", prompts[0]);
    let (done, failed) = (part(&prompts[1], "DONE ALREADY, DO NOT PLAN IT AGAIN"), part(&prompts[1], "DATA: WHAT DID"));
    let looks = part(&prompts[1], "DATA: LOOKED UP BEFORE; PLAN IT AGAIN WHERE ITS RESULT IS NEEDED");
    assert!(done.contains("- Send email to Bob: Mail sent to Bob"), "{done}");
    assert!(!done.contains("Find places"), "a look may be planned again: {done}");
    assert!(looks.contains("- Find places: Nothing was found"), "{looks}");
    assert!(failed.contains("there is nothing to choose from for \"Which one?\""), "{failed}");
    assert!(prompts[1].contains("- places execution"), "the plan before is told: {}", prompts[1]);
    assert!(!prompts[1].contains("@test.local"), "addresses stay here: {}", prompts[1]);

    let told = desk.told(&task).await;
    assert!(told.contains(&"I am looking for another way to do the rest.".to_owned()), "{told:#?}");
    let difference = told.iter().find(|text| text.starts_with("I have changed the plan.")).expect("a difference");
    let lines: Vec<&str> = difference.lines().skip(1).collect();
    assert_eq!(lines, ["+ Find places (party venue)"], "what was done or stays is not in it");

    let options = venues["options"].as_array().expect("options");
    let hall = options.iter().find(|option| option["name"] == HALL).unwrap_or_else(|| panic!("the hall: {venues:#}"));
    let card = desk.select(&hall["id"]).await;
    let letter = card["pending_actions"][0]["parameters"]["to"][0].as_str().expect("an address").to_owned();
    assert_eq!(card["pending_actions"].as_array().map(Vec::len), Some(1), "{card:#}");
    desk.confirm().await;
    let ended = desk.service.task_until(&task, has_ended).await;
    assert_eq!(ended["status"], "completed", "{ended:#}");
    assert_eq!(desk.mailed(), ["bob@test.local".to_owned(), letter], "each exactly once");
    assert_eq!(desk.prompts().len(), 2);
    desk.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_way_is_asked_for_twice_and_then_what_was_done_is_told() {
    let desk = Desk::new().await;
    for near in ["Panaji", "Calangute", "Margao", "Baga"] {
        desk.ai.groq.answer(Reply::json(&outing("casino", near)));
    }
    let asked = say(&desk.service, REQUEST).await;
    let task = id(&asked).to_owned();
    desk.confirm().await;
    let ended = desk.service.task_until(&task, has_ended).await;
    assert_eq!(desk.ai.groq.asked().len(), 1 + 2, "the plan, and twice another way");
    assert_eq!(desk.ai.groq.answers_left(), 1);
    assert_eq!(ended["status"], "completed_with_failures", "{ended:#}");
    assert_eq!(desk.mailed(), ["bob@test.local"]);
    let summary = ended["result"]["summary"].as_str().expect("a summary");
    assert!(summary.starts_with("Done in part.") && summary.contains("nothing to choose from"), "{summary}");
    let receipts = ended["result"]["receipts"].as_array().expect("receipts");
    let mails = receipts.iter().filter(|receipt| receipt["action"] == "email.send_email");
    let mails: Vec<&Value> = mails.filter(|receipt| receipt["status"] == "done").collect();
    assert_eq!(mails.len(), 1, "{receipts:#?}");
    assert_eq!(mails[0]["message_id"], desk.smtp.ledger()[0].message_id.as_str());
    let told = desk.told(&task).await;
    assert_eq!(told.iter().filter(|text| text.starts_with("I am looking for another way")).count(), 2, "{told:#?}");
    desk.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_act_that_failed_the_rest_is_planned_anew_when_the_person_chooses_so() {
    let desk = Desk::new().await;
    desk.smtp.refuse("bob@test.local", "550 5.1.1 <bob@test.local>: no such user here");
    let plan = |stages: Value| json!({"kind": "plan", "title": "Tonight", "slots": {}, "stages": stages});
    desk.ai.groq.answer(Reply::json(&plan(json!([mail("carol", "Carol"), mail("bob", "Bob")]))));
    desk.ai.groq.answer(Reply::json(&plan(json!([mail("carol", "Carol"), mail("dora", "Dora")]))));
    let asked = say(&desk.service, "tell Carol and Bob that I go out").await;
    let task = id(&asked).to_owned();
    let failed = desk.confirm().await;
    assert!(failed["response"].as_str().expect("words").contains("no such user here"), "{failed:#}");
    let options = failed["options"].as_array().expect("options");
    let replan = options.iter().find(|option| option["id"] == "replan").expect("another way can be had");
    assert_eq!(replan["name"], "Find another way");
    let card = desk.select(&replan["id"]).await;
    let acts = card["pending_actions"].as_array().unwrap_or_else(|| panic!("a new yes is asked for: {card:#}"));
    let to: Vec<&Value> = acts.iter().map(|act| &act["parameters"]["to"][0]).collect();
    assert_eq!(to, ["dora@test.local"], "Carol has her mail");
    assert_eq!(desk.mailed(), ["carol@test.local"], "the old yes does not count for Dora");
    let prompt = &desk.prompts()[1];
    assert!(part(prompt, "DATA: WHAT DID NOT WORK").contains("no such user here"), "{prompt}");
    assert!(part(prompt, "DONE ALREADY").contains("- Send email to Carol: "), "{prompt}");
    desk.confirm().await;
    desk.service.task_until(&task, has_ended).await;
    assert_eq!(desk.mailed(), ["carol@test.local", "dora@test.local"]);
    desk.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_model_answers_any_more_there_is_no_other_way_and_what_was_done_is_told() {
    let desk = Desk::new().await;
    desk.ai.groq.answer(Reply::json(&outing("casino", "Panaji")));
    let asked = say(&desk.service, REQUEST).await;
    let task = id(&asked).to_owned();
    desk.ai.groq.fault_always(Fault::ServerError);
    desk.confirm().await;
    let ended = desk.service.task_until(&task, has_ended).await;
    assert_eq!(ended["status"], "failed", "{ended:#}");
    let summary = ended["result"]["summary"].as_str().expect("a summary");
    assert!(summary.contains("without a model I know no other way (no model answered)"), "{summary}");
    let sent = summary.lines().filter(|line| line.starts_with('✓') && line.contains("bob@test.local")).count();
    assert_eq!(sent, 1, "{summary}");
    assert_eq!(desk.mailed(), ["bob@test.local"]);
    let receipts = ended["result"]["receipts"].as_array().expect("receipts");
    assert!(receipts.iter().any(|receipt| receipt["action"] == "email.send_email" && receipt["status"] == "done"));
    desk.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_made_a_plan_are_not_asked_for_another_way() {
    let desk = Desk::new().await;
    desk.ai.groq.fault_always(Fault::ServerError);
    desk.smtp.refuse("bob@test.local", "550 5.1.1 <bob@test.local>: no such user here");
    let asked = say(&desk.service, "email Bob that I go out").await;
    assert_eq!(asked["planner"], "builtin", "{asked:#}");
    let failed = desk.confirm().await;
    let options = failed["options"].as_array().unwrap_or_else(|| panic!("options: {failed:#}"));
    assert!(options.iter().all(|option| option["id"] != "replan"), "{failed:#}");
    let body = json!({"session_id": "s", "selection": "replan"});
    let refused =
        desk.service.call_as(TOKEN, reqwest::Method::POST, "/api/agent/select", Some(body), None).await.expect("it");
    assert!((400..500).contains(&refused.0), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_town_has_its_places_asked_about_anew_and_what_changed_is_shown_after_a_question() {
    let desk = Desk::new().await;
    let question = json!({"kind": "question", "text": "Which part of Calangute?", "suggestions": []});
    for answer in [outing("party venue", "Panaji"), question, outing("party venue", "Calangute")] {
        desk.ai.groq.answer(Reply::json(&answer));
    }
    let asked = say(&desk.service, "tell Bob that I go out, then find me a venue and ask there for a table").await;
    let task = id(&asked).to_owned();
    let venues = desk.confirm().await;
    let hall = venues["options"].as_array().expect("options").iter().find(|option| option["name"] == HALL);
    let card = desk.select(&hall.unwrap_or_else(|| panic!("the hall: {venues:#}"))["id"]).await;
    assert_eq!(card["pending_actions"].as_array().map(Vec::len), Some(1), "{card:#}");

    let which = say(&desk.service, "make it in Calangute instead").await;
    assert_eq!(which["stage_type"], "clarification", "{which:#}");
    let others = desk.select(&json!("The middle")).await;
    let options = others["options"].as_array().unwrap_or_else(|| panic!("other places: {others:#}"));
    let names: Vec<&Value> = options.iter().map(|option| &option["name"]).collect();
    assert_eq!(names, ["Calangute Party Hall", "Club Areca"], "{others:#}");
    let told = desk.told(&task).await;
    let difference = told.iter().find(|text| text.starts_with("I have changed the plan.")).expect("a difference");
    assert_eq!(difference.lines().skip(1).collect::<Vec<_>>(), ["+ Find places (party venue)"]);

    let card = desk.select(&options[0]["id"]).await;
    let letter = &card["pending_actions"][0];
    let notes = letter["notes"][0].as_str().unwrap_or_else(|| panic!("where it came from: {card:#}"));
    assert!(notes.contains("it came with \"Find places\""), "{notes}");
    let done = desk.confirm().await;
    let mails = done["results"].as_array().expect("results");
    let mails = mails.iter().filter(|result| result["action"] == "email.send_email");
    let mails: Vec<&str> = mails.filter_map(|mail| mail["details"]["detail"].as_str()).collect();
    assert_eq!(mails.len(), 2, "what the plan before did too: {done:#}");
    assert!(mails[0].contains("bob@test.local"), "{mails:?}");
    assert_eq!(desk.mailed().len(), 2);
    desk.assert_strict();
}

/// The lines under a heading of a prompt that begins so.
fn part<'a>(prompt: &'a str, head: &str) -> &'a str {
    let at = prompt.find(head).unwrap_or_else(|| panic!("{head} in {prompt}"));
    let lines = prompt[at..].split_once('\n').expect("lines").1;
    let mut end = 0;
    for line in lines.split_inclusive('\n').take_while(|line| line.starts_with("- ")) {
        end += line.len();
    }
    &lines[..end]
}
