//! Duffel's API, version 2: <https://duffel.com/docs/api/overview/making-requests>.
//!
//! Flights are searched, stays are searched, quoted, booked and cancelled. Every request needs `Authorization`,
//! `Duffel-Version: v2` and `Accept: application/json`; bodies are JSON under `data`. Errors have the shape of
//! <https://duffel.com/docs/api/overview/response-handling>. Duffel documents no idempotency key: a header of that
//! name changes nothing, and a quote that was tried is refused with `booking_already_attempted`. Codes of errors are
//! as documented where the documentation names them; a client does well to go by `type` and status.
//!
//! 429 tells its end in `ratelimit-reset` as an HTTP date, not in `Retry-After`.

mod bookings;
mod check;
mod control;
mod data;
mod flights;
mod refusal;
mod stays;

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use workflows::ports::{Clock, SystemClock};

use super::ledger::pairs;
use super::{Answer, Call, Site};
use crate::fake_http::{Request, Response};

pub(crate) use bookings::{Booking, Status};
pub(crate) use control::Script;
pub(crate) use data::Hotel;
pub(crate) use refusal::Refusal;

use check::Check;

/// The token that it takes at first.
const TOKEN: &str = "duffel_test_FakeFakeFakeFakeFakeFakeFakeFake";
/// How long offers, rates and quotes are good for.
const GOOD_FOR: Duration = Duration::minutes(30);
/// How many requests Duffel takes in a minute.
const REQUESTS_PER_MINUTE: u32 = 60;
/// How an answer to a list is cut without a `limit`.
const PAGE_DEFAULT: usize = 50;
/// The largest `limit`.
const PAGE_MAX: usize = 200;

/// What Duffel knows.
pub(crate) struct Duffel {
    token: String,
    serial: u64,
    currency: String,
    stays_enabled: bool,
    hotels: Vec<Hotel>,
    results: BTreeMap<String, stays::SearchResult>,
    rates: BTreeMap<String, stays::Rate>,
    quotes: BTreeMap<String, stays::Quote>,
    bookings: Vec<Booking>,
    offers: BTreeMap<String, flights::Offer>,
    flights_enabled: bool,
    scripts: VecDeque<Script>,
    refusals: Vec<(String, Refusal)>,
}

impl Default for Duffel {
    fn default() -> Self {
        Self {
            token: TOKEN.to_owned(),
            serial: 0,
            currency: "INR".to_owned(),
            stays_enabled: true,
            hotels: data::hotels(),
            results: BTreeMap::new(),
            rates: BTreeMap::new(),
            quotes: BTreeMap::new(),
            bookings: Vec::new(),
            offers: BTreeMap::new(),
            flights_enabled: true,
            scripts: VecDeque::new(),
            refusals: Vec::new(),
        }
    }
}

