//! The configuration: typed, read once, every problem told at once; secrets never shown.

pub mod ai;
mod keys;
mod services;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use secrecy::SecretString;
use url::Url;

pub use ai::{AiConfig, AiLimits, Models, Price, ProviderConfig, ProviderName};
pub use keys::{KEYS, Key};
pub use services::{DuffelConfig, GoogleConfig, SearchConfig, TelegramConfig};

use crate::caldav::CalDavConfig;
use crate::plugins::MailConfig;
use crate::plugins::mcp::config::McpConfig;

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The database file.
    pub database: PathBuf,
    /// Where to listen.
    pub bind_addr: SocketAddr,
    /// How people reach it; `None` = as it listens.
    pub public_url: Option<Url>,
    /// The owner's token.
    pub owner_token: Option<SecretString>,
    /// The owner's name at the first start.
    pub owner_name: String,
    /// The zone of people who chose none.
    pub timezone: Tz,
    /// The currency of people who chose none.
    pub currency: String,
    /// The mail account.
    pub mail: Option<MailConfig>,
    /// The owner's calendar; `None` = it is the built-in one.
    pub caldav: Option<CalDavConfig>,
    /// Where meetings are held.
    pub jitsi_base_url: Url,
    /// Where meetings are made by Google.
    pub google: Option<GoogleConfig>,
    /// Where things are looked for.
    pub search: SearchConfig,
    /// Hotels and flights.
    pub duffel: Option<DuffelConfig>,
    /// The Telegram bot.
    pub telegram: Option<TelegramConfig>,
    /// The MCP servers.
    pub mcp: Option<McpConfig>,
    /// The models.
    pub ai: AiConfig,
    /// How long a claim holds.
    pub lease_secs: u32,
    /// Acts for one person in a day.
    pub effects_day_max: u32,
    /// Where metrics are served without a token.
    pub metrics_addr: Option<SocketAddr>,
    /// Keys that are set and have no effect in this release.
    pub without_effect: Vec<&'static str>,
}

impl Config {
    /// Where photos that people send are kept.
    pub fn uploads(&self) -> PathBuf {
        self.data_dir.join("uploads")
    }

    /// Makes the data directory, for its owner only, unless it is there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_data_dir(&self) -> std::io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data_dir)
    }
}

/// One problem of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key.
    pub key: String,
    /// What is wrong, and what would be right. Never the value of a secret.
    pub what: String,
}

/// Every problem of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration has problems:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {}: {}", problem.key, problem.what))
    }
}

/// Reads the environment, then `.env`, then the file; the earlier wins.
///
/// # Errors
/// Every problem at once.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut problems = Vec::new();
    if let Some(file) = file {
        read_file(file, &mut values, &mut problems);
    }
    match dotenvy::dotenv_iter() {
        Ok(pairs) => {
            for pair in pairs {
                match pair {
                    Ok((name, value)) => drop(values.insert(name, value)),
                    Err(_) => {
                        problems.push(Problem { key: ".env".to_owned(), what: "a line cannot be read".to_owned() });
                    }
                }
            }
        }
        Err(error) if error.not_found() => {}
        Err(_) => problems.push(Problem { key: ".env".to_owned(), what: "it cannot be read".to_owned() }),
    }
    for name in KEYS.iter().map(|key| key.name) {
        match std::env::var(name) {
            Ok(value) => drop(values.insert(name.to_owned(), value)),
            Err(std::env::VarError::NotPresent) => {}
            Err(std::env::VarError::NotUnicode(_)) => {
                problems.push(Problem { key: name.to_owned(), what: "is no valid text".to_owned() });
            }
        }
    }
    from_values(&values, problems)
}

fn read_file(file: &Path, values: &mut BTreeMap<String, String>, problems: &mut Vec<Problem>) {
    let named = file.display().to_string();
    let table = match std::fs::read_to_string(file).map(|text| text.parse::<toml::Table>()) {
        Ok(Ok(table)) => table,
        Ok(Err(error)) => return problems.push(Problem { key: named, what: error.message().to_owned() }),
        Err(error) => return problems.push(Problem { key: named, what: error.to_string() }),
    };
    for (name, value) in table {
        if !KEYS.iter().any(|key| key.name == name) {
            problems.push(Problem { key: name.clone(), what: unknown(&name) });
            continue;
        }
        match value {
            toml::Value::String(text) => drop(values.insert(name, text)),
            toml::Value::Integer(number) => drop(values.insert(name, number.to_string())),
            toml::Value::Boolean(flag) => drop(values.insert(name, flag.to_string())),
            toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => {
                problems.push(Problem { key: name, what: "must be a text or a whole number".to_owned() });
            }
        }
    }
}

