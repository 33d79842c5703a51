//! Web pages, by a SearXNG instance (<https://docs.searxng.org/dev/search_api.html>).

use std::collections::HashSet;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use workflows::ports::{ActionCall, ActionError, ActionOutcome};

use super::limit;
use super::text::{line, without_markup};
use crate::outgoing::{Answer, Outgoing, Request};
use crate::plugins::web::{Kind, Service};
use crate::plugins::{outcome, text};

/// Longest wait for one page of results.
const PAGE_LIMIT: Duration = Duration::from_secs(15);
/// Pages asked for in one search: as many as the largest limit takes.
const PAGES_MAX: u32 = 4;
/// Longest that a search takes with all its pages.
pub(super) const LIMIT: Duration = Duration::from_secs(75);
/// Largest answer read.
const ANSWER_BYTES_MAX: usize = 2 << 20;
/// Longest title shown.
const TITLE_CHARS_MAX: usize = 200;
/// Longest snippet shown.
const SNIPPET_CHARS_MAX: usize = 500;
/// Longest address taken.
const URL_BYTES_MAX: usize = 2_000;
/// Longest part of a query that is told back.
const QUERY_CHARS_MAX: usize = 100;
/// Engines named when they did not answer.
const ENGINES_NAMED_MAX: usize = 8;
/// Longest name of an engine, with its reason.
const ENGINE_CHARS_MAX: usize = 60;

const SEARXNG: Service = Service { name: "SearXNG", key: "SEARXNG_URL" };

/// A way to search the web.
pub(super) struct WebSearch {
    outgoing: Outgoing,
    base: Url,
}

/// A page that was found.
#[derive(Debug, PartialEq, Eq)]
struct Hit {
    title: String,
    url: String,
    snippet: String,
}

/// What an instance answers. Whatever else is in it, or is not of this shape, is left out.
#[derive(Deserialize)]
struct Page {
    results: Vec<Value>,
    #[serde(default)]
    unresponsive_engines: Vec<Value>,
    #[serde(default)]
    answers: Vec<Value>,
    #[serde(default)]
    corrections: Vec<Value>,
    #[serde(default)]
    infoboxes: Vec<Value>,
    #[serde(default)]
    suggestions: Vec<Value>,
}

impl WebSearch {
    pub(super) fn new(outgoing: Outgoing, base: Url) -> Self {
        Self { outgoing, base }
    }

    /// `search.search_web`.
    pub(super) async fn run(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let query = text(&call.args, "query").ok_or_else(|| ActionError::fail("there is nothing to search for"))?;
        let wanted = limit(&call.args);
        let (mut hits, mut seen, mut silent) = (Vec::new(), HashSet::new(), Vec::new());
        let mut cut_short = None;
        for number in 1..=PAGES_MAX {
            let page = match self.page(query, number).await {
                Ok(page) => page,
                Err(error) if number == 1 => return Err(error),
                Err(error) => {
                    cut_short = Some(error.message);
                    break;
                }
            };
            let found: Vec<Hit> =
                page.results.iter().filter_map(hit).filter(|hit| seen.insert(same(&hit.url))).collect();
            if number == 1 {
                silent = page.silent();
                if page.results.is_empty() && !silent.is_empty() && !page.says_anything() {
                    return Err(ActionError::retry(format!("no search engine answered: {}", silent.join(", "))));
                }
            }
            let is_last = found.is_empty();
            hits.extend(found);
            if is_last || hits.len() >= wanted {
                break;
            }
        }
        hits.truncate(wanted);
        let detail = detail(query, hits.len(), &silent, cut_short.as_deref());
        let results: Vec<Value> = hits
            .into_iter()
            .map(|Hit { title, url, snippet }| json!({"title": title, "url": url, "snippet": snippet}))
            .collect();
        Ok(outcome(json!({"results": results}), detail))
    }

    async fn page(&self, query: &str, number: u32) -> Result<Page, ActionError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| ActionError::fail("SEARXNG_URL cannot hold a search"))?
            .pop_if_empty()
            .push("search");
        url.query_pairs_mut().clear().append_pair("q", query).append_pair("format", "json");
        if number > 1 {
            url.query_pairs_mut().append_pair("pageno", &number.to_string());
        }
        let request = Request::get(url).header(ACCEPT, "application/json").within(PAGE_LIMIT).at_most(ANSWER_BYTES_MAX);
        let answer = self.outgoing.send(request).await.map_err(|trouble| SEARXNG.no_answer(Kind::Look, &trouble))?;
        read(&answer)
    }

    /// Whether it answers a search as it must, for `doctor`.
    pub(super) async fn check(&self) -> Result<(), String> {
        let page = self.page("super manager", 1).await.map_err(|error| error.message)?;
        match page.silent() {
            silent if page.results.is_empty() && !silent.is_empty() => {
                Err(format!("no search engine answered: {}", silent.join(", ")))
            }
            _ => Ok(()),
        }
    }
}

fn read(answer: &Answer) -> Result<Page, ActionError> {
    match answer.status {
        StatusCode::FORBIDDEN => Err(ActionError::fail(
            "SearXNG refuses to answer in JSON: the format json is not enabled in its settings (search.formats)",
        )),
        status if !status.is_success() => Err(SEARXNG.refusal(Kind::Look, answer, None)),
        _ => answer.json().ok_or_else(|| SEARXNG.unreadable(Kind::Look)),
    }
}

