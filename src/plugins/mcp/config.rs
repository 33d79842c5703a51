//! The file that `MCP_CONFIG` names, in the usual `mcpServers` form.
//!
//! Read once and checked whole: every problem is told with its path in the file, no secret is. What
//! environment values, headers, arguments and the query of an address hold may be secret, so none of
//! them is ever shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use reqwest::header::{HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

/// Longest file read, in bytes.
pub const FILE_BYTES_MAX: u64 = 1 << 20;
/// Servers at most.
const SERVERS_MAX: usize = 32;
/// Longest server name, in characters.
const NAME_CHARS_MAX: usize = 40;
/// Arguments, environment values, headers, tools listed under `read`: each at most.
const ENTRIES_MAX: usize = 200;

/// What MCP itself sets on each request.
const RESERVED_HEADERS: [&str; 8] = [
    "accept",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "transfer-encoding",
];

/// Every server of the file.
#[derive(Debug, Clone, Default)]
pub struct McpConfig {
    /// In the order of the file.
    pub servers: Vec<ServerConfig>,
}

/// One server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Its name: `[a-z0-9_-]{1,40}`.
    pub name: String,
    /// How it is reached.
    pub way: Way,
    /// The tools that only look, as the operator declares; all others reach the world.
    pub read: BTreeSet<String>,
    /// Whether the operator turned it off.
    pub disabled: bool,
}

/// How a server is reached.
#[derive(Clone)]
pub enum Way {
    /// A program that is started and spoken to over its standard input and output.
    Program {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// What it has in its environment besides `PATH`, `HOME` and `LANG`.
        env: BTreeMap<String, SecretString>,
    },
    /// A server spoken to by streamable HTTP.
    Http {
        /// Its address.
        url: Url,
        /// What goes with each request.
        headers: Vec<(HeaderName, SecretString)>,
    },
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { command, args, env } => f
                .debug_struct("Program")
                .field("command", command)
                .field("args", &args.len())
                .field("env", &env.keys())
                .finish(),
            Self::Http { url, headers } => f
                .debug_struct("Http")
                .field("url", &shown(url))
                .field("headers", &headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
                .finish(),
        }
    }
}

/// An address without its query, which may hold a key.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// Reads the text of the file.
///
/// # Errors
/// Every problem, each with its path.
pub fn read(text: &str) -> Result<McpConfig, Vec<String>> {
    let mut reader = Reader { problems: Vec::new() };
    let root: Value = match serde_json::from_str(text) {
        Ok(root) => root,
        // The message names a place, never a value.
        Err(error) => return Err(vec![format!("is no JSON: line {}, column {}", error.line(), error.column())]),
    };
    let mut servers = Vec::new();
    for (key, value) in reader.fields("", &root) {
        match (key.as_str(), value) {
            ("mcpServers", Value::Object(all)) => {
                if all.len() > SERVERS_MAX {
                    reader.problem("mcpServers", format!("at most {SERVERS_MAX} servers are allowed"));
                }
                servers.extend(all.iter().filter_map(|(name, value)| reader.server(name, value)));
            }
            ("mcpServers", _) => reader.problem("mcpServers", "must be an object"),
            _ => reader.problem(key, "is no known field; mcpServers is"),
        }
    }
    if root.is_object() && root.get("mcpServers").is_none() {
        reader.problem("mcpServers", "is missing");
    }
    if reader.problems.is_empty() { Ok(McpConfig { servers }) } else { Err(reader.problems) }
}

struct Reader {
    problems: Vec<String>,
}

impl Reader {
    fn problem(&mut self, path: &str, what: impl fmt::Display) {
        self.problems.push(if path.is_empty() { what.to_string() } else { format!("{path}: {what}") });
    }

