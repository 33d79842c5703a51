//! The models: whose, where, in which order, within which bounds.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::Reader;
use super::services::keeps_secrets;
use crate::ai::wire::Role;

/// Who offers models. `builtin` is none of them: it is what is left when they all fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProviderName {
    /// A server of one's own.
    Ollama,
    /// Groq's cloud.
    Groq,
    /// Zuki's.
    Zuki,
    /// `OpenAI`'s, or whatever speaks as it does.
    OpenAi,
}

impl ProviderName {
    /// All, in their usual order.
    pub const ALL: [Self; 4] = [Self::Ollama, Self::Groq, Self::Zuki, Self::OpenAi];

    /// The name in configuration and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ollama => "ollama",
            Self::Groq => "groq",
            Self::Zuki => "zuki",
            Self::OpenAi => "openai",
        }
    }
}

/// The models of a provider, one for each thing a model is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Models {
    /// Plans and plain replies.
    pub planning: String,
    /// Looks at pictures.
    pub vision: Option<String>,
    /// Answers questions about code.
    pub code: Option<String>,
    /// Turns texts into vectors.
    pub embed: Option<String>,
}

impl Models {
    /// The model for this.
    pub fn of(&self, role: Role) -> Option<&str> {
        match role {
            Role::Planning => Some(&self.planning),
            Role::Vision => self.vision.as_deref(),
            Role::Code => self.code.as_deref(),
            Role::Embedding => self.embed.as_deref(),
        }
    }
}

/// What tokens cost, in US dollars for a million.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Of what is sent.
    pub input: f64,
    /// Of what comes back.
    pub output: f64,
}

/// A provider that is on.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Whose.
    pub name: ProviderName,
    /// Where its API begins.
    pub url: Url,
    /// Its key; a server of one's own may want none.
    pub key: Option<SecretString>,
    /// What it is asked for.
    pub models: Models,
    /// What it costs.
    pub price: Option<Price>,
    /// Whether what it is told stays with the operator: others want a person's consent.
    pub local: bool,
    /// Calls to it at the same time; the others wait for their turn.
    pub at_once: usize,
    /// Whether it is on only because nothing was said: then it may just not be there.
    pub assumed: bool,
}

/// What bounds every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AiLimits {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until the first word, and between two.
    pub first_byte: Duration,
    /// Until the last.
    pub total: Duration,
    /// Failures in a row that open a breaker.
    pub failures: u32,
    /// How long an open breaker lets nothing through.
    pub cooldown: Duration,
    /// Tokens for one person in a day of theirs.
    pub tokens_day: u64,
    /// Calls for one person in a day of theirs.
    pub calls_day: u64,
}

/// Everything about models.
#[derive(Debug, Clone)]
pub struct AiConfig {
    /// Those that are on, in the order they are asked.
    pub providers: Vec<ProviderConfig>,
    /// Those that are named but off, and the key that turns them on.
    pub off: Vec<(ProviderName, &'static str)>,
    /// What bounds every call.
    pub limits: AiLimits,
}

pub(super) fn ai(reader: &mut Reader<'_>) -> AiConfig {
    let limits = limits(reader);
    let (mut providers, mut off) = (Vec::<ProviderConfig>::new(), Vec::new());
    for name in order(reader) {
        match name {
            ProviderName::Ollama => providers.push(ollama(reader)),
            ProviderName::Groq => match remote(reader, &GROQ) {
                Some(groq) => providers.push(groq),
                None => off.push((name, "GROQ_API_KEY")),
            },
            ProviderName::Zuki => match remote(reader, &ZUKI) {
                Some(zuki) => providers.push(zuki),
                None => off.push((name, "ZUKI_API_KEY")),
            },
            ProviderName::OpenAi => match remote(reader, &OPENAI) {
                Some(openai) => providers.push(openai),
                None => off.push((name, "OPENAI_API_KEY")),
            },
        }
    }
    let local = local(reader);
    for one in &mut providers {
        one.local = local.contains(&one.name);
    }
    AiConfig { providers, off, limits }
}

/// Those that are the operator's own. An address tells nothing: a proxy on this machine may send all of it on.
fn local(reader: &mut Reader<'_>) -> Vec<ProviderName> {
    let text = reader.text("AI_LOCAL").unwrap_or("ollama").to_owned();
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "none");
    let known = |name: &str| ProviderName::ALL.into_iter().find(|one| one.as_str() == name);
    let found: Vec<Option<ProviderName>> = names.map(known).collect();
    if found.contains(&None) {
        reader.problem("AI_LOCAL", "may name ollama, groq, zuki and openai, or none of them");
    }
    found.into_iter().flatten().collect()
}