impl Page {
    /// The engines that did not answer, with their reasons.
    fn silent(&self) -> Vec<String> {
        let named = self.unresponsive_engines.iter().filter_map(|engine| match engine {
            Value::String(name) => Some(line(name, ENGINE_CHARS_MAX)),
            Value::Array(parts) => {
                let mut words = parts.iter().filter_map(Value::as_str);
                let name = words.next()?;
                let told = words.next().map_or_else(|| name.to_owned(), |why| format!("{name} ({why})"));
                Some(line(&told, ENGINE_CHARS_MAX))
            }
            _ => None,
        });
        named.take(ENGINES_NAMED_MAX).collect()
    }

    /// Whether it has anything that only an engine's answer brings.
    fn says_anything(&self) -> bool {
        [&self.answers, &self.corrections, &self.infoboxes, &self.suggestions].into_iter().any(|said| !said.is_empty())
    }
}

fn hit(result: &Value) -> Option<Hit> {
    let words = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
    let url = Url::parse(words("url").trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    // A name before the host makes an address look like another's.
    let is_plain = url.username().is_empty() && url.password().is_none() && url.as_str().len() <= URL_BYTES_MAX;
    let host = url.host_str().filter(|_| is_plain)?;
    let title = match without_markup(words("title"), TITLE_CHARS_MAX) {
        title if title.is_empty() => host.to_owned(),
        title => title,
    };
    Some(Hit { title, snippet: without_markup(words("content"), SNIPPET_CHARS_MAX), url: url.to_string() })
}

/// What two addresses of the same page have in common.
fn same(url: &str) -> String {
    let url = url.split('#').next().unwrap_or(url);
    let url = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    url.strip_prefix("www.").unwrap_or(url).trim_end_matches('/').to_owned()
}

fn detail(query: &str, count: usize, silent: &[String], cut_short: Option<&str>) -> String {
    let query = line(query, QUERY_CHARS_MAX);
    let mut detail = match count {
        0 => format!("Nothing was found for “{query}”"),
        1 => format!("1 page for “{query}”"),
        _ => format!("{count} pages for “{query}”"),
    };
    if !silent.is_empty() {
        detail = format!("{detail}; without an answer: {}", silent.join(", "));
    }
    match cut_short {
        Some(why) => format!("{detail}; more could not be asked for: {why}"),
        None => detail,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use workflows::ports::ActionErrorKind;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            url: "http://searx.test/search".parse().expect("a url"),
        }
    }

    #[test]
    fn only_addresses_of_the_web_are_results() {
        for url in [
            "javascript:alert(1)",
            "ftp://a.example/",
            "file:///etc/passwd",
            "magnet:?xt=1",
            "//a.example/",
            "",
            "https://bank.example@evil.example/",
            "data:text/html,x",
        ] {
            assert_eq!(hit(&json!({"url": url, "title": "x", "content": "x"})), None, "{url}");
        }
        let long = format!("https://a.example/{}", "x".repeat(URL_BYTES_MAX));
        assert_eq!(hit(&json!({"url": long})), None);
        for rubbish in [json!(null), json!([]), json!({}), json!({"url": 7}), json!("https://a.example/")] {
            assert_eq!(hit(&rubbish), None, "{rubbish}");
        }
    }

    #[test]
    fn a_result_is_plain_and_bounded() {
        let found =
            hit(&json!({"url": "https://a.example/x y", "title": null, "content": "<b>so</b> &amp; so\u{202e}"}));
        let wanted = Hit {
            title: "a.example".to_owned(),
            url: "https://a.example/x%20y".to_owned(),
            snippet: "so & so".to_owned(),
        };
        assert_eq!(found, Some(wanted));
        let found = hit(&json!({"url": "https://a.example", "title": "t".repeat(999), "content": "c".repeat(9999)}));
        let found = found.expect("a result");
        assert_eq!((found.title.chars().count(), found.snippet.chars().count()), (TITLE_CHARS_MAX, SNIPPET_CHARS_MAX));
    }

    #[test]
    fn the_same_page_is_recognised() {
        for url in ["https://www.a.example/x/", "http://a.example/x", "https://a.example/x#part"] {
            assert_eq!(same(url), "a.example/x");
        }
        assert_ne!(same("https://a.example/x?y=1"), same("https://a.example/x?y=2"));
    }

    #[test]
    fn silent_engines_are_read_in_every_shape_and_few_are_named() {
        let mut engines = vec![json!(["brave", "timeout"]), json!("google"), json!(["bing"]), json!(7), json!([])];
        engines.extend((0..50).map(|n| json!([format!("e{n}"), "x".repeat(500)])));
        let page: Page =
            serde_json::from_value(json!({"results": [], "unresponsive_engines": engines})).expect("a page");
        let silent = page.silent();
        assert_eq!(silent[..3], ["brave (timeout)", "google", "bing"]);
        assert_eq!(silent.len(), ENGINES_NAMED_MAX);
        assert!(silent.iter().all(|engine| engine.chars().count() <= ENGINE_CHARS_MAX));
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let refused = read(&answer(403, "<h1>Forbidden</h1>")).err().expect("an error");
        assert!(refused.message.contains("search.formats") && refused.kind == ActionErrorKind::Fail, "{refused}");
        for body in ["", "<html>", "[]", "{\"results\": 1}", "{\"results\": [", "{}"] {
            let error = read(&answer(200, body)).err().expect("an error");
            assert_eq!(error.kind, ActionErrorKind::Retry { after_secs: None }, "{body}");
        }
    }
}
