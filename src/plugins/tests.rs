//! What tests of several plugins need.

use serde_json::Value;
use workflows::ids::{ConversationId, EffectId, PersonId, TaskId};
use workflows::person::{Channel, Person, Role, Settings};
use workflows::ports::ActionCall;

/// An act of somebody in Berlin who counts in rupees, at noon on 29 November 2026.
pub(crate) fn call(action: &str, args: &Value) -> ActionCall {
    let settings = Settings {
        timezone: chrono_tz::Europe::Berlin,
        currency: "INR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: Channel::Web,
    };
    ActionCall {
        effect_id: EffectId::from("e1"),
        task_id: TaskId::from("t1"),
        conversation_id: ConversationId("web:a".to_owned()),
        person: Person { id: PersonId::from("ann"), name: "Ann Archer".to_owned(), role: Role::Owner, settings },
        action: action.to_owned(),
        args: args.as_object().cloned().expect("an object"),
        now: "2026-11-29T11:00:00Z".parse().expect("a time"),
    }
}