    fn fields<'a>(&mut self, path: &str, value: &'a Value) -> Vec<(&'a String, &'a Value)> {
        match value.as_object() {
            Some(fields) if fields.len() <= ENTRIES_MAX => fields.iter().collect(),
            Some(_) => {
                self.problem(path, format!("may have at most {ENTRIES_MAX} fields"));
                Vec::new()
            }
            None => {
                self.problem(path, "must be an object");
                Vec::new()
            }
        }
    }

    fn server(&mut self, name: &str, value: &Value) -> Option<ServerConfig> {
        let path = format!("mcpServers.{}", printable(name));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(plain) {
            self.problem(&path, format!("a server's name is 1 to {NAME_CHARS_MAX} of a-z 0-9 _ -"));
        }
        let fields: Map<String, Value> =
            self.fields(&path, value).into_iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let known = ["command", "args", "env", "url", "headers", "type", "read", "disabled"];
        for key in fields.keys().filter(|key| !known.contains(&key.as_str())) {
            self.problem(
                &format!("{path}.{}", printable(key)),
                format!("is no known field; known are {}", known.join(", ")),
            );
        }
        let disabled = match fields.get("disabled") {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.problem(&format!("{path}.disabled"), "must be true or false");
                false
            }
        };
        let read = self.texts(&format!("{path}.read"), fields.get("read")).into_iter().collect();
        let way = match (fields.contains_key("command"), fields.contains_key("url")) {
            (true, false) => Some(self.program(&path, &fields)),
            (false, true) => self.http(&path, &fields),
            (true, true) | (false, false) => {
                if value.is_object() {
                    self.problem(&path, "needs either command or url");
                }
                None
            }
        };
        Some(ServerConfig { name: name.to_owned(), way: way?, read, disabled })
    }

    fn program(&mut self, path: &str, fields: &Map<String, Value>) -> Way {
        if !matches!(fields.get("type").map(Value::as_str), None | Some(Some("stdio"))) {
            self.problem(&format!("{path}.type"), "must be stdio, or left out, with command");
        }
        if fields.contains_key("headers") {
            self.problem(&format!("{path}.headers"), "goes with url, not with command");
        }
        let command = fields.get("command").and_then(Value::as_str).map(str::trim).unwrap_or_default().to_owned();
        if command.is_empty() || command.contains('\0') {
            self.problem(&format!("{path}.command"), "must be the name or path of a program");
        }
        let args = self.texts(&format!("{path}.args"), fields.get("args"));
        let at = format!("{path}.env");
        let mut env = BTreeMap::new();
        for (name, value) in fields.get("env").map(|env| self.fields(&at, env)).unwrap_or_default() {
            let here = format!("{at}.{}", printable(name));
            if name.is_empty() || name.contains(['=', '\0']) {
                self.problem(&here, "is no name of an environment variable");
            }
            match value.as_str() {
                Some(text) if !text.contains('\0') => {
                    drop(env.insert(name.clone(), SecretString::from(text.to_owned())));
                }
                Some(_) | None => self.problem(&here, "must be a text"),
            }
        }
        Way::Program { command, args, env }
    }

    fn http(&mut self, path: &str, fields: &Map<String, Value>) -> Option<Way> {
        match fields.get("type").map(Value::as_str) {
            None | Some(Some("http" | "streamable-http")) => {}
            Some(Some("sse")) => {
                self.problem(&format!("{path}.type"), "the older SSE transport is not spoken; must be http");
            }
            Some(_) => self.problem(&format!("{path}.type"), "must be http or streamable-http, or left out, with url"),
        }
        for name in ["args", "env"].into_iter().filter(|name| fields.contains_key(*name)) {
            self.problem(&format!("{path}.{name}"), "goes with command, not with url");
        }
        let url = fields.get("url").and_then(Value::as_str).and_then(|text| text.trim().parse::<Url>().ok());
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
        if url.is_none() {
            self.problem(&format!("{path}.url"), "must be a URL that begins with http:// or https://");
        }
        if url.as_ref().is_some_and(|url| !url.username().is_empty() || url.password().is_some()) {
            self.problem(&format!("{path}.url"), "must not hold a user name or password; use headers");
        }
        let at = format!("{path}.headers");
        let mut headers = Vec::new();
        for (name, value) in fields.get("headers").map(|all| self.fields(&at, all)).unwrap_or_default() {
            let here = format!("{at}.{}", printable(name));
            let text = value.as_str().filter(|text| HeaderValue::from_str(text).is_ok());
            match (HeaderName::from_bytes(name.as_bytes()), text) {
                (Ok(header), _) if RESERVED_HEADERS.contains(&header.as_str()) => {
                    self.problem(&here, "is set by the protocol itself");
                }
                (Ok(header), Some(text)) => headers.push((header, SecretString::from(text.to_owned()))),
                (Err(_), _) => self.problem(&here, "is no name of a header"),
                (Ok(_), None) => self.problem(&here, "must be a text that a header can hold"),
            }
        }
        Some(Way::Http { url: url?, headers })
    }

    fn texts(&mut self, path: &str, value: Option<&Value>) -> Vec<String> {
        match value {
            None => Vec::new(),
            Some(Value::Array(items)) if items.len() <= ENTRIES_MAX && items.iter().all(is_text) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(_) => {
                self.problem(path, format!("must be a list of at most {ENTRIES_MAX} texts"));
                Vec::new()
            }
        }
    }
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.contains('\0'))
}

