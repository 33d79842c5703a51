//! The stand-in for Duffel.

mod bookings;
mod flights;
mod rules;
mod stays;

use serde_json::{Value, json};

use super::{client, sent};
use crate::fake_web::FakeDuffel;

/// The middle of Calangute.
const CALANGUTE: (f64, f64) = (15.5444, 73.7553);

/// A server and a client that sends what it must with every request.
struct Travel {
    server: FakeDuffel,
}

impl Travel {
    async fn start() -> Self {
        Self { server: FakeDuffel::start().await }
    }

    fn with_headers(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request.header("duffel-version", "v2").header("accept", "application/json").bearer_auth(self.server.token())
    }

    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.with_headers(client().post(format!("{}{path}", self.server.url())))
    }

    async fn send(&self, path: &str, data: &Value) -> (u16, Value) {
        sent(self.post(path).json(&json!({ "data": data }))).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        sent(self.with_headers(client().get(format!("{}{path}", self.server.url())))).await
    }

    /// The day so many days from now.
    fn day(&self, days: i64) -> String {
        (self.server.now().date_naive() + chrono::Duration::days(days)).to_string()
    }

    /// A search around Calangute, three nights from a month ahead, for two.
    fn stay(&self, km: i64) -> Value {
        let (latitude, longitude) = CALANGUTE;
        json!({
            "location": {"radius": km, "geographic_coordinates": {"latitude": latitude, "longitude": longitude}},
            "check_in_date": self.day(30),
            "check_out_date": self.day(33),
            "rooms": 1,
            "guests": [{"type": "adult"}, {"type": "adult"}],
        })
    }

    /// All rates of the hotel that is found first.
    async fn rates(&self) -> Vec<Value> {
        let (status, body) = self.send("/stays/search", &self.stay(5)).await;
        assert_eq!(status, 201, "{body}");
        let id = body["data"]["results"][0]["id"].as_str().expect("a result").to_owned();
        let path = format!("/stays/search_results/{id}/actions/fetch_all_rates");
        let (status, body) = sent(self.post(&path)).await;
        assert_eq!(status, 200, "{body}");
        body["data"]["accommodation"]["rooms"][0]["rates"].as_array().expect("rates").clone()
    }

    /// A quote of a rate: that without a refund is 0, that with one is 1.
    async fn quote(&self, rate: usize) -> Value {
        let rates = self.rates().await;
        let (status, body) = self.send("/stays/quotes", &json!({"rate_id": rates[rate]["id"]})).await;
        assert_eq!(status, 201, "{body}");
        body["data"].clone()
    }

    async fn book(&self, quote: &Value) -> (u16, Value) {
        self.send("/stays/bookings", &guest(quote)).await
    }
}

/// What a booking of a quote takes.
fn guest(quote: &Value) -> Value {
    json!({
        "quote_id": quote["id"],
        "guests": [{"given_name": "Amelia", "family_name": "Earhart"}],
        "email": "amelia@example.org",
        "phone_number": "+442080160509",
        "metadata": {"effect": "e-17"},
    })
}

/// The type and the code of an error.
fn error(body: &Value) -> (&str, &str) {
    let error = &body["errors"][0];
    (error["type"].as_str().unwrap_or_default(), error["code"].as_str().unwrap_or_default())
}