/// Names the known key that looks most like it.
fn unknown(name: &str) -> String {
    let shared = |key: &&Key| key.name.split('_').filter(|part| name.to_uppercase().contains(part)).count();
    match KEYS.iter().max_by_key(shared).filter(|key| shared(key) > 0) {
        Some(key) => format!("is not a key; did you mean {}?", key.name),
        None => "is not a key".to_owned(),
    }
}

/// Reads values and notes problems on the way.
struct Reader<'a> {
    values: &'a BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn problem(&mut self, key: &str, what: impl Into<String>) {
        self.problems.push(Problem { key: key.to_owned(), what: what.into() });
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str, default: T, wanted: &str) -> T {
        match self.text(name).map(str::parse) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.problem(name, format!("must be {wanted}"));
                default
            }
        }
    }

    /// A web address that has a default.
    fn url_or(&mut self, name: &str, default: &'static str) -> Url {
        let default = || Url::parse(default).expect("a constant URL is valid");
        self.url(name, &["http", "https"]).unwrap_or_else(default)
    }

    /// A secret, which is never shown.
    fn secret(&self, name: &str) -> Option<SecretString> {
        self.text(name).map(|text| SecretString::from(text.to_owned()))
    }

    fn url(&mut self, name: &str, schemes: &[&str]) -> Option<Url> {
        let url = self.text(name)?.parse::<Url>();
        match url {
            // An address is shown and logged, so it must not hold a password.
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.problem(name, "must not hold a user name or password");
                None
            }
            Ok(url) if schemes.contains(&url.scheme()) && url.host_str().is_some() => Some(url),
            Ok(_) | Err(_) => {
                self.problem(name, format!("must be a URL that begins with {}", schemes.join(":// or ") + "://"));
                None
            }
        }
    }
}

/// Reads the values and lists every problem, those found before included.
pub(crate) fn from_values(values: &BTreeMap<String, String>, problems: Vec<Problem>) -> Result<Config, ConfigError> {
    let mut reader = Reader { values, problems };
    let data_dir = PathBuf::from(reader.text("DATA_DIR").unwrap_or("./data"));
    let bind_addr = reader.parsed(
        "BIND_ADDR",
        SocketAddr::from(([127, 0, 0, 1], 8000)),
        "an address and port, like 127.0.0.1:8000",
    );
    let lease_secs = reader.parsed("LEASE_SECS", 30, "a number of seconds");
    if !(3..=600).contains(&lease_secs) {
        reader.problem("LEASE_SECS", "must be 3 to 600");
    }
    let currency = reader.text("DEFAULT_CURRENCY").unwrap_or("USD").to_owned();
    if currency.len() != 3 || !currency.chars().all(|c| c.is_ascii_uppercase()) {
        reader.problem("DEFAULT_CURRENCY", "must be an ISO 4217 code, like EUR");
    }
    let owner_token = reader.text("OWNER_TOKEN").map(str::to_owned);
    if owner_token.as_ref().is_some_and(|token| token.chars().count() < TOKEN_CHARS_MIN) {
        reader.problem("OWNER_TOKEN", format!("must have at least {TOKEN_CHARS_MIN} characters"));
    }
    let metrics_addr = reader.text("METRICS_ADDR").map(str::parse).transpose().unwrap_or_else(|_| {
        reader.problem("METRICS_ADDR", "must be an address and port, like 127.0.0.1:9090");
        None
    });
    let config = Config {
        metrics_addr,
        database: database(&mut reader, &data_dir),
        timezone: reader.parsed("DEFAULT_TIMEZONE", Tz::UTC, "an IANA time zone, like Europe/Berlin"),
        public_url: reader.url("PUBLIC_URL", &["http", "https"]),
        jitsi_base_url: reader.url_or("JITSI_BASE_URL", "https://meet.jit.si"),
        mail: services::mail(&mut reader),
        caldav: services::caldav(&mut reader),
        google: services::google(&mut reader),
        search: services::search(&mut reader),
        duffel: services::duffel(&mut reader),
        telegram: services::telegram(&mut reader),
        mcp: services::mcp(&mut reader),
        ai: ai::ai(&mut reader),
        owner_name: reader.text("OWNER_NAME").unwrap_or("Owner").to_owned(),
        without_effect: KEYS
            .iter()
            .filter(|key| !key.read && reader.text(key.name).is_some())
            .map(|key| key.name)
            .collect(),
        owner_token: owner_token.map(SecretString::from),
        data_dir,
        bind_addr,
        currency,
        lease_secs,
        effects_day_max: reader.parsed("QUOTA_EFFECTS_DAY", 500, "a number of actions"),
    };
    if reader.problems.is_empty() { Ok(config) } else { Err(ConfigError(reader.problems)) }
}

