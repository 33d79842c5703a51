//! How requests to the providers go wrong.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ask, ask_ollama, events, hello, lines, said, sent, services, text, told};
use crate::fake_ai::{FakeCompatible, FakeOllama, Flavour, Refusal};
use crate::fake_web::Fault;

/// How long a client of these tests waits for what does not come.
const PATIENCE: Duration = Duration::from_millis(500);

#[tokio::test]
async fn each_refuses_in_its_own_words() {
    let [groq, zuki, openai] = services().await;
    let request = "invalid_request_error";
    for (refusal, status, groq_code, zuki_code, openai_type, openai_code) in [
        (Refusal::Key, 401, json!("invalid_api_key"), 401, request, json!("invalid_api_key")),
        (Refusal::Payment, 402, json!("payment_required"), 402, request, json!("payment_required")),
        (Refusal::Rate, 429, json!("rate_limit_exceeded"), 429, "requests", json!("rate_limit_exceeded")),
        (Refusal::Quota, 429, json!("insufficient_quota"), 429, "insufficient_quota", json!("insufficient_quota")),
        (Refusal::Overloaded, 503, Value::Null, 503, "server_error", Value::Null),
    ] {
        let ask = async |server: &FakeCompatible| {
            server.refuse(refusal);
            let (told, body) = sent(ask(server, &json!({}))).await;
            assert_eq!(told, status, "{refusal:?}");
            assert!(body["error"]["message"].is_string());
            body["error"].clone()
        };
        assert_eq!(ask(&groq).await["code"], groq_code, "{refusal:?}");
        assert_eq!(ask(&zuki).await["code"], zuki_code, "{refusal:?}");
        let error = ask(&openai).await;
        assert_eq!((&error["type"], &error["code"]), (&json!(openai_type), &openai_code), "{refusal:?}");
        let ollama = FakeOllama::start().await;
        ollama.refuse(refusal);
        let (told, body) = sent(ask_ollama(&ollama, &json!({}))).await;
        assert!(told == status && body["error"].is_string(), "{refusal:?}: {body}");
        let entry = ollama.last().expect("a request");
        assert_eq!((entry.status, entry.answered, ollama.asked().len()), (None, Some(status), 0));
        ollama.assert_no_violations();
    }
}

#[tokio::test]
async fn too_many_requests_come_with_a_time_or_without() {
    let ollama = FakeOllama::start().await;
    let openai = FakeCompatible::start_as(Flavour::OpenAi).await;
    for retry_after in [None, Some(7)] {
        ollama.fault(Fault::TooMany { retry_after });
        openai.fault(Fault::TooMany { retry_after });
        for request in [ask_ollama(&ollama, &json!({})), ask(&openai, &json!({}))] {
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 429);
            let told = answer.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
            assert_eq!(told, retry_after.map(|secs| secs.to_string()));
            assert!(answer.json::<Value>().await.expect("JSON").get("error").is_some());
        }
    }
}

#[tokio::test]
async fn a_server_in_front_answers_with_a_page() {
    for server in services().await {
        server.fault(Fault::ServerError);
        let answer = ask(&server, &json!({"stream": true})).send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (500, &"text/html".parse().unwrap()));
        assert!(answer.text().await.expect("a page").starts_with("<html>"));
    }
}

#[tokio::test]
async fn faults_come_as_often_as_told_and_where_told() {
    let server = FakeOllama::start().await;
    server.answer_with(|_| hello());
    server.fault_at(&server.chats(), 2, server.refusal(Refusal::Overloaded));
    let tags = super::client().get(format!("{}/api/tags", server.url()));
    assert_eq!(text(tags).await.0, 200, "this is another place");
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(text(ask_ollama(&server, &json!({}))).await.0);
    }
    assert_eq!(statuses, [503, 503, 200]);
}

/// Both wires, each with an answer in its script.
async fn asked(fault: &Fault) -> [(reqwest::RequestBuilder, Box<dyn Fn() -> crate::fake_web::Entry>); 2] {
    let ollama = FakeOllama::start().await;
    let openai = FakeCompatible::start_as(Flavour::OpenAi).await;
    ollama.answer(hello().in_chunks(2));
    openai.answer(hello().in_chunks(2));
    ollama.fault(fault.clone());
    openai.fault(fault.clone());
    let requests = [ask_ollama(&ollama, &json!({})), ask(&openai, &json!({"stream": true}))];
    let [first, second] = requests.map(|request| request.timeout(PATIENCE));
    [
        (first, Box::new(move || ollama.last().expect("a request"))),
        (second, Box::new(move || openai.last().expect("a request"))),
    ]
}

