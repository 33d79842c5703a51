//! The WebSocket over a real connection.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use workflows::frame::{FrameDraft, FrameKind};
use workflows::ids::{ConversationId, PersonId, TaskId};
use workflows::ports::{Clock, FrameSink, ReplySoFar};

use super::house::{BOB, House, OWNER};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn serve(house: &House) -> (SocketAddr, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = house.app.clone().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let (_, me) = house.ask("GET", "/api/me", OWNER, None).await;
    (address, me["user_id"].as_str().unwrap().to_owned())
}

async fn connect(address: SocketAddr, path: &str, token: &str, origin: Option<&str>) -> Result<Socket, Error> {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

async fn next(socket: &mut Socket) -> Option<Value> {
    let message = tokio::time::timeout(Duration::from_secs(5), socket.next()).await.expect("a frame in time")?;
    match message.ok()? {
        Message::Text(text) => serde_json::from_str(&text).ok(),
        _ => None,
    }
}

async fn until_message(socket: &mut Socket) -> Vec<i64> {
    let mut seen = Vec::new();
    while let Some(frame) = next(socket).await {
        seen.push(frame["seq"].as_i64().unwrap());
        if frame["type"] == "message" {
            return seen;
        }
    }
    panic!("closed after {seen:?}");
}

#[tokio::test]
async fn replay_and_live_join_without_gap_or_double() {
    let house = House::new().await;
    let (address, me) = serve(&house).await;
    let hello = || house.ask("POST", "/api/agent/process", OWNER, Some(json!({"message": "hello"})));
    hello().await;
    let mut socket = connect(address, &format!("/ws/{me}?after=0"), OWNER, None).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap()["type"], "connected");
    let mut seen = until_message(&mut socket).await;
    hello().await;
    seen.extend(until_message(&mut socket).await);
    let kept = house.state.log.frames(&me.as_str().into(), 0, 1_000).await.unwrap();
    let kept: Vec<i64> = kept.iter().map(|frame| frame.seq).filter(|seq| seq <= seen.last().unwrap()).collect();
    assert_eq!(seen, kept);
    socket.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    loop {
        let frame = next(&mut socket).await.unwrap();
        if frame["type"] == "connected" {
            assert_eq!(frame["data"], json!({"pong": true}));
            break;
        }
    }
}

#[tokio::test]
async fn other_sites_and_other_people_are_refused() {
    let house = House::new().await;
    let (address, me) = serve(&house).await;
    for (path, origin) in [(format!("/ws/{me}"), Some("https://evil.example")), ("/ws/bob".to_owned(), None)] {
        match connect(address, &path, OWNER, origin).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403),
            other => panic!("{path}: {other:?}"),
        }
    }
    assert!(connect(address, &format!("/ws/{me}"), OWNER, Some("http://127.0.0.1:8000")).await.is_ok());
}

#[tokio::test]
async fn signing_out_closes_its_sockets_within_a_second() {
    let house = House::new().await;
    let (address, me) = serve(&house).await;
    let (_, session) = house.ask("POST", "/api/session", "", Some(json!({"token": OWNER}))).await;
    let token = session["token"].as_str().unwrap().to_owned();
    let mut socket = connect(address, &format!("/ws/{me}"), &token, None).await.unwrap();
    let mut other = connect(address, &format!("/ws/{me}"), OWNER, None).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap()["type"], "connected");
    assert_eq!(next(&mut other).await.unwrap()["type"], "connected");
    house.ask("DELETE", "/api/session", &token, None).await;
    let closed = async {
        assert_eq!(next(&mut socket).await.unwrap()["type"], "disconnected");
        while next(&mut socket).await.is_some() {}
    };
    tokio::time::timeout(Duration::from_secs(1), closed).await.expect("closed within a second");
    other.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    assert_eq!(next(&mut other).await.unwrap()["data"], json!({"pong": true}));
}

/// Bytes of one frame that are too many for a client that reads nothing: with [`FLOOD`] of them, more
/// than the buffers of both ends hold.
const FRAME_BYTES: usize = 512 * 1024;
/// Frames in the flood.
const FLOOD: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_is_disconnected() {
    let house = House::new().await;
    let (address, me) = serve(&house).await;
    let me = PersonId(me);
    let mut slow = connect(address, &format!("/ws/{me}"), OWNER, None).await.unwrap();
    assert_eq!(next(&mut slow).await.unwrap()["type"], "connected");
    for n in 0..FLOOD {
        let data = Map::from_iter([("text".to_owned(), json!("x".repeat(FRAME_BYTES)))]);
        let draft = FrameDraft { kind: FrameKind::Notification, data };
        house.state.log.append(&me, None, draft, &format!("n{n}"), house.clock.now()).await.unwrap();
    }
    assert_eq!(house.state.hub.listeners(&me), 1);
    house.state.hub.hint(&me);
    let dropped = async {
        while house.state.hub.listeners(&me) > 0 {
            tokio::task::yield_now().await;
        }
    };
    let limit = house.state.config.socket_send_limit + Duration::from_secs(5);
    tokio::time::timeout(limit, dropped).await.expect("the server let go of it");
    let mut got = 0;
    while let Some(Value::Object(_)) = next(&mut slow).await {
        got += 1;
    }
    assert!(got < FLOOD, "{got} frames got through");
}

