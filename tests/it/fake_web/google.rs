//! Google's access tokens and Meet.
//!
//! `POST /token` gives an access token for a refresh token, form-encoded:
//! <https://developers.google.com/identity/protocols/oauth2/web-server#offline>; its errors are those of RFC 6749,
//! section 5.2. `POST /v2/spaces` makes a meeting space:
//! <https://developers.google.com/workspace/meet/api/reference/rest/v2/spaces/create>; its errors are
//! `{"error": {"code", "message", "status"}}`: <https://cloud.google.com/apis/design/errors>.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::ledger::pairs;
use super::{Answer, Call, Fake, Site};
use crate::fake_http::{Request, Response};

/// The id of the client that it takes.
pub(crate) const CLIENT_ID: &str = "0000-fake.apps.googleusercontent.com";
/// The secret of that client.
pub(crate) const CLIENT_SECRET: &str = "GOCSPX-FakeFakeFakeFakeFakeFake";
/// The refresh token that it takes.
pub(crate) const REFRESH_TOKEN: &str = "1//0fakeFakeFakeFakeFakeFakeFakeFake";
/// What the token is good for.
const SCOPE: &str = "https://www.googleapis.com/auth/meetings.space.created";
/// How long an access token is good for.
const TOKEN_SECS: i64 = 3_599;
/// The fields of a space; those a client may set are in its `config`.
const SPACE: [&str; 5] = ["name", "meetingUri", "meetingCode", "config", "activeConference"];
/// The fields of its configuration.
const CONFIG: [&str; 6] = [
    "accessType",
    "entryPointAccess",
    "moderation",
    "moderationRestrictions",
    "attendanceReportGenerationType",
    "artifactConfig",
];
/// Fields of the configuration with few values: the field, its name in an error, its type, the values.
const ENUMS: [(&str, &str, &str, &[&str]); 2] = [
    ("accessType", "access_type", "AccessType", &["ACCESS_TYPE_UNSPECIFIED", "OPEN", "TRUSTED", "RESTRICTED"]),
    (
        "entryPointAccess",
        "entry_point_access",
        "EntryPointAccess",
        &["ENTRY_POINT_ACCESS_UNSPECIFIED", "ALL", "CREATOR_APP_ONLY"],
    ),
];

/// A meeting space that was made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Space {
    /// `spaces/…`.
    pub(crate) name: String,
    /// The code of the meeting, as `abc-mnop-xyz`.
    pub(crate) code: String,
    /// Its configuration, with what was not set.
    pub(crate) config: Value,
}

struct Token {
    text: String,
    expires_at: DateTime<Utc>,
}

/// What Google knows.
pub(crate) struct Google {
    tokens: Vec<Token>,
    spaces: Vec<Space>,
    revoked: bool,
    scoped: bool,
}

impl Default for Google {
    fn default() -> Self {
        Self { tokens: Vec::new(), spaces: Vec::new(), revoked: false, scoped: true }
    }
}

fn oauth_error(status: u16, error: &str, description: &str) -> Response {
    Response::json(status, &json!({"error": error, "error_description": description}))
}

fn api_error(code: u16, status: &str, message: &str) -> Response {
    Response::json(code, &json!({"error": {"code": code, "message": message, "status": status}}))
}

fn invalid(message: &str) -> Answer {
    Answer::violation(api_error(400, "INVALID_ARGUMENT", message), message)
}

impl Site for Google {
    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let request = call.request;
        let parts: Vec<_> = request.path.trim_start_matches('/').split('/').collect();
        let lengthless = request.header("content-length").or(request.header("transfer-encoding")).is_none();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", _) if lengthless => {
                let what = "a POST without Content-Length";
                Answer::violation(Response::html(411, "Length Required"), what)
            }
            ("POST", ["token"]) => self.token(call),
            ("POST", ["v2", "spaces"]) => match self.unauthorized(call) {
                Some(refusal) => refusal,
                None => self.create(request),
            },
            ("GET", ["v2", "spaces", id]) => match self.unauthorized(call) {
                Some(refusal) => refusal,
                None => self.space(id),
            },
            _ => Answer::violation(Response::html(404, "Not Found"), "no such method and path"),
        }
    }

    fn too_many(&mut self) -> Response {
        let what = "Quota exceeded for quota metric 'Space write requests' and limit 'Space write requests per minute \
                    per user' of service 'meet.googleapis.com'.";
        api_error(429, "RESOURCE_EXHAUSTED", what)
    }

    fn nothing(&mut self, _request: &Request) -> Response {
        Response::json(200, &json!({}))
    }
}

impl Google {
    fn token(&mut self, call: &Call<'_>) -> Answer {
        let bad = |status, error, what: &str| Answer::violation(oauth_error(status, error, what), what);
        if call.request.media_type() != "application/x-www-form-urlencoded" {
            return bad(400, "invalid_request", "The body is not form-encoded.");
        }
        let fields = pairs(&call.request.body);
        let field = |name: &str| {
            let value = fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
            value.filter(|value| !value.is_empty())
        };
        let known = ["grant_type", "client_id", "client_secret", "refresh_token"];
        let unknown: Vec<_> = fields
            .iter()
            .filter(|(name, _)| !known.contains(&name.as_str()))
            .map(|(name, _)| format!("there is no parameter \"{name}\""))
            .collect();
        for name in known {
            if field(name).is_none() {
                return bad(400, "invalid_request", &format!("Missing required parameter: {name}")).and(unknown);
            }
        }
        if field("grant_type") != Some("refresh_token") {
            return bad(400, "unsupported_grant_type", "Invalid grant_type").and(unknown);
        }
        if field("client_id") != Some(CLIENT_ID) {
            return bad(401, "invalid_client", "The OAuth client was not found.").and(unknown);
        }
        if field("client_secret") != Some(CLIENT_SECRET) {
            return bad(401, "invalid_client", "Unauthorized").and(unknown);
        }
        if field("refresh_token") != Some(REFRESH_TOKEN) {
            return bad(400, "invalid_grant", "Bad Request").and(unknown);
        }
        if self.revoked {
            let refusal = oauth_error(400, "invalid_grant", "Token has been expired or revoked.");
            return Answer::from(refusal).and(unknown);
        }
        let text = format!("ya29.fakeFakeFakeFake{:06}", self.tokens.len());
        self.tokens.push(Token { text: text.clone(), expires_at: call.now + Duration::seconds(TOKEN_SECS) });
        let body = json!({"access_token": text, "expires_in": TOKEN_SECS, "scope": SCOPE, "token_type": "Bearer"});
        Answer::from(Response::json(200, &body)).and(unknown)
    }