/// The providers in the order they are asked; `builtin` comes last whether it is named or not.
fn order(reader: &mut Reader<'_>) -> Vec<ProviderName> {
    let Some(text) = reader.text("AI_PROVIDERS").map(str::to_owned) else { return ProviderName::ALL.to_vec() };
    let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let mut order = Vec::new();
    for (at, name) in names.iter().enumerate() {
        match ProviderName::ALL.into_iter().find(|known| known.as_str() == *name) {
            Some(known) if order.contains(&known) => reader.problem("AI_PROVIDERS", format!("names {name} twice")),
            Some(known) => order.push(known),
            None if *name == "builtin" && at + 1 == names.len() => {}
            None if *name == "builtin" => {
                reader.problem("AI_PROVIDERS", "must have builtin last: it always has an answer");
            }
            None => reader.problem("AI_PROVIDERS", "may name ollama, groq, zuki, openai and builtin"),
        }
    }
    order
}

fn limits(reader: &mut Reader<'_>) -> AiLimits {
    let seconds = |reader: &mut Reader<'_>, name: &str, default: u64| {
        let secs = reader.parsed(name, default, "a number of seconds");
        if !(1..=3_600).contains(&secs) {
            reader.problem(name, "must be 1 to 3600");
        }
        Duration::from_secs(secs)
    };
    let limits = AiLimits {
        connect: seconds(reader, "AI_CONNECT_TIMEOUT_SECS", 3),
        first_byte: seconds(reader, "AI_FIRST_BYTE_TIMEOUT_SECS", 20),
        total: seconds(reader, "AI_TOTAL_TIMEOUT_SECS", 120),
        failures: reader.parsed("AI_BREAKER_FAILURES", 3, "a number"),
        cooldown: seconds(reader, "AI_BREAKER_COOLDOWN_SECS", 30),
        tokens_day: reader.parsed("QUOTA_AI_TOKENS_DAY", 200_000, "a number of tokens"),
        calls_day: reader.parsed("QUOTA_AI_CALLS_DAY", 500, "a number of calls"),
    };
    if !(1..=1_000).contains(&limits.failures) {
        reader.problem("AI_BREAKER_FAILURES", "must be 1 to 1000");
    }
    limits
}

/// Calls to one provider at the same time. Ollama answers one after the other unless it is told otherwise
/// (`OLLAMA_NUM_PARALLEL`): whoever waits there would pass for one that is not answered.
fn at_once(reader: &mut Reader<'_>, name: ProviderName) -> usize {
    let usual = match name {
        ProviderName::Ollama => 1,
        ProviderName::Groq | ProviderName::Zuki | ProviderName::OpenAi => 4,
    };
    let calls = reader.parsed("AI_CONCURRENCY", usual, "a number");
    if !(1..=1_000).contains(&calls) {
        reader.problem("AI_CONCURRENCY", "must be 1 to 1000");
    }
    calls
}

fn ollama(reader: &mut Reader<'_>) -> ProviderConfig {
    let model = |reader: &Reader<'_>, name: &str, default: &str| reader.text(name).unwrap_or(default).to_owned();
    let models = Models {
        planning: model(reader, "OLLAMA_MODEL", "llama3.2"),
        vision: Some(model(reader, "OLLAMA_VISION_MODEL", "llava")),
        code: Some(model(reader, "OLLAMA_CODE_MODEL", "codellama")),
        embed: Some(model(reader, "OLLAMA_EMBED_MODEL", "nomic-embed-text")),
    };
    let assumed = ["OLLAMA_BASE_URL", "OLLAMA_MODEL"].iter().all(|name| reader.text(name).is_none());
    let url = reader.url_or("OLLAMA_BASE_URL", "http://localhost:11434");
    let at_once = at_once(reader, ProviderName::Ollama);
    ProviderConfig { name: ProviderName::Ollama, url, key: None, models, price: None, local: false, at_once, assumed }
}

