//! The Telegram door, with a strict stand-in for Telegram and one for the mail server.

mod asking;
mod birthday;
mod deliveries;
mod door;
mod growing;
mod limits;
mod plugin;
mod presses;
mod words;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fake_smtp::FakeSmtp;
use crate::fake_telegram::{BotMessage, FakeTelegram};
use crate::port::Port;
use crate::service::{Service, Setup};

/// The owner on Telegram.
pub(crate) const ANN: i64 = 111;
/// An invited person.
pub(crate) const BOB: i64 = 222;
/// Nobody we know.
pub(crate) const EVE: i64 = 333;
/// Longest wait until the door takes updates.
const OPEN_MAX: Duration = Duration::from_secs(30);

/// Where updates are sent to.
pub(super) struct Webhook {
    pub(super) url: String,
    _port: Port,
}

/// A service with a bot, and its owner linked.
pub(crate) struct House {
    pub(crate) telegram: FakeTelegram,
    pub(crate) smtp: FakeSmtp,
    pub(crate) setup: Setup,
    pub(crate) service: Option<Service>,
    _dir: tempfile::TempDir,
}

impl House {
    /// Nobody is linked yet.
    pub(crate) async fn empty(more: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (telegram, smtp) = (FakeTelegram::start().await, FakeSmtp::start().await);
        for (user, name) in [(ANN, "Ann Archer"), (BOB, "Bob"), (EVE, "Eve")] {
            telegram.private(user, name);
        }
        let setup = Setup::new(dir.path(), &smtp.url())
            .with("TELEGRAM_BOT_TOKEN", telegram.token())
            .with("TELEGRAM_API_URL", &telegram.api_url());
        let setup = more.iter().fold(setup, |setup, (name, value)| setup.with(name, value));
        let service = Some(Service::start(&setup));
        Self { telegram, smtp, setup, service, _dir: dir }
    }

    /// The same, sent its updates with this secret; where they are sent to.
    pub(super) async fn by_webhook(secret: &str) -> (Self, Webhook) {
        let port = Port::new();
        let (bind, base) = (port.addr.to_string(), format!("http://{}", port.addr));
        let house =
            Self::empty(&[("BIND_ADDR", &bind), ("PUBLIC_URL", &base), ("TELEGRAM_WEBHOOK_SECRET", secret)]).await;
        (house, Webhook { url: format!("{base}/telegram/webhook"), _port: port })
    }

    /// Posts what is pending as soon as it is taken: the door answers 503 until it is open.
    pub(super) async fn deliver_once_open(&self) {
        self.telegram.wait_for_call("setMyCommands", 1).await;
        let deadline = Instant::now() + OPEN_MAX;
        while self.telegram.deliver_to_webhook().await.last() != Some(&200) {
            assert!(Instant::now() < deadline, "the door never opened");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// With the owner linked, who can write mails.
    pub(crate) async fn new() -> Self {
        let house = Self::empty(&[]).await;
        house.link(ANN).await;
        house
    }

    pub(crate) fn service(&self) -> &Service {
        self.service.as_ref().expect("it runs")
    }

    /// Links the owner's Telegram account.
    pub(crate) async fn link(&self, user: i64) {
        let code = self.service().post("/api/link", json!({})).await["code"].as_str().expect("a code").to_owned();
        self.telegram.say(user, user, &format!("/start {code}"));
        self.telegram.wait_for_text(user, "linked to you").await;
    }

    /// Lets somebody in.
    pub(crate) async fn invite(&self, user: i64) {
        let code = self.service().post("/api/invites", json!({})).await["code"].as_str().expect("a code").to_owned();
        self.telegram.say(user, user, &format!("/start {code}"));
        self.telegram.wait_for_text(user, "Welcome").await;
    }

    /// Runs a plan whose questions go to the owner's chat.
    pub(crate) async fn run(&self, plan: Value) -> String {
        let begun = self.service().post("/api/tasks", json!({"plan": plan, "channel": "telegram"})).await;
        begun["task_id"].as_str().expect("a task").to_owned()
    }

    /// Presses the button once it is there, and waits for the answer; what was said to the presser.
    pub(crate) async fn press(&self, chat: i64, user: i64, label: &str) -> Option<String> {
        self.telegram.wait_for_message(chat, |message| has_button(message, label)).await;
        let pressed = self.telegram.press_label(chat, user, label);
        self.telegram.wait_answered(&pressed.query).await.text
    }

    /// Dies as in a power cut and starts anew.
    pub(crate) fn crash(&mut self) {
        self.service.as_mut().expect("it runs").kill();
        self.service = Some(Service::start(&self.setup));
    }

    /// Nothing was sent that Telegram would refuse.
    pub(crate) fn assert_strict(&self) {
        assert_eq!(self.telegram.violations(), Vec::<String>::new());
    }
}

pub(crate) fn has_button(message: &BotMessage, label: &str) -> bool {
    message.buttons().iter().any(|button| button.label == label)
}
