//! Commands, and joining.

use chrono_tz::Tz;
use workflows::inbound::{Command as Order, InboundKind};
use workflows::person::{Channel, Person, Role, Settings};

use super::handle::{NotNow, identity, source};
use super::parse::{Command, Said};
use super::store::Finished;
use super::{Door, render};
use crate::port::{CodeFor, Joined};
use crate::reply::{Reply, Style};

/// What a stranger is told.
pub(super) const HOW_TO_JOIN: &str = "Hello. I do not know you yet. If you were given a code, send me \
    /start and the code. Otherwise ask the person who runs this service for one.";
/// What /ask alone is answered with.
pub(super) const HOW_TO_ASK: &str = "Write what you need behind it, like: /ask remind me at 6 to call Bob. \
    It is taken as something new, whatever I have asked you.";
/// Tasks that /tasks lists.
const TASKS_MAX: u32 = 10;
/// Longest language tag, in characters.
const LOCALE_CHARS_MAX: usize = 35;
/// What the setting `remote_ai` means.
const REMOTE_AI: &str = "On: remote models may see my requests and photos, and with them names of my contacts, what I had \
    remembered and what was said before. Off: only the built-in planner and local models.";
/// What can be done, and how it is asked for.
const HELP: &str = "Tell me in your own words what you need, and I do it: mails, invitations, meetings, \
    events, reminders, contacts. I ask what is missing, show exactly what I will do, and do it only after your yes.\n\n\
    For example: \u{201c}Email Bob that the review moved to Friday 3 pm and set up a video meeting for it\u{201d}.\n\n\
    /ask something new, whatever I have asked you\n/tasks your newest tasks\n/status how the task here stands\n/cancel stop it\n/undo take back what it did\n\
    /link a code to reach me in another way\n/settings time zone, language, currency, notices, remote models";

impl Door {
    /// Does what a command says; `None` when it is none of ours.
    pub(super) async fn command(
        &self,
        id: i64,
        said: &Said,
        person: &Person,
        command: &Command,
    ) -> Result<Option<Finished>, NotNow> {
        let finished = match command.name.as_str() {
            "start" | "link" if !command.rest.is_empty() => {
                let wrong = || {
                    let words = format!("That code is wrong, used or expired. This account is {}'s.", person.name);
                    self.reply(id, said, words)
                };
                self.join(id, said).await?.unwrap_or_else(wrong)
            }
            "start" => {
                self.chat(said.place, person).await?;
                self.reply(id, said, format!("Hello {}. {HELP}", person.name))
            }
            "help" => self.reply(id, said, HELP),
            "tasks" | "settings" if !said.place.private => {
                self.reply(id, said, "That is for your eyes only. Please ask me in our own chat.")
            }
            "tasks" => {
                let rows = self.0.parts.members.tasks(&person.id, TASKS_MAX).await?;
                self.reply(id, said, render::tasks(&rows, person.settings.timezone))
            }
            "status" => self.status(id, said, person).await?,
            "cancel" | "stop" => self.order(id, said, person, Order::Cancel(None)).await?,
            "undo" => self.order(id, said, person, Order::Undo(None)).await?,
            "link" | "invite" if !said.place.private => {
                self.reply(id, said, "Codes are for your eyes only. Please ask me in our own chat.")
            }
            "link" => self.code(id, said, person, CodeFor::Link).await?,
            "invite" if person.role != Role::Owner => {
                self.reply(id, said, "Only the owner of this service can invite people.")
            }
            "invite" => self.code(id, said, person, CodeFor::Invite).await?,
            "settings" => self.settings(id, said, person, &command.rest).await?,
            _ => return Ok(None),
        };
        Ok(Some(finished))
    }

    /// Lets somebody in who gave a code; `None` when they gave none, or one that does not hold.
    pub(super) async fn join(&self, id: i64, said: &Said) -> Result<Option<Finished>, NotNow> {
        let given = said.command.as_ref().filter(|command| matches!(command.name.as_str(), "start" | "link"));
        let Some(code) = given.map(|command| command.rest.as_str()).filter(|code| !code.is_empty()) else {
            return Ok(None);
        };
        let words = |person: &Person| {
            format!("Reminders and notices will come here; /settings changes that. {HELP}").replacen(
                "Reminders",
                &format!("Hello {}. Reminders", person.name),
                1,
            )
        };
        let (person, reply) = match self.0.parts.members.join(code, &identity(&said.sender), &said.sender.name).await? {
            Joined::Wrong => return Ok(None),
            Joined::Linked(person) => {
                let reply = format!("This chat is linked to you now. {}", words(&person));
                (person, reply)
            }
            Joined::Welcome(person) => {
                let reply = format!("Welcome. {}", words(&person));
                (person, reply)
            }
            Joined::Already(person) => {
                let reply = format!("You have joined already, {}.", person.name);
                (person, reply)
            }
        };
        self.chat(said.place, &person).await?;
        Ok(Some(self.reply(id, said, reply)))
    }

    async fn order(&self, id: i64, said: &Said, person: &Person, order: Order) -> Result<Finished, NotNow> {
        let chat = self.chat(said.place, person).await?;
        let handled = self.submit(source(id), &chat, InboundKind::Command(order), Vec::new(), None).await?;
        Ok(match handled.refusal {
            Some(refusal) => self.reply(id, said, refusal.to_string()),
            None => Finished::handled(id, self.0.parts.clock.now()),
        })
    }

