//! Questions about code.

use std::sync::Mutex;

use workflows::ports::Listener;
use workflows::state::Amendment;

use super::*;
use crate::ai::{approve, say, with_models};
use crate::fake_ai::Reply;
use crate::fake_smtp::FakeSmtp;
use crate::fake_web::Fault;
use crate::service::{Service, Setup};

const QUESTION: &str = "write a regex for German postcodes";
const ANSWER: &str = "Five digits, the first two not both 0:\n```\n^(?!00)\\d{5}$\n```\nAnchor it, or it finds parts.";

impl Desk {
    /// What comes of the question, and what is heard of it meanwhile.
    async fn heard(&self) -> (Planned, Vec<String>) {
        let heard = Mutex::new(Vec::new());
        let hear = |text: &str| heard.lock().expect("no holder panics").push(text.to_owned());
        let request = PlanRequest {
            listener: Listener::new(&hear),
            ..PlanRequest::new(QUESTION, &self.person, &[], now(), &self.catalog)
        };
        let planned = self.planner.plan(request).await.expect("an answer");
        (planned, heard.into_inner().expect("no holder panics"))
    }
}

#[tokio::test]
async fn a_question_about_code_goes_to_its_model_and_is_heard_as_it_comes() {
    let desk = Desk::new(|ai| vec![ollama(ai, all_models())]).await;
    desk.ai.ollama.answer(Reply::text(ANSWER).in_chunks(10));
    let (planned, heard) = desk.heard().await;
    let Proposal::Reply { text, intent } = &planned.proposal else { panic!("a reply, not {planned:?}") };
    assert_eq!((planned.by.as_str(), text.as_str(), intent.kind.as_str()), ("ollama", ANSWER, "code"));
    let asked = desk.ai.ollama.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].model.as_str(), asked[0].stream), ("codellama", true));
    assert_eq!((&asked[0].format, asked[0].tools.len()), (&None, 0), "words have no form");
    assert_eq!(asked[0].user(), QUESTION);
    assert!(heard.len() > 5, "it grows piece by piece: {heard:?}");
    let mut so_far = "";
    for text in &heard {
        assert!(text.starts_with(so_far) && text.len() > so_far.len(), "{text:?} grows from {so_far:?}");
        so_far = text;
    }
    assert_eq!(so_far, ANSWER);
    desk.ai.assert_no_violations();
}

#[tokio::test]
async fn thoughts_are_neither_said_nor_heard() {
    let desk = Desk::new(|ai| vec![ollama(ai, all_models())]).await;
    desk.ai.ollama.answer(Reply::text(format!("<think>Hm, which country?</think>\n\n{ANSWER}")).in_chunks(10));
    let (planned, heard) = desk.heard().await;
    assert_eq!(reply(&planned), ANSWER);
    assert!(heard.len() > 5, "{heard:?}");
    assert!(heard.iter().all(|text| !text.is_empty() && ANSWER.starts_with(text.as_str())), "{heard:?}");
}

#[tokio::test]
async fn what_is_to_be_done_with_code_and_what_changes_a_request_is_planned() {
    let desk = Desk::new(|ai| vec![ollama(ai, all_models())]).await;
    desk.ai.ollama.answer_with(|_| Reply::json(&some_plan()));
    let texts =
        ["email Bob the code", "send Bob the Python function I wrote", "remind me to fix the Rust function tomorrow"];
    for text in texts {
        desk.plan(text, "t1", &[]).await;
    }
    let request = PlanRequest {
        amendments: &[Amendment { text: "in French".to_owned(), said_at: None }],
        ..PlanRequest::new(QUESTION, &desk.person, &[], now(), &desk.catalog)
    };
    desk.planner.plan(request).await.expect("a proposal");
    let asked = desk.ai.ollama.asked();
    assert_eq!(asked.len(), texts.len() + 1);
    for asked in asked {
        assert_eq!(asked.model, "llama3.2", "{}", asked.user());
        assert!(asked.format.is_some(), "a plan has a form");
    }
}

#[tokio::test]
async fn without_an_answer_of_the_model_for_code_the_one_for_plans_is_asked() {
    let desk = Desk::new(|ai| vec![ollama(ai, all_models())]).await;
    desk.ai.ollama.fault_at(&desk.ai.ollama.chats(), 1, Fault::ServerError);
    desk.ai.ollama.answer_with(|_| Reply::json(&json!({"kind": "reply", "text": "^[0-9]{5}$"})));
    let planned = desk.plan(QUESTION, "t1", &[]).await;
    assert_eq!(reply(&planned), "^[0-9]{5}$");
    assert_eq!(desk.ai.ollama.asked()[0].model, "llama3.2");
    let without = Desk::new(|ai| vec![ollama(ai, Models { code: None, ..all_models() })]).await;
    without.ai.ollama.answer(Reply::json(&json!({"kind": "reply", "text": "^[0-9]{5}$"})));
    assert_eq!(reply(&without.plan(QUESTION, "t1", &[]).await), "^[0-9]{5}$");
}

#[tokio::test]
async fn code_of_a_person_goes_to_no_remote_model_without_consent() {
    let mut desk = Desk::new(|ai| vec![openai(ai)]).await;
    let planned = desk.plan(QUESTION, "t1", &[]).await;
    assert_eq!((planned.by.as_str(), desk.ai.openai.ledger().len()), ("builtin", 0));
    desk.person.settings.remote_ai = true;
    desk.ai.openai.answer(Reply::text(ANSWER));
    assert_eq!(reply(&desk.plan(QUESTION, "t2", &[]).await), ANSWER);
    desk.ai.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_code_is_marked_as_a_models_words_and_an_errand_is_done() {
    let (ai, smtp, dir) = (FakeAi::start().await, FakeSmtp::start().await, tempfile::tempdir().expect("a directory"));
    let service = Service::start(&with_models(Setup::new(dir.path(), &smtp.url()), &ai, "ollama"));
    service.contact("Bob Miller", "bob@test.local").await;
    ai.ollama.answer(Reply::text(ANSWER));
    let answer = say(&service, QUESTION).await;
    let said = answer["response"].as_str().unwrap_or_else(|| panic!("words: {answer:#}"));
    assert_eq!(said, format!("{ANSWER}\n\n(ollama answered; nothing was done.)"));
    ai.ollama.answer(Reply::json(&crate::ai::mail_plan("Bob Miller", "The code")));
    let asked = say(&service, "email Bob the code").await;
    assert_eq!(asked["pending_actions"][0]["parameters"]["to"], json!(["bob@test.local"]), "{asked:#}");
    approve(&service, &asked).await;
    assert_eq!(smtp.ledger().len(), 1);
    let models: Vec<String> = ai.ollama.asked().into_iter().map(|asked| asked.model).collect();
    assert_eq!(models, ["codellama", "llama3.2"]);
    ai.assert_no_violations();
}
