//! What a script can say, on both wires.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{HELLO, ask, ask_ollama, events, hello, lines, said, sent, services, text, told};
use crate::fake_ai::{FakeCompatible, FakeOllama, Flavour, Reply};

#[tokio::test]
async fn answers_come_in_their_order_and_then_from_the_function() {
    let server = FakeOllama::start().await;
    server.answer_with(|asked| Reply::text(format!("you said {}", asked.user())));
    server.answer(Reply::text("one"));
    server.answer(Reply::json(&json!({"two": 2})));
    assert_eq!(server.answers_left(), 2);
    let mut answers = Vec::new();
    for _ in 0..3 {
        let (_, body) = sent(ask_ollama(&server, &json!({"stream": false}))).await;
        answers.push(body["message"]["content"].as_str().expect("text").to_owned());
    }
    assert_eq!(answers, ["one", "{\"two\":2}", "you said Plan a party as JSON"]);
    assert_eq!((server.answers_left(), server.asked().len()), (0, 3));
    server.assert_no_violations();
}

#[tokio::test]
async fn an_empty_script_is_a_violation_and_500() {
    let ollama = FakeOllama::start().await;
    let (status, body) = sent(ask_ollama(&ollama, &json!({}))).await;
    assert_eq!((status, body), (500, json!({"error": "the script is empty"})));
    assert_eq!(ollama.take_violations(), ["POST /api/chat: the script has no answer"]);
    for server in services().await {
        let (status, body) = sent(ask(&server, &json!({}))).await;
        assert_eq!((status, &body["error"]["message"]), (500, &json!("The script is empty.")));
        let violations = server.take_violations();
        assert!(violations.len() == 1 && violations[0].ends_with(": the script has no answer"), "{violations:?}");
    }
}

#[tokio::test]
async fn odd_answers_come_as_they_are() {
    let plan = json!({"version": 1, "title": "Fête à Goa ✨"});
    let stage = json!({"id": "act", "type": "execution", "action": "bank.rob", "params": {"who": "me"}});
    let rob = json!({"version": 1, "title": "What was asked for", "stages": [stage]});
    let (whole, robbery) = (plan.to_string(), rob.to_string());
    let fence = format!("```json\n{plan:#}\n```");
    let is_json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    let ollama = FakeOllama::start().await;
    let openai = FakeCompatible::start_as(Flavour::OpenAi).await;
    for chunk in [1, 7, 1000] {
        for (reply, fits) in [
            (Reply::empty(), Box::new(str::is_empty) as Box<dyn Fn(&str) -> bool>),
            (Reply::json(&plan), Box::new(|text| text == whole)),
            (Reply::fenced(&plan), Box::new(|text| text.contains(&fence) && !text.starts_with("```"))),
            (Reply::broken_json(&plan), Box::new(|text| whole.starts_with(text) && !is_json(text))),
            (Reply::plan_of("bank.rob", &json!({"who": "me"})), Box::new(|text| text == robbery)),
        ] {
            let reply = reply.in_chunks(chunk);
            for stream in [true, false] {
                ollama.answer(reply.clone());
                openai.answer(reply.clone());
                let body = text(ask_ollama(&ollama, &json!({ "stream": stream }))).await.1;
                assert!(fits(&told(&lines(&body))), "{body}");
                let body = text(ask(&openai, &json!({ "stream": stream }))).await.1;
                let content = if stream {
                    said(&events(&body).0)
                } else {
                    let body: Value = serde_json::from_str(&body).expect("JSON");
                    body["choices"][0]["message"]["content"].as_str().expect("text").to_owned()
                };
                assert!(fits(&content), "{body}");
            }
        }
    }
    serde_json::from_value::<workflows::plan::Plan>(rob).expect("a plan");
    ollama.assert_no_violations();
    openai.assert_no_violations();
}

#[tokio::test]
async fn pauses_come_between_the_chunks() {
    let pause = Duration::from_millis(30);
    let ollama = FakeOllama::start().await;
    let openai = FakeCompatible::start_as(Flavour::OpenAi).await;
    ollama.answer(hello().in_chunks(4).pausing(pause));
    openai.answer(hello().in_chunks(4).pausing(pause));
    for request in [ask_ollama(&ollama, &json!({})), ask(&openai, &json!({"stream": true}))] {
        let begun = Instant::now();
        let mut answer = request.send().await.expect("a head");
        let first = answer.chunk().await.expect("a chunk").expect("a chunk");
        let early = begun.elapsed();
        let mut chunks = 1;
        while let Some(_more) = answer.chunk().await.expect("a chunk") {
            chunks += 1;
        }
        assert!(begun.elapsed() >= pause * 9 && chunks >= 5 && !first.is_empty(), "{chunks}");
        assert!(begun.elapsed() >= early + pause * 5, "the first comes long before the last");
    }
}

