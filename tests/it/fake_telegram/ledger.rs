//! The ledger, and waiting for what will be in it.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::FakeTelegram;
use super::state::{BotMessage, Call, Press, Refused, State};

/// Longest wait for what must come about.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// How many calls a report shows.
const REPORT_CALLS_MAX: usize = 40;

impl FakeTelegram {
    /// What the bot did against the rules.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// All calls.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The calls of one method.
    pub(crate) fn calls_of(&self, method: &str) -> Vec<Call> {
        self.state().calls_of(method)
    }

    /// All answers that were not ok.
    pub(crate) fn refused(&self) -> Vec<Refused> {
        self.state().refused.clone()
    }

    /// All messages as they were sent, in that order.
    pub(crate) fn sent(&self) -> Vec<BotMessage> {
        self.state().sent.clone()
    }

    /// The bot's messages that are in a chat now.
    pub(crate) fn messages(&self, chat: i64) -> Vec<BotMessage> {
        self.state().messages(chat).cloned().collect()
    }

    /// One message of the bot as it is now.
    pub(crate) fn message(&self, chat: i64, id: i64) -> Option<BotMessage> {
        self.state().message(chat, id).cloned()
    }

    /// The bot's newest message in a chat.
    pub(crate) fn last(&self, chat: i64) -> Option<BotMessage> {
        self.state().messages(chat).next_back().cloned()
    }

    /// The number of the newest message of a chat, whoever wrote it.
    pub(crate) fn last_id(&self, chat: i64) -> i64 {
        self.state().chat(chat).messages.keys().next_back().copied().expect("a message")
    }

    /// The labels of all buttons in a chat.
    pub(crate) fn buttons(&self, chat: i64) -> Vec<String> {
        self.state().messages(chat).flat_map(BotMessage::buttons).map(|button| button.label).collect()
    }

    /// All presses.
    pub(crate) fn presses(&self) -> Vec<Press> {
        self.state().presses.clone()
    }

    /// Where the bot was seen doing what.
    pub(crate) fn actions(&self) -> Vec<(i64, String)> {
        self.state().actions.clone()
    }

    /// The commands of a scope, as "default" or "chat 5", with a language after it if there is one.
    pub(crate) fn commands(&self, scope: &str) -> Value {
        self.state().commands.get(scope).cloned().unwrap_or_default()
    }

    /// What was uploaded or sent in under a file id.
    pub(crate) fn file(&self, id: &str) -> Option<Vec<u8>> {
        self.state().files.get(id).cloned()
    }

    /// Whether the bot confirmed an update.
    pub(crate) fn confirmed(&self, update: i64) -> bool {
        self.state().queue.confirmed.contains(&update)
    }

    /// How often an update was handed out.
    pub(crate) fn deliveries(&self, update: i64) -> u32 {
        self.state().queue.deliveries(update)
    }

    /// Waits for a message of the bot, sent or edited, that is as wanted; the test of it must not ask the server.
    pub(crate) async fn wait_for_message(&self, chat: i64, wanted: impl Fn(&BotMessage) -> bool) -> BotMessage {
        let found = |state: &State| state.messages(chat).rev().find(|message| wanted(message)).cloned();
        self.until(&format!("the message in chat {chat}"), found).await
    }

    /// Waits for a message of the bot that has this in its text.
    pub(crate) async fn wait_for_text(&self, chat: i64, part: &str) -> BotMessage {
        let found = |state: &State| state.messages(chat).rev().find(|message| message.text.contains(part)).cloned();
        self.until(&format!("\"{part}\" in chat {chat}"), found).await
    }

    /// Waits until a method was called so often, whether or not the calls are done.
    pub(crate) async fn wait_for_call(&self, method: &str, count: usize) -> Vec<Call> {
        let found = |state: &State| Some(state.calls_of(method)).filter(|calls| calls.len() >= count);
        self.until(&format!("call {count} of {method}"), found).await
    }

    /// Waits until the bot has confirmed an update.
    pub(crate) async fn wait_confirmed(&self, update: i64) {
        let found = |state: &State| state.queue.confirmed.contains(&update).then_some(());
        self.until(&format!("the confirmation of update {update}"), found).await;
    }

    /// Waits until a callback query is answered.
    pub(crate) async fn wait_answered(&self, query: &str) -> Press {
        let is_it = |press: &&Press| press.id == query && press.answered.is_some();
        let found = |state: &State| state.presses.iter().find(is_it).cloned();
        self.until(&format!("the answer to query {query}"), found).await
    }

    async fn until<T>(&self, what: &str, found: impl Fn(&State) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let changed = self.changed();
                tokio::pin!(changed);
                changed.as_mut().enable();
                let now = found(&self.state());
                if let Some(now) = now {
                    return now;
                }
                changed.await;
            }
        };
        let found = tokio::time::timeout(WAIT_MAX, waiting).await.ok();
        found.unwrap_or_else(|| panic!("{what} did not come about\n{}", self.report()))
    }

    /// The ledger in words.
    pub(crate) fn report(&self) -> String {
        let state = self.state();
        let mut text = String::new();
        let mut put = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").expect("memory");
        for chat in state.chats.values() {
            put(format_args!("chat {} \"{}\":", chat.id, chat.title));
            for message in state.messages(chat.id) {
                let labels: Vec<String> = message.buttons().into_iter().map(|button| button.label).collect();
                put(format_args!("  {} {:?} {labels:?}", message.id, message.text));
            }
        }
        let told = state.calls.iter().filter(|call| call.method != "getUpdates" || call.ok == Some(false));
        let told: Vec<_> = told.collect();
        for call in &told[told.len().saturating_sub(REPORT_CALLS_MAX)..] {
            put(format_args!("call {} {} ok {:?}", call.method, call.params, call.ok));
        }
        for press in state.presses.iter().filter(|press| press.answered.is_none()) {
            put(format_args!("press {} of {:?} is not answered", press.id, press.data));
        }
        put(format_args!("updates that wait: {:?}", state.queue.waiting()));
        put(format_args!("refused: {:#?}", state.refused));
        put(format_args!("violations: {:#?}", state.violations));
        text
    }
}

impl State {
    fn calls_of(&self, method: &str) -> Vec<Call> {
        self.calls.iter().filter(|call| call.method.eq_ignore_ascii_case(method)).cloned().collect()
    }
}
