//! Every key there is.

/// A key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name, in the environment and in the file.
    pub name: &'static str,
    /// What it is when it is not set.
    pub default: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Whether this release reads it; others are told to have no effect.
    pub read: bool,
}

const fn key(name: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { name, default, about, read: true }
}

const fn later(name: &'static str, about: &'static str) -> Key {
    Key { name, default: "", about, read: false }
}

/// Every key. `.env.example` and `README.md` are checked against this table.
pub const KEYS: &[Key] = &[
    key("DATA_DIR", "./data", "where the database, uploads and keys are"),
    key("BIND_ADDR", "127.0.0.1:8000", "where the web page and the API listen"),
    key("PUBLIC_URL", "http://BIND_ADDR", "how people reach it from outside"),
    key("DATABASE_URL", "sqlite://DATA_DIR/super-manager.db", "an SQLite file"),
    key("OWNER_TOKEN", "", "the owner's API token and first login; a login link is printed when it is empty"),
    key("OWNER_NAME", "Owner", "what the owner is called, in mails too; used at the first start"),
    key("DEFAULT_TIMEZONE", "UTC", "an IANA zone, like Europe/Berlin"),
    key("DEFAULT_CURRENCY", "USD", "an ISO 4217 code"),
    key("SMTP_URL", "", "smtp://host:587 (STARTTLS required) or smtps://host:465; empty = email is off"),
    key("SMTP_EMAIL", "", "the address mails come from, and the login"),
    key("SMTP_PASSWORD", "", "its password"),
    key("MAIL_CA_FILE", "", "an extra trust root for the mail server, PEM"),
    key("MAIL_TRUST", "", "insecure-loopback = plain text, for a mail server on loopback only"),
    key("JITSI_BASE_URL", "https://meet.jit.si", "where video meetings are held"),
    key("GOOGLE_CLIENT_ID", "", "an OAuth client; with the next two, meetings can be made on Google Meet"),
    key("GOOGLE_CLIENT_SECRET", "", "its secret"),
    key("GOOGLE_REFRESH_TOKEN", "", "the account's consent, for the scope meetings.space.created"),
    key("GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token", "where access tokens are made"),
    key("GOOGLE_MEET_URL", "https://meet.googleapis.com", "where the Meet API is"),
    key("SEARXNG_URL", "", "a SearXNG instance that answers JSON; empty = the web is not searched"),
    key("NOMINATIM_URL", "https://nominatim.openstreetmap.org", "where names become places"),
    key("OVERPASS_URL", "https://overpass-api.de/api/interpreter", "where places are found by what they are"),
    key(
        "OPERATOR_CONTACT",
        "SMTP_EMAIL or PUBLIC_URL",
        "whom OpenStreetMap's operators can write to, sent with each request",
    ),
    key(
        "EXCHANGE_RATES_URL",
        "",
        "exchange rates, like https://api.frankfurter.dev/v1/latest; empty = no amount is converted",
    ),
    key("DUFFEL_API_TOKEN", "", "a Duffel access token; empty = hotels and flights are off"),
    key("DUFFEL_API_URL", "https://api.duffel.com", "where Duffel's API is"),
    key("TELEGRAM_BOT_TOKEN", "", "the token @BotFather gave; empty = the Telegram door is off"),
    key("TELEGRAM_API_URL", "https://api.telegram.org", "where the Bot API is"),
    key(
        "TELEGRAM_WEBHOOK_SECRET",
        "",
        "set = Telegram sends updates to PUBLIC_URL/telegram/webhook; empty = we ask for them",
    ),
    key("TELEGRAM_CHAT_ID", "", "where the owner's notices go while they have no chat with the bot"),
    key("MCP_CONFIG", "", "a JSON file with mcpServers: each tool of these servers becomes an action; empty = none"),
    key("LEASE_SECS", "30", "how long a task is held by a process that may have died"),
    key("QUOTA_EFFECTS_DAY", "500", "how many actions one person may have done in a day"),
    key("METRICS_ADDR", "", "another address for /metrics, open to whoever reaches it"),
    key("AI_PROVIDERS", "builtin", "order of planners; this release has builtin only"),
    later("REDIS_URL", "hints between processes"),
    later("OLLAMA_BASE_URL", "a local model"),
    later("GROQ_API_KEY", "a remote model"),
    later("ZUKI_API_KEY", "a remote model"),
    later("OPENAI_API_KEY", "a remote model"),
    later("DISCORD_BOT_TOKEN", "the Discord door"),
    later("IMAP_URL", "the email door"),
    later("CALDAV_URL", "a CalDAV calendar"),
    later("OLLAMA_MODEL", "a local model"),
    later("OLLAMA_VISION_MODEL", "a local model"),
    later("OLLAMA_CODE_MODEL", "a local model"),
    later("OLLAMA_EMBED_MODEL", "a local model"),
    later("GROQ_BASE_URL", "a remote model"),
    later("GROQ_MODEL", "a remote model"),
    later("ZUKI_BASE_URL", "a remote model"),
    later("ZUKI_MODEL", "a remote model"),
    later("OPENAI_BASE_URL", "a remote model"),
    later("OPENAI_MODEL", "a remote model"),
    later("AI_CONNECT_TIMEOUT_SECS", "models"),
    later("AI_FIRST_BYTE_TIMEOUT_SECS", "models"),
    later("AI_TOTAL_TIMEOUT_SECS", "models"),
    later("AI_BREAKER_FAILURES", "models"),
    later("AI_BREAKER_COOLDOWN_SECS", "models"),
    later("DISCORD_API_URL", "the Discord door"),
    later("DISCORD_GUILD_ID", "the Discord door"),
    later("IMAP_USERNAME", "the email door"),
    later("IMAP_PASSWORD", "the email door"),
    later("MAIL_AUTHSERV_ID", "the email door"),
    later("CALDAV_USERNAME", "a CalDAV calendar"),
    later("CALDAV_PASSWORD", "a CalDAV calendar"),
    later("QUOTA_AI_TOKENS_DAY", "daily quotas"),
    later("QUOTA_AI_CALLS_DAY", "daily quotas"),
    later("UPLOADS_URL", "uploads"),
];
