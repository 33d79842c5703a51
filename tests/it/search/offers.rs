//! Names that several places have.

use serde_json::{Value, json};

use super::{Desk, each};
use crate::service::has_ended;

const AREA: &str = "GET /search";
const PLACES: &str = "POST /api/interpreter";

async fn asked(desk: &Desk, near: &str) -> (String, Value) {
    let plan = json!({"version": 1, "title": "T", "stages": [{"id": "look", "type": "execution",
        "action": "search.find_places", "params": {"query": "cafe", "near": near}}]});
    let begun = desk.service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    let task = begun["task_id"].as_str().expect("a task").to_owned();
    desk.service
        .task_until(&task, |task| task["status"].as_str().is_some_and(|status| status.starts_with("wait")))
        .await;
    let prompts = desk.service.get("/api/prompts").await;
    (task, prompts["prompts"][0].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_springfields_the_person_says_which_and_just_that_one_is_searched() {
    let desk = Desk::new().await;
    let (task, prompt) = asked(&desk, "Springfield").await;
    let options = prompt["options"].as_array().unwrap_or_else(|| panic!("no options: {prompt:#}"));
    let names: Vec<&str> = options.iter().filter_map(|option| option["name"].as_str()).collect();
    assert_eq!(names[0], "Springfield, Sangamon County, Illinois, United States");
    assert_eq!(names.iter().filter(|name| name.starts_with("Springfield, ")).count(), 10, "{names:#?}");
    assert_eq!(desk.overpass.count(""), 0, "nothing is looked for before it is known where");

    let oregon = options.iter().find(|option| option["name"].to_string().contains("Oregon")).expect("it is there");
    desk.overpass.add_element(crate::fake_web::overpass::Element::new(
        crate::fake_web::overpass::Kind::Node,
        9_001,
        44.0463,
        -123.0221,
        "amenity=cafe|name=Oregon Beans",
    ));
    let body = json!({"session_id": "s", "prompt_id": prompt["prompt_id"], "selection": oregon["id"]});
    desk.service.post("/api/agent/select", body).await;
    let ended = desk.service.task_until(&task, has_ended).await;
    assert_eq!(ended["status"], "completed", "{ended:#}");
    let receipts = ended["result"]["receipts"].as_array().expect("receipts");
    let found = receipts.iter().find(|receipt| receipt["status"] == "done").expect("a receipt");
    assert_eq!(each(found, "name"), ["Oregon Beans"]);
    assert_eq!((desk.nominatim.count(AREA), desk.overpass.count(PLACES)), (1, 1), "the place was known exactly");
    desk.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_said_more_exactly_is_no_question() {
    let desk = Desk::new().await;
    let (found, failed) = desk.places("cafe", "Springfield, Vermont").await;
    assert!(
        !failed && found["detail"].as_str().is_some_and(|words| words.contains("Springfield, United States")),
        "{found:#}"
    );
    let (found, failed) = desk.places("hotel", "Goa").await;
    assert!(!failed && each(&found, "name").contains(&"Grande Palms Resort"), "{found:#}");
    desk.assert_no_violations();
}
