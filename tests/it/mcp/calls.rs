//! A call from its plan to its receipt.

use reqwest::Method;
use serde_json::{Value, json};

use super::{House, approve, begin, call, plan};
use crate::service::has_ended;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_shown_confirmed_made_once_and_its_answer_is_in_the_receipt() {
    let house = House::new().await;
    let begun = begin(&house.service, &plan("mcp.s.echo", &json!({"text": "hello"}))).await;
    assert_eq!(begun["requires_confirmation"], true, "{begun:#}");
    assert_eq!(begun["pending_actions"][0]["parameters"], json!({"text": "hello"}));
    assert!(house.fake.ledger().is_empty(), "nothing happens before a yes");
    approve(&house.service).await;
    let task = house.service.task_until(begun["task_id"].as_str().expect("an id"), has_ended).await;
    assert_eq!(task["status"], "completed", "{task:#}");
    let receipt = &task["result"]["receipts"][0];
    assert_eq!(receipt["text"], "echo heard hello", "{receipt:#}");
    assert_eq!(receipt["content_types"], json!(["text"]));
    assert_eq!(house.fake.ledger(), [("echo".to_owned(), json!({"text": "hello"}))]);
    assert!(task["steps"].to_string().contains("S: echo"), "words of it: {task:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_everything_in_them_work_from_plan_to_receipt() {
    let house = House::new().await;
    let name = "mcp.s.Read.file/x-1";
    let usable = house.service.get("/api/plugins/capabilities").await;
    assert!(usable["capabilities"].as_array().is_some_and(|all| all.contains(&json!(name))), "{usable:#}");
    let (id, _) = call(&house.service, name, json!({"text": "a"})).await;
    let task = house.service.task_until(&id, has_ended).await;
    assert_eq!(task["result"]["receipts"][0]["text"], "Read.file/x-1 heard a", "{task:#}");
    assert_eq!(task["result"]["receipts"][0]["action"], name);
    let refused = house.tool("no good name").await;
    assert_eq!(refused["status"], "refused", "{refused:#}");
    assert!(refused["reason"].as_str().is_some_and(|why| why.contains("name")), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_checked_against_the_tools_own_schema() {
    let house = House::new().await;
    let send = |args: Value| {
        let body = json!({"plan": plan("mcp.s.echo", &args), "session_id": "s"});
        house.service.call(Method::POST, "/api/tasks", Some(body))
    };
    let (status, body) = send(json!({"text": 5})).await.expect("an answer");
    assert_eq!((status, &body["detail"][0]["type"]), (422, &json!("bad_parameter")), "{body:#}");
    let (status, _) = send(json!({"other": "x"})).await.expect("an answer");
    assert_eq!(status, 422);
    let (status, _) = send(json!({"text": "{{ person.name }}"})).await.expect("an answer");
    assert_eq!(status, 201, "a template is looked at once it is filled in");
    assert!(house.fake.ledger().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_lists_under_read_needs_no_yes_unless_it_carries_private_data() {
    let house = House::with(json!({"read": ["echo"]}), |_| {}).await;
    let begun = begin(&house.service, &plan("mcp.s.echo", &json!({"text": "weather"}))).await;
    let task = house.service.task_until(begun["task_id"].as_str().expect("an id"), has_ended).await;
    assert_eq!(task["status"], "completed", "{task:#}");
    let asked = begin(&house.service, &plan("mcp.s.echo", &json!({"text": "who is bob@example.org"}))).await;
    assert_eq!(asked["requires_confirmation"], true, "{asked:#}");
    assert_eq!(house.fake.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn instructions_in_an_answer_change_no_step_and_stay_words() {
    let house = House::with(json!({"read": ["inject"]}), |_| {}).await;
    let two = json!({"version": 1, "title": "Two calls", "stages": [
        {"id": "a", "type": "execution", "action": "mcp.s.inject", "params": {}},
        {"id": "b", "type": "execution", "action": "mcp.s.echo", "params": {"text": "{{ a.text }}"}}]});
    let begun = begin(&house.service, &two).await;
    let id = begun["task_id"].as_str().expect("an id").to_owned();
    let shown = house.service.task_until(&id, |task| task["status"] == "waiting").await;
    let pending = &house.service.get("/api/prompts").await["prompts"][0]["pending_actions"];
    assert_eq!(pending.as_array().map(Vec::len), Some(1), "one call is asked about: {pending:#}");
    assert_eq!(pending[0]["action_type"], "mcp.s.echo");
    let text = pending[0]["parameters"]["text"].as_str().expect("words").to_owned();
    assert!(
        text.contains("{{ 7 * 7 }}") && text.contains("{{ slots }}"),
        "a template in an answer is no template: {text}"
    );
    assert_eq!(house.fake.ledger().len(), 1, "only the look was made");
    assert_eq!(shown["steps"].as_array().map(Vec::len), Some(3), "two calls and the question: {shown:#}");
    house.service.post("/api/agent/confirm", json!({"session_id": "s", "action": "reject_all"})).await;
    house.service.task_until(&id, has_ended).await;
    let ledger = house.fake.ledger();
    assert_eq!(ledger.iter().map(|(tool, _)| tool.as_str()).collect::<Vec<_>>(), ["inject"], "0 effects");
}

#[tokio::test(flavor = "multi_thread")]
async fn structure_in_an_answer_can_be_used_by_later_stages() {
    let house = House::with(json!({"read": ["structured"]}), |_| {}).await;
    let two = json!({"version": 1, "title": "Two calls", "stages": [
        {"id": "a", "type": "execution", "action": "mcp.s.structured", "params": {}},
        {"id": "b", "type": "execution", "action": "mcp.s.echo", "params": {"text": "it has {{ a.structured.degrees }} degrees"}}]});
    let begun = begin(&house.service, &two).await;
    let id = begun["task_id"].as_str().expect("an id").to_owned();
    house.service.task_until(&id, |task| task["status"] == "waiting").await;
    approve(&house.service).await;
    house.service.task_until(&id, has_ended).await;
    assert_eq!(house.fake.ledger()[1].1, json!({"text": "it has 31 degrees"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn recursive_schemas_do_no_harm() {
    let house = House::new().await;
    let mut deep = json!({"label": "leaf"});
    for _ in 0..40 {
        deep = json!({"label": "x", "children": [deep]});
    }
    let (id, _) = call(&house.service, "mcp.s.tree", deep).await;
    let task = house.service.task_until(&id, has_ended).await;
    assert_eq!(task["status"], "completed", "{task:#}");
    let (id, _) = call(&house.service, "mcp.s.loop", json!({"a": {"b": [1, 2, 3]}})).await;
    house.service.task_until(&id, has_ended).await;
    assert_eq!(house.fake.ledger().len(), 2);
    let remote = house.tool("mcp.s.remote").await;
    assert!(remote["reason"].as_str().is_some_and(|why| why.contains("another document")), "{remote:#}");
    let body = json!({"plan": plan("mcp.s.remote", &json!({})), "session_id": "s"});
    let (status, told) = house.service.call(Method::POST, "/api/tasks", Some(body)).await.expect("an answer");
    assert_eq!((status, &told["detail"][0]["type"]), (422, &json!("not_available")), "{told:#}");
}
