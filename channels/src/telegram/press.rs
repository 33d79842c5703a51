//! Presses of buttons: answered at once, then done.

use workflows::inbound::{Answer, Command, InboundKind};
use workflows::person::Person;
use workflows::ports::PromptRow;

use super::handle::{NotNow, queued, source};
use super::keyboard::{Copy, Question, Step, Subject, Verb, press};
use super::parse::Pressed;
use super::store::{Chat, Finished};
use super::{Door, render};

/// What is said about a button nobody knows.
const UNKNOWN: &str = "I do not know this button any more";

/// A press that was found to be somebody's to make.
struct Due {
    copy: Copy,
    chat: Chat,
    step: Step,
}

impl Door {
    /// Answers a press, then does what it comes to.
    pub(super) async fn pressed(&self, id: i64, pressed: Pressed, answered: bool) -> Result<Finished, NotNow> {
        let finished = Finished::handled(id, self.0.parts.clock.now());
        let found = self.judge(&pressed).await;
        if !answered {
            let toast = match &found {
                Ok(Ok(Due { step: Step::Toast(words), .. }) | Err(words)) => words.clone(),
                Ok(Ok(_)) | Err(_) => String::new(),
            };
            self.answer(pressed.query.clone(), toast);
        }
        let Ok(due) = found? else { return Ok(finished) };
        self.recognise(&due.copy, &pressed).await?;
        self.perform(id, &pressed, due, finished).await
    }

    /// Answers on the side: what comes of the press does not wait for Telegram.
    fn answer(&self, query: String, toast: String) {
        let api = self.0.parts.api.clone();
        self.0.tasks.spawn(async move {
            // A press may be too old to be answered; that harms nothing.
            if let Err(trouble) = api.answer(&query, &toast).await {
                tracing::debug!(%trouble, "a press was not answered");
            }
        });
    }

    /// Whose press it is and what it comes to; the words for the presser when it comes to nothing.
    async fn judge(&self, pressed: &Pressed) -> Result<Result<Due, String>, NotNow> {
        let unknown = || Ok(Err(UNKNOWN.to_owned()));
        let Some((token, verb)) = Verb::parse(&pressed.data) else { return unknown() };
        let Some(copy) = self.0.parts.outbox.copy(token).await? else { return unknown() };
        if pressed.place.is_none_or(|place| place.chat != copy.place.chat) {
            return unknown();
        }
        let person = self.who(&pressed.sender).await?;
        let Some(person) = person.filter(|person| person.id == copy.person_id) else {
            return Ok(Err(format!("Only {} can decide this", self.name_of(&copy.person_id).await?)));
        };
        let chat = Chat {
            conversation_id: copy.conversation_id.clone(),
            place: copy.place,
            person_id: copy.person_id.clone(),
            told: 0,
        };
        let step = match &copy.subject {
            Subject::Prompt(prompt) => {
                let row = self.0.parts.desk.prompt(prompt).await?.filter(|row| row.person_id == person.id);
                match row {
                    None => return unknown(),
                    Some(row) => step(&row, &copy, verb, &person),
                }
            }
            Subject::Report(_) if verb == Verb::Undo => Step::Undo,
            Subject::Report(_) | Subject::Change(_) | Subject::Progress(_) | Subject::Growing(_) => return unknown(),
        };
        Ok(Ok(Due { copy, chat, step }))
    }

    /// Learns which message a copy is from the press on it: a crash may have come between sending and
    /// noting. A second message of the same copy is remembered under a token of its own.
    async fn recognise(&self, copy: &Copy, pressed: &Pressed) -> Result<(), NotNow> {
        match (copy.message, pressed.message) {
            (None, Some(message)) => Ok(self.0.parts.outbox.shown(&copy.token, message, copy.shown).await?),
            (Some(known), Some(message)) if known != message => {
                let other = Copy { token: self.token(), message: Some(message), rev: 0, shown: 0, ..copy.clone() };
                if self.0.parts.outbox.copy_at(copy.place.chat, message).await?.is_none() {
                    self.0.parts.outbox.put_copy(other, self.0.parts.clock.now()).await?;
                }
                Ok(())
            }
            (_, _) => Ok(()),
        }
    }

    async fn perform(&self, id: i64, pressed: &Pressed, due: Due, finished: Finished) -> Result<Finished, NotNow> {
        let Due { copy, chat, step } = due;
        let mut finished = finished;
        match (step, &copy.subject) {
            (Step::Turn(turned), _) => finished.turned = Some((copy.token.clone(), turned)),
            (Step::AskChange, Subject::Prompt(prompt)) => {
                let ask = self.new_copy(&chat, Subject::Change(prompt.clone()));
                let words = "What should be different? Please reply to this message.";
                let reply = queued(copy.place, pressed.message, words.into());
                finished.replies.push(super::store::Queued { asks: Some(ask), ..reply });
            }
            (Step::Answer(answers), Subject::Prompt(prompt)) => {
                for answer in answers {
                    // Named by the act it is about: done again after a crash it must mean the same one.
                    let source = match &answer {
                        Answer::Approve(Some(act)) | Answer::Reject(Some(act)) => format!("{}:{act}", source(id)),
                        Answer::Options(_) | Answer::Text(_) | Answer::Approve(None) | Answer::Reject(None) => {
                            source(id)
                        }
                    };
                    let kind = InboundKind::Choice { prompt_id: prompt.clone(), answer };
                    if let Some(refusal) = self.submit(source, &chat, kind, Vec::new(), None).await?.refusal {
                        finished.replies.push(queued(copy.place, None, refusal.to_string().into()));
                        break;
                    }
                }
            }
            (Step::Undo, Subject::Report(task)) => {
                let kind = InboundKind::Command(Command::Undo(Some(task.clone())));
                if let Some(refusal) = self.submit(source(id), &chat, kind, Vec::new(), None).await?.refusal {
                    finished.replies.push(queued(copy.place, None, refusal.to_string().into()));
                }
            }
            (Step::Toast(_) | Step::Answer(_) | Step::AskChange | Step::Undo, _) => {}
        }
        Ok(finished)
    }
}

/// What a press on a question comes to, given how the question stands.
fn step(row: &PromptRow, copy: &Copy, verb: Verb, person: &Person) -> Step {
    match render::late(&row.status, person.settings.timezone) {
        Some(words) => Step::Toast(words),
        None => press(&Question::of(&row.view), &copy.turned, verb),
    }
}