/// A time as Duffel writes it.
fn written(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// An amount of hundredths as Duffel writes it.
fn amount(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// What the data of a request, or of its query, came to.
type Done = Result<Response, Refusal>;

impl Site for Duffel {
    fn gate(&mut self, call: &Call<'_>) -> Option<Answer> {
        let request = call.request;
        let refused = |code, message| Some(Refusal::new(400, "invalid_request_error", code, message).violation());
        let refused = match request.header("duffel-version") {
            None | Some("") => {
                refused("invalid_version_header", "The 'Duffel-Version' header needs to be set to a valid API version.")
            }
            Some("v2") => None,
            Some(_) => refused(
                "unsupported_version",
                "The version set in the 'Duffel-Version' header is no longer supported by the API. Please upgrade.",
            ),
        };
        let refused = refused.or_else(|| unauthorized(request, &self.token)).or_else(|| untyped(request));
        refused.map(|refusal| self.refused(&refusal, Vec::new()))
    }

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let mut check = Check::default();
        if request_accepts_anything(call.request) {
            check.note("no Accept: application/json");
        }
        let done = self.route(call, &mut check);
        match done {
            Ok(response) => {
                let response = response.with("x-request-id", self.request_id());
                Answer::from(response).and(check.notes)
            }
            Err(refusal) => self.refused(&refusal, check.notes),
        }
    }

    fn too_many(&mut self) -> Response {
        let refusal = Refusal::new(429, "rate_limit_error", "rate_limit_exceeded", "Too many requests");
        refusal
            .response(&self.request_id())
            .with("ratelimit-limit", REQUESTS_PER_MINUTE.to_string())
            .with("ratelimit-remaining", "0")
    }

    fn nothing(&mut self, request: &Request) -> Response {
        let created = written(SystemClock.now());
        match request.path.as_str() {
            "/stays/search" => Response::json(201, &json!({"data": {"results": [], "created_at": created}})),
            "/air/offer_requests" => {
                let data = json!({"id": self.id("orq"), "live_mode": false, "created_at": created, "offers": []});
                Response::json(201, &json!({ "data": data }))
            }
            _ => {
                let meta = json!({"limit": PAGE_DEFAULT, "after": null, "before": null});
                Response::json(200, &json!({"data": [], "meta": meta}))
            }
        }
    }

    fn retry_after(&self, response: Response, secs: u64, now: DateTime<Utc>) -> Response {
        let reset = now + Duration::seconds(i64::try_from(secs).unwrap_or(i64::MAX / 1_000));
        response.with("ratelimit-reset", reset.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }
}

fn unauthorized(request: &Request, token: &str) -> Option<Refusal> {
    let refusal = |code, message| Some(Refusal::new(401, "authentication_error", code, message).violation());
    match request.header("authorization") {
        None => refusal(
            "missing_authorization_header",
            "The 'Authorization' header needs to be set and contain a valid API token.",
        ),
        Some(value) => match value.strip_prefix("Bearer ") {
            Some(own) if own == token => None,
            Some(_) => refusal("access_token_not_found", "The access token is not recognised by Duffel."),
            None => {
                refusal("invalid_authorization_header", "The 'Authorization' header needs to use the 'Bearer' scheme.")
            }
        },
    }
}

/// What is wrong with the types a request names.
fn untyped(request: &Request) -> Option<Refusal> {
    let accepted = request.header("accept").unwrap_or_default();
    if !["application/json", "application/*", "*/*"].iter().any(|kind| accepted.contains(kind)) {
        let what = "The 'Accept' header needs to allow 'application/json'.";
        return Some(Refusal::new(406, "invalid_request_error", "unsupported_format", what).violation());
    }
    if !request.body.is_empty() && request.media_type() != "application/json" {
        let what = "The 'Content-Type' header needs to be set to 'application/json'.";
        return Some(Refusal::new(400, "invalid_request_error", "invalid_content_type_header", what).violation());
    }
    None
}

fn request_accepts_anything(request: &Request) -> bool {
    !request.header("accept").unwrap_or_default().contains("application/json")
}

impl Duffel {
    fn request_id(&mut self) -> String {
        self.serial += 1;
        format!("FakeReq{:013X}", self.serial)
    }

    fn id(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{kind}_0000Fake{:014}", self.serial)
    }

    fn refused(&mut self, refusal: &Refusal, notes: Vec<String>) -> Answer {
        let response = refusal.response(&self.request_id());
        let violation = refusal.violation.then(|| format!("{}: {}", refusal.status, refusal.message));
        Answer::from(response).and(violation).and(notes)
    }

    fn script(&mut self, wanted: impl Fn(&Script) -> bool) -> Option<Script> {
        let at = self.scripts.iter().position(wanted)?;
        self.scripts.remove(at)
    }

    fn route(&mut self, call: &Call<'_>, check: &mut Check) -> Done {
        let request = call.request;
        let place = format!("{} {}", request.method, request.path);
        if let Some(at) = self.refusals.iter().position(|(own, _)| place.starts_with(own)) {
            return Err(self.refusals.remove(at).1);
        }
        let parts: Vec<_> = request.path.trim_start_matches('/').split('/').collect();
        if parts[0] == "stays" && !self.stays_enabled {
            return Ok(Response::new(
                403,
                "text/plain; charset=utf-8",
                "This feature is not enabled for your account. Please contact sales to get access.",
            ));
        }
        let query = pairs(request.query.as_bytes());
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["air", "offer_requests"]) => self.offer_request(call, &query, check),
            ("GET", ["air", "offers"]) => self.offer_list(&query, check),
            ("GET", ["air", "offers", id]) => self.offer(id, call.now),
            ("GET", ["places", "suggestions"]) => data::suggestions(&query, check),
            ("POST", ["stays", "search"]) => self.search(call, check),
            ("POST", ["stays", "search_results", id, "actions", "fetch_all_rates"]) => self.all_rates(id, call.now),
            ("POST", ["stays", "quotes"]) => self.quote(call, check),
            ("GET", ["stays", "quotes", id]) => self.quoted(id),
            ("POST", ["stays", "bookings"]) => self.book(call, check),
            ("GET", ["stays", "bookings"]) => self.booking_list(&query, check),
            ("GET", ["stays", "bookings", id]) => self.booking(id),
            ("POST", ["stays", "bookings", id, "actions", "cancel"]) => self.cancel(id, call.now),
            _ => Err(Refusal::not_found("The resource you are trying to access does not exist.").violation()),
        }
    }
}

/// The object under `data` in the body of a request.
fn data_of(request: &Request) -> Result<Value, Refusal> {
    let bad = |code, what| Refusal::new(400, "invalid_request_error", code, what).violation();
    let body: Value =
        serde_json::from_slice(&request.body).map_err(|_| bad("bad_request", "The body is not valid JSON."))?;
    match body.get("data") {
        Some(data @ Value::Object(_)) => Ok(data.clone()),
        Some(_) | None => Err(bad("invalid_data_param", "The body needs an object under 'data'.")),
    }
}

/// A page of a list: `ids` names its entries in their order. Its place in the list, and `meta`.
fn page(ids: &[String], query: &[(String, String)]) -> Result<(std::ops::Range<usize>, Value), Refusal> {
    let bad = |what: String| Refusal::new(400, "invalid_request_error", "invalid_pagination", what).violation();
    let field = |name: &str| query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let limit = match field("limit") {
        None => PAGE_DEFAULT,
        Some(limit) => limit
            .parse()
            .ok()
            .filter(|limit| (1..=PAGE_MAX).contains(limit))
            .ok_or_else(|| bad(format!("'limit' needs to be an integer between 1 and {PAGE_MAX}.")))?,
    };
    let cursor = |id: &String| format!("g2wAAAACbQAAABBG{id}");
    let find = |value: &str| {
        let found = ids.iter().position(|id| cursor(id) == value);
        found.ok_or_else(|| bad("The cursor is not one of this list.".to_owned()))
    };
    let range = match (field("after"), field("before")) {
        (Some(_), Some(_)) => return Err(bad("'after' and 'before' exclude each other.".to_owned())),
        (Some(after), None) => {
            let start = find(after)? + 1;
            start..(start + limit).min(ids.len())
        }
        (None, Some(before)) => {
            let end = find(before)?;
            end.saturating_sub(limit)..end
        }
        (None, None) => 0..limit.min(ids.len()),
    };
    let after = (range.end < ids.len()).then(|| ids.get(range.end - 1).map(cursor)).flatten();
    let before = (range.start > 0).then(|| ids.get(range.start).map(cursor)).flatten();
    Ok((range, json!({"limit": limit, "after": after, "before": before})))
}
