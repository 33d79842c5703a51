//! Strict servers of the AI providers whose models say what a test tells them.
//!
//! They speak the wires of Ollama and of the services that follow OpenAI. A request that only a faulty
//! client sends is answered as the real server does and is a violation besides; so is one that the real
//! server takes and silently makes less of.
//!
//! ```text
//! let ai = FakeOllama::start().await;
//! ai.answer(Reply::json(&plan));                                // the next request
//! ai.answer_with(|asked| Reply::text(asked.user()));            // all after those
//! ai.fault(Fault::HalfThenHang);                                // the next request
//! ai.fault_at(&ai.chats(), 2, ai.refusal(Refusal::Quota));     // the next two of this kind
//! … the client under test works on ai.url() …
//! assert!(!ai.prompts().iter().any(|text| text.contains("secret")));
//! ai.assert_no_violations();
//! ```
//!
//! A refused connection is `ai.stop()`, its end `ai.restart()`. A slow answer is `Fault::Drip`, one that is
//! cut `Fault::Truncated`, one that only ends too early `Fault::BadJson`.

#![expect(dead_code, reason = "a stand-in offers more than the tests of one day use")]

mod asked;
pub(crate) mod compatible;
pub(crate) mod embed;
pub(crate) mod ollama;
mod reply;
mod script;

pub(crate) use asked::{Asked, Said};
pub(crate) use compatible::Flavour;
pub(crate) use reply::{Finish, Reply, ToolCall};

use serde_json::Value;

use crate::fake_http::Response;
use crate::fake_web::{Fake, Fault, Site};
use compatible::Compatible;
use script::Script;

/// A stand-in for Ollama.
pub(crate) type FakeOllama = Fake<ollama::Ollama>;
/// A stand-in for Groq, Zuki or OpenAI.
pub(crate) type FakeCompatible = Fake<Compatible>;

/// How many bytes of text a token has, about.
const TOKEN_BYTES: u64 = 4;

/// How many tokens so many bytes have, about.
fn tokens(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(TOKEN_BYTES)
}

/// What a provider refuses for, whatever the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 401: the key is not known.
    Key,
    /// 402: somebody must pay first.
    Payment,
    /// 429: too many requests just now, without a time.
    Rate,
    /// 429: all that was paid for is used up; waiting does not help.
    Quota,
    /// 503: no capacity, in JSON.
    Overloaded,
}

/// A provider whose model follows a script.
pub(crate) trait Scripted: Site {
    /// The script.
    fn script(&self) -> &Script;

    /// The same, to be written.
    fn script_mut(&mut self) -> &mut Script;

    /// The `METHOD /path` of chats.
    fn chats(&self) -> String;

    /// Its own words for a refusal.
    fn refusal(&mut self, refusal: Refusal) -> Response;

    /// The keys that came, one for each request that arrived.
    fn keys(&self) -> &[Option<String>];
}

impl<S: Scripted> Fake<S> {
    /// What the model answers to the next request that has no answer yet.
    pub(crate) fn answer(&self, reply: Reply) {
        self.site(|site| site.script_mut().push(reply));
    }

    /// What the model makes of requests when no answer is in the queue. It must not ask the server itself.
    pub(crate) fn answer_with(&self, speaker: impl FnMut(&Asked) -> Reply + Send + 'static) {
        self.site(|site| site.script_mut().set_speaker(Box::new(speaker)));
    }

    /// How many answers are still in the queue.
    pub(crate) fn answers_left(&self) -> usize {
        self.site(|site| site.script().left())
    }

