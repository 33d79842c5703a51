//! Asking a venue by mail for a day: one that was named, or one that is found and chosen first.

use serde_json::{Map, Value};

use super::errand_ask::{around, ask, choice, if_found, near, people, question, visit_day, visit_time};
use crate::person::Contact;
use crate::plan::{AnswerType, Conditional, StageKind};
use crate::planner::draft::{Draft, execution, stage};
use crate::planner::entities::limit::{Limit, Per};
use crate::planner::entities::number;
use crate::planner::entities::people::{self as parties, Party};
use crate::planner::errand::Errand;
use crate::planner::naming;
use crate::planner::phrase;
use crate::planner::want::Want;

/// What is asked for, and in which words.
pub(super) struct Request {
    /// The action that asks.
    pub(super) action: &'static str,
    /// The stage that asks: `table`.
    pub(super) id: &'static str,
    /// `a table`.
    pub(super) thing: &'static str,
    /// What is looked for when no kind was said.
    pub(super) kind: &'static str,
    /// Most people that are asked for.
    pub(super) people_max: u32,
}

/// Who is meant by the name of a venue.
pub(super) fn venue(name: &str, contacts: &[Contact]) -> Party {
    let mut found = parties::look_up(name, contacts);
    if found.is_empty() {
        found = parties::look_up(name.trim_end_matches("'s").trim_end_matches("\u{2019}s"), contacts);
    }
    match found.as_slice() {
        [] => Party::Unknown(name.to_owned()),
        [one] => Party::Contact((*one).clone()),
        several => {
            Party::Ambiguous { name: name.to_owned(), candidates: several.iter().map(|one| (*one).clone()).collect() }
        }
    }
}

fn has_address(errand: &Errand, party: &Party) -> bool {
    errand.email.is_some()
        || match party {
            Party::Contact(contact) => contact.email.is_some(),
            Party::Address(_) | Party::Ambiguous { .. } | Party::Group { .. } => true,
            Party::Unknown(_) => false,
        }
}