/// Says how far the reply of a task has come.
fn so_far(house: &House, person: &str, task: &str, text: &str) {
    house.state.hub.so_far(&ReplySoFar {
        person_id: &person.into(),
        conversation_id: &ConversationId::from("web:s1"),
        task_id: &TaskId::from(task),
        text,
    });
}

/// Appends a frame of a task to the person's log.
async fn logged(house: &House, person: &PersonId, task: &str, kind: FrameKind) {
    let key = format!("{task}{kind:?}");
    let draft = FrameDraft { kind, data: Map::new() };
    house.state.log.append(person, Some(&TaskId::from(task)), draft, &key, house.clock.now()).await.unwrap();
}

#[tokio::test]
async fn a_reply_is_told_while_it_is_made_to_its_person_alone_and_never_after_its_end() {
    let house = House::new().await;
    let (address, me) = serve(&house).await;
    let mut socket = connect(address, &format!("/ws/{me}"), OWNER, None).await.unwrap();
    let mut other = connect(address, "/ws/bob", BOB, None).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap()["type"], "connected");
    assert_eq!(next(&mut other).await.unwrap()["type"], "connected");
    let person = PersonId(me.clone());
    // What is in the log comes before what is said after it, whatever is heard of first.
    logged(&house, &person, "t", FrameKind::AiThinking).await;
    house.state.hub.hint(&person);
    so_far(&house, &me, "t", "Hel");
    let thinking = next(&mut socket).await.unwrap();
    assert_eq!(thinking["type"], "ai_thinking");
    let seq = thinking["seq"].clone();
    let first = next(&mut socket).await.unwrap();
    assert_eq!((&first["type"], &first["task_id"], &first["seq"]), (&json!("ai_streaming"), &json!("t"), &seq));
    assert_eq!(first["data"], json!({"chunk": "Hel", "session_id": "s1"}));
    so_far(&house, &me, "t", "Hello");
    assert_eq!(next(&mut socket).await.unwrap()["data"], json!({"chunk": "lo", "session_id": "s1"}));
    so_far(&house, &me, "t", "Bye");
    let replaced = json!({"chunk": "Bye", "session_id": "s1", "replace": true});
    assert_eq!(next(&mut socket).await.unwrap()["data"], replaced);
    logged(&house, &person, "t", FrameKind::AiComplete).await;
    house.state.hub.hint(&person);
    so_far(&house, &me, "t", "Bye, but late");
    assert_eq!(next(&mut socket).await.unwrap()["type"], "ai_complete");
    so_far(&house, &me, "t", "Bye, but later still");
    so_far(&house, &me, "u", "Another");
    assert_eq!(next(&mut socket).await.unwrap()["task_id"], "u");
    other.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    assert_eq!(next(&mut other).await.unwrap()["data"], json!({"pong": true}), "Bob heard nothing");
}

#[tokio::test]
async fn what_was_committed_comes_before_what_is_said_after_it() {
    let house = House::new().await;
    let (address, me) = serve(&house).await;
    let mut socket = connect(address, &format!("/ws/{me}"), OWNER, None).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap()["type"], "connected");
    let person = PersonId(me.clone());
    // Often, for whichever is heard of first is chance.
    for n in 0..32 {
        let task = format!("t{n}");
        for (kind, said) in [(FrameKind::AiThinking, "Hel"), (FrameKind::AiComplete, "too late")] {
            logged(&house, &person, &task, kind).await;
            house.state.hub.hint(&person);
            so_far(&house, &me, &task, said);
            assert_eq!(next(&mut socket).await.unwrap()["type"], json!(kind), "{task}");
            if kind == FrameKind::AiThinking {
                assert_eq!(next(&mut socket).await.unwrap()["data"]["chunk"], "Hel", "{task}");
            }
        }
    }
}

#[tokio::test]
async fn who_falls_behind_hears_the_newest_and_misses_nothing() {
    let house = House::new().await;
    let (address, me) = serve(&house).await;
    let mut socket = connect(address, &format!("/ws/{me}"), OWNER, None).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap()["type"], "connected");
    let whole = "word ".repeat(1_000);
    // No other task runs meanwhile, so the socket is far behind when it looks.
    for end in (5..=whole.len()).step_by(5) {
        so_far(&house, &me, "t", &whole[..end]);
    }
    let (mut told, mut frames) = (String::new(), 0);
    while told != whole {
        let frame = next(&mut socket).await.unwrap();
        told.push_str(frame["data"]["chunk"].as_str().unwrap());
        frames += 1;
    }
    assert!(frames < 10, "{frames} frames");
}
