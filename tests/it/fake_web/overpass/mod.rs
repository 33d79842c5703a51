//! The Overpass API: <https://wiki.openstreetmap.org/wiki/Overpass_API>.
//!
//! `POST /api/interpreter` with the form field `data`, which holds Overpass QL; see [`ql`] for how much of it.
//! A bad query is 400, too many requests at once are 429, a server without room is 504, each with a page of HTML
//! (`Web_Output::display_error` in its source). A query that runs out of its time is 200 with a `remark`.
//! The public servers answer 406 to a request whose `User-Agent` does not identify the application:
//! <https://github.com/drolbr/Overpass-API/issues/791>.

mod elements;
mod ql;
mod query;

use serde_json::{Value, json};

use super::ledger::pairs;
use super::{Answer, Call, Fake, Site, agent};
use crate::fake_http::{Request, Response};

pub(super) use elements::metres_between;
pub(crate) use elements::{Element, Kind};

/// The words under which the data may be used.
const COPYRIGHT: &str =
    "The data included in this document is from www.openstreetmap.org. The data is made available under ODbL.";

/// What ails the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It has no room for the query: 504.
    Busy,
    /// The query takes longer than its `timeout`: 200 with a remark and nothing found.
    OutOfTime,
    /// The query takes more memory than it may: 200 with a remark and part of what there is.
    OutOfMemory,
}

/// What the server knows.
pub(crate) struct Overpass {
    elements: Vec<Element>,
    troubles: Vec<Trouble>,
}

impl Default for Overpass {
    fn default() -> Self {
        Self { elements: elements::seed(), troubles: Vec::new() }
    }
}

fn page(status: u16, error: &str) -> Response {
    let error = format!("<p><strong style=\"color:#FF0000\">Error</strong>: {} </p>\n", escaped(error));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\"\n    \
         \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\" \
         xml:lang=\"en\" lang=\"en\">\n<head>\n  <meta http-equiv=\"content-type\" content=\"text/html; \
         charset=utf-8\" lang=\"en\"/>\n  <title>OSM3S Response</title>\n</head>\n<body>\n\n<p>{COPYRIGHT}</p>\n\
         {error}\n</body>\n</html>\n"
    );
    Response::new(status, "text/html; charset=utf-8", body)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn found(elements: &[Value], call: Option<&Call<'_>>, remark: Option<String>) -> Response {
    let time = call.map(|call| call.now.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default();
    let mut body = json!({
        "version": 0.6,
        "generator": "Overpass API 0.7.62.8 e802775f",
        "osm3s": {"timestamp_osm_base": time, "copyright": COPYRIGHT},
        "elements": elements,
    });
    if let Some(remark) = remark {
        body["remark"] = remark.into();
    }
    Response::json(200, &body)
}

impl Site for Overpass {
    fn gate(&mut self, call: &Call<'_>) -> Option<Answer> {
        let refusal =
            || Answer::violation(Response::html(406, "Not Acceptable"), "a request that tells not whose it is");
        (!agent::is_identified(call.request)).then(refusal)
    }

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let request = call.request;
        if request.path != "/api/interpreter" {
            return Answer::violation(Response::html(404, "Not Found"), "no such path");
        }
        let fields = match request.method.as_str() {
            "POST" if request.media_type() == "application/x-www-form-urlencoded" => pairs(&request.body),
            "POST" => {
                let what = format!("a body of type \"{}\", not a form", request.media_type());
                return Answer::violation(page(400, "encoding error: Your input is no form."), what);
            }
            "GET" => pairs(request.query.as_bytes()),
            _ => return Answer::violation(Response::html(405, "Method Not Allowed"), "neither GET nor POST"),
        };
        let unknown = fields.iter().filter(|(name, _)| name != "data");
        let unknown: Vec<_> = unknown.map(|(name, _)| format!("there is no parameter \"{name}\"")).collect();
        let data = fields.iter().find(|(name, _)| name == "data").map(|(_, value)| value.as_str());
        let Some(data) = data.filter(|data| !data.trim().is_empty()) else {
            let error = "encoding error: Your input contains only whitespace.";
            return Answer::violation(page(400, error), "no data").and(unknown);
        };
        match ql::parse(data) {
            Err(error) => Answer::violation(page(400, &error.to_string()), error.to_string()).and(unknown),
            Ok(query) => self.run(&query, call).and(unknown),
        }
    }

    fn too_many(&mut self) -> Response {
        let error = "runtime error: open64: 0 Success /osm3s_osm_base Dispatcher_Client::request_read_and_idx::\
                     rate_limited. Please check /api/status for the quota of your IP address.";
        page(429, error)
    }

    fn nothing(&mut self, _request: &Request) -> Response {
        found(&[], None, None)
    }
}

impl Overpass {
    fn run(&mut self, query: &query::Query, call: &Call<'_>) -> Answer {
        let trouble = (!self.troubles.is_empty()).then(|| self.troubles.remove(0));
        if trouble == Some(Trouble::Busy) {
            let error = "runtime error: open64: 0 Success /osm3s_osm_base Dispatcher_Client::request_read_and_idx::\
                         timeout. The server is probably too busy to handle your request.";
            return page(504, error).into();
        }
        if !query.json {
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<osm version=\"0.6\" generator=\"Overpass \
                 API\">\n<note>{COPYRIGHT}</note>\n</osm>\n"
            );
            let xml = Response::new(200, "application/osm3s+xml", body);
            return Answer::violation(xml, "no [out:json], so the answer is XML");
        }
        if query.outs.is_empty() {
            return Answer::violation(found(&[], Some(call), None), "no out statement, so nothing is printed");
        }
        let mut elements: Vec<Value> = query.outs.iter().flat_map(|out| out.print(&self.elements)).collect();
        let remark = match trouble {
            None | Some(Trouble::Busy) => None,
            Some(Trouble::OutOfTime) => {
                elements.clear();
                let secs = query.timeout_secs + 1;
                Some(format!("runtime error: Query timed out in \"query\" at line 1 after {secs} seconds."))
            }
            Some(Trouble::OutOfMemory) => {
                elements.truncate(elements.len() / 2);
                Some("runtime error: Query run out of memory using about 2048 MB of RAM.".to_owned())
            }
        };
        found(&elements, Some(call), remark).into()
    }
}

impl Fake<Overpass> {
    /// The URL for queries, as `OVERPASS_URL` has it.
    pub(crate) fn url(&self) -> String {
        format!("{}/api/interpreter", self.origin())
    }

    /// What it knows from now on.
    pub(crate) fn set_elements(&self, elements: Vec<Element>) {
        self.site(|site| site.elements = elements);
    }

    /// One more element.
    pub(crate) fn add_element(&self, element: Element) {
        self.site(|site| site.elements.push(element));
    }

    /// What ails it at the next query, after the troubles set before.
    pub(crate) fn trouble(&self, trouble: Trouble) {
        self.site(|site| site.troubles.push(trouble));
    }
}
