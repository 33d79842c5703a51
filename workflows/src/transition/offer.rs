//! Acts that would be done with other arguments: another price, one of several places of a name.

use serde_json::{Map, Value, json};

use super::machine::Machine;
use super::{ITEMS_MAX, report};
use crate::action::Reach;
use crate::ids::EffectId;
use crate::ports::actions::{ActionError, Offer};
use crate::state::{Item, ItemPhase, PromptKind, PromptOption, Purpose};

/// What the ids of options begin with that stand for an offer.
const PREFIX: &str = "offer_";
/// Offers that are shown of one act.
const OFFERS_MAX: usize = 20;
/// Where such an option keeps the arguments.
const ARGS: &str = "args";

impl Machine<'_> {
    /// An act that was certainly not done, but would be done differently: the person decides. What
    /// reaches the world is confirmed anew, argument by argument.
    pub(super) fn ask_offers(&mut self, id: &EffectId, error: &ActionError) {
        let ActionError { message, offers, .. } = error;
        if let [only] = offers.as_slice()
            && let Ok(other) = self.other_item(id, only.args.clone())
            && other.reach == Reach::World
        {
            self.say_failed(id, message, true);
            let question = report::offer_question(message);
            self.put_in_place(id, other, Some(question));
            return;
        }
        self.say_failed(id, message, false);
        let Some(item) = self.run.item(id).cloned() else { return };
        let mut options: Vec<PromptOption> = offers.iter().take(OFFERS_MAX).enumerate().map(as_option).collect();
        options.extend(self.failure_options(&item));
        // It would only be asked the same question again.
        options.retain(|option| option.id != "retry");
        let question = report::choice_question(&item, message);
        self.ask(Purpose::Failure(id.clone()), question, PromptKind::One { options }, Self::default_span(), 0);
    }

    /// Takes an offer that was chosen; `false` when the option is none.
    pub(super) fn take_offer(&mut self, id: &EffectId, option: &PromptOption) -> bool {
        let args = option.value.get(ARGS).and_then(Value::as_object).filter(|_| option.id.starts_with(PREFIX));
        let Some(args) = args else { return false };
        match self.other_item(id, args.clone()) {
            Ok(other) => self.put_in_place(id, other, None),
            Err(error) => {
                self.say(&error);
                self.settle_failed(id);
            }
        }
        true
    }

    /// The same act with other arguments.
    pub(super) fn other_item(&mut self, id: &EffectId, args: Map<String, Value>) -> Result<Item, String> {
        let Some(item) = self.run.item(id).cloned() else { return Err("that act is gone".to_owned()) };
        let Some(stage) = self.stage(&item.stage_id) else { return Err("that stage is gone".to_owned()) };
        if self.run.items.len() >= ITEMS_MAX {
            return Err(format!("more than {ITEMS_MAX} acts in one task"));
        }
        let other = self.new_item(&stage, &item.action, args)?;
        Ok(Item { index: item.index, source: item.source, ..other })
    }

    /// Puts another act in the place of one; what reaches the world needs a yes of its own.
    pub(super) fn put_in_place(&mut self, id: &EffectId, mut other: Item, question: Option<String>) {
        let asks = other.reach == Reach::World;
        if !asks {
            other.phase = ItemPhase::Ready;
        }
        let other_id = other.id.clone();
        self.run.items.push(other);
        self.set_phase(id, ItemPhase::Replaced);
        if asks {
            let question = question.unwrap_or_else(|| report::confirmation_question(1));
            self.ask_approval_with(question, vec![other_id]);
        }
    }
}

fn as_option((n, offer): (usize, &Offer)) -> PromptOption {
    let id = format!("{PREFIX}{}", n + 1);
    let value = json!({"id": id, "name": offer.name, ARGS: offer.args});
    PromptOption { id, name: offer.name.clone(), description: None, value }
}
