//! Pictures that come by the API: whose they are, what they may be, and where they go.

use reqwest::Method;
use serde_json::{Value, json};
use super_manager::store::sqlite::Db;
use workflows::ids::TaskId;
use workflows::ports::TaskStore as _;

use crate::service::{Service, Setup, TOKEN};

/// The beginning of a JPEG picture.
const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a picture";
/// The largest picture taken, in bytes.
const LARGEST: usize = 10 << 20;
/// Pictures a person may send in a day.
const DAY: usize = 100;

async fn sent(service: &Service, token: &str, bytes: &[u8]) -> (u16, Value) {
    service.upload(token, "/api/photos", bytes.to_vec()).await.expect("an answer")
}

async fn ask(service: &Service, token: &str, photos: Value) -> (u16, Value) {
    let body = json!({"message": "what is this?", "photos": photos});
    service.call_as(token, Method::POST, "/api/agent/process", Some(body), None).await.expect("an answer")
}

/// Lets somebody in; their token.
async fn other(service: &Service) -> String {
    let code = service.post("/api/invites", json!({})).await["code"].clone();
    let session = service.post("/api/session", json!({"code": code})).await;
    session["token"].as_str().expect("a token").to_owned()
}

/// What is in the folder of uploads.
fn files(setup: &Setup) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(setup.data_dir.join("uploads")) else { return Vec::new() };
    folder.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_goes_with_its_request_and_is_nobody_elses() {
    let dir = tempfile::tempdir().expect("a directory");
    let setup = Setup::new(dir.path(), "");
    let service = Service::start(&setup);
    let bob = other(&service).await;
    let (status, kept) = sent(&service, TOKEN, JPEG).await;
    assert_eq!(status, 201, "{kept}");
    let id = kept["photo_id"].as_str().expect("an id");
    for (token, photos) in [(bob.as_str(), json!([id])), (TOKEN, json!(["unknown"])), (TOKEN, json!([id, "../x"]))] {
        assert_eq!(ask(&service, token, photos.clone()).await.0, 404, "{photos}");
    }
    assert_eq!(ask(&service, TOKEN, json!([id, id, id, id, id])).await.0, 422, "too many");
    // A question is open: the picture comes with something new all the same.
    let plan = json!({"version": 1, "title": "Q", "stages": [
        {"id": "q", "type": "clarification", "question": "Which colour?", "answer": "text"}]});
    let asked = service.post("/api/tasks", json!({"plan": plan, "session_id": "s1"})).await;
    let body = json!({"message": "Email dora@test.local: look at this", "photos": [id], "session_id": "s1"});
    let begun = service.post("/api/agent/process", body).await;
    assert_ne!(begun["task_id"], asked["task_id"], "{begun}");
    let db = Db::open_shared(&setup.data_dir.join("super-manager.db")).await.expect("the database");
    let me = service.get("/api/me").await["user_id"].as_str().expect("an id").into();
    let frames = super_manager::store::LogStore::frames(&db, &me, 0, 1_000).await.expect("the log");
    let newest: TaskId = frames.into_iter().rev().find_map(|frame| frame.task_id).expect("a task");
    let request = db.load(&newest).await.expect("a look").expect("the task").state.request().clone();
    let photos: Vec<&str> = request.photos.iter().map(|photo| photo.file.as_str()).collect();
    assert_eq!(request.text, "Email dora@test.local: look at this");
    assert_eq!(photos, files(&setup));
    let file = std::fs::read(setup.data_dir.join("uploads").join(photos[0])).expect("the file");
    assert_eq!(file, JPEG);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_or_too_large_or_too_much_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let setup = Setup::new(dir.path(), "");
    let service = Service::start(&setup);
    for wrong in [b"<svg onload=alert(1)>".as_slice(), b"GIF89a", b""] {
        let (status, answer) = sent(&service, TOKEN, wrong).await;
        assert_eq!((status, &answer["code"]), (415, &json!("not_a_photo")));
    }
    let mut large = JPEG.to_vec();
    large.resize(LARGEST, 0);
    assert_eq!(sent(&service, TOKEN, &large).await.0, 201);
    large.push(0);
    let (status, answer) = sent(&service, TOKEN, &large).await;
    assert_eq!((status, &answer["code"]), (413, &json!("too_large")));
    assert_eq!(sent(&service, "wrong", JPEG).await.0, 401);
    assert_eq!(files(&setup).len(), 1);
    for n in 1..DAY {
        assert_eq!(sent(&service, TOKEN, JPEG).await.0, 201, "{n}");
    }
    let (status, answer) = sent(&service, TOKEN, JPEG).await;
    assert_eq!((status, &answer["code"]), (429, &json!("too_many_photos")));
    assert_eq!(files(&setup).len(), DAY);
    let bob = other(&service).await;
    assert_eq!(sent(&service, &bob, JPEG).await.0, 201, "another's day is their own");
}