/// What is known of a provider that speaks as `OpenAI` does.
struct Known {
    name: ProviderName,
    key: &'static str,
    url: (&'static str, &'static str),
    model: (&'static str, &'static str),
    vision: Option<(&'static str, &'static str)>,
    /// The key, and the price of the usual model.
    price: (&'static str, Option<Price>),
}

const GROQ: Known = Known {
    name: ProviderName::Groq,
    key: "GROQ_API_KEY",
    url: ("GROQ_BASE_URL", "https://api.groq.com/openai/v1"),
    model: ("GROQ_MODEL", "llama-3.3-70b-versatile"),
    vision: None,
    price: ("GROQ_PRICE", Some(Price { input: 0.59, output: 0.79 })),
};
const ZUKI: Known = Known {
    name: ProviderName::Zuki,
    key: "ZUKI_API_KEY",
    url: ("ZUKI_BASE_URL", "https://api.zukijourney.com/v1"),
    model: ("ZUKI_MODEL", "gpt-4o-mini"),
    vision: None,
    price: ("ZUKI_PRICE", None),
};
const OPENAI: Known = Known {
    name: ProviderName::OpenAi,
    key: "OPENAI_API_KEY",
    url: ("OPENAI_BASE_URL", "https://api.openai.com/v1"),
    model: ("OPENAI_MODEL", "gpt-4o-mini"),
    vision: Some(("OPENAI_VISION_MODEL", "gpt-4o-mini")),
    price: ("OPENAI_PRICE", Some(Price { input: 0.15, output: 0.60 })),
};

/// On with a key, or with an address of one's own.
fn remote(reader: &mut Reader<'_>, known: &Known) -> Option<ProviderConfig> {
    let key = reader.secret(known.key);
    let is_usual = |text: &str| text.trim_end_matches('/') == known.url.1;
    let own_address = reader.text(known.url.0).is_some_and(|text| !is_usual(text));
    let mut url = reader.url_or(known.url.0, known.url.1);
    if key.is_some() {
        keeps_secrets(reader, known.url.0, &url);
    }
    // What is joined to an address without a slash at its end takes the place of its last part.
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    let text = |(name, default): (&str, &str)| reader.text(name).unwrap_or(default).to_owned();
    let planning = text(known.model);
    // What is usual there says nothing of a server of one's own.
    let vision = known.vision.filter(|(name, _)| !own_address || reader.text(name).is_some()).map(text);
    let models = Models { vision, code: Some(planning.clone()), embed: None, planning };
    let usual = known.price.1.filter(|_| !own_address && models.planning == known.model.1);
    let price = price(reader, known.price.0).or(usual);
    (key.is_some() || own_address).then_some(ProviderConfig {
        name: known.name,
        url,
        key,
        models,
        price,
        local: false,
        at_once: at_once(reader, known.name),
        assumed: false,
    })
}

fn price(reader: &mut Reader<'_>, name: &str) -> Option<Price> {
    let text = reader.text(name)?.to_owned();
    let parsed = text.split_once('/').and_then(|(input, output)| {
        let price = Price { input: input.trim().parse().ok()?, output: output.trim().parse().ok()? };
        let fits = |sum: f64| sum.is_finite() && (0.0..=10_000.0).contains(&sum);
        (fits(price.input) && fits(price.output)).then_some(price)
    });
    if parsed.is_none() {
        reader.problem(name, "must be like 0.15/0.60: US dollars for a million tokens, sent and received");
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::super::from_values;
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> AiConfig {
        let values = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        from_values(&values, Vec::new()).expect("a configuration").ai
    }

    #[test]
    fn a_server_of_ones_own_is_not_taken_for_the_cloud() {
        let cloud = &read(&[("AI_PROVIDERS", "openai"), ("OPENAI_API_KEY", "k")]).providers[0];
        assert_eq!(cloud.models.vision.as_deref(), Some("gpt-4o-mini"));
        assert!(cloud.price.is_some());
        let same =
            [("AI_PROVIDERS", "openai"), ("OPENAI_API_KEY", "k"), ("OPENAI_BASE_URL", "https://api.openai.com/v1/")];
        assert!(read(&same).providers[0].price.is_some());
        let own = [("AI_PROVIDERS", "openai"), ("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1")];
        let own = &read(&own).providers[0];
        assert_eq!((&own.models.vision, own.price), (&None, None));
        let told = [
            ("AI_PROVIDERS", "openai"),
            ("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1"),
            ("OPENAI_VISION_MODEL", "llava"),
        ];
        assert_eq!(read(&told).providers[0].models.vision.as_deref(), Some("llava"));
        assert!(
            read(&[("AI_PROVIDERS", "openai"), ("OPENAI_BASE_URL", "https://api.openai.com/v1")]).providers.is_empty()
        );
    }

    #[test]
    fn ollama_is_asked_one_thing_at_a_time_unless_told_otherwise() {
        let at_once = |pairs: &[(&str, &str)]| read(pairs).providers.iter().map(|one| one.at_once).collect::<Vec<_>>();
        assert_eq!(at_once(&[("GROQ_API_KEY", "k")]), [1, 4]);
        assert_eq!(at_once(&[("GROQ_API_KEY", "k"), ("AI_CONCURRENCY", "3")]), [3, 3]);
    }
}
