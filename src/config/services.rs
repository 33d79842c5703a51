//! The outside services: which are configured, and how.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::Reader;
use crate::caldav::CalDavConfig;
use crate::outgoing::guard;
use crate::plugins::MailConfig;
use crate::plugins::mcp::config::{FILE_BYTES_MAX, McpConfig};

/// The Telegram bot.
#[derive(Debug, Clone)]
pub struct TelegramConfig {
    /// Its token.
    pub token: SecretString,
    /// Where the Bot API is.
    pub api_url: Url,
    /// What proves that an update is Telegram's; `None` = we ask for updates.
    pub webhook_secret: Option<SecretString>,
    /// Where the owner's notices go while they have no chat with the bot.
    pub chat_id: Option<i64>,
}

/// Where things are looked for.
#[derive(Debug, Clone)]
pub struct SearchConfig {
    /// A SearXNG instance; `None` = the web is not searched.
    pub searxng: Option<Url>,
    /// Where names become places.
    pub nominatim: Url,
    /// Where places are found by what they are; the whole address of the interpreter.
    pub overpass: Url,
    /// Whom the people who run those servers can write to.
    pub contact: Option<String>,
    /// Where exchange rates are; `None` = no amount is converted.
    pub rates: Option<Url>,
}

/// The account for hotels and flights.
#[derive(Debug, Clone)]
pub struct DuffelConfig {
    /// Where its API is.
    pub api_url: Url,
    /// Its access token.
    pub token: SecretString,
}

/// The Google account that meetings are made with.
#[derive(Debug, Clone)]
pub struct GoogleConfig {
    /// The OAuth client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The account's consent, which access tokens are made from.
    pub refresh_token: SecretString,
    /// Where access tokens are made.
    pub token_url: Url,
    /// Where the Meet API is.
    pub meet_url: Url,
}

pub(super) fn caldav(reader: &mut Reader<'_>) -> Option<CalDavConfig> {
    let url = reader.url("CALDAV_URL", &["https", "http"]);
    let username = reader.text("CALDAV_USERNAME").map(str::to_owned);
    let password = reader.text("CALDAV_PASSWORD").map(str::to_owned);
    if let Some(url) = &url {
        keeps_secrets(reader, "CALDAV_URL", url);
    }
    if reader.text("CALDAV_URL").is_none() && (username.is_some() || password.is_some()) {
        reader.problem("CALDAV_URL", "is needed with CALDAV_USERNAME and CALDAV_PASSWORD");
    }
    let url = url?;
    if username.as_ref().is_some_and(|name| name.contains(':')) {
        reader.problem("CALDAV_USERNAME", "must not hold a colon");
    }
    for (name, value) in [("CALDAV_USERNAME", &username), ("CALDAV_PASSWORD", &password)] {
        if value.is_none() {
            reader.problem(name, "is needed with CALDAV_URL");
        }
    }
    Some(CalDavConfig { url, username: username?, password: SecretString::from(password?) })
}

/// Plain text is for this machine and its own network: a secret must not cross the internet in it.
pub(super) fn keeps_secrets(reader: &mut Reader<'_>, key: &str, url: &Url) {
    if url.scheme() == "http" && guard::objection(url).is_none() {
        reader.problem(key, "must be https: a secret would go over the internet in plain text");
    }
}

/// Longest webhook secret that Telegram takes.
const WEBHOOK_SECRET_CHARS_MAX: usize = 256;

pub(super) fn telegram(reader: &mut Reader<'_>) -> Option<TelegramConfig> {
    let token = reader.text("TELEGRAM_BOT_TOKEN").map(str::to_owned);
    let api_url = reader.url_or("TELEGRAM_API_URL", "https://api.telegram.org");
    let secret = reader.text("TELEGRAM_WEBHOOK_SECRET").map(str::to_owned);
    let plain = |text: &String| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if secret.as_ref().is_some_and(|secret| secret.len() > WEBHOOK_SECRET_CHARS_MAX || !plain(secret)) {
        reader.problem("TELEGRAM_WEBHOOK_SECRET", "must be at most 256 of A-Z a-z 0-9 _ -");
    }
    if secret.is_some() && token.is_some() && reader.text("PUBLIC_URL").is_none() {
        reader.problem("PUBLIC_URL", "is needed with TELEGRAM_WEBHOOK_SECRET: Telegram has to reach it");
    }
    let chat_id = match reader.text("TELEGRAM_CHAT_ID").map(str::parse::<i64>) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => {
            reader.problem("TELEGRAM_CHAT_ID", "must be a chat's number, like -1001234567890");
            None
        }
    };
    let token = token?;
    let shaped = token.split_once(':').is_some_and(|(id, rest)| {
        !id.is_empty() && id.chars().all(|c| c.is_ascii_digit()) && !rest.is_empty() && plain(&rest.to_owned())
    });
    if !shaped {
        reader.problem("TELEGRAM_BOT_TOKEN", "must look like 123456:ABC-DEF, as @BotFather gives it");
    }
    Some(TelegramConfig {
        token: SecretString::from(token),
        api_url,
        webhook_secret: secret.map(SecretString::from),
        chat_id,
    })
}

