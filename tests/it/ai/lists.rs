//! Addresses that are asked for, in the place of a list: whichever way a model writes it.

use super::*;
use crate::fake_ai::Reply;
use crate::fake_smtp::FakeSmtp;

/// A question, then a mail to what was answered.
fn plan(question: &Value, to: &Value) -> Value {
    json!({"kind": "plan", "title": "Hello", "intent": "send_email", "slots": {}, "stages": [question,
        {"id": "mail", "type": "execution", "action": "email.send_email",
         "params": {"to": to, "subject": "Hello", "body": "Hello there."}}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_a_list_of_addresses_however_it_is_written() {
    let (ai, smtp, dir) = (FakeAi::start().await, FakeSmtp::start().await, tempfile::tempdir().expect("a directory"));
    let service = Service::start(&with_models(Setup::new(dir.path(), &smtp.url()), &ai, "ollama"));
    let asks = |answer: &str| json!({"id": "who", "type": "clarification", "question": "To whom?", "answer": answer});
    let friend = |name: &str| json!({"id": name, "name": name, "value": {"email": format!("{name}@test.local")}});
    let picks =
        json!({"id": "who", "type": "multi_select", "question": "Whom?", "options": [friend("eve"), friend("kim")]});
    let one = json!({"selection": "eve@test.local"});
    let two = json!({"selection": "eve@test.local and kim@test.local"});
    let both = json!({"selections": ["eve", "kim"]});
    let cases: [(Value, Value, &Value, &[&str]); 6] = [
        (asks("email"), json!("{{ who }}"), &one, &["eve@test.local"]),
        (asks("email"), json!(["{{ who }}"]), &one, &["eve@test.local"]),
        (asks("emails"), json!("{{ who }}"), &two, &["eve@test.local", "kim@test.local"]),
        (asks("emails"), json!(["{{ who }}"]), &two, &["eve@test.local", "kim@test.local"]),
        (
            picks.clone(),
            json!("{{ who | map(attribute='email') | list }}"),
            &both,
            &["eve@test.local", "kim@test.local"],
        ),
        (picks, json!(["{{ who | map(attribute='email') }}"]), &both, &["eve@test.local", "kim@test.local"]),
    ];
    for (n, (question, to, answer, wanted)) in cases.into_iter().enumerate() {
        ai.ollama.answer(Reply::json(&plan(&question, &to)));
        let session = format!("s{n}");
        let body = json!({"message": "write hello to somebody", "session_id": session});
        service.post("/api/agent/process", body).await;
        let mut answer = answer.clone();
        answer["session_id"] = json!(session);
        let card = service.post("/api/agent/select", answer).await;
        assert_eq!(card["pending_actions"][0]["parameters"]["to"], json!(wanted), "{to}: {card:#}");
    }
    assert_eq!(ai.ollama.asked().len(), 6, "none is planned anew");
    ai.assert_no_violations();
}
