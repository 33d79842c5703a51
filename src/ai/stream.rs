//! Reading an answer as it comes, line by line, within bounds of time and size.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;

use super::wire::{Class, Fault, Hear};
use crate::config::AiLimits;
use crate::outgoing::{Outgoing, Request, Trouble, wait_until};

/// Largest answer that is read, in bytes of its text.
pub(super) const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Largest answer on the wire: the text comes in small pieces, each in an envelope.
const WIRE_BYTES_MAX: usize = 100 * ANSWER_BYTES_MAX;
/// Longest line of one.
const LINE_BYTES_MAX: usize = 2 * ANSWER_BYTES_MAX;
/// Largest refusal that is read.
const REFUSAL_BYTES_MAX: usize = 64 << 10;
/// Codes of refusals to pass on what a model wrote: it did not fit the form.
pub(super) const UNFIT: [&str; 2] = ["tool_use_failed", "json_validate_failed"];
/// Largest answer that is no text: lists of models.
pub(super) const JSON_BYTES_MAX: usize = 512 << 10;
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
                Ok(Some(Err(LinesCodecError::Io(_)))) => return Err(broken()),
            }
        }
    };
    match tokio::time::timeout(limits.total, whole).await {
        Ok(done) => done,
        Err(_) => Err(late(limits.total)),
    }
}