#[tokio::test]
async fn an_error_may_come_in_the_middle_of_a_stream_with_status_200() {
    let ollama = FakeOllama::start().await;
    ollama.answer(hello().in_chunks(4).then_error("the runner has died"));
    let (status, body) = text(ask_ollama(&ollama, &json!({}))).await;
    let all = lines(&body);
    assert_eq!((status, all.last()), (200, Some(&json!({"error": "the runner has died"}))));
    assert_eq!(told(&all), HELLO[..16], "half of it");
    assert!(all.iter().all(|line| line["done"] != true));
    ollama.answer(hello().then_error("the runner has died"));
    let whole = sent(ask_ollama(&ollama, &json!({"stream": false}))).await;
    assert_eq!(whole, (500, json!({"error": "the runner has died"})));
    for server in services().await {
        server.answer(hello().in_chunks(4).then_error("the server has died"));
        let (status, body) = text(ask(&server, &json!({"stream": true}))).await;
        let (all, done) = events(&body);
        assert!(status == 200 && !done);
        assert_eq!(all.last().expect("an event")["error"]["message"], "the server has died");
        assert_eq!(said(&all), HELLO[..16]);
        server.answer(hello().then_error("the server has died"));
        let (status, body) = sent(ask(&server, &json!({}))).await;
        assert_eq!((status, &body["error"]["message"]), (500, &json!("the server has died")));
    }
}

#[tokio::test]
async fn events_may_have_comments_and_other_line_ends_and_no_mark_at_the_end() {
    for server in services().await {
        server.answer(hello().in_chunks(8).with_pings().with_crlf());
        let (_, body) = text(ask(&server, &json!({"stream": true}))).await;
        assert!(body.starts_with(": ping\r\n\r\ndata: {") && body.ends_with("data: [DONE]\r\n\r\n"), "{body}");
        assert_eq!(body.matches('\n').count(), body.matches("\r\n").count());
        assert_eq!(body.matches(": ping\r\n\r\n").count(), body.matches("data: ").count());
        assert_eq!(said(&events(&body).0), HELLO);
        server.answer(hello().without_done());
        let (events, done) = events(&text(ask(&server, &json!({"stream": true}))).await.1);
        assert!(
            !done
                && said(&events) == HELLO
                && events.last().expect("an event")["choices"][0]["finish_reason"] == "stop"
        );
    }
    let ollama = FakeOllama::start().await;
    ollama.answer(hello().with_pings().with_crlf().without_done());
    let (_, body) = text(ask_ollama(&ollama, &json!({}))).await;
    assert!(!body.contains('\r') && !body.contains(": ping") && !body.contains("\"done\":true"));
}

#[tokio::test]
async fn an_answer_may_be_huge_or_without_an_end() {
    const BYTES: usize = 3 * 1024 * 1024;
    let ollama = FakeOllama::start().await;
    let openai = FakeCompatible::start_as(Flavour::OpenAi).await;
    for stream in [true, false] {
        ollama.answer(Reply::huge(BYTES as u64));
        openai.answer(Reply::huge(BYTES as u64));
        let fields = json!({ "stream": stream });
        for request in [ask_ollama(&ollama, &fields), ask(&openai, &fields)] {
            let (status, body) = text(request).await;
            assert!(status == 200 && body.matches('x').count() >= BYTES, "{}", body.len());
            assert!(body.contains("\"done\":true") || body.contains("[DONE]") || !stream);
        }
    }
    ollama.answer(Reply::endless());
    openai.answer(Reply::endless());
    for request in [ask_ollama(&ollama, &json!({})), ask(&openai, &json!({"stream": true}))] {
        let mut answer = request.send().await.expect("a head");
        let mut read = 0;
        while read < 10 * BYTES {
            read += answer.chunk().await.expect("a chunk").expect("no end").len();
        }
    }
    ollama.wait_for_hangup().await;
    openai.wait_for_hangup().await;
    ollama.assert_no_violations();
    openai.assert_no_violations();
}
