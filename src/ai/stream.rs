//! Reading an answer as it comes, line by line, within bounds of time and size.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;

use super::wire::{Class, Fault};
use crate::config::AiLimits;
use crate::outgoing::{Outgoing, Request, Trouble};

/// Largest answer that is read, in bytes of its text.
pub(super) const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Largest answer on the wire: the text comes in small pieces, each in an envelope.
const WIRE_BYTES_MAX: usize = 100 * ANSWER_BYTES_MAX;
/// Longest line of one.
const LINE_BYTES_MAX: usize = 2 * ANSWER_BYTES_MAX;
/// Largest refusal that is read.
const REFUSAL_BYTES_MAX: usize = 16 << 10;
/// Longest time another side may ask for.
const AFTER_MAX: Duration = Duration::from_secs(3_600);

/// What a line was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// More is to come.
    More,
    /// It was the last.
    End,
}

/// Sends a request and gives every line of the answer to `take`, until it says that was the last. What
/// comes back is whether one was.
pub(super) async fn lines(
    outgoing: &Outgoing,
    request: &Request,
    limits: &AiLimits,
    mut take: impl FnMut(&str) -> Result<Line, Fault>,
) -> Result<Line, Fault> {
    let whole = async {
        let answer = open(outgoing, request, limits).await?;
        let bytes = answer.bytes_stream().map_err(std::io::Error::other);
        let mut lines = FramedRead::new(StreamReader::new(bytes), LinesCodec::new_with_max_length(LINE_BYTES_MAX));
        let mut read = 0;
        loop {
            match tokio::time::timeout(limits.first_byte, lines.next()).await {
                Err(_) => return Err(late(limits.first_byte)),
                Ok(None) => return Ok(Line::More),
                Ok(Some(Ok(line))) => {
                    read += line.len();
                    if read > WIRE_BYTES_MAX {
                        return Err(too_large());
                    }
                    if let Line::End = take(&line)? {
                        return Ok(Line::End);
                    }
                }
                Ok(Some(Err(LinesCodecError::MaxLineLengthExceeded))) => return Err(too_large()),
                Ok(Some(Err(LinesCodecError::Io(_)))) => {
                    return Err(Fault::new(Class::Overload, "the connection broke in the middle of the answer"));
                }
            }
        }
    };
    match tokio::time::timeout(limits.total, whole).await {
        Ok(done) => done,
        Err(_) => Err(late(limits.total)),
    }
}

/// Sends a request and reads the answer as JSON.
pub(super) async fn json(outgoing: &Outgoing, request: &Request, limits: &AiLimits) -> Result<Value, Fault> {
    let whole = async {
        let answer = open(outgoing, request, limits).await?;
        let body = read(answer, LINE_BYTES_MAX).await.ok_or_else(too_large)?;
        serde_json::from_slice(&body).map_err(|_| Fault::new(Class::BadOutput, "the answer is no JSON"))
    };
    match tokio::time::timeout(limits.total, whole).await {
        Ok(done) => done,
        Err(_) => Err(late(limits.total)),
    }
}

/// The answer before its body, when it is a good one.
async fn open(outgoing: &Outgoing, request: &Request, limits: &AiLimits) -> Result<Response, Fault> {
    let sent = tokio::time::timeout(limits.first_byte, outgoing.open(request)).await;
    let answer = sent.map_err(|_| late(limits.first_byte))?.map_err(|trouble| told(&trouble))?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let (status, after) = (answer.status(), after(&answer));
    let reading = tokio::time::timeout(limits.first_byte, read(answer, REFUSAL_BYTES_MAX));
    let body = reading.await.ok().flatten().unwrap_or_default();
    Err(Fault { after, ..refusal(status, &body) })
}

async fn read(answer: Response, max: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(Ok(piece)) = pieces.next().await {
        if body.len() + piece.len() > max {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    Some(body)
}

fn after(answer: &Response) -> Option<Duration> {
    let seconds: f64 = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(|after| after.min(AFTER_MAX))
}

/// What a refusal means. Its words are kept only where they say which field was refused: they may repeat
/// what was sent.
fn refusal(status: StatusCode, body: &[u8]) -> Fault {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let word = |field: &str| body.pointer(&format!("/error/{field}")).and_then(Value::as_str).unwrap_or_default();
    let words = body.get("error").and_then(Value::as_str).unwrap_or_else(|| word("message"));
    let spent = [word("code"), word("type")].contains(&"insufficient_quota");
    let retired = ["model_not_found", "model_decommissioned", "model_not_active"].contains(&word("code"));
    let too_often = word("code") == "rate_limit_exceeded";
    let no_model = retired || (words.contains("model") && words.contains("not found"));
    let class = match status.as_u16() {
        401 | 403 => Class::Auth,
        402 => Class::Quota,
        429 if spent => Class::Quota,
        429 => Class::Rate,
        400..=499 if too_often => Class::Rate,
        // The model wrote what did not fit the form; the form was not refused.
        400 if ["tool_use_failed", "json_validate_failed"].contains(&word("code")) => Class::BadOutput,
        _ if no_model => Class::NoModel,
        404 => Class::NoModel,
        408 => Class::Late,
        300..=499 => Class::BadRequest,
        _ => Class::Overload,
    };
    let refused = [
        "max_tokens",
        "temperature",
        "response_format",
        "json_schema",
        "tool",
        "stream_options",
        "context",
        "format",
        "grammar",
        "schema",
        "image",
    ];
    let named = refused.into_iter().filter(|name| words.contains(name)).collect::<Vec<_>>().join(", ");
    let about = if named.is_empty() { String::new() } else { format!(" about {named}") };
    Fault::new(class, format!("it answered {}{about}", status.as_u16()))
}

fn told(trouble: &Trouble) -> Fault {
    let class = match trouble {
        Trouble::NoConnection(_) => Class::Refused,
        Trouble::Late { .. } => Class::Late,
        Trouble::Forbidden { .. } | Trouble::Redirected(_) | Trouble::Elsewhere(_) => Class::BadRequest,
        Trouble::Broken(_) => Class::Overload,
        Trouble::TooLarge { .. } => Class::BadOutput,
    };
    Fault::new(class, trouble.to_string())
}

/// An answer without an end is none.
pub(super) fn unfinished() -> Fault {
    Fault::new(Class::Overload, "the answer ended before its end")
}

pub(super) fn too_large() -> Fault {
    Fault::new(Class::BadOutput, format!("the answer is larger than {} KiB", ANSWER_BYTES_MAX >> 10))
}

fn late(limit: Duration) -> Fault {
    Fault::new(Class::Late, format!("no answer within {} seconds", limit.as_secs_f32()))
}
