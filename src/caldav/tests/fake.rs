//! A calendar server that does on purpose what real ones do by accident, and takes nothing that is
//! not as the RFCs say.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// `ann:secret`.
const LOGIN: &str = "Basic YW5uOnNlY3JldA==";

/// What goes wrong with the next request of a method.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// This is answered instead, and nothing is done.
    Answer(&'static str, &'static str),
    /// It is done, and the connection breaks.
    DoneThenCut,
    /// Somebody else changes every event just before.
    Raced,
    /// Somebody else calls every event something else just before.
    Renamed,
    /// The answer to a write has this tag, or none.
    Tag(Option<&'static str>),
    /// It is done after a pause.
    Slow(Duration),
    /// The list of changes comes in parts of this many.
    Parts(usize),
}

#[derive(Default)]
pub(super) struct State {
    pub(super) events: BTreeMap<String, (u64, String)>,
    pub(super) faults: Vec<(&'static str, Fault)>,
    /// Methods in the order they came.
    pub(super) asked: VecDeque<String>,
    /// What was not as it must be.
    pub(super) wrong: Vec<String>,
    pub(super) weak_tags: bool,
    /// Nothing can be written.
    pub(super) read_only: bool,
    /// Events that it does not answer for: with this status, or, when it is empty, not at all.
    pub(super) failing: BTreeMap<String, &'static str>,
    /// Bodies of what was asked and written, in the order they came.
    pub(super) bodies: Vec<String>,
    changes: u64,
    /// Which change last touched each path.
    touched: BTreeMap<String, u64>,
}

impl State {
    pub(super) fn put(&mut self, path: &str, text: &str) {
        self.changes += 1;
        self.events.insert(path.to_owned(), (self.changes, text.to_owned()));
        self.touched.insert(path.to_owned(), self.changes);
    }

    fn fault(&mut self, method: &str) -> Option<Fault> {
        let at = self.faults.iter().position(|(of, _)| *of == method)?;
        Some(self.faults.remove(at).1)
    }

    fn tag(&self, version: u64) -> String {
        format!("{}\"{version}\"", if self.weak_tags { "W/" } else { "" })
    }
}

#[derive(Clone)]
pub(super) struct Fake {
    state: Arc<Mutex<State>>,
    pub(super) port: u16,
}

struct Asked {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let fake = Self { state: Arc::default(), port };
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = serving.clone();
                tokio::spawn(async move { fake.serve(stream).await });
            }
        });
        fake
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    pub(super) fn fail(&self, method: &'static str, fault: Fault) {
        self.state().faults.push((method, fault));
    }

    async fn serve(&self, mut stream: TcpStream) {
        while let Some(asked) = read(&mut stream).await {
            let (answer, pause) = self.answer(&asked);
            tokio::time::sleep(pause).await;
            let Some(answer) = answer else { return };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    /// `None` = the connection is cut. And how long it takes.
    fn answer(&self, asked: &Asked) -> (Option<String>, Duration) {
        let mut state = self.state();
        state.asked.push_back(asked.method.clone());
        state.bodies.push(asked.body.clone());
        check(&mut state, asked);
        let fault = state.fault(&asked.method);
        let answer = match &fault {
            Some(Fault::Answer(status, rest)) => return (Some(whole(status, "", rest)), Duration::ZERO),
            Some(Fault::Raced) => {
                let all: Vec<(String, String)> =
                    state.events.iter().map(|(path, (_, text))| (path.clone(), text.clone())).collect();
                for (path, text) in all {
                    state.put(&path, &text);
                }
                done(&mut state, asked, None)
            }
            Some(Fault::Renamed) => {
                let all: Vec<(String, String)> = state
                    .events
                    .iter()
                    .map(|(path, (_, text))| (path.clone(), text.replace("SUMMARY:", "SUMMARY:Not ")))
                    .collect();
                for (path, text) in all {
                    state.put(&path, &text);
                }
                done(&mut state, asked, None)
            }
            Some(Fault::Parts(parts)) => done(&mut state, asked, Some(*parts)),
            Some(Fault::DoneThenCut | Fault::Tag(_) | Fault::Slow(_)) | None => done(&mut state, asked, None),
        };
        let pause = if let Some(Fault::Slow(pause)) = &fault { *pause } else { Duration::ZERO };
        let answer = match fault {
            Some(Fault::DoneThenCut) => None,
            Some(Fault::Tag(tag)) => {
                let kept: Vec<&str> = answer.split("\r\n").filter(|line| !line.starts_with("etag:")).collect();
                let answer = kept.join("\r\n");
                Some(match tag {
                    Some(tag) => answer.replacen("\r\n", &format!("\r\netag: {tag}\r\n"), 1),
                    None => answer,
                })
            }
            _ => Some(answer),
        };
        (answer, pause)
    }
}

fn check(state: &mut State, asked: &Asked) {
    let header = |name: &str| asked.headers.get(name).map(String::as_str);
    let mut must = |holds: bool, what: &str| {
        if !holds {
            state.wrong.push(format!("{} {}: {what}", asked.method, asked.path));
        }
    };
    must(header("authorization") == Some(LOGIN), "no login");
    match asked.method.as_str() {
        "PROPFIND" | "REPORT" => {
            must(header("depth").is_some(), "no depth");
            must(header("content-type").is_some_and(|kind| kind.starts_with("application/xml")), "no XML");
            must(super::super::xml::read(asked.body.as_bytes()).is_some(), "no document");
        }
        "PUT" => {
            must(header("if-match").is_some() != (header("if-none-match") == Some("*")), "no single guard");
            must(header("content-type").is_some_and(|kind| kind.starts_with("text/calendar")), "no calendar");
            for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:", "UID:", "DTSTAMP:", "DTSTART"] {
                must(asked.body.contains(line), line);
            }
            must(asked.body.split("\r\n").all(|line| line.len() <= 75), "a line that is not folded");
        }
        "DELETE" => must(header("if-match").is_some(), "no guard"),
        _ => must(false, "a method that nobody needs"),
    }
}