/// A key of the file as it may be printed.
fn printable(key: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    key.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_form_is_read() {
        let config = read(
            r#"{"mcpServers": {
                "files": {"command": "npx", "args": ["-y", "x"], "env": {"TOKEN": "s3cret"}, "read": ["list"]},
                "web-2": {"type": "http", "url": "http://127.0.0.1:9/mcp?key=s3cret", "headers": {"Authorization": "Bearer s3cret"}},
                "off": {"url": "https://x.org/mcp", "type": "streamable-http", "disabled": true}}}"#,
        )
        .expect("a configuration");
        let names: Vec<&str> = config.servers.iter().map(|server| server.name.as_str()).collect();
        assert_eq!(names, ["files", "web-2", "off"]);
        assert!(config.servers[0].read.contains("list") && config.servers[2].disabled);
        let debug = format!("{config:?}");
        assert!(!debug.contains("s3cret"), "{debug}");
        assert!(debug.contains("TOKEN") && debug.contains("127.0.0.1:9/mcp"), "{debug}");
    }

    #[test]
    fn every_problem_is_told_at_once_with_its_path_and_no_secret() {
        let problems = read(
            r#"{"servers": 1, "mcpServers": {
                "Bad Name": {"command": "x"},
                "none": {},
                "both": {"command": "x", "url": "http://x"},
                "a": {"command": "", "args": "x", "env": {"A": 5, "B=C": "hunter2"}, "cwd": "/", "headers": {}},
                "b": {"url": "ftp://x", "type": "sse", "headers": {"Host": "hunter2", "X\n": "y", "Y": "hunter2\n"}, "env": {}},
                "c": {"url": "http://me:hunter2@x/", "disabled": "yes", "read": [1]},
                "d": {"command": "x", "type": "http"},
                "e": 5}}"#,
        )
        .expect_err("problems");
        let paths: Vec<&str> = problems.iter().map(|what| what.split(": ").next().unwrap_or_default()).collect();
        for wanted in [
            "servers",
            "mcpServers.Bad Name",
            "mcpServers.none",
            "mcpServers.both",
            "mcpServers.a.command",
            "mcpServers.a.args",
            "mcpServers.a.env.A",
            "mcpServers.a.env.B=C",
            "mcpServers.a.cwd",
            "mcpServers.a.headers",
            "mcpServers.b.url",
            "mcpServers.b.type",
            "mcpServers.b.env",
            "mcpServers.b.headers.Host",
            "mcpServers.b.headers.X\\n",
            "mcpServers.b.headers.Y",
            "mcpServers.c.url",
            "mcpServers.c.disabled",
            "mcpServers.c.read",
            "mcpServers.d.type",
            "mcpServers.e",
        ] {
            assert!(paths.contains(&wanted), "{wanted} is not in {problems:#?}");
        }
        assert!(!problems.concat().contains("hunter2"), "{problems:#?}");
    }

    #[test]
    fn what_is_no_json_says_where_it_breaks_and_not_what_it_holds() {
        let problems = read("{\"mcpServers\": {\"a\": hunter2}}").expect_err("a problem");
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("line 1") && !problems[0].contains("hunter2"), "{problems:?}");
        assert_eq!(read("[]").expect_err("a problem"), ["must be an object"]);
        assert_eq!(read("{}").expect_err("a problem"), ["mcpServers: is missing"]);
    }
}
