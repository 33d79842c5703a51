//! Nothing of a person who has not allowed it reaches a provider that is not the operator's own.

use super::peer::{NAMES, Peer};
use super::*;
use crate::fake_ai::Reply;
use crate::fake_web::Fault;

/// Words that rules make nothing of.
const RIDDLE: &str = "flumph the grunkle sideways";
/// A question about code.
const CODE: &str = "explain recursion in python";
/// What a model says when it does not matter what.
const SAID: &str = "Said by a model.";

async fn models() -> FakeAi {
    let ai = FakeAi::start().await;
    for name in NAMES {
        Peer::of(&ai, name).answer_with(|asked| {
            let shaped = asked.format.is_some() || asked.forced.is_some();
            if shaped { Reply::json(&json!({"kind": "reply", "text": SAID})) } else { Reply::text(SAID) }
        });
    }
    ai
}

/// The providers that anything at all was sent to.
fn told(ai: &FakeAi) -> Vec<&'static str> {
    let sent = |name: &&str| match *name {
        // That it is looked whether a server of the operator's is there tells it nothing.
        "ollama" => ai.ollama.count("POST ") > 0,
        "groq" => !ai.groq.ledger().is_empty(),
        "zuki" => !ai.zuki.ledger().is_empty(),
        _ => !ai.openai.ledger().is_empty(),
    };
    NAMES.into_iter().filter(sent).collect()
}

fn all(dir: &std::path::Path, ai: &FakeAi) -> Setup {
    with_models(Setup::new(dir, ""), ai, "groq,zuki,openai,ollama")
}

async fn response(service: &Service, session: &str, words: &str) -> String {
    let answer = say_in(service, session, words).await;
    answer["response"].as_str().unwrap_or_else(|| panic!("no words: {answer:#}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_consent_only_the_operators_own_are_asked() {
    let (ai, dir) = (models().await, tempfile::tempdir().expect("a directory"));
    let service = Service::start(&all(dir.path(), &ai));
    for (session, words) in [("a", RIDDLE), ("b", CODE)] {
        let response = response(&service, session, words).await;
        assert!(response.contains(SAID) && response.contains("ollama answered"), "{response}");
    }
    assert_eq!(told(&ai), ["ollama"]);
    // Not even when the only one that may be asked does not answer.
    Peer::of(&ai, "ollama").fails(Fault::ServerError);
    for (session, words) in [("c", RIDDLE), ("d", CODE)] {
        let response = response(&service, session, words).await;
        assert!(!response.contains(SAID), "{response}");
    }
    assert_eq!(told(&ai), ["ollama"]);

    // With consent the first is asked, and after it is taken back nobody is any more.
    allow_remote(&service).await;
    assert!(response(&service, "e", RIDDLE).await.contains("groq answered"));
    let sent = ai.groq.ledger().len();
    service.call(reqwest::Method::PATCH, "/api/settings", Some(json!({"remote_ai": false}))).await.expect("an answer");
    assert!(!response(&service, "f", RIDDLE).await.contains(SAID));
    assert_eq!((told(&ai), ai.groq.ledger().len()), (vec!["ollama", "groq"], sent));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_says_whose_they_are() {
    for (local, own) in [("openai", vec!["openai"]), ("none", vec![]), ("zuki,ollama", vec!["ollama", "zuki"])] {
        let (ai, dir) = (models().await, tempfile::tempdir().expect("a directory"));
        let service = Service::start(&all(dir.path(), &ai).with("AI_LOCAL", local));
        // What fails is followed by all that may be asked.
        for name in ["zuki", "openai", "ollama"] {
            Peer::of(&ai, name).fails(Fault::ServerError);
        }
        for (session, words) in [("a", RIDDLE), ("b", CODE), ("c", "remember that the safe is behind the mirror")] {
            response(&service, session, words).await;
        }
        assert_eq!(told(&ai), own, "AI_LOCAL={local}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_understood_is_told_what_consent_would_do() {
    let (ai, dir) = (models().await, tempfile::tempdir().expect("a directory"));
    let service = Service::start(&with_models(Setup::new(dir.path(), ""), &ai, "groq"));
    let said = response(&service, "a", RIDDLE).await;
    assert!(said.contains("With your consent groq could plan this"), "{said}");
    assert!(said.contains("in your settings"), "{said}");
    // Whoever is understood is not told.
    let answer = say_in(&service, "b", "help").await;
    assert!(!answer.to_string().contains("consent"), "{answer:#}");
    assert_eq!(told(&ai), Vec::<&str>::new());
}