fn done(state: &mut State, asked: &Asked, parts: Option<usize>) -> String {
    let header = |name: &str| asked.headers.get(name).map(String::as_str);
    let now = state.events.get(&asked.path).map(|(version, _)| state.tag(*version));
    let holds = match (header("if-match"), header("if-none-match")) {
        // Strong comparison (RFC 9110, 13.1.1): a weak tag never matches.
        (Some(wanted), _) => now.as_deref() == Some(wanted) && !wanted.starts_with("W/"),
        (None, Some(_)) => now.is_none(),
        (None, None) => true,
    };
    match asked.method.as_str() {
        "PUT" | "DELETE" if state.read_only => {
            whole("403 Forbidden", "", "<error xmlns=\"DAV:\"><need-privileges/></error>")
        }
        "PUT" | "DELETE" if !holds => whole("412 Precondition Failed", "", ""),
        "PUT" => {
            state.put(&asked.path, &asked.body);
            let tag = state.tag(state.changes);
            whole("201 Created", &format!("etag: {tag}\r\n"), "")
        }
        "DELETE" => {
            state.changes += 1;
            state.events.remove(&asked.path);
            state.touched.insert(asked.path.clone(), state.changes);
            whole("204 No Content", "", "")
        }
        "PROPFIND" => calendar(state, &asked.path),
        _ if asked.body.contains("sync-collection") => changes(state, &asked.body, parts),
        _ => data(state, &asked.body),
    }
}

fn calendar(state: &State, path: &str) -> String {
    if path == "/me/" {
        let address = "<c:calendar-user-address-set><href>/me/</href><href>mailto:ann@example.org</href></c:calendar-user-address-set>";
        return multistatus(&response("/me/", address), None);
    }
    if let Some((version, _)) = state.events.get(path) {
        return multistatus(&response(path, &format!("<getetag>{}</getetag>", state.tag(*version))), None);
    }
    if path != "/cal/" {
        return whole("404 Not Found", "", "<html>nothing</html>");
    }
    let rights = if state.read_only { "<privilege><read/></privilege>" } else { "<privilege><all/></privilege>" };
    let props = format!(
        "<resourcetype><collection/><c:calendar/></resourcetype><displayname>Cal</displayname>\
         <current-user-principal><href>/me/</href></current-user-principal>\
         <current-user-privilege-set>{rights}</current-user-privilege-set>\
         <supported-report-set><supported-report><report><sync-collection/></report></supported-report></supported-report-set>\
         <sync-token>urn:{}</sync-token>",
        state.changes
    );
    multistatus(&response("/cal/", &props), None)
}