    /// Why a request may not do what it asks for, if it may not.
    fn unauthorized(&self, call: &Call<'_>) -> Option<Answer> {
        let refusal = |message: &str| api_error(401, "UNAUTHENTICATED", message);
        let Some(header) = call.request.header("authorization") else {
            let what = "Request is missing required authentication credential. Expected OAuth 2 access token, login \
                        cookie or other valid authentication credential.";
            return Some(Answer::violation(refusal(what), "no access token"));
        };
        let what = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or \
                    other valid authentication credential.";
        let own = header.strip_prefix("Bearer ");
        let Some(token) = self.tokens.iter().find(|token| own == Some(&token.text)) else {
            return Some(Answer::violation(refusal(what), "an access token that was never given"));
        };
        if token.expires_at <= call.now || self.revoked {
            return Some(refusal(what).into());
        }
        let denied = || api_error(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.").into();
        (!self.scoped).then(denied)
    }

    fn create(&mut self, request: &Request) -> Answer {
        let body = match request.body.as_slice() {
            [] => json!({}),
            _ if request.media_type() != "application/json" => return invalid("The body is not of type JSON."),
            bytes => match serde_json::from_slice(bytes) {
                Ok(body @ Value::Object(_)) => body,
                Ok(_) | Err(_) => return invalid("Invalid JSON payload received. Unexpected token."),
            },
        };
        if let Some(message) = fault_of(&body) {
            return invalid(&message);
        }
        let number = self.spaces.len();
        let mut config = json!({"accessType": "TRUSTED", "entryPointAccess": "ALL"});
        for (name, value) in body["config"].as_object().into_iter().flatten() {
            config[name] = value.clone();
        }
        let space = Space { name: format!("spaces/fakeSpace{number:03}"), code: code(number), config };
        let answer = Response::json(200, &space.told());
        self.spaces.push(space);
        answer.into()
    }

    fn space(&self, id: &str) -> Answer {
        let fits = |space: &&Space| space.code == id || space.name == format!("spaces/{id}");
        match self.spaces.iter().find(fits) {
            Some(space) => Response::json(200, &space.told()).into(),
            None => api_error(404, "NOT_FOUND", "Requested entity was not found.").into(),
        }
    }
}

/// What is wrong with a space that is asked for.
fn fault_of(body: &Value) -> Option<String> {
    let unknown = |object: &Value, known: &[&str], place: &str| {
        let name = object.as_object()?.keys().find(|name| !known.contains(&name.as_str()))?.clone();
        Some(format!("Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."))
    };
    if let Some(message) = unknown(body, &SPACE, "space").or_else(|| unknown(&body["config"], &CONFIG, "space.config"))
    {
        return Some(message);
    }
    ENUMS.iter().find_map(|(field, snake, kind, values)| {
        let value = body["config"].get(field)?;
        let fits = value.as_str().is_some_and(|value| values.contains(&value));
        let kind = format!("type.googleapis.com/google.apps.meet.v2.SpaceConfig.{kind}");
        (!fits).then(|| format!("Invalid value at 'space.config.{snake}' ({kind}), {value}"))
    })
}

/// A code of three, four and three letters, another for each number.
fn code(number: usize) -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnopqrstuvwxyz";
    let mut left = number;
    let mut letters = String::new();
    for at in 0..10 {
        if at == 3 || at == 7 {
            letters.push('-');
        }
        letters.push(char::from(LETTERS[(left + at) % LETTERS.len()]));
        left /= LETTERS.len();
    }
    letters
}

impl Space {
    fn told(&self) -> Value {
        let uri = self.uri();
        json!({"name": self.name, "meetingUri": uri, "meetingCode": self.code, "config": self.config})
    }

    /// The link for people.
    pub(crate) fn uri(&self) -> String {
        format!("https://meet.google.com/{}", self.code)
    }
}

impl Fake<Google> {
    /// Where access tokens are given.
    pub(crate) fn token_url(&self) -> String {
        format!("{}/token", self.origin())
    }

    /// The address of Meet's API, to be followed by `/v2/spaces`.
    pub(crate) fn meet_url(&self) -> String {
        self.origin()
    }

    /// The spaces that were made, in that order, whether or not the answer arrived.
    pub(crate) fn spaces(&self) -> Vec<Space> {
        self.state().site.spaces.clone()
    }

    /// The person takes back what was granted: no token is good any more.
    pub(crate) fn revoke(&self) {
        self.site(|site| site.revoked = true);
    }

    /// The tokens are not good for Meet.
    pub(crate) fn deny(&self) {
        self.site(|site| site.scoped = false);
    }
}
