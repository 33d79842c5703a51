//! Bad input and bad days: each ends in a clear word, and nothing is lost.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fake_smtp::{AfterData, FakeSmtp};
use crate::service::{Service, Setup, has_ended};

fn mail_plan(to: &str) -> Value {
    json!({"version": 1, "title": "Mail", "stages": [{"id": "m", "type": "execution", "action": "email.send_email",
        "params": {"to": [to], "subject": "Hello", "body": "Hello there"}}]})
}

async fn send(service: &Service, to: &str) -> (String, Value) {
    let begun = service.post("/api/tasks", json!({"plan": mail_plan(to), "session_id": "s"})).await;
    let done = service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await;
    (begun["task_id"].as_str().expect("a task").to_owned(), done)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_taken_without_an_answer_is_unknown_and_never_sent_again_by_itself() {
    let dir = tempfile::tempdir().expect("a directory");
    let smtp = FakeSmtp::start().await;
    let service = Service::start(&Setup::new(dir.path(), &smtp.url()));
    smtp.after_next_data(AfterData::TakeAndClose);
    let (id, asked) = send(&service, "bob@test.local").await;
    let options: Vec<&str> =
        asked["options"].as_array().expect("options").iter().filter_map(|o| o["id"].as_str()).collect();
    assert_eq!(options, ["resend", "drop"], "{asked:#}");
    service.post("/api/agent/select", json!({"session_id": "s", "selection": "drop"})).await;
    let task = service.task_until(&id, has_ended).await;
    assert_eq!(task["steps"][1]["status"], "unknown", "{task:#}");
    assert_eq!(smtp.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_lost_without_an_answer_is_unknown_and_goes_out_once_on_a_new_yes() {
    let dir = tempfile::tempdir().expect("a directory");
    let smtp = FakeSmtp::start().await;
    let service = Service::start(&Setup::new(dir.path(), &smtp.url()));
    smtp.after_next_data(AfterData::LoseAndClose);
    let (id, asked) = send(&service, "bob@test.local").await;
    assert!(asked["response"].as_str().expect("words").contains("bob@test.local"), "{asked:#}");
    service.post("/api/agent/select", json!({"session_id": "s", "selection": "resend"})).await;
    let task = service.task_until(&id, has_ended).await;
    assert_eq!((&task["status"], smtp.ledger().len()), (&json!("completed"), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_never_answers_the_data_leaves_the_mail_unknown() {
    let dir = tempfile::tempdir().expect("a directory");
    let smtp = FakeSmtp::start().await;
    let service = Service::start(&Setup::new(dir.path(), &smtp.url()));
    smtp.after_next_data(AfterData::TakeAndHang);
    let mut plan = mail_plan("bob@test.local");
    plan["stages"][0]["timeout_secs"] = json!(1);
    service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    let asked = service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await;
    assert!(asked["response"].as_str().is_some_and(|words| words.contains("cannot tell")), "{asked:#}");
    assert_eq!(smtp.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_certainly_was_not_sent_is_tried_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let smtp = FakeSmtp::start().await;
    let service = Service::start(&Setup::new(dir.path(), &smtp.url()));
    smtp.greylist("bob@test.local", 1);
    let (id, _) = send(&service, "bob@test.local").await;
    let task = service.task_until(&id, has_ended).await;
    assert_eq!(task["status"], "completed", "{task:#}");
    smtp.after_next_data(AfterData::Later);
    let (id, _) = send(&service, "carol@test.local").await;
    service.task_until(&id, has_ended).await;
    assert_eq!(smtp.ledger().len(), 2, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_without_the_password_and_doctor_sees_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let smtp = FakeSmtp::start().await;
    smtp.require_password("right");
    let setup = Setup::new(dir.path(), &smtp.url()).with("SMTP_PASSWORD", "canary-wrong-password");
    let service = Service::start(&setup);
    let (_, asked) = send(&service, "bob@test.local").await;
    let words = asked.to_string();
    assert!(words.contains("535") && words.contains("SMTP_PASSWORD"), "{asked:#}");
    assert!(!words.contains("canary"));
    let doctor = setup.command().arg("doctor").output().expect("doctor runs");
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert_eq!(doctor.status.code(), Some(1), "{said}");
    assert!(said.contains("535") && !said.contains("canary"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_mail_server_keeps_nobody_else_waiting() {
    let dir = tempfile::tempdir().expect("a directory");
    let smtp = FakeSmtp::start().await;
    smtp.hang_at_connect();
    let service = Service::start(&Setup::new(dir.path(), &smtp.url()));
    service.post("/api/tasks", json!({"plan": mail_plan("bob@test.local"), "session_id": "s"})).await;
    let slow =
        service.call(Method::POST, "/api/agent/confirm", Some(json!({"session_id": "s", "action": "approve_all"})));
    let quick = async {
        let plan = json!({"version": 1, "title": "Note", "stages": [{"id": "n", "type": "execution",
            "action": "notify.send_notification", "params": {"text": "hello"}}]});
        let begun = service.post("/api/tasks", json!({"plan": plan, "session_id": "other"})).await;
        assert_eq!(begun["result"]["summary"].as_str().map(|s| s.starts_with("All done")), Some(true), "{begun:#}");
    };
    tokio::select! {
        slow = slow => panic!("the hanging one answered first: {slow:?}"),
        () = quick => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_plan_is_told_with_its_path() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&Setup::new(dir.path(), ""));
    let stage = |extra: Value| {
        let mut stage =
            json!({"id": "n", "type": "execution", "action": "notify.send_notification", "params": {"text": "x"}});
        stage.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        json!({"version": 1, "title": "T", "stages": [stage]})
    };
    let many: Vec<Value> = (0..1_000).map(|n| json!({"id": format!("n{n}"), "type": "wait", "for": "PT1S"})).collect();
    let table = [
        (stage(json!({"action": "notify.nothing"})), "stages[0].action: unknown action"),
        (
            stage(json!({"action": "email.send_email", "params": {"to": ["a@b.c"], "subject": "s", "body": "b"}})),
            "is not available: email is not configured",
        ),
        (stage(json!({"action": "search.search_web", "params": {"query": "x"}})), "is not available"),
        (stage(json!({"params": {"text": "{{ venu.name }}"}})), "stages[0].params.text: unknown stage \"venu\""),
        (stage(json!({"params": {"text": "{{ slots.x }}"}})), "unknown slot \"x\""),
        (stage(json!({"params": {"text": "{{ n.ok }}"}})), "has no result yet"),
        (stage(json!({"params": {"text": "{{ "}})), "stages[0].params.text:"),
        (stage(json!({"params": {}})), "stages[0].params:"),
        (stage(json!({"params": {"text": 5}})), "stages[0].params.text:"),
        (stage(json!({"params": {"text": "x", "more": 1}})), "more"),
        (stage(json!({"needs": ["x"]})), "stages[0].needs[0]: unknown stage \"x\""),
        (stage(json!({"needs": ["n"]})), "stages[0].needs"),
        (stage(json!({"id": "N!"})), "stages[0].id:"),
        (stage(json!({"extra": 1})), "extra"),
        (stage(json!({"type": "magic"})), "stages[0].type: unknown stage type"),
        (json!({"version": 2, "title": "T", "stages": [{"id": "w", "type": "wait", "for": "PT1S"}]}), "version"),
        (json!({"version": 1, "title": "T", "stages": []}), "stages"),
        (json!({"version": 1, "title": "T", "stages": many}), "1000 stages"),
        (json!({"version": 1, "title": "T", "stages": [{"id": "w", "type": "wait"}]}), "exactly one of until"),
        (
            json!({"version": 1, "title": "T", "stages": [{"id": "c", "type": "confirmation", "covers": ["z"]}]}),
            "stages[0].covers[0]: unknown stage",
        ),
        (json!({"version": 1, "title": "T", "stages": [{"id": "s", "type": "selection", "question": "?"}]}), "options"),
    ];
    for (plan, expected) in table {
        let (status, answer) =
            service.call(Method::POST, "/api/tasks", Some(json!({"plan": plan}))).await.expect("an answer");
        assert_eq!(status, 422, "{expected}: {answer}");
        let faults = answer["detail"].as_array().expect("a list");
        assert!(
            faults.iter().any(|fault| fault["msg"].as_str().is_some_and(|msg| msg.contains(expected))),
            "{expected}: {answer:#}"
        );
        assert!(faults.iter().all(|fault| fault["loc"][0] == "body" && fault["type"].is_string()), "{answer:#}");
    }
    assert_eq!(service.get("/api/tasks/").await["tasks"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_have_a_status_and_a_sentence() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&Setup::new(dir.path(), ""));
    let client = reqwest::Client::builder().build().expect("a client");
    let url = format!("{}/api/agent/process", service.base);
    let send = |body: Vec<u8>, kind: &'static str| {
        client.post(&url).bearer_auth(crate::service::TOKEN).header("content-type", kind).body(body).send()
    };
    let json_kind = "application/json";
    let long = json!({"message": "x".repeat(10_001)}).to_string().into_bytes();
    for (body, kind, status) in [
        (b"{".to_vec(), json_kind, 400),
        (b"\xff\xfe\x00".to_vec(), json_kind, 400),
        (b"{}".to_vec(), json_kind, 422),
        (b"{\"message\": \"\"}".to_vec(), json_kind, 422),
        (b"{\"message\": 5}".to_vec(), json_kind, 422),
        (long, json_kind, 422),
        (b"message=x".to_vec(), "application/x-www-form-urlencoded", 415),
        (vec![b' '; 1024 * 1024 + 1], json_kind, 413),
        (b"{\"message\": \"hi\", \"user_id\": \"someone\"}".to_vec(), json_kind, 403),
    ] {
        let response = send(body, kind).await.expect("an answer");
        assert_eq!(response.status().as_u16(), status);
        let answer: Value = response.json().await.expect("JSON");
        assert!(
            answer["code"].is_string() && answer["request_id"].is_string() && !answer["detail"].is_null(),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_on_the_same_data_is_refused_in_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let setup = Setup::new(dir.path(), "");
    let _first = Service::start(&setup);
    let second = setup.command().output().expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("already in use") && said.contains("Postgres"), "{said}");
    let doctor = setup.command().arg("doctor").output().expect("doctor runs");
    assert_eq!(doctor.status.code(), Some(0), "doctor works beside it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_configuration_is_told_at_once_with_code_2() {
    let dir = tempfile::tempdir().expect("a directory");
    let setup = Setup::new(dir.path(), "").with("DEFAULT_TIMEZONE", "Mars/Base").with("LEASE_SECS", "x");
    for arguments in [&[][..], &["doctor"][..]] {
        let output = setup.command().args(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("DEFAULT_TIMEZONE") && said.contains("LEASE_SECS"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_database_is_told_and_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("super-manager.db");
    let bytes = b"not a database ".repeat(500);
    std::fs::write(&path, &bytes).expect("a file");
    let output = Setup::new(dir.path(), "").command().output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("damaged") && said.contains("backup"), "{said}");
    assert_eq!(std::fs::read(&path).expect("the file"), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_under_way_when_the_backup_was_made_is_unknown_once_restored() {
    let dir = tempfile::tempdir().expect("a directory");
    let smtp = FakeSmtp::start().await;
    let lived = Setup::new(dir.path(), &smtp.url());
    let mut service = Service::start(&lived);
    smtp.after_next_data(AfterData::TakeAndHang);
    let begun = service.post("/api/tasks", json!({"plan": mail_plan("bob@test.local"), "session_id": "s"})).await;
    let id = begun["task_id"].as_str().expect("a task").to_owned();
    let approve = json!({"session_id": "s", "action": "approve_all"});
    // The call waits for the mail, which never ends: it goes away with the service.
    let (approved, file) = (service.call(Method::POST, "/api/agent/confirm", Some(approve)), dir.path().join("b.tar"));
    let watch = async {
        while smtp.ledger().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert!(lived.command().arg("backup").arg(&file).status().expect("backup runs").success());
    };
    tokio::select! {
        _answer = approved => panic!("the mail ended"),
        () = watch => {}
    }
    service.kill();
    let fresh = tempfile::tempdir().expect("a directory");
    let restored = Setup::new(&fresh.path().join("data"), &smtp.url());
    let mut restore = restored.command();
    assert!(restore.current_dir(dir.path()).arg("restore").arg(&file).status().expect("restore runs").success());
    let service = Service::start(&restored);
    let task = service.task_until(&id, |task| task["status"] == "waiting").await;
    assert_eq!(task["steps"][1]["status"], "unknown", "{task:#}");
    let prompts = service.get("/api/prompts").await;
    let options: Vec<&str> =
        prompts["prompts"][0]["options"].as_array().expect("options").iter().filter_map(|o| o["id"].as_str()).collect();
    assert_eq!(options, ["resend", "drop"], "{prompts:#}");
    assert_eq!(smtp.ledger().len(), 1, "nothing goes out a second time by itself");
}