fn changes(state: &State, body: &str, parts: Option<usize>) -> String {
    let token = body.split("<sync-token>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
    let since: u64 = token.strip_prefix("urn:").and_then(|number| number.parse().ok()).unwrap_or_default();
    let mut all: Vec<(&String, &u64)> = state.touched.iter().filter(|(_, at)| **at > since).collect();
    all.sort_by_key(|(_, at)| **at);
    let most = parts.unwrap_or(usize::MAX);
    let mut text = String::new();
    for (path, _) in all.iter().take(most) {
        match state.events.get(*path) {
            Some((version, _)) => {
                text.push_str(&response(path, &format!("<getetag>{}</getetag>", state.tag(*version))));
            }
            None => text.push_str(&gone(path)),
        }
    }
    let has_more = all.len() > most;
    let last = if has_more { *all[most - 1].1 } else { state.changes };
    if has_more {
        text.push_str("<response><href>/cal/</href><status>HTTP/1.1 507 Insufficient Storage</status></response>");
    }
    multistatus(&text, Some(&format!("urn:{last}")))
}

/// Answers about those that are named, or about all to a query.
fn data(state: &State, body: &str) -> String {
    let named: Vec<&str> = body.split("<href>").skip(1).filter_map(|part| part.split('<').next()).collect();
    let paths: Vec<&str> =
        if body.contains("calendar-query") { state.events.keys().map(String::as_str).collect() } else { named };
    let mut text = String::new();
    for path in paths {
        match state.failing.get(path) {
            Some(&"") => continue,
            Some(status) => {
                let _infallible =
                    write!(text, "<response><href>{path}</href><status>HTTP/1.1 {status}</status></response>");
                continue;
            }
            None => {}
        }
        match state.events.get(path) {
            Some((version, data)) => {
                let data = data.replace('&', "&amp;").replace('<', "&lt;").replace('\r', "&#13;");
                let props =
                    format!("<getetag>{}</getetag><c:calendar-data>{data}</c:calendar-data>", state.tag(*version));
                text.push_str(&response(path, &props));
            }
            None => text.push_str(&gone(path)),
        }
    }
    multistatus(&text, None)
}

fn response(path: &str, props: &str) -> String {
    format!(
        "<response><href>{path}</href><propstat><prop>{props}</prop><status>HTTP/1.1 200 OK</status></propstat>\
         <propstat><prop><quota-used-bytes/></prop><status>HTTP/1.1 404 Not Found</status></propstat></response>"
    )
}

fn gone(path: &str) -> String {
    format!("<response><href>{path}</href><status>HTTP/1.1 404 Not Found</status></response>")
}

fn multistatus(responses: &str, token: Option<&str>) -> String {
    let token = token.map(|token| format!("<sync-token>{token}</sync-token>")).unwrap_or_default();
    let body = format!(
        "<multistatus xmlns=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\">{responses}{token}</multistatus>"
    );
    whole("207 Multi-Status", "content-type: application/xml\r\n", &body)
}

fn whole(status: &str, headers: &str, body: &str) -> String {
    let mut text = format!("HTTP/1.1 {status}\r\n{headers}");
    if let Some(place) = body.strip_prefix("location: ") {
        let _infallible = write!(text, "location: {place}\r\ncontent-length: 0\r\n\r\n");
        return text;
    }
    let _infallible = write!(text, "content-length: {}\r\n\r\n{body}", body.len());
    text
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&part[..read]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
    let mut body = bytes[end + 4..].to_vec();
    let have = body.len();
    body.resize(length.max(have), 0);
    stream.read_exact(&mut body[have..]).await.ok()?;
    Some(Asked { method, path, headers, body: String::from_utf8(body).ok()? })
}
