//! Spaces on Google Meet, made in the name of one account.
//!
//! The account's consent (a refresh token) is exchanged for access tokens that last an hour
//! (RFC 6749, section 6); a space is made by `POST /v2/spaces` of the Meet API, whose answer has the
//! link, `meetingUri`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::{Url, form_urlencoded};
use workflows::ids::EffectId;
use workflows::ports::{ActionCall, ActionError};

use crate::config::GoogleConfig;
use crate::outgoing::{Answer, Outgoing, Request};
use crate::plugins::web::{Kind, Service};

/// The keys that turn it on.
pub const MISSING: &str = "not configured: set GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET and GOOGLE_REFRESH_TOKEN";

const GOOGLE: Service = Service { name: "Google", key: "GOOGLE_REFRESH_TOKEN" };
const MEET: Service = Service { name: "Google Meet", key: "GOOGLE_REFRESH_TOKEN" };

/// Longest wait for an answer.
const TIME_MAX: Duration = Duration::from_secs(15);
/// Largest answer read.
const BYTES_MAX: usize = 64 << 10;
/// How long before its end a token is not used any more, in seconds.
const MARGIN_SECS: i64 = 60;
/// Longest that a token is believed to last, in seconds.
const TOKEN_SECS_MAX: i64 = 24 * 3600;
/// Longest link, in bytes.
const LINK_BYTES_MAX: usize = 500;
/// Acts whose space is remembered for another attempt.
const SPACES_MAX: usize = 100;

/// The account.
pub struct Google {
    config: GoogleConfig,
    outgoing: Outgoing,
    token: tokio::sync::Mutex<Option<Token>>,
    made: Mutex<VecDeque<(EffectId, String)>>,
}

struct Token {
    value: SecretString,
    until: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: i64,
}

#[derive(Deserialize)]
struct Denied {
    error: String,
}

#[derive(Deserialize)]
struct Space {
    #[serde(rename = "meetingUri")]
    meeting_uri: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalWords,
}

#[derive(Deserialize)]
struct RefusalWords {
    message: String,
}

impl Google {
    /// The account of that configuration.
    pub fn new(config: GoogleConfig, outgoing: Outgoing) -> Self {
        Self { config, outgoing, token: tokio::sync::Mutex::default(), made: Mutex::default() }
    }

    /// The link of a space for this act: a new one, or the one that an earlier attempt made.
    ///
    /// # Errors
    /// When there is none. It is never unknown: a space that was made without an answer is one whose
    /// link nobody has, so it harms nobody, and making another is the same as making the first.
    pub(super) async fn space(&self, call: &ActionCall) -> Result<String, ActionError> {
        if let Some(link) = self.remembered(&call.effect_id) {
            return Ok(link);
        }
        let (token, is_fresh) = self.token(call.now).await?;
        let request = Request::post(under(&self.config.meet_url, &["v2", "spaces"])?)
            .bearer(&token)
            .json(&json!({}))
            .within(TIME_MAX)
            .at_most(BYTES_MAX);
        // As for a look, no answer is worth another try: see above.
        let answer = self.outgoing.send(request).await.map_err(|trouble| MEET.no_answer(Kind::Look, &trouble))?;
        if answer.status == StatusCode::UNAUTHORIZED {
            *self.token.lock().await = None;
            if !is_fresh {
                // It was taken back before its time; the next attempt makes another.
                return Err(ActionError::retry("Google Meet does not take the access token any more"));
            }
        }
        if !answer.status.is_success() {
            let words = answer.json::<Refusal>().map(|refusal| refusal.error.message);
            return Err(MEET.refusal(Kind::Look, &answer, words.as_deref()));
        }
        let link = answer.json::<Space>().map(|space| space.meeting_uri).filter(|link| is_link(link));
        let link = link.ok_or_else(|| MEET.unreadable(Kind::Look))?;
        self.remember(&call.effect_id, &link);
        Ok(link)
    }

    /// Whether an access token can be made: the consent holds.
    ///
    /// # Errors
    /// Why not, in one sentence.
    pub async fn check(&self) -> Result<(), String> {
        self.grant().await.map(drop).map_err(|error| error.message)
    }