/// What comes of an answer before it breaks, or ends.
async fn read(mut answer: reqwest::Response) -> (String, bool) {
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (String::from_utf8_lossy(&bytes).into_owned(), true),
            Err(_) => return (String::from_utf8_lossy(&bytes).into_owned(), false),
        }
    }
}

async fn until_gone(entry: &dyn Fn() -> crate::fake_web::Entry) {
    let gone = async {
        while !entry().gone {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("the server sees that the client has gone");
}

#[tokio::test]
async fn an_answer_may_hang_before_its_head_after_it_or_in_the_middle() {
    for (fault, head, some) in [
        (Fault::Hang, false, false),
        (Fault::DoneThenHang, false, false),
        (Fault::HeadThenHang, true, false),
        (Fault::HalfThenHang, true, true),
    ] {
        for (request, entry) in asked(&fault).await {
            match request.send().await {
                Ok(answer) => {
                    assert!(head && answer.status() == 200, "{fault:?}");
                    let (body, ended) = read(answer).await;
                    assert!(!ended && body.is_empty() != some, "{fault:?}: {body}");
                    assert!(!body.contains("\"done\":true") && !body.contains("[DONE]"));
                }
                Err(error) => assert!(!head && error.is_timeout(), "{fault:?}"),
            }
            until_gone(&entry).await;
            assert_eq!((entry().answered, entry().status.is_some()), (None, fault != Fault::Hang), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_may_be_cut_or_end_before_its_time() {
    for (fault, cut, some) in [
        (Fault::Truncated, true, true),
        (Fault::BadJson, false, true),
        (Fault::EmptyBody, false, false),
        (Fault::Cut, true, false),
        (Fault::DoneThenCut, true, false),
    ] {
        for (request, entry) in asked(&fault).await {
            match request.send().await {
                Ok(answer) => {
                    let (body, ended) = read(answer).await;
                    assert_eq!((ended, body.is_empty()), (!cut, !some), "{fault:?}: {body}");
                    assert!(!body.contains("\"done\":true") && !body.contains("[DONE]"), "{body}");
                }
                Err(error) => assert!(cut && !some && !error.is_timeout(), "{fault:?}: {error:?}"),
            }
            assert!(!entry().gone, "{fault:?}: it was the server that ended it");
        }
    }
}

#[tokio::test]
async fn an_answer_may_come_byte_by_byte() {
    let (ollama, openai) = (FakeOllama::start().await, FakeCompatible::start_as(Flavour::OpenAi).await);
    let every = Duration::from_millis(1);
    let begun = Instant::now();
    ollama.answer(super::Reply::text("né"));
    ollama.fault(Fault::Drip { bytes: 1, every });
    let (_, body) = text(ask_ollama(&ollama, &json!({}))).await;
    assert_eq!(told(&lines(&body)), "né");
    assert!(begun.elapsed() >= every * u32::try_from(body.len()).expect("few"));
    openai.answer(super::Reply::text("né"));
    openai.fault(Fault::Drip { bytes: 1, every });
    let answer = ask(&openai, &json!({"stream": true})).send().await.expect("a head");
    assert_eq!(answer.headers()["transfer-encoding"], "chunked", "as it is without the fault");
    let (events, done) = events(&answer.text().await.expect("a body"));
    assert!(done && said(&events) == "né");
}

#[tokio::test]
async fn a_server_that_is_down_refuses_and_comes_back_on_its_port() {
    for server in services().await {
        server.answer_with(|_| hello());
        let url = server.url();
        server.stop();
        let refused = async {
            loop {
                match ask(&server, &json!({})).send().await {
                    Err(error) if error.is_connect() => break,
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(5), refused).await.expect("the port closes");
        server.restart().await;
        assert_eq!((sent(ask(&server, &json!({}))).await.0, server.url()), (200, url));
    }
}