/// Sends a request and reads the answer, of at most so many bytes, as JSON.
pub(super) async fn json(
    outgoing: &Outgoing,
    request: &Request,
    limits: &AiLimits,
    bytes_max: usize,
) -> Result<Value, Fault> {
    let whole = async {
        let answer = open(outgoing, request, limits).await?;
        let body = read(answer, bytes_max).await?;
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
    let body = reading.await.ok().and_then(Result::ok).unwrap_or_default();
    Err(Fault { after, ..refusal(status, &body) })
}

async fn read(answer: Response, bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| broken())?;
        if body.len() + piece.len() > bytes_max {
            return Err(larger_than(bytes_max));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// How long the other side wants to be left alone: in seconds, also in parts of them, or until a time.
fn after(answer: &Response) -> Option<Duration> {
    let value = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = value.parse().ok().or_else(|| wait_until(answer.headers(), RETRY_AFTER.as_str()).map(f64::from))?;
    Duration::try_from_secs_f64(seconds).ok().map(|after| after.min(AFTER_MAX))
}

/// What a refusal means. Its words are kept only where they say which field was refused: they may repeat
/// what was sent.
fn refusal(status: StatusCode, body: &[u8]) -> Fault {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |place: &str| body.pointer(place).and_then(Value::as_str).unwrap_or_default();
    let word = |field: &str| text(&format!("/error/{field}"));
    // Ollama; OpenAI; older vLLM; gateways made with FastAPI.
    let places = ["/error", "/error/message", "/message", "/detail"];
    let words = places.map(text).into_iter().find(|words| !words.is_empty()).unwrap_or_default();
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
        400 if UNFIT.contains(&word("code")) => Class::BadOutput,
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
        "memory",
    ];
    let named = refused.into_iter().filter(|name| words.contains(name)).collect::<Vec<_>>().join(", ");
    let about = if named.is_empty() { String::new() } else { format!(" about {named}") };
    let written = word("failed_generation");
    if class == Class::BadOutput && [words, written].iter().any(|text| text.contains("max completion tokens")) {
        return cut();
    }
    let withheld = (class == Class::BadOutput).then(|| written.to_owned());
    Fault { withheld, ..Fault::new(class, format!("it answered {}{about}", status.as_u16())) }
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

/// Another answer would be cut as well.
pub(super) fn cut() -> Fault {
    Fault::new(Class::BadOutput, "the answer was cut at its longest")
}

pub(super) fn too_large() -> Fault {
    larger_than(ANSWER_BYTES_MAX)
}

fn larger_than(bytes: usize) -> Fault {
    Fault::new(Class::BadOutput, format!("the answer is larger than {} KiB", bytes >> 10))
}

fn broken() -> Fault {
    Fault::new(Class::Overload, "the connection broke in the middle of the answer")
}

/// Tells whoever hears it what was said so far, once something is.
pub(super) fn tell(hear: Hear<'_>, text: &str) {
    let said = without_thoughts(text);
    if !said.is_empty() {
        hear(said);
    }
}

/// What a model said, without what it thought aloud before.
pub(super) fn without_thoughts(text: &str) -> &str {
    let thinks = text.trim_start().starts_with("<think>");
    match text.split_once("</think>") {
        // Some do not say where they begin; an answer may be about such words.
        Some((before, said)) if thinks || !(before.contains('{') || before.contains("```")) => said.trim_start(),
        None if thinks => "",
        Some(_) | None => text,
    }
}

fn late(limit: Duration) -> Fault {
    Fault::new(Class::Late, format!("no answer within {} seconds", limit.as_secs_f32()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_refused_is_found_wherever_a_server_says_it() {
        for body in [
            json!({"error": {"message": "'stream_options' is not supported."}}),
            json!({"error": "unknown field stream_options"}),
            json!({"object": "error", "message": "stream_options: extra fields not permitted", "code": 400}),
            json!({"detail": "stream_options is not allowed"}),
        ] {
            let fault = refusal(StatusCode::BAD_REQUEST, body.to_string().as_bytes());
            assert_eq!((fault.class, fault.what.as_str()), (Class::BadRequest, "it answered 400 about stream_options"));
        }
        let body = json!({"error": "model requires more system memory (5.6 GiB) than is available (3.1 GiB)"});
        let fault = refusal(StatusCode::INTERNAL_SERVER_ERROR, body.to_string().as_bytes());
        assert_eq!((fault.class, fault.what.as_str()), (Class::Overload, "it answered 500 about memory"));
    }

    #[test]
    fn what_a_model_wrote_is_kept_where_it_is_not_passed_on_and_not_where_it_was_cut() {
        let refused = |message: &str, written: &str| {
            let error = json!({"message": message, "code": "json_validate_failed", "failed_generation": written});
            refusal(StatusCode::BAD_REQUEST, json!({"error": error}).to_string().as_bytes())
        };
        let unfit = refused("Failed to validate JSON", "{\"kind\": 1}");
        assert_eq!((unfit.class, unfit.withheld.as_deref()), (Class::BadOutput, Some("{\"kind\": 1}")));
        let cut_short = "max completion tokens reached before generating a valid document";
        assert_eq!(refused("Failed to validate JSON", cut_short), cut());
        assert_eq!(refused(cut_short, "{\"kind\":"), cut());
    }

    #[test]
    fn how_long_to_wait_is_told_in_seconds_or_by_a_time() {
        let waits = |retry_after: &str| {
            let answer = axum::http::Response::builder()
                .header("date", "Sun, 29 Nov 2026 16:00:00 GMT")
                .header("retry-after", retry_after)
                .body("")
                .expect("a response");
            after(&Response::from(answer)).map(|after| after.as_millis())
        };
        assert_eq!(waits("2"), Some(2_000));
        assert_eq!(waits("0.5"), Some(500));
        assert_eq!(waits("Sun, 29 Nov 2026 16:00:42 GMT"), Some(42_000));
        assert_eq!(waits("86400"), Some(AFTER_MAX.as_millis()), "nobody is left alone for ever");
        for odd in ["", "soon", "-5", "NaN", "inf"] {
            assert_eq!(waits(odd), None, "{odd}");
        }
    }

    #[test]
    fn thoughts_end_where_they_are_said_to_end() {
        for (text, said) in [
            ("<think>a</think>\n b", "b"),
            ("a</think>b", "b"),
            ("<think>{}</think>{\"text\": \"</think>\"}", "{\"text\": \"</think>\"}"),
            ("{\"text\": \"a </think> b\"}", "{\"text\": \"a </think> b\"}"),
            ("```\nre.sub('<think>.*</think>', '')\n```", "```\nre.sub('<think>.*</think>', '')\n```"),
            ("  <think>still at it", ""),
            ("plain", "plain"),
            (" a <think>b", " a <think>b"),
        ] {
            assert_eq!(without_thoughts(text), said);
        }
    }
}