pub(super) fn mail(reader: &mut Reader<'_>) -> Option<MailConfig> {
    let email = reader.text("SMTP_EMAIL").map(str::to_owned);
    let Some(url) = reader.url("SMTP_URL", &["smtp", "smtps"]) else {
        if email.is_some() && reader.text("SMTP_URL").is_none() {
            reader.problem("SMTP_URL", "is needed with SMTP_EMAIL");
        }
        return None;
    };
    let insecure_loopback = match reader.text("MAIL_TRUST") {
        None => false,
        Some("insecure-loopback") if is_loopback(&url) => true,
        Some("insecure-loopback") => {
            reader.problem("MAIL_TRUST", "insecure-loopback is only for a mail server on loopback");
            false
        }
        Some(_) => {
            reader.problem("MAIL_TRUST", "must be insecure-loopback or empty");
            false
        }
    };
    let ca_pem = match reader.text("MAIL_CA_FILE").map(std::fs::read) {
        None => None,
        Some(Ok(pem)) => Some(pem),
        Some(Err(error)) => {
            reader.problem("MAIL_CA_FILE", format!("cannot be read: {error}"));
            None
        }
    };
    let password = reader.secret("SMTP_PASSWORD");
    match email.as_deref().map(str::parse) {
        Some(Ok(email)) => Some(MailConfig { url, email, password, ca_pem, insecure_loopback }),
        Some(Err(_)) => {
            reader.problem("SMTP_EMAIL", "must be a mail address");
            None
        }
        None => {
            reader.problem("SMTP_EMAIL", "is needed with SMTP_URL");
            None
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
        Some("localhost") => true,
        Some(host) => host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

pub(super) fn search(reader: &mut Reader<'_>) -> SearchConfig {
    let contact = ["OPERATOR_CONTACT", "SMTP_EMAIL", "PUBLIC_URL"].into_iter().find_map(|key| reader.text(key));
    let contact = contact.map(str::to_owned);
    if contact.as_ref().is_some_and(|contact| contact.chars().any(|c| !c.is_ascii_graphic() && c != ' ')) {
        reader.problem("OPERATOR_CONTACT", "must be a mail address or a web address");
    }
    SearchConfig {
        searxng: reader.url("SEARXNG_URL", &["http", "https"]),
        nominatim: reader.url_or("NOMINATIM_URL", "https://nominatim.openstreetmap.org"),
        overpass: reader.url_or("OVERPASS_URL", "https://overpass-api.de/api/interpreter"),
        contact,
        rates: reader.url("EXCHANGE_RATES_URL", &["http", "https"]),
    }
}

pub(super) fn duffel(reader: &mut Reader<'_>) -> Option<DuffelConfig> {
    let api_url = reader.url_or("DUFFEL_API_URL", "https://api.duffel.com");
    keeps_secrets(reader, "DUFFEL_API_URL", &api_url);
    Some(DuffelConfig { api_url, token: reader.secret("DUFFEL_API_TOKEN")? })
}

/// All three or none: an account that is half configured is a mistake.
pub(super) fn google(reader: &mut Reader<'_>) -> Option<GoogleConfig> {
    const KEYS: [&str; 3] = ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "GOOGLE_REFRESH_TOKEN"];
    let token_url = reader.url_or("GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token");
    let meet_url = reader.url_or("GOOGLE_MEET_URL", "https://meet.googleapis.com");
    keeps_secrets(reader, "GOOGLE_TOKEN_URL", &token_url);
    keeps_secrets(reader, "GOOGLE_MEET_URL", &meet_url);
    let missing: Vec<&str> = KEYS.into_iter().filter(|key| reader.text(key).is_none()).collect();
    if !missing.is_empty() {
        if missing.len() < KEYS.len() {
            for key in missing {
                reader.problem(key, "is needed with the other GOOGLE_ keys");
            }
        }
        return None;
    }
    Some(GoogleConfig {
        client_id: reader.text("GOOGLE_CLIENT_ID")?.to_owned(),
        client_secret: reader.secret("GOOGLE_CLIENT_SECRET")?,
        refresh_token: reader.secret("GOOGLE_REFRESH_TOKEN")?,
        token_url,
        meet_url,
    })
}

/// Reads the file that names the MCP servers.
pub(super) fn mcp(reader: &mut Reader<'_>) -> Option<McpConfig> {
    let file = PathBuf::from(reader.text("MCP_CONFIG")?);
    let text = match std::fs::metadata(&file) {
        Ok(about) if about.len() > FILE_BYTES_MAX => {
            reader.problem("MCP_CONFIG", format!("{} is larger than {FILE_BYTES_MAX} bytes", file.display()));
            return None;
        }
        Ok(_) => std::fs::read_to_string(&file),
        Err(error) => Err(error),
    };
    match text.map(|text| crate::plugins::mcp::config::read(&text)) {
        Ok(Ok(servers)) => Some(servers),
        Ok(Err(problems)) => {
            for what in problems {
                reader.problem("MCP_CONFIG", format!("{}: {what}", file.display()));
            }
            None
        }
        Err(error) => {
            reader.problem("MCP_CONFIG", format!("{} cannot be read: {error}", file.display()));
            None
        }
    }
}