    /// How the newest task of the chat stands; what it waits for is asked once more.
    async fn status(&self, id: i64, said: &Said, person: &Person) -> Result<Finished, NotNow> {
        let chat = self.chat(said.place, person).await?;
        let view = self.0.parts.desk.conversation(&chat.conversation_id).await?;
        let task = match view.live.or(view.newest) {
            Some(task) => self.0.parts.desk.load(&task).await?,
            None => None,
        };
        let Some(row) = task else { return Ok(self.reply(id, said, "Nothing is running here.")) };
        let mut finished = self.reply(id, said, render::progress(&row.state));
        finished.replies.extend(view.open.iter().rev().map(|row| self.ask_again(&chat, row)));
        Ok(finished)
    }

    async fn code(&self, id: i64, said: &Said, person: &Person, kind: CodeFor) -> Result<Finished, NotNow> {
        let (code, until) = self.0.parts.members.code(&person.id, kind).await?;
        let until = until.with_timezone(&person.settings.timezone).format("%d %b, %H:%M");
        let me = self.0.me.get().ok_or(NotNow::Closed)?;
        let login = self.0.parts.public_url.join(&format!("login?code={code}"));
        let login = login.map_or_else(|_| self.0.parts.public_url.to_string(), |url| url.to_string());
        let (what, here) = match kind {
            CodeFor::Link => ("links another way to reach me to you", "another Telegram account"),
            CodeFor::Invite => ("lets one new person in", "Telegram"),
        };
        let reply = Reply::plain(format!("This code {what}. It works once, until {until}:\n\n"))
            .then(code.as_str(), Style::Code)
            .then(
                format!("\n\nOn the web: {login}\nFrom {here}: https://t.me/{}?start={code}", me.username),
                Style::Plain,
            );
        Ok(self.reply(id, said, reply))
    }

    async fn settings(&self, id: i64, said: &Said, person: &Person, rest: &str) -> Result<Finished, NotNow> {
        if rest.is_empty() {
            return Ok(self.reply(id, said, shown(&person.settings)));
        }
        match changed(&person.settings, rest) {
            Ok(settings) => {
                self.0.parts.members.choose(&person.id, &settings).await?;
                Ok(self.reply(id, said, format!("Noted.\n{}", shown(&settings))))
            }
            Err(why) => Ok(self.reply(id, said, why)),
        }
    }
}

fn shown(settings: &Settings) -> String {
    format!(
        "timezone: {}\nlanguage: {}\ncurrency: {}\nnotify: {}\nremote_ai: {}\n    {REMOTE_AI}\n\n\
        To change one: /settings timezone Europe/Berlin",
        settings.timezone,
        settings.locale,
        settings.currency,
        settings.notify_on.as_str(),
        if settings.remote_ai { "on" } else { "off" },
    )
}

/// The settings with one of them changed.
///
/// # Errors
/// What would have been right.
fn changed(settings: &Settings, words: &str) -> Result<Settings, String> {
    let (name, value) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let (name, value) = (name.trim_end_matches(':').to_lowercase(), value.trim());
    let mut changed = settings.clone();
    match name.as_str() {
        "timezone" | "zone" => {
            changed.timezone = value
                .parse::<Tz>()
                .map_err(|_| "A time zone is a name like Europe/Berlin or Asia/Kolkata.".to_owned())?;
        }
        "language" | "locale" => {
            let fits = (2..=LOCALE_CHARS_MAX).contains(&value.len())
                && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if !fits {
                return Err("A language is a tag like en or de-AT.".to_owned());
            }
            value.clone_into(&mut changed.locale);
        }
        "currency" => {
            let code = value.to_ascii_uppercase();
            if code.len() != 3 || !code.chars().all(|c| c.is_ascii_uppercase()) {
                return Err("A currency is a code of three letters, like EUR.".to_owned());
            }
            changed.currency = code;
        }
        "notify" => {
            changed.notify_on = Channel::parse(&value.to_lowercase())
                .ok_or_else(|| "Notices go to telegram, email or web.".to_owned())?;
        }
        "remote_ai" => {
            changed.remote_ai = match value.to_lowercase().as_str() {
                "on" | "yes" | "true" => true,
                "off" | "no" | "false" => false,
                _ => return Err(format!("remote_ai is on or off. {REMOTE_AI}")),
            };
        }
        _ => return Err("I know the settings timezone, language, currency, notify and remote_ai.".to_owned()),
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Settings {
        Settings {
            timezone: Tz::UTC,
            currency: "USD".to_owned(),
            locale: "en".to_owned(),
            remote_ai: false,
            notify_on: Channel::Web,
        }
    }

    #[test]
    fn one_setting_changes_and_the_others_stay() {
        let with = |words| changed(&plain(), words).expect("it fits");
        assert_eq!(with("timezone Asia/Kolkata").timezone, chrono_tz::Asia::Kolkata);
        assert_eq!(with("currency: inr"), Settings { currency: "INR".to_owned(), ..plain() });
        assert_eq!(with("language de-AT").locale, "de-AT");
        assert_eq!(with("notify Telegram").notify_on, Channel::Telegram);
        assert_eq!(with("remote_ai: ON"), Settings { remote_ai: true, ..plain() });
        assert!(!changed(&with("remote_ai on"), "remote_ai off").expect("it fits").remote_ai);
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_would() {
        for (words, part) in [
            ("timezone Mars/Base", "Europe/Berlin"),
            ("timezone", "Europe/Berlin"),
            ("currency dollars", "EUR"),
            ("language x", "de-AT"),
            ("notify pigeon", "telegram"),
            ("remote_ai maybe", "on or off"),
            ("remote_ai", "built-in planner"),
            ("colour blue", "timezone"),
        ] {
            let why = changed(&plain(), words).expect_err("it does not fit");
            assert!(why.contains(part), "{words}: {why}");
        }
    }
}
