//! Cancels an event: lists what there is, lets the person choose, cancels that.

use serde_json::{Map, Value};

use super::{Act, Head, availability, event};
use crate::plan::{Choose, Conditional, OptionTemplate, StageKind};
use crate::planner::clause::Clause;
use crate::planner::draft::{Draft, execution, stage};
use crate::planner::entities::{Tokens, any_phrase, is_any};
use crate::planner::want::Want;
use crate::planner::{naming, phrase};

/// How far is looked when no time was said.
const DAYS_AHEAD: i64 = 60;

/// What an event is offered as.
const NAME: &str = "{{ item.title ~ ' (repeats: the whole series)' if item.repeats else item.title }}";

/// The events of a look, a series once: cancelling takes out all of it.
fn offered(look: &str) -> String {
    format!("{look}.events | unique(attribute='uid', case_sensitive=true) | list")
}

/// Cancels an event.
pub(super) struct Cancel;

impl Act for Cancel {
    fn kind(&self) -> &'static str {
        "cancel_event"
    }

    fn action(&self) -> &'static str {
        "calendar.cancel_event"
    }

    fn offer(&self) -> &'static str {
        "cancel an event: “cancel my dentist appointment”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        /// How many words after the verb may name the event.
        const WORDS_MAX: usize = 6;
        let next = any_phrase(tokens, at, &["cancel", "delete", "remove", "call off", "drop", "unschedule"])?;
        let mine = is_any(tokens, next, &["my", "the", "our"]);
        let event = (next..tokens.len().min(next + WORDS_MAX)).any(|at| event::is_event_word(tokens, at));
        let certain = is_any(tokens, at, &["cancel", "unschedule"]) && mine;
        (event || certain).then(|| Head::weak(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        want.title = want.title.or_else(|| naming::title(&clause.rest(clause.body, clause.end())));
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let (events, which, cancel) = (draft.id("events"), draft.id("which"), draft.id("cancel"));
        let what = want.title.clone().unwrap_or_else(|| "the event".to_owned());
        let params = availability::span(want, draft, DAYS_AHEAD);
        draft.execute(&events, "Look into the calendar", "calendar.list_events", params);
        let choose = Choose {
            question: phrase::literal(&format!("Which one shall I cancel? You said “{what}”.")),
            options: None,
            options_from: Some(offered(&events)),
            option: Some(OptionTemplate {
                id: Some("{{ item.uid }}".to_owned()),
                name: Some(NAME.to_owned()),
                description: Some("{{ item.starts_at }}".to_owned()),
                value: None,
            }),
            min: None,
            max: None,
            expires_in: None,
        };
        let mut params = Map::new();
        params.insert("uid".to_owned(), Value::from(format!("{{{{ {which}.uid }}}}")));
        let then = vec![
            stage(&which, None, StageKind::Selection(choose)),
            execution(&cancel, "Cancel the event (if it repeats, the whole series)", self.action(), params, None),
        ];
        let found = draft.id("if_any");
        let condition = Conditional { condition: format!("{events}.events | length > 0"), then, otherwise: Vec::new() };
        draft.push(stage(&found, Some("If there is one".to_owned()), StageKind::Conditional(condition)));
        draft.titles.push(format!("Cancel “{what}”"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::template::{Scope, evaluate, render};

    #[test]
    fn a_series_is_offered_once_and_named_so() {
        let event = |uid: &str, repeats: bool| json!({"uid": uid, "title": "Walk", "repeats": repeats});
        let names = json!({"look": {"events": [event("a", true), event("A", false), event("a", true)]}});
        let scope = Scope::new(names.as_object().expect("an object"));
        let offered = evaluate(&offered("look"), &scope).expect("a list");
        assert_eq!(offered, json!([event("a", true), event("A", false)]));
        let name = |item: &Value| {
            let scope = json!({"item": item});
            render(NAME, &Scope::new(scope.as_object().expect("an object"))).expect("a name")
        };
        assert_eq!(name(&offered[0]), "Walk (repeats: the whole series)");
        assert_eq!(name(&offered[1]), "Walk");
    }
}
