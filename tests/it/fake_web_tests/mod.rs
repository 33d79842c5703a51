//! The stand-ins for the web's services themselves.

mod duffel;
mod faults;
mod google;
mod nominatim;
mod overpass;
mod searxng;

use std::time::Duration;

use serde_json::Value;

/// A client that knows nothing of the rules.
fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    builder.timeout(Duration::from_secs(10)).build().expect("a client")
}

/// The status and the body of an answer; null when the body is no JSON.
async fn sent(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

/// The status and the body as text.
async fn text(request: reqwest::RequestBuilder) -> (u16, String) {
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a whole body"))
}
