//! Names become addresses.

use serde_json::{Value, json};

use super::super::people::resolve;
use super::*;

async fn resolved(stages: Value) -> Value {
    let mut plan = json!({"stages": stages});
    resolve(&mut plan, &*catalog().await, &contacts());
    plan["stages"].clone()
}

fn mail(to: &Value) -> Value {
    json!({"id": "m", "type": "execution", "action": "email.send_email", "params": {"to": to, "subject": "s", "body": "b"}})
}

#[tokio::test]
async fn people_relations_and_groups_become_their_addresses() {
    let mia = json!(["mia.archer@test.local"]);
    for name in ["Mia Archer", "mia archer", "Mia", "@Mia", "wife", "my wife"] {
        assert_eq!(resolved(json!([mail(&json!([name]))])).await[0]["params"]["to"], mia, "{name}");
        assert_eq!(resolved(json!([mail(&json!(name))])).await[0]["params"]["to"], mia, "{name} alone");
    }
    let friends = resolved(json!([mail(&json!(["my friends"]))])).await;
    assert_eq!(friends[0]["params"]["to"].as_array().map(Vec::len), Some(4), "{friends}");
    let both = resolved(json!([mail(&json!("Mia, Eve Stone"))])).await;
    assert_eq!(both[0]["params"]["to"], json!(["mia.archer@test.local", "eve.stone@test.local"]));
}

#[tokio::test]
async fn addresses_and_templates_stay_as_they_are() {
    let to = json!(["x@y.org", "{{ item.email }}"]);
    assert_eq!(resolved(json!([mail(&to)])).await, json!([mail(&to)]));
}

#[tokio::test]
async fn who_is_meant_is_asked_and_never_guessed() {
    let asked = resolved(json!([mail(&json!(["Bob"])), mail(&json!(["bob"]))])).await;
    assert_eq!(asked[0]["type"], "selection", "{asked}");
    assert_eq!(asked[0]["options"].as_array().map(Vec::len), Some(2));
    assert_eq!(asked[1]["params"]["to"], json!(["{{ address_1 }}"]));
    assert_eq!(asked.as_array().map(Vec::len), Some(3), "one question for both mails: {asked}");
    for nobody in ["Zoe", "Noah Field"] {
        let asked = resolved(json!([mail(&json!([nobody]))])).await;
        assert_eq!((&asked[0]["type"], &asked[0]["answer"]), (&json!("clarification"), &json!("email")), "{nobody}");
    }
}

#[tokio::test]
async fn everybody_on_every_level_is_found() {
    let nested = resolved(json!([{"id": "w", "type": "wait", "for": "PT1H", "then": [
        {"id": "p", "type": "parallel", "stages": [mail(&json!(["Mia"]))]}]}]))
    .await;
    assert_eq!(nested[0]["then"][0]["stages"][0]["params"]["to"], json!(["mia.archer@test.local"]));
}

#[tokio::test]
async fn options_that_are_people_carry_what_is_known_of_them() {
    let options = json!([{"id": "a", "name": "Mia"}, {"id": "c", "name": "Eve", "value": {"name": "Eve Stone"}},
        {"id": "d", "name": "Carl", "value": {"email": "x@y"}}]);
    let stage = json!({"id": "g", "type": "multi_select", "question": "Whom?", "options": options});
    let found = resolved(json!([stage])).await;
    let value = |n: usize| found[0]["options"][n].get("value").cloned().unwrap_or_default();
    assert_eq!(value(0)["email"], "mia.archer@test.local");
    assert_eq!(value(1)["email"], "eve.stone@test.local");
    assert_eq!(value(2), json!({"email": "x@y"}), "what is given stays, and is shown");
    let mixed = json!([{"id": "a", "name": "Mia"}, {"id": "b", "name": "The beach"}]);
    let stage = json!({"id": "g", "type": "selection", "question": "Which?", "options": mixed});
    assert_eq!(resolved(json!([stage.clone()])).await, json!([stage]), "a word that happens to be a name is a word");
}
