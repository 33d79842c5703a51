//! Duffel: hotels and flights.
//!
//! <https://duffel.com/docs/api/v2>: JSON under `data`, a dated version in a header, a bearer token;
//! errors as a list with a type, a code and words; how long to wait as the time when requests are
//! taken again.

pub(crate) mod flights;
pub(crate) mod hotels;
pub(crate) mod stays;

use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderName};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use workflows::ports::{ActionError, ActionErrorKind};

use super::web::{Kind, Service};
use crate::config::DuffelConfig;
use crate::outgoing::{Answer, Outgoing, Request, wait_until};

/// The version of the API that is spoken here.
const VERSION: &str = "v2";
/// Longest wait for an answer: hotels and airlines are asked while we wait.
const ANSWER_LIMIT: Duration = Duration::from_secs(50);
/// Largest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Why it is off.
pub(crate) const OFF: &str = "hotels and flights are not configured: set DUFFEL_API_TOKEN";
const SERVICE: Service = Service { name: "Duffel", key: "DUFFEL_API_TOKEN" };

/// The account.
#[derive(Clone)]
pub(crate) struct Duffel {
    config: DuffelConfig,
    outgoing: Outgoing,
}

/// What an answer holds.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) data: T,
    #[serde(default)]
    pub(crate) meta: Option<Meta>,
}

/// Where a list goes on.
#[derive(Deserialize, Default)]
pub(crate) struct Meta {
    #[serde(default)]
    pub(crate) after: Option<String>,
}

/// One of the errors of an answer.
#[derive(Deserialize, Default)]
struct Fault {
    #[serde(default)]
    title: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
struct Faults {
    errors: Vec<Fault>,
}

/// Why a call did not do what was asked.
pub(crate) struct Refused {
    /// What it means for the act.
    pub(crate) error: ActionError,
    /// Duffel's own code, where it gave one.
    pub(crate) code: String,
}

impl From<Refused> for ActionError {
    fn from(refused: Refused) -> Self {
        refused.error
    }
}

impl Duffel {
    pub(crate) fn new(config: DuffelConfig, outgoing: Outgoing) -> Self {
        Self { config, outgoing }
    }

    /// Looks.
    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Envelope<T>, Refused> {
        self.call(Kind::Look, Request::get(self.url(path, query)?)).await
    }

    /// Sends a body; whether that does something is the caller's to say.
    async fn post<T: DeserializeOwned>(
        &self,
        kind: Kind,
        path: &[&str],
        query: &[(&str, &str)],
        data: &impl Serialize,
    ) -> Result<Envelope<T>, Refused> {
        let request = Request::new(Method::POST, self.url(path, query)?).json(&serde_json::json!({"data": data}));
        self.call(kind, request).await
    }

    async fn call<T: DeserializeOwned>(&self, kind: Kind, request: Request) -> Result<Envelope<T>, Refused> {
        let request = request
            .bearer(&self.config.token)
            .header(HeaderName::from_static("duffel-version"), VERSION)
            .header(ACCEPT, "application/json")
            .within(ANSWER_LIMIT)
            .at_most(ANSWER_BYTES_MAX);
        let refused = |error| Refused { error, code: String::new() };
        let answer = self.outgoing.send(request).await.map_err(|trouble| refused(SERVICE.no_answer(kind, &trouble)))?;
        if !answer.status.is_success() {
            return Err(told(kind, &answer));
        }
        answer.json().ok_or_else(|| refused(SERVICE.unreadable(kind)))
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Refused> {
        let mut url = self.config.api_url.clone();
        let Ok(mut segments) = url.path_segments_mut() else {
            let error = ActionError::fail("DUFFEL_API_URL cannot hold a path");
            return Err(Refused { error, code: String::new() });
        };
        segments.pop_if_empty().extend(path);
        drop(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Whether the token is taken; for the doctor.
    ///
    /// # Errors
    /// One sentence why it does not work.
    pub(crate) async fn check(&self) -> Result<(), String> {
        let asked = self.get::<Vec<Value>>(&["places", "suggestions"], &[("query", "London")]).await;
        asked.map(drop).map_err(|refused| refused.error.message)
    }
}

fn told(kind: Kind, answer: &Answer) -> Refused {
    let fault = answer.json::<Faults>().and_then(|faults| faults.errors.into_iter().next()).unwrap_or_default();
    let words = if fault.message.is_empty() { &fault.title } else { &fault.message };
    let mut error = SERVICE.refusal(kind, answer, Some(words));
    if answer.status == StatusCode::TOO_MANY_REQUESTS
        && let ActionErrorKind::Retry { after_secs } = &mut error.kind
    {
        *after_secs = (*after_secs).max(wait_until(&answer.headers, "ratelimit-reset"));
    }
    Refused { error, code: fault.code }
}
