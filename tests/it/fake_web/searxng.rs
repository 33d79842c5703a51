//! SearXNG's search API: <https://docs.searxng.org/dev/search_api.html>.
//!
//! `GET` or `POST /search` with `q` and `format=json`. The format must be enabled in `settings.yml`
//! (`search.formats`), else the answer is 403; a missing `q` is 400, a parameter out of its range is 400
//! with `{"error": …}`; the limiter answers 429. The fields of a result are those of the JSON that the
//! service makes of its result types: <https://docs.searxng.org/dev/result_types/main_result.html>.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::ledger::pairs;
use super::{Answer, Call, Fake, Site};
use crate::fake_http::{Request, Response};

/// How many results a page has.
pub(crate) const PAGE_RESULTS: usize = 10;
/// The parameters of the search API.
const PARAMETERS: [&str; 19] = [
    "q",
    "categories",
    "engines",
    "language",
    "pageno",
    "time_range",
    "format",
    "results_on_new_tab",
    "image_proxy",
    "autocomplete",
    "safesearch",
    "theme",
    "enabled_plugins",
    "disabled_plugins",
    "enabled_engines",
    "disabled_engines",
    "method",
    "center_alignment",
    "timeout_limit",
];

/// What the instance knows.
pub(crate) struct Searxng {
    results: Vec<Value>,
    by_query: HashMap<String, Vec<Value>>,
    suggestions: Vec<String>,
    unresponsive: Vec<(String, String)>,
    json_enabled: bool,
    limited: bool,
}

impl Default for Searxng {
    fn default() -> Self {
        Self {
            results: seed(),
            by_query: HashMap::new(),
            suggestions: Vec::new(),
            unresponsive: Vec::new(),
            json_enabled: true,
            limited: false,
        }
    }
}

/// A result as the service tells it.
pub(crate) fn result(url: &str, title: &str, content: &str) -> Value {
    let parsed = url::Url::parse(url).ok();
    let part = |part: fn(&url::Url) -> String| parsed.as_ref().map(part).unwrap_or_default();
    json!({
        "url": url,
        "title": title,
        "content": content,
        "thumbnail": "",
        "engine": "duckduckgo",
        "template": "default.html",
        "parsed_url": [
            part(|url| url.scheme().to_owned()),
            part(|url| url.host_str().unwrap_or_default().to_owned()),
            part(|url| url.path().to_owned()),
            "",
            part(|url| url.query().unwrap_or_default().to_owned()),
            part(|url| url.fragment().unwrap_or_default().to_owned()),
        ],
        "img_src": "",
        "priority": "",
        "engines": ["duckduckgo", "brave"],
        "positions": [1, 3],
        "score": 2.5,
        "category": "general",
        "publishedDate": null,
    })
}

fn seed() -> Vec<Value> {
    let page = |number: usize| {
        let (url, title) = (format!("https://goa.example/{number}"), format!("Party venues in Goa, part {number}"));
        result(&url, &title, &format!("Beach shacks, halls and gardens for a party of ten: list {number}."))
    };
    let mut results: Vec<_> = (1..=23).map(page).collect();
    results[1]["publishedDate"] = json!("2026-03-04T00:00:00");
    results
}

fn page(status: u16, name: &str, why: &str) -> Response {
    let body =
        format!("<!doctype html>\n<html lang=en>\n<title>{status} {name}</title>\n<h1>{name}</h1>\n<p>{why}</p>\n");
    Response::new(status, "text/html; charset=utf-8", body)
}

fn error(what: &str) -> Response {
    Response::json(400, &json!({ "error": what }))
}

/// What is wrong with the value of a parameter, as the service says it.
fn fault_of(name: &str, value: &str) -> Option<String> {
    let fits = match name {
        "pageno" => value.parse::<u32>().is_ok_and(|page| page > 0),
        "safesearch" => matches!(value, "0" | "1" | "2"),
        "time_range" => matches!(value, "" | "day" | "week" | "month" | "year"),
        "language" => is_language(value),
        _ => true,
    };
    (!fits).then(|| format!("Invalid value \"{value}\" for parameter {name}"))
}

fn is_language(value: &str) -> bool {
    let (language, region) = value.split_once('-').unwrap_or((value, "XX"));
    let small = (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_lowercase());
    let region = region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_alphabetic());
    matches!(value, "all" | "auto") || (small && region)
}

