//! Notices to the person themself, wherever they want them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use workflows::action::{ActionSpec, ReachRule};
use workflows::frame::{FrameDraft, FrameKind};
use workflows::person::Channel;
use workflows::ports::{ActionCall, ActionError, ActionErrorKind, ActionOutcome, FrameSink, LookUp};

use super::email::{Letter, Mailer};
use super::telegram::Telegram;
use super::{Plugin, PluginDeps, outcome, spec, store_failed, text};
use crate::store::LogStore;

/// `notify.*`.
pub struct NotifyPlugin {
    log: Arc<dyn LogStore>,
    sink: Arc<dyn FrameSink>,
    mailer: Arc<Mailer>,
    telegram: Option<Arc<Telegram>>,
}

impl NotifyPlugin {
    pub(super) fn new(deps: &PluginDeps, mailer: Arc<Mailer>) -> Self {
        Self { log: Arc::clone(&deps.log), sink: Arc::clone(&deps.sink), mailer, telegram: deps.telegram.clone() }
    }

    /// Into the log, once per effect; every open page shows it, every later one too.
    async fn on_web(&self, call: &ActionCall, words: &str) -> Result<ActionOutcome, ActionError> {
        let data = Map::from_iter([("text".to_owned(), Value::from(words))]);
        let draft = FrameDraft { kind: FrameKind::Notification, data };
        let key = format!("notice:{}", call.effect_id);
        let appended = self.log.append(&call.person.id, Some(&call.task_id), draft, &key, call.now).await;
        if let Some(frame) = appended.map_err(|error| store_failed(&error))? {
            self.sink.publish(&[frame]);
        }
        Ok(outcome(json!({"channel": "web", "message_id": key}), format!("Told you: {words}")))
    }

    async fn by_mail(&self, call: &ActionCall, words: &str, to: String) -> Result<ActionOutcome, ActionError> {
        const SUBJECT_CHARS_MAX: usize = 80;
        let letter = Letter {
            effect_id: call.effect_id.clone(),
            to: vec![to],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: words.chars().take(SUBJECT_CHARS_MAX).collect(),
            body: words.to_owned(),
            part: None,
            at: call.now,
        };
        let sent = self.mailer.send(&call.person, letter).await?;
        let result = json!({"channel": "email", "message_id": sent.message_id});
        Ok(outcome(result, format!("Mailed you: {words}")))
    }
}

#[async_trait]
impl Plugin for NotifyPlugin {
    fn name(&self) -> &'static str {
        "notify"
    }

    fn description(&self) -> &'static str {
        "Tells you things where you want to hear them"
    }

    fn specs(&self) -> Vec<ActionSpec> {
        let words = json!({"text": {"type": "string", "minLength": 1, "maxLength": 4_000}});
        vec![ActionSpec {
            look_up: true,
            ..spec("notify.send_notification", "Tells you something", words, &["text"], ReachRule::Own)
        }]
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        let words = text(&call.args, "text").ok_or_else(|| ActionError::fail("text is missing"))?.to_owned();
        if call.person.settings.notify_on == Channel::Email
            && self.mailer.unavailable().is_none()
            && let Some(own) = self.mailer.own_address(&call.person).await?
        {
            return self.by_mail(&call, &words, own).await;
        }
        if call.person.settings.notify_on == Channel::Telegram
            && let Some(telegram) = &self.telegram
            && let Some(chat) = telegram.own_chat(&call.person).await?
        {
            return match telegram.send(chat, &words).await {
                Ok(sent) => Ok(outcome(sent.result(), format!("Told you on Telegram: {words}"))),
                // Whoever cannot be written to there is told where they look next.
                Err(error) if error.kind == ActionErrorKind::Fail => self.on_web(&call, &words).await,
                // To be told twice is better than never.
                Err(error) if error.kind == ActionErrorKind::Unknown => Err(ActionError::retry(error.message)),
                Err(error) => Err(error),
            };
        }
        self.on_web(&call, &words).await
    }

    /// A web notice may simply be repeated: its key makes it appear once. One on Telegram may be, too:
    /// the person is better told twice than never. A mail cannot be looked up.
    async fn look_up(&self, call: ActionCall) -> LookUp {
        if call.person.settings.notify_on == Channel::Email && self.mailer.unavailable().is_none() {
            return LookUp::CannotTell("the mail may have gone out".to_owned());
        }
        LookUp::Absent
    }

    fn time_limit(&self, _action: &str) -> Duration {
        Duration::from_secs(160)
    }
}
