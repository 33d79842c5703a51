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
    key(
        "CALDAV_URL",
        "",
        "the owner's calendar: a CalDAV server, principal, home or calendar; empty = the built-in one",
    ),
    key("CALDAV_USERNAME", "", "who logs in there"),
    key("CALDAV_PASSWORD", "", "the password, better one made for this program alone"),
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
    key(
        "AI_PROVIDERS",
        "ollama,groq,zuki,openai,builtin",
        "who plans, in this order; one without key or address is off, and builtin, which needs neither, comes last",
    ),
    key(
        "AI_LOCAL",
        "ollama",
        "those that are your own: they see requests without their person's consent; none = not even Ollama",
    ),
    key(
        "OLLAMA_BASE_URL",
        "http://localhost:11434",
        "where Ollama is; left out when nothing is there and it is not set",
    ),
    key("OLLAMA_MODEL", "llama3.2", "its model for plans and replies"),
    key("OLLAMA_VISION_MODEL", "llava", "its model for pictures"),
    key("OLLAMA_CODE_MODEL", "codellama", "its model for questions about code"),
    key("OLLAMA_EMBED_MODEL", "nomic-embed-text", "its model for finding what is remembered"),
    key("GROQ_API_KEY", "", "a key; empty = Groq is off"),
    key("GROQ_BASE_URL", "https://api.groq.com/openai/v1", "where its API is"),
    key("GROQ_MODEL", "llama-3.3-70b-versatile", "its model"),
    key(
        "GROQ_PRICE",
        "0.59/0.79",
        "US dollars for a million tokens, sent and received; for the estimate of what was spent",
    ),
    key("ZUKI_API_KEY", "", "a key; empty = Zuki is off"),
    key("ZUKI_BASE_URL", "https://api.zukijourney.com/v1", "where its API is"),
    key("ZUKI_MODEL", "gpt-4o-mini", "its model"),
    key("ZUKI_PRICE", "", "as GROQ_PRICE"),
    key("OPENAI_API_KEY", "", "a key; empty = OpenAI is off unless OPENAI_BASE_URL is set"),
    key("OPENAI_BASE_URL", "https://api.openai.com/v1", "where its API is, or that of a server that speaks as it does"),
    key("OPENAI_MODEL", "gpt-4o-mini", "its model"),
    key("OPENAI_VISION_MODEL", "gpt-4o-mini", "its model for pictures; none is assumed of another address"),
    key("OPENAI_PRICE", "0.15/0.60", "as GROQ_PRICE; none is assumed of another address"),
    key("AI_CONNECT_TIMEOUT_SECS", "3", "longest wait for a connection to a model"),
    key(
        "AI_FIRST_BYTE_TIMEOUT_SECS",
        "20",
        "longest wait for its first word, and between two; without a GPU it may need more",
    ),
    key("AI_TOTAL_TIMEOUT_SECS", "120", "longest wait for its last; a whole plan takes at most twice that"),
    key("AI_BREAKER_FAILURES", "3", "failures in a row after which a model is left alone for a while"),
    key("AI_BREAKER_COOLDOWN_SECS", "30", "that while"),
    key("AI_CONCURRENCY", "4", "calls to one provider at the same time; usually 1 to Ollama"),
    key("QUOTA_AI_TOKENS_DAY", "200000", "tokens for one person in a day; then the built-in planner plans"),
    key("QUOTA_AI_CALLS_DAY", "500", "calls to models for one person in a day"),
    later("REDIS_URL", "hints between processes"),
    later("DISCORD_BOT_TOKEN", "the Discord door"),
    later("IMAP_URL", "the email door"),
    later("DISCORD_API_URL", "the Discord door"),
    later("DISCORD_GUILD_ID", "the Discord door"),
    later("IMAP_USERNAME", "the email door"),
    later("IMAP_PASSWORD", "the email door"),
    later("MAIL_AUTHSERV_ID", "the email door"),
    later("UPLOADS_URL", "uploads"),
];