impl Request {
    /// Writes the questions and stages.
    pub(super) fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let Some(errand) = &want.errand else { return };
        let somewhere = errand.near.is_some() || errand.here;
        match &errand.venue {
            Some(party) if has_address(errand, party) || !somewhere => self.named(want, (errand, party), draft),
            None if !somewhere && errand.what.is_none() => self.unnamed(want, errand, draft),
            Some(_) | None => self.found(want, errand, draft),
        }
    }

    /// The venue is known by name; its address is known or asked for.
    fn named(&self, want: &Want, venue: (&Errand, &Party), draft: &mut Draft<'_>) {
        let (errand, party) = venue;
        let said = naming::parties(std::slice::from_ref(party)).join("");
        let (name, address) = match &errand.email {
            Some(email) => (phrase::literal(&said), phrase::literal(email)),
            None => match draft.recipients(std::slice::from_ref(party)).pop() {
                Some(one) => (one.name.unwrap_or_else(|| phrase::literal(&said)), one.address),
                None => return,
            },
        };
        let params = self.params(want, errand, (name, address), draft);
        let id = draft.id(self.id);
        draft.titles.push(phrase::capitalised(&format!("{} at {said}", without_article(self.thing))));
        draft.execute(&id, &format!("Ask {said} for {}", self.thing), self.action, params);
    }

    /// Nothing was said of the venue but perhaps its address.
    fn unnamed(&self, want: &Want, errand: &Errand, draft: &mut Draft<'_>) {
        let asked = format!("Which {} shall I ask?", self.kind);
        let name = ask(draft, &format!("{}_venue", self.id), &asked, AnswerType::Text, &[]);
        let address = match &errand.email {
            Some(email) => phrase::literal(email),
            None => ask(draft, &format!("{}_email", self.id), "What is its mail address?", AnswerType::Email, &[]),
        };
        let params = self.params(want, errand, (name, address), draft);
        let id = draft.id(self.id);
        draft.titles.push(phrase::capitalised(without_article(self.thing)));
        draft.execute(&id, &format!("Ask for {}", self.thing), self.action, params);
    }

    /// Looks for places first; the chosen one is asked, at its address or one that is typed.
    fn found(&self, want: &Want, errand: &Errand, draft: &mut Draft<'_>) {
        let name = errand.venue.as_ref().map(|party| naming::parties(std::slice::from_ref(party)).join(""));
        let what = name.or_else(|| errand.what.clone()).unwrap_or_else(|| self.kind.to_owned());
        let search = draft.id("places");
        let near = near(errand, draft, &search, &what);
        let query = Map::from_iter([
            ("query".to_owned(), Value::from(phrase::literal(&what))),
            ("near".to_owned(), Value::from(near)),
        ]);
        let (place, mail, no_mail) = (draft.id("place"), draft.id("place_email"), draft.id("if_no_email"));
        let address = match &errand.email {
            Some(email) => phrase::literal(email),
            None => format!("{{{{ {place}.email if {place}.email | default('') else {mail} }}}}"),
        };
        let params = self.params(want, errand, (format!("{{{{ {place}.name }}}}"), address), draft);
        let (id, found) = (draft.id(self.id), draft.id("if_places"));
        let mut then = vec![choice(&place, "Which one shall I ask?", &search, "{{ item.address }}")];
        if errand.email.is_none() {
            let asked = format!(
                "The map has no mail address of {{{{ {place}.name }}}}. What is it?\
                 {{% if {place}.website | default('') %}} Its site: {{{{ {place}.website }}}}{{% endif %}}\
                 {{% if {place}.phone | default('') %}} Its telephone: {{{{ {place}.phone }}}}{{% endif %}}"
            );
            let condition = format!("not ({place}.email | default(''))");
            let ask = vec![question(&mail, &asked, AnswerType::Email, Vec::new())];
            let kind = StageKind::Conditional(Conditional { condition, then: ask, otherwise: Vec::new() });
            then.push(stage(&no_mail, Some("If it has no mail address".to_owned()), kind));
        }
        then.push(execution(&id, &format!("Ask for {}", self.thing), self.action, params, None));
        let around = around(errand);
        draft.titles.push(phrase::capitalised(&format!("{}{around}", without_article(self.thing))));
        draft.execute(&search, &format!("Look for “{what}”{around}"), "search.find_places", query);
        draft.push(if_found(&found, &search, then));
    }

    fn params(
        &self,
        want: &Want,
        errand: &Errand,
        venue: (String, String),
        draft: &mut Draft<'_>,
    ) -> Map<String, Value> {
        let mut params = Map::from_iter([
            ("venue".to_owned(), Value::from(venue.0)),
            ("venue_email".to_owned(), Value::from(venue.1)),
            ("date".to_owned(), Value::from(visit_day(want, draft, self.id))),
            ("time".to_owned(), Value::from(visit_time(want, draft, self.id))),
            ("people".to_owned(), people(errand, draft, self.id, self.people_max)),
        ]);
        let price = errand.limit.as_ref().map(|limit| price_note(limit, draft));
        let notes: Vec<String> = [errand.notes.clone(), price].into_iter().flatten().collect();
        if !notes.is_empty() {
            params.insert("notes".to_owned(), Value::from(phrase::literal(&notes.join(" "))));
        }
        params
    }
}

/// A limit on the price, as the venue reads it.
fn price_note(limit: &Limit, draft: &Draft<'_>) -> String {
    let currency = limit.money.currency.unwrap_or(&draft.person.settings.currency);
    let each = match limit.per {
        Per::Person => " a person",
        Per::Night => " a night",
        Per::All => "",
    };
    format!("It may cost at most {currency} {}{each}.", number::to_json(limit.money.amount))
}

fn without_article(thing: &str) -> &str {
    thing.split_once(' ').map_or(thing, |(_, noun)| noun)
}