/// Shortest owner token taken, in characters.
const TOKEN_CHARS_MIN: usize = 12;

fn database(reader: &mut Reader<'_>, data_dir: &Path) -> PathBuf {
    let default = data_dir.join("super-manager.db");
    match reader.text("DATABASE_URL").map(str::to_owned) {
        None => default,
        Some(url) if url.starts_with("postgres") => {
            reader.problem("DATABASE_URL", "PostgreSQL is not built in this release; must be sqlite://FILE");
            default
        }
        Some(url) => match url.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() => PathBuf::from(path),
            Some(_) | None => {
                reader.problem("DATABASE_URL", "must be sqlite://FILE: this release has no other database");
                default
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let values = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        from_values(&values, Vec::new())
    }

    #[test]
    fn nothing_set_is_a_good_configuration() {
        let config = read(&[]).expect("defaults");
        assert_eq!(config.bind_addr.to_string(), "127.0.0.1:8000");
        assert_eq!(config.database, Path::new("./data/super-manager.db"));
        assert!(config.mail.is_none());
    }

    #[test]
    fn every_problem_is_told_at_once_and_no_secret_is() {
        let secret = "hunter2";
        let error = read(&[
            ("BIND_ADDR", "here"),
            ("DEFAULT_TIMEZONE", "Mars/Base"),
            ("DEFAULT_CURRENCY", "euro"),
            ("SMTP_URL", "http://mail"),
            ("OWNER_TOKEN", secret),
            ("SMTP_PASSWORD", secret),
            ("LEASE_SECS", "0"),
            ("DATABASE_URL", "postgres://user:hunter2@db/x"),
        ])
        .expect_err("problems");
        let mut keys: Vec<&str> = error.0.iter().map(|problem| problem.key.as_str()).collect();
        keys.sort_unstable();
        let wanted = [
            "BIND_ADDR",
            "DATABASE_URL",
            "DEFAULT_CURRENCY",
            "DEFAULT_TIMEZONE",
            "LEASE_SECS",
            "OWNER_TOKEN",
            "SMTP_URL",
        ];
        assert_eq!(keys, wanted);
        assert!(!error.to_string().contains(secret));
    }

    #[test]
    fn plain_text_mail_is_for_loopback_only() {
        let with =
            |url: &str| read(&[("SMTP_URL", url), ("SMTP_EMAIL", "a@b.org"), ("MAIL_TRUST", "insecure-loopback")]);
        assert!(with("smtp://127.0.0.1:2525").is_ok());
        assert!(with("smtp://localhost:2525").is_ok());
        assert!(with("smtp://me:pass@localhost:2525").is_err(), "a password in an address would be shown");
        assert!(with("smtp://mail.example.org").is_err());
        assert!(with("smtp://127.0.0.1.example.org").is_err());
    }

    #[test]
    fn secrets_are_not_in_debug() {
        let config = read(&[
            ("OWNER_TOKEN", "a-long-secret-token"),
            ("SMTP_URL", "smtp://m.org"),
            ("SMTP_EMAIL", "a@b.org"),
            ("SMTP_PASSWORD", "mail-secret"),
        ]);
        let shown = format!("{:?}", config.expect("a configuration"));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn every_key_is_in_the_example() {
        let example = include_str!("../../.env.example");
        for key in KEYS {
            let named =
                example.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{}=", key.name)));
            assert!(named, "{} is not in .env.example", key.name);
        }
    }

    #[test]
    fn every_key_that_is_read_is_in_the_readme() {
        let readme = include_str!("../../README.md");
        for key in KEYS.iter().filter(|key| key.read) {
            assert!(readme.contains(&format!("| `{}` | ", key.name)), "{} is not in README.md", key.name);
        }
    }
}
