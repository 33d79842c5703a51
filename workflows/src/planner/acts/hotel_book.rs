//! Books a hotel: searches, lets the person choose, asks who stays, books what was chosen.

use serde_json::{Map, Value, json};

use super::errand_ask::{choice, if_found, question};
use super::hotels::{self, lodging};
use super::verbs::BOOK;
use super::{Act, Head};
use crate::plan::{AnswerType, Conditional, Stage, StageKind};
use crate::planner::clause::Clause;
use crate::planner::draft::{Draft, execution, stage};
use crate::planner::entities::{Tokens, any_phrase};
use crate::planner::errand::{Errand, later};
use crate::planner::phrase;
use crate::planner::want::Want;

/// Books a hotel.
pub(super) struct BookHotel;

/// These may be for a table too; nights or a hotel make them lodgings.
const RESERVATIONS: &[&str] = &[
    "make me a reservation",
    "make us a reservation",
    "make a reservation",
    "make a booking",
    "make a hotel reservation",
    "make a hotel booking",
    "make hotel reservations",
    "book a stay",
];

impl Act for BookHotel {
    fn kind(&self) -> &'static str {
        "book_hotel"
    }

    fn action(&self) -> &'static str {
        "booking.book_hotel"
    }

    fn offer(&self) -> &'static str {
        "book a hotel: “book a hotel in Goa from Friday to Sunday for 2”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if let Some(next) = any_phrase(tokens, at, RESERVATIONS) {
            return later(tokens, at, &["hotel", "hostel", "night", "nights"]).then(|| Head::strong(next));
        }
        let next = any_phrase(tokens, at, BOOK)?;
        lodging(tokens, next).map(Head::strong)
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        hotels::read(clause)
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let Some(errand) = &want.errand else { return };
        let search = draft.id("hotels");
        let title = hotels::title(errand);
        let params = hotels::params(errand, draft, &search, true);
        draft.titles.push(format!("A hotel{}", title.trim_start_matches("Hotels")));
        draft.execute(
            &search,
            &format!("Look for {}", title.replacen("Hotels", "hotels", 1)),
            "search.search_hotels",
            params,
        );
        let hotel = draft.id("hotel");
        let mut then = vec![choice(&hotel, "Which hotel shall I book?", &search, "{{ item.description }}")];
        then.extend(booking(errand, draft, &hotel));
        let found = draft.id("if_hotels");
        draft.push(if_found(&found, &search, then));
    }
}

/// The questions about the guest, and the booking of what was chosen.
fn booking(errand: &Errand, draft: &mut Draft<'_>, hotel: &str) -> Vec<Stage> {
    let (given, family) = names(&draft.person.name);
    let own = draft.own_contact();
    let email: Vec<String> = own.and_then(|contact| contact.email.clone()).into_iter().collect();
    // The hotel needs the country code.
    let phone: Vec<String> =
        own.and_then(|own| own.phone.clone()).filter(|phone| phone.starts_with('+')).into_iter().collect();
    let mut stages = Vec::new();
    let mut ask = |draft: &mut Draft<'_>, base: &str, text: &str, answer, suggestions| {
        let id = draft.id(base);
        stages.push(question(&id, text, answer, suggestions));
        format!("{{{{ {id} }}}}")
    };
    let given = ask(
        draft,
        "guest_given_name",
        "What is the given name of the guest, as in the passport?",
        AnswerType::Text,
        given,
    );
    let family = ask(draft, "guest_family_name", "And the family name?", AnswerType::Text, family);
    let email =
        ask(draft, "guest_email", "At which mail address may the hotel write to the guest?", AnswerType::Email, email);
    let asked = "At which telephone number may the hotel call the guest? With the country code, like +49 30 1234567.";
    let phone = ask(draft, "guest_phone", asked, AnswerType::Phone, phone);
    let phone = with_country_code(&phone, draft, &mut stages);
    let of = |field: &str| Value::from(format!("{{{{ {hotel}.{field} }}}}"));
    let mut params = Map::from_iter([
        ("offer_id".to_owned(), of("offer_id")),
        ("hotel".to_owned(), of("name")),
        ("from".to_owned(), of("from")),
        ("to".to_owned(), of("to")),
        ("price".to_owned(), of("price")),
        ("terms".to_owned(), of("terms")),
        ("guests".to_owned(), json!([{"given_name": given, "family_name": family}])),
        ("email".to_owned(), Value::from(email)),
        ("phone".to_owned(), Value::from(phone)),
    ]);
    if let Some(notes) = &errand.notes {
        params.insert("requests".to_owned(), Value::from(phrase::literal(notes)));
    }
    let book = draft.id("booking");
    stages.push(execution(&book, "Book the hotel", BookHotel.action(), params, None));
    stages
}

/// A number without the country code is asked for once more: the hotel's side refuses it.
fn with_country_code(phone: &str, draft: &mut Draft<'_>, stages: &mut Vec<Stage>) -> String {
    let said = phone.trim_matches(['{', '}', ' ']);
    let (again, code) = (draft.id("guest_phone_again"), draft.id("if_no_country_code"));
    let asked =
        format!("{{{{ {said} }}}} has no country code. The whole number, please: a plus, the country, the rest.");
    let then = vec![question(&again, &asked, AnswerType::Phone, Vec::new())];
    let condition = format!("{said}[:1] != '+'");
    let kind = StageKind::Conditional(Conditional { condition, then, otherwise: Vec::new() });
    stages.push(stage(&code, Some("If the number has no country code".to_owned()), kind));
    format!("{{{{ {said} if {said}[:1] == '+' else {again} }}}}")
}

/// What the given and the family name may be.
fn names(name: &str) -> (Vec<String>, Vec<String>) {
    match name.trim().rsplit_once(char::is_whitespace) {
        Some((given, family)) => (vec![given.trim().to_owned()], vec![family.to_owned()]),
        None => (Some(name.trim().to_owned()).filter(|name| !name.is_empty()).into_iter().collect(), Vec::new()),
    }
}