impl Site for Searxng {
    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let request = call.request;
        if request.path != "/search" {
            return Answer::violation(page(404, "Not Found", "The requested URL was not found."), "no such path");
        }
        let fields = match request.method.as_str() {
            "GET" => pairs(request.query.as_bytes()),
            "POST" if request.media_type() == "application/x-www-form-urlencoded" => pairs(&request.body),
            "POST" => Vec::new(),
            _ => {
                let refusal = page(405, "Method Not Allowed", "The method is not allowed for the requested URL.");
                return Answer::violation(refusal, "neither GET nor POST");
            }
        };
        if self.limited {
            return self.too_many().into();
        }
        let field = |name: &str| fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let unknown = fields.iter().filter(|(name, _)| !PARAMETERS.contains(&name.as_str()));
        let unknown: Vec<_> = unknown.map(|(name, _)| format!("there is no parameter \"{name}\"")).collect();
        match field("format") {
            Some("json") if self.json_enabled => {}
            // That JSON is not enabled is the operator's doing.
            Some("json") => return Answer::from(forbidden()).and(unknown),
            Some(_) => return Answer::violation(forbidden(), "a format that is not enabled").and(unknown),
            None => {
                let html = Response::new(200, "text/html; charset=utf-8", "<!doctype html>\n<title>SearXNG</title>\n");
                return Answer::violation(html, "no format, so the page for people").and(unknown);
            }
        }
        let Some(query) = field("q").filter(|query| !query.trim().is_empty()) else {
            let refusal = Response::new(400, "text/html; charset=utf-8", "No query");
            return Answer::violation(refusal, "no query").and(unknown);
        };
        if let Some(fault) = fields.iter().find_map(|(name, value)| fault_of(name, value)) {
            return Answer::violation(error(&fault), fault.clone()).and(unknown);
        }
        let number: usize = field("pageno").and_then(|number| number.parse().ok()).unwrap_or(1);
        Answer::from(self.found(query, number)).and(unknown)
    }

    fn too_many(&mut self) -> Response {
        page(429, "Too Many Requests", "This user has sent too many requests in a given amount of time.")
    }

    fn nothing(&mut self, _request: &Request) -> Response {
        Response::json(200, &body("", &[], &[], &[]))
    }
}

fn forbidden() -> Response {
    page(403, "Forbidden", "You don&#39;t have the permission to access the requested resource.")
}

fn body(query: &str, results: &[Value], suggestions: &[String], unresponsive: &[(String, String)]) -> Value {
    json!({
        "query": query,
        "number_of_results": 0,
        "results": results,
        "answers": [],
        "corrections": [],
        "infoboxes": [],
        "suggestions": suggestions,
        "unresponsive_engines": unresponsive,
    })
}

impl Searxng {
    fn found(&self, query: &str, page: usize) -> Response {
        let all = self.by_query.get(query).unwrap_or(&self.results);
        let start = (page - 1).saturating_mul(PAGE_RESULTS).min(all.len());
        let end = start.saturating_add(PAGE_RESULTS).min(all.len());
        Response::json(200, &body(query, &all[start..end], &self.suggestions, &self.unresponsive))
    }
}

impl Fake<Searxng> {
    /// The URL of the instance, as `SEARXNG_URL` has it.
    pub(crate) fn url(&self) -> String {
        self.origin()
    }

    /// What it finds for every query; see [`result`].
    pub(crate) fn set_results(&self, results: Vec<Value>) {
        self.site(|site| site.results = results);
    }

    /// What it finds for one query.
    pub(crate) fn set_results_for(&self, query: &str, results: Vec<Value>) {
        self.site(|site| site.by_query.insert(query.to_owned(), results));
    }

    /// What it proposes to search for instead.
    pub(crate) fn set_suggestions(&self, suggestions: &[&str]) {
        self.site(|site| site.suggestions = suggestions.iter().map(|&text| text.to_owned()).collect());
    }

    /// Which engines did not answer, and why.
    pub(crate) fn set_unresponsive(&self, engines: &[(&str, &str)]) {
        let engines = engines.iter().map(|&(name, why)| (name.to_owned(), why.to_owned())).collect();
        self.site(|site| site.unresponsive = engines);
    }

    /// Takes JSON out of `search.formats`, as it is in a new installation.
    pub(crate) fn disable_json(&self) {
        self.site(|site| site.json_enabled = false);
    }

    /// Lets the limiter refuse everything, or nothing any more.
    pub(crate) fn limit(&self, on: bool) {
        self.site(|site| site.limited = on);
    }
}
