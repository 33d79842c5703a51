//! From words over a model to a mail.

use super::*;
use crate::fake_ai::Reply;
use crate::fake_smtp::FakeSmtp;

#[tokio::test(flavor = "multi_thread")]
async fn a_models_plan_is_shown_confirmed_and_done() {
    let (ai, smtp, dir) = (FakeAi::start().await, FakeSmtp::start().await, tempfile::tempdir().expect("a directory"));
    for order in ["ollama", "groq", "zuki", "openai"] {
        let dir = dir.path().join(order);
        std::fs::create_dir(&dir).expect("a directory");
        let service = consenting(&with_models(Setup::new(&dir, &smtp.url()), &ai, order)).await;
        service.contact("Bob Miller", "bob@test.local").await;
        let reply = Reply::json(&mail_plan("Bob Miller", order));
        match order {
            "ollama" => ai.ollama.answer(reply),
            "groq" => ai.groq.answer(reply),
            "zuki" => ai.zuki.answer(reply),
            _ => ai.openai.answer(reply),
        }
        let asked = say(&service, "write to Bob what I promised").await;
        assert_eq!(asked["planner"], order, "{asked:#}");
        assert_eq!(asked["pending_actions"][0]["parameters"]["to"], json!(["bob@test.local"]), "{asked:#}");
        let done = approve(&service, &asked).await;
        assert_eq!(done["status"], "completed", "{done:#}");
    }
    assert_eq!(smtp.ledger().len(), 4);
    ai.assert_no_violations();
}
