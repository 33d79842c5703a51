//! HTTP/1.1 by hand, for the stand-ins, so that answers can fail half-way.

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Error, ErrorKind};
use tokio::net::tcp::OwnedReadHalf;

use serde_json::Value;

/// Longest line of a head, in bytes.
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// Most header lines of a request.
const HEADERS_MAX: usize = 100;
/// Largest body: an upload may have 50 MB.
const BODY_BYTES_MAX: usize = 50 * 1024 * 1024;

/// A request, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The method, in capitals.
    pub(crate) method: String,
    /// The path with its escapes resolved.
    pub(crate) path: String,
    /// The query as it came, without the question mark.
    pub(crate) query: String,
    /// The headers in their order, names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, its chunks joined.
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    /// The status.
    pub(crate) status: u16,
    /// The headers but for `Server`, `Content-Length` and `Connection`.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
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
pub(crate) async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Request>> {
    let Some(first) = line(from).await? else { return Ok(None) };
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let known = matches!(method, "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS");
    if !known || words.next() != Some("HTTP/1.1") {
        return Err(invalid("not a request of HTTP/1.1"));
    }
    let headers = read_headers(from).await?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = decoded(path).ok_or_else(|| invalid("a path that is not text"))?;
    let mut request = Request { method: method.to_owned(), path, query: query.to_owned(), headers, body: Vec::new() };
    if request.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = line(from).await?.ok_or_else(|| invalid("half a body"))?;
            let size = size.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(|_| invalid("a chunk without a size"))?;
            take(from, &mut request.body, size).await?;
            line(from).await?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = request.header("content-length") {
        let length = length.parse().map_err(|_| invalid("a length that is no number"))?;
        take(from, &mut request.body, length).await?;
    }
    Ok(Some(request))
}

async fn read_headers(from: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = line(from).await?.ok_or_else(|| invalid("half a head"))?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid("a header without a colon"))?;
        if headers.len() >= HEADERS_MAX {
            return Err(invalid("too many headers"));
        }
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
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

/// Ends when the client has closed the connection.
pub(crate) async fn client_gone(read: &mut BufReader<OwnedReadHalf>) {
    match read.fill_buf().await {
        // The next request waits its turn.
        Ok(more) if !more.is_empty() => std::future::pending().await,
        Ok(_) | Err(_) => {}
    }
}

impl Request {
    /// The value of a header; the last one when it came several times.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The media type of the body, without parameters, in small letters.
    pub(crate) fn media_type(&self) -> String {
        let kind = self.header("content-type").unwrap_or_default();
        kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

impl Response {
    /// An answer of some type.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("Content-Type", content_type.to_owned())], body: body.into() }
    }

    /// An answer in JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// The page that a web server in front of the service makes.
    pub(crate) fn html(status: u16, title: &str) -> Self {
        let body = format!("<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>{title}</body>\r\n</html>");
        Self::new(status, "text/html", body)
    }

    /// The head of it, with the length of its body or, without a length, for chunks.
    pub(crate) fn head(&self, length: Option<usize>) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\nServer: nginx\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.extend([*name, ": ", value.as_str(), "\r\n"]);
        }
        match length {
            Some(length) => head.extend(["Content-Length: ", &length.to_string(), "\r\n"]),
            None => head.push_str("Transfer-Encoding: chunked\r\n"),
        }
        head.push_str("Connection: keep-alive\r\n\r\n");
        head.into_bytes()
    }

    /// Writes it, or only half of its body.
    pub(crate) async fn write(&self, to: &mut (impl AsyncWriteExt + Unpin), half: bool) -> std::io::Result<()> {
        let end = if half { self.body.len() / 2 } else { self.body.len() };
        to.write_all(&[&self.head(Some(self.body.len())), &self.body[..end]].concat()).await?;
        to.flush().await
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        411 => "Length Required",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}
