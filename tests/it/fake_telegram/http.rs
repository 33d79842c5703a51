//! HTTP/1.1 by hand, so that answers can fail half-way.

use std::collections::HashMap;

use serde_json::{Map, Value};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, Error, ErrorKind};

use super::spec;

/// Longest line of a head, in bytes.
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// Most header lines of a request.
const HEADERS_MAX: usize = 100;
/// Largest body: an upload may have 50 MB.
const BODY_BYTES_MAX: usize = 50 * 1024 * 1024;

/// A request, read to its end.
pub(super) struct Request {
    pub(super) path: String,
    query: String,
    content_type: String,
    body: Vec<u8>,
}

/// An answer.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

/// What a call carries.
#[derive(Default)]
pub(super) struct Params {
    pub(super) fields: Map<String, Value>,
    /// Uploads by the name of their part.
    pub(super) files: HashMap<String, Vec<u8>>,
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    from.take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8(bytes).map_err(|_| invalid("a head that is not text"))?;
    text.strip_suffix("\r\n").map(|line| Some(line.to_owned())).ok_or_else(|| invalid("a line without an end"))
}

/// Reads one request; `None` when the client has gone.
pub(super) async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Request>> {
    let Some(first) = line(from).await? else { return Ok(None) };
    let mut words = first.split(' ');
    let (verb, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !matches!(verb, "GET" | "POST") || words.next() != Some("HTTP/1.1") {
        return Err(invalid("not a request of HTTP/1.1 with GET or POST"));
    }
    let mut headers = HashMap::new();
    loop {
        let line = line(from).await?.ok_or_else(|| invalid("half a head"))?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid("a header without a colon"))?;
        if headers.len() >= HEADERS_MAX {
            return Err(invalid("too many headers"));
        }
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = line(from).await?.ok_or_else(|| invalid("half a body"))?;
            let size = size.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(|_| invalid("a chunk without a size"))?;
            take(from, &mut body, size).await?;
            line(from).await?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = headers.get("content-length") {
        let length = length.parse().map_err(|_| invalid("a length that is no number"))?;
        take(from, &mut body, length).await?;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let content_type = headers.remove("content-type").unwrap_or_default();
    let path = decoded(path).ok_or_else(|| invalid("a path that is not text"))?;
    Ok(Some(Request { path, query: query.to_owned(), content_type, body }))
}

/// A path with its escapes resolved: clients may well escape the slash in the path of a file.
fn decoded(path: &str) -> Option<String> {
    let mut pieces = path.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(piece.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

async fn take(from: &mut (impl AsyncBufRead + Unpin), body: &mut Vec<u8>, size: usize) -> std::io::Result<()> {
    let start = body.len();
    if size.saturating_add(start) > BODY_BYTES_MAX {
        return Err(invalid("the body is too large"));
    }
    body.resize(start + size, 0);
    from.read_exact(&mut body[start..]).await.map(drop)
}

impl Response {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self { status, content_type: "application/json", body: body.to_string().into_bytes() }
    }

    pub(super) fn html(status: u16, title: &str) -> Self {
        let body = format!("<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>{title}</body>\r\n</html>");
        Self { status, content_type: "text/html", body: body.into_bytes() }
    }

    /// Writes it, or only so much of its body.
    pub(super) async fn write(&self, to: &mut (impl AsyncWriteExt + Unpin), half: bool) -> std::io::Result<()> {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            409 => "Conflict",
            429 => "Too Many Requests",
            502 => "Bad Gateway",
            _ => "Internal Server Error",
        };
        let head = format!(
            "HTTP/1.1 {} {reason}\r\nServer: nginx\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: keep-alive\r\n\r\n",
            self.status,
            self.content_type,
            self.body.len()
        );
        let end = if half { self.body.len() / 2 } else { self.body.len() };
        to.write_all(&[head.as_bytes(), &self.body[..end]].concat()).await?;
        to.flush().await
    }
}

impl Request {
    /// What it carries for a method.
    pub(super) fn params(&self, method: &str) -> Result<Params, String> {
        let mut params = Params::default();
        let add_form = |form: &[u8], params: &mut Params| {
            for (name, text) in url::form_urlencoded::parse(form) {
                params.fields.insert(name.to_string(), spec::from_text(method, &name, &text));
            }
        };
        add_form(self.query.as_bytes(), &mut params);
        let kind = self.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            _ if self.body.is_empty() => {}
            "application/json" => match serde_json::from_slice(&self.body) {
                Ok(Value::Object(fields)) => params.fields.extend(fields),
                // A method without parameters may come as a null of the client's own making.
                Ok(Value::Null) => {}
                Ok(_) | Err(_) => return Err("can't parse JSON object".to_owned()),
            },
            "application/x-www-form-urlencoded" => add_form(&self.body, &mut params),
            "multipart/form-data" => self.parts(method, &mut params)?,
            _ => return Err(format!("unsupported content type \"{kind}\"")),
        }
        Ok(params)
    }

    fn parts(&self, method: &str, params: &mut Params) -> Result<(), String> {
        let boundary = self.content_type.split_once("boundary=").map(|(_, after)| after);
        let boundary = boundary.ok_or("multipart without a boundary")?.split(';').next().unwrap_or_default();
        let mark = format!("\r\n--{}", boundary.trim().trim_matches('"'));
        let whole = [b"\r\n", self.body.as_slice()].concat();
        let mut rest = whole.as_slice();
        let start = find(rest, mark.as_bytes()).ok_or("multipart without a part")?;
        rest = &rest[start + mark.len()..];
        while !rest.starts_with(b"--") {
            let end = find(rest, mark.as_bytes()).ok_or("multipart without an end")?;
            let part = rest[..end].strip_prefix(b"\r\n").ok_or("a part without a start")?;
            rest = &rest[end + mark.len()..];
            let head_end = find(part, b"\r\n\r\n").ok_or("a part without a head")?;
            let head = String::from_utf8_lossy(&part[..head_end]);
            let content = &part[head_end + 4..];
            let name = attribute(&head, "name").ok_or("a part without a name")?;
            if attribute(&head, "filename").is_some() {
                // A file sent under the name of its field stands for itself.
                if !params.fields.values().any(|value| value == &Value::from(format!("attach://{name}"))) {
                    params.fields.insert(name.clone(), Value::from(format!("attach://{name}")));
                }
                params.files.insert(name, content.to_vec());
            } else {
                let text = std::str::from_utf8(content).map_err(|_| "strings must be encoded in UTF-8")?;
                let value = spec::from_text(method, &name, text);
                if let Some(attached) = text.strip_prefix("attach://").filter(|attached| *attached != name) {
                    // The upload came before the field that names it.
                    params.fields.remove(attached);
                }
                params.fields.insert(name, value);
            }
        }
        Ok(())
    }
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

/// A quoted attribute of `Content-Disposition`.
fn attribute(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let found = line.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))?;
    Some(found.trim_matches('"').to_owned())
}