    /// What the model was asked: all requests that reached it.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.site(|site| site.script().asked().to_vec())
    }

    /// The `METHOD /path` of chats, for faults and counts.
    pub(crate) fn chats(&self) -> String {
        self.site(|site| site.chats())
    }

    /// A refusal, for [`Self::fault_at`].
    pub(crate) fn refusal(&self, refusal: Refusal) -> Fault {
        Fault::Answer(self.site(|site| site.refusal(refusal)))
    }

    /// Refuses the next request.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        self.fault(self.refusal(refusal));
    }

    /// All text that was sent, one for each request with a body: what is in strings, names and numbers.
    pub(crate) fn prompts(&self) -> Vec<String> {
        let bodies = self.ledger().into_iter().filter(|entry| !entry.body.is_empty());
        let text = |body: Value| {
            let mut texts = Vec::new();
            asked::texts(&body, &mut texts);
            texts.join("\n")
        };
        // What is no JSON was sent all the same.
        bodies.map(|entry| serde_json::from_slice(&entry.body).map_or_else(|_| entry.text(), text)).collect()
    }

    /// Fails unless every request came with this key, as it must, and had it nowhere else.
    ///
    /// # Panics
    /// With the place of the request, without the key.
    pub(crate) fn assert_secret(&self, key: &str) {
        let (ledger, keys) = (self.ledger(), self.site(|site| site.keys().to_vec()));
        for (entry, own) in ledger.iter().zip(&keys) {
            let place = entry.place();
            assert!(own.as_deref() == Some(key), "{place}: another key, or none");
            let elsewhere = entry.headers.iter().any(|(name, value)| name.contains(key) || value.contains(key));
            let sent = entry.query.iter().any(|(name, value)| name.contains(key) || value.contains(key));
            assert!(!elsewhere && !sent && !entry.path.contains(key), "{place}: the key is not only where it belongs");
            assert!(!entry.text().contains(key), "{place}: the key is in the body");
        }
        let prompts = self.prompts();
        assert!(!prompts.iter().any(|prompt| prompt.contains(key)), "the key is in a prompt");
    }
}

/// Takes the key out of a request's headers, and leaves a mark that there was one.
fn conceal(headers: &mut [(String, String)]) -> Option<String> {
    let (_, value) = headers.iter_mut().find(|(name, _)| name == "authorization")?;
    let key = value.strip_prefix("Bearer ").map(str::to_owned);
    *value = if key.is_some() { "Bearer …".to_owned() } else { "…".to_owned() };
    key
}

/// One of each.
#[derive(Clone)]
pub(crate) struct FakeAi {
    /// Ollama.
    pub(crate) ollama: FakeOllama,
    /// Groq.
    pub(crate) groq: FakeCompatible,
    /// Zuki.
    pub(crate) zuki: FakeCompatible,
    /// OpenAI.
    pub(crate) openai: FakeCompatible,
}

impl FakeAi {
    /// Starts them all.
    pub(crate) async fn start() -> Self {
        Self {
            ollama: Fake::start().await,
            groq: FakeCompatible::start_as(Flavour::Groq).await,
            zuki: FakeCompatible::start_as(Flavour::Zuki).await,
            openai: FakeCompatible::start_as(Flavour::OpenAi).await,
        }
    }

    /// The settings of the service that lead to them.
    pub(crate) fn settings(&self) -> [(&'static str, String); 8] {
        [
            ("OLLAMA_BASE_URL", self.ollama.url()),
            ("GROQ_BASE_URL", self.groq.url()),
            ("GROQ_API_KEY", self.groq.key()),
            ("ZUKI_BASE_URL", self.zuki.url()),
            ("ZUKI_API_KEY", self.zuki.key()),
            ("OPENAI_BASE_URL", self.openai.url()),
            ("OPENAI_API_KEY", self.openai.key()),
            ("OPENAI_VISION_MODEL", "gpt-4o-mini".to_owned()),
        ]
    }

    /// Fails when a client did anything against the rules of any of them.
    pub(crate) fn assert_no_violations(&self) {
        self.ollama.assert_no_violations();
        self.groq.assert_no_violations();
        self.zuki.assert_no_violations();
        self.openai.assert_no_violations();
    }
}
