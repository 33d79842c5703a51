//! What a model is told of people: their names, never how they are reached; and never a key.

use super::peer::{NAMES, Peer};
use super::*;
use crate::fake_ai::{Asked, Reply};
use crate::fake_smtp::FakeSmtp;

/// How Bob is reached.
const MAIL: &str = "bob.miller@test.local";
/// How Ann's sister is reached, with blanks as people write them.
const PHONE: &str = "+49 170 555 12 34";

fn find(name: &str) -> Value {
    json!({"kind": "plan", "title": "Who", "intent": "find", "slots": {}, "stages": [
        {"id": "who", "type": "execution", "action": "contacts.find_contact", "params": {"query": name}}]})
}

/// Everything that was sent to a provider, in words.
fn prompts(ai: &FakeAi, name: &str) -> Vec<String> {
    match name {
        "ollama" => ai.ollama.prompts(),
        "groq" => ai.groq.prompts(),
        "zuki" => ai.zuki.prompts(),
        _ => ai.openai.prompts(),
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn assert_private(ai: &FakeAi, name: &str) {
    for prompt in prompts(ai, name) {
        for (at, _) in prompt.match_indices('@') {
            let around: String = prompt[..at].chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
            assert!(!around.to_lowercase().ends_with("bob.miller"), "{name} is told an address: {around}@");
        }
        for line in prompt.lines() {
            assert!(!digits(line).contains("1705551234"), "{name} is told a number: {line}");
        }
    }
    match name {
        "ollama" => {}
        "groq" => ai.groq.assert_secret(&ai.groq.key()),
        "zuki" => ai.zuki.assert_secret(&ai.zuki.key()),
        _ => ai.openai.assert_secret(&ai.openai.key()),
    }
    for prompt in prompts(ai, name) {
        for key in [ai.groq.key(), ai.zuki.key(), ai.openai.key()] {
            assert!(!prompt.contains(&key), "{name} is told a key");
        }
    }
}

/// Answers one after the other, the last of them for all that follow.
fn script(peer: &Peer, replies: Vec<Value>) {
    let mut left = replies.into_iter();
    let mut last = json!({});
    peer.answer_with(move |_: &Asked| {
        last = left.next().unwrap_or_else(|| last.clone());
        Reply::json(&last)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn people_go_by_their_names_and_keys_by_nothing() {
    for name in NAMES {
        let (ai, smtp) = (FakeAi::start().await, FakeSmtp::start().await);
        let dir = tempfile::tempdir().expect("a directory");
        let service = consenting(&with_models(Setup::new(dir.path(), &smtp.url()), &ai, name)).await;
        let bob = json!({"name": "Bob Miller", "email": MAIL, "groups": ["team"], "relation": "colleague"});
        service.post("/api/contacts", bob).await;
        service.post("/api/contacts", json!({"name": "Carla Archer", "relation": "sister", "phone": PHONE})).await;
        let peer = Peer::of(&ai, name);
        let mut faulty = mail_plan("Bob Miller", "x");
        faulty["stages"][0]["params"]["subject"] = json!(17);
        let good = mail_plan("Bob Miller", "Hello");
        script(&peer, vec![find("Bob"), find("Carla"), faulty, good.clone(), good]);

        // What was found is known in this conversation from now on.
        for (words, found) in [("who is Bob?", MAIL), ("who is my sister?", PHONE)] {
            let answer = say(&service, words).await;
            assert!(answer["response"].as_str().is_some_and(|text| text.contains(found)), "{answer:#}");
        }
        // The mail server repeats an address in its refusal, which is told to whoever plans anew.
        smtp.refuse(MAIL, &format!("550 5.1.1 <{MAIL}>: no such user"));
        let answer = say(&service, "write to Bob and the team what I promised").await;
        assert_eq!(answer["pending_actions"][0]["parameters"]["to"], json!([MAIL]), "{answer:#}");
        let failed = service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await;
        let options = failed["options"].as_array().unwrap_or_else(|| panic!("nothing to choose: {failed:#}"));
        assert!(options.iter().any(|option| option["id"] == "replan"), "{failed:#}");
        let again = service.post("/api/agent/select", json!({"session_id": "s", "selection": "replan"})).await;
        assert_eq!(again["requires_confirmation"], true, "{again:#}");

        let asked = peer.asked();
        assert_eq!(asked.len(), 5, "{name}");
        let last = asked.last().expect("a request").user();
        for known in ["WHAT DID NOT WORK", "BEFORE IN THIS CHAT", "Bob Miller (colleague)", "Carla Archer (sister)"] {
            assert!(last.contains(known), "{name}: {known} is not in it\n{last}");
        }
        assert!(last.contains("GROUP team: Bob Miller"), "{last}");
        assert_private(&ai, name);
        ai.assert_no_violations();
    }
}