    /// A token that holds for a while, and whether it was made just now. One is made at a time.
    async fn token(&self, now: DateTime<Utc>) -> Result<(SecretString, bool), ActionError> {
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| now < token.until) {
            return Ok((token.value.clone(), false));
        }
        let granted = self.grant().await?;
        let secs = granted.expires_in.clamp(0, TOKEN_SECS_MAX) - MARGIN_SECS;
        let value = SecretString::from(granted.access_token);
        *kept = Some(Token { value: value.clone(), until: now + TimeDelta::seconds(secs) });
        Ok((value, true))
    }

    async fn grant(&self) -> Result<Granted, ActionError> {
        let config = &self.config;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", &config.client_id)
            .append_pair("client_secret", config.client_secret.expose_secret())
            .append_pair("refresh_token", config.refresh_token.expose_secret())
            .finish();
        let request = Request::post(config.token_url.clone())
            .body("application/x-www-form-urlencoded", form.into_bytes())
            .within(TIME_MAX)
            .at_most(BYTES_MAX);
        let answer = self.outgoing.send(request).await.map_err(|trouble| GOOGLE.no_answer(Kind::Look, &trouble))?;
        if !answer.status.is_success() {
            return Err(denied(&answer));
        }
        let granted = answer.json::<Granted>().filter(|granted| is_token(&granted.access_token));
        granted.ok_or_else(|| GOOGLE.unreadable(Kind::Look))
    }

    fn remembered(&self, effect: &EffectId) -> Option<String> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.iter().find(|(id, _)| id == effect).map(|(_, link)| link.clone())
    }

    fn remember(&self, effect: &EffectId, link: &str) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= SPACES_MAX {
            made.pop_front();
        }
        made.push_back((effect.clone(), link.to_owned()));
    }
}

/// Why there is no token (RFC 6749, section 5.2). The description beside the code is left out: it
/// may repeat what was sent.
fn denied(answer: &Answer) -> ActionError {
    let code = answer.json::<Denied>().map(|denied| denied.error).filter(|code| is_code(code));
    match code.as_deref() {
        Some("invalid_grant") => ActionError::fail(
            "Google does not take the consent any more (invalid_grant): make a new one and set GOOGLE_REFRESH_TOKEN",
        ),
        Some("invalid_client" | "unauthorized_client") => {
            ActionError::fail("Google does not know the OAuth client: check GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET")
        }
        code => GOOGLE.refusal(Kind::Look, answer, code),
    }
}

fn is_code(text: &str) -> bool {
    const CODE_BYTES_MAX: usize = 40;
    text.len() <= CODE_BYTES_MAX && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// What a header can hold (RFC 6750, section 2.1).
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_link(text: &str) -> bool {
    let url = text.parse::<Url>().ok().filter(|_| text.len() <= LINK_BYTES_MAX);
    url.is_some_and(|url| matches!(url.scheme(), "https" | "http") && url.host_str().is_some())
}

fn under(base: &Url, path: &[&str]) -> Result<Url, ActionError> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| ActionError::fail("GOOGLE_MEET_URL cannot hold a path"))?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use workflows::ports::ActionErrorKind;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: reqwest::header::HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            url: "http://google.test/".parse().expect("a url"),
        }
    }

    #[test]
    fn a_refused_consent_names_its_key_and_repeats_nothing_that_was_sent() {
        let body = r#"{"error":"invalid_grant","error_description":"1//canary"}"#;
        let error = denied(&answer(400, body));
        assert_eq!(error.kind, ActionErrorKind::Fail);
        assert!(error.message.contains("GOOGLE_REFRESH_TOKEN") && !error.message.contains("canary"), "{error}");
        let error = denied(&answer(401, r#"{"error":"invalid_client"}"#));
        assert!(error.message.contains("GOOGLE_CLIENT_SECRET"), "{error}");
        for body in ["<html>canary</html>", r#"{"error":"canary 1//secret"}"#] {
            let error = denied(&answer(500, body));
            assert_eq!(error.kind, ActionErrorKind::Retry { after_secs: None }, "{error}");
            assert!(!error.message.contains("canary"), "{error}");
        }
    }

    #[test]
    fn only_a_web_address_is_a_link() {
        assert!(is_link("https://meet.google.com/abc-mnop-xyz"));
        for wrong in ["", "javascript:alert(1)", "meet.google.com/abc", &format!("https://x.org/{}", "a".repeat(600))] {
            assert!(!is_link(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_token_that_no_header_can_hold_is_none() {
        assert!(is_token("ya29.a0-_~+/="));
        assert!(!is_token("") && !is_token("a b") && !is_token("a\r\nx: y"));
    }
}
