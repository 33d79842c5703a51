//! Requests for things to be found and booked.

use super::plans::shown_all;
use super::*;
use crate::plan::template::{self, Scope};
use crate::plan::{Stage, StageKind};

#[test]
fn searches() {
    insta::assert_snapshot!(shown_all(&[
        "search the web for cats and dogs, and email best practices",
        "google how to book a hotel in Goa and cancel it",
        "look up the opening hours of the zoo online",
        "search online for \"vegan cake\" near Berlin, then email Bob that I am on it",
        "search the web",
        "find Italian restaurants near Panjim",
        "look for a party venue in Goa",
        "find a venue for a birthday party in Goa for 30 people",
        "where is a pharmacy near me",
        "find me 3 cafes within 2 km of Alexanderplatz, Berlin",
        "find hotels near Panjim",
    ]));
}

#[test]
fn hotels_and_flights() {
    insta::assert_snapshot!(shown_all(&[
        "find a hotel in Goa from 5 to 7 December for 2 people under 20k INR",
        "find a hotel in Goa for 3 nights from Friday under 80 euros a night",
        "find me a hotel room in Berlin this weekend",
        "find a hotel in Goa from 7 to 5 December",
        "find a hotel from 2025-12-05 to 2025-12-07 for 0 people",
        "find a hotel in Goa for two nights under 80 euros a night",
        "find flights from Berlin to Goa on 5 December",
        "find flights from Berlin to Goa on 5 December, returning on the 12th, two people, under 500 euros",
        "find business class flights to GOI from BER from 5 to 12 December under 900 euros per person for 2",
        "book a flight to Goa",
    ]));
}

#[test]
fn bookings() {
    insta::assert_snapshot!(shown_all(&[
        "book a hotel in Goa from Friday to Sunday for 2",
        "Book a table for 4 at Luigi's",
        "book a table at Luigi's for 4 tomorrow at 7pm",
        "book a table at Gus for 2 tomorrow at 7pm. It is a birthday",
        "book a table at Bob for 2 tomorrow evening",
        "reserve a table for 6 near Panjim on Saturday at 8",
        "book an Italian restaurant in Goa for me and my wife tomorrow at 7pm",
        "book a table for 10,000 people yesterday at 7pm",
        "ask Beach Resort (events@beach.test) whether we can have the place for 30 people on Saturday at 7pm",
        "request a reservation at Beach Resort for 30 people on Saturday at 7pm",
        "cancel my hotel booking",
        "cancel the table at Luigi's",
        "cancel booking bok_0000AVBX7c",
        "invite Bob to dinner at Luigi's tomorrow at 7pm and book a table at Luigi's for 2",
        "book a table at Café Einstein, Berlin for 3 on Sunday at noon under 50 euros per person",
        "book a table at Bob for 4 tomorrow at 7pm and remind me an hour before",
        "cancel the table for two on Friday and email Bob that dinner is off",
        "book a table at Bob for -2 people",
    ]));
}

fn kind_of(text: &str) -> String {
    match plan_of(text, &[]) {
        Proposal::Plan { intent, .. } | Proposal::Reply { intent, .. } | Proposal::Question { intent, .. } => {
            intent.kind
        }
    }
}

#[test]
fn words_lead_to_their_act() {
    let table = [
        ("search the web for cats", "search_web"),
        ("google the weather in Goa", "search_web"),
        ("look up flights online", "search_web"),
        ("set up a google meet", "create_meeting"),
        ("find Bob's number", "find_contact"),
        ("find the address of Carol", "find_contact"),
        ("find a free slot in the afternoon", "check_availability"),
        ("find time tomorrow", "check_availability"),
        ("find me a free slot next week", "check_availability"),
        ("what's on tomorrow?", "list_events"),
        ("show my calendar", "list_events"),
        ("find sushi in Berlin", "find_places"),
        ("find Bob in Berlin", "unknown"),
        ("find my keys in Berlin", "unknown"),
        ("where are the toilets near Alexanderplatz?", "find_places"),
        ("I'm looking for a gym in Berlin", "find_places"),
        ("I need a hotel in Goa for 2 nights", "search_hotels"),
        ("book a double room in Goa for the weekend", "book_hotel"),
        ("reserve a room in Goa for 2 nights from Friday", "book_hotel"),
        ("flights to Goa", "search_flights"),
        ("I want to fly to Goa on Friday", "search_flights"),
        ("can you get us a table for tonight", "book_restaurant"),
        ("I'd like to reserve a table", "book_restaurant"),
        ("make a reservation at Luigi's for 2", "book_restaurant"),
        ("book lunch with Bob tomorrow at 1pm", "schedule_event"),
        ("book a meeting at the bar on Monday at 3pm", "schedule_event"),
        ("book a call with Bob tomorrow at 10", "schedule_call"),
        ("schedule table tennis tomorrow at 5pm", "schedule_event"),
        ("ask Bob whether he can come on 28.11.", "send_email"),
        ("ask Bob whether we can have the car on Friday", "send_email"),
        ("ask Luigi's for a table for 4 tomorrow at 7pm", "book_restaurant"),
        ("cancel my dentist appointment", "cancel_event"),
        ("cancel my table tennis lesson", "cancel_event"),
        ("cancel the meeting", "cancel_event"),
        ("cancel my dinner reservation", "cancel_booking"),
        ("remind me to book a table at Luigi's for 4", "set_reminder"),
        ("remind me tomorrow at 9 to find a hotel in Goa and book a flight", "set_reminder"),
        ("email Bob that the hotel in Goa is booked", "send_email"),
        ("hotel california is a song", "unknown"),
        ("I need a room in Goa for 3 nights from Friday", "search_hotels"),
        ("make a reservation for 2 nights in Goa", "book_hotel"),
        ("make a hotel reservation in Goa", "book_hotel"),
        ("book a room for the meeting tomorrow at 3pm", "unknown"),
        ("find me something to eat near Panjim", "find_places"),
        ("what is the number of Luigi's?", "find_contact"),
        ("tell Bob that I'll book a table at Luigi's", "send_email"),
    ];
    for (text, kind) in table {
        assert_eq!(kind_of(text), kind, "{text}");
    }
}

fn stages(text: &str, amendments: &[&str]) -> Vec<Stage> {
    match plan_of(text, amendments) {
        Proposal::Plan { plan, .. } => plan.stages,
        Proposal::Reply { text: reply, .. } | Proposal::Question { text: reply, .. } => panic!("{text}: {reply}"),
    }
}

/// The parameters of the first act of this name, however deep.
fn params_of(text: &str, amendments: &[&str], action: &str) -> Value {
    let mut found = Value::Null;
    for stage in stages(text, amendments) {
        stage.walk(&mut |stage| {
            if let StageKind::Execution(act) = &stage.kind
                && act.action == action
            {
                found = Value::Object(act.params.clone());
            }
        });
    }
    found
}

#[test]
fn people_days_and_prices_are_changed_afterwards() {
    let table = "book a table at Bob for 4 tomorrow at 7pm";
    let act = "booking.book_restaurant";
    assert_eq!(params_of(table, &["make it 6 people"], act)["people"], 6);
    assert_eq!(params_of(table, &["for 5 instead"], act)["people"], 5);
    assert_eq!(params_of(table, &["at 8pm"], act)["time"], "20:00");
    assert_eq!(params_of(table, &["make it Sunday"], act)["date"], "2026-11-29");
    let hotel = "find a hotel in Goa from 5 to 7 December for 2 people under 20k INR";
    let act = "search.search_hotels";
    let days = params_of(hotel, &["from 6 to 9 December"], act);
    assert_eq!((&days["from"], &days["to"]), (&json!("2026-12-06"), &json!("2026-12-09")));
    assert_eq!(params_of(hotel, &["under 30k INR"], act)["max_price"], json!({"amount": 30_000, "currency": "INR"}));
    assert_eq!(params_of(hotel, &["for 3 people"], act)["people"], 3);
    assert_eq!(params_of("find a hotel in Goa from Friday", &["for 3 nights"], act)["to"], "2026-12-07");
}

#[test]
fn a_place_is_asked_at_its_own_address_or_the_one_that_is_typed() {
    let params = params_of("reserve a table for 6 near Panjim on Saturday at 8", &[], "booking.book_restaurant");
    let filled = |place: Value, typed: Option<&str>| {
        let mut names = serde_json::Map::from_iter([("place".to_owned(), place)]);
        names.extend(typed.map(|typed| ("place_email".to_owned(), json!(typed))));
        template::fill(&params["venue_email"], &Scope::new(&names)).map_err(|error| error.0)
    };
    assert_eq!(filled(json!({"name": "A", "email": "a@x.test"}), None), Ok(json!("a@x.test")));
    assert_eq!(filled(json!({"name": "A"}), Some("b@x.test")), Ok(json!("b@x.test")));
    assert_eq!(filled(json!({"name": "A", "email": null}), Some("b@x.test")), Ok(json!("b@x.test")));
    assert!(filled(json!({"name": "A"}), None).is_err(), "nothing is sent to nowhere");
    assert_eq!(params["time"], "20:00");
}

#[test]
fn the_question_for_an_address_shows_what_the_map_knows() {
    let all = stages("reserve a table for 6 near Panjim on Saturday at 8", &[]);
    let mut asked = String::new();
    let mut condition = String::new();
    for stage in &all {
        stage.walk(&mut |stage| {
            if let StageKind::Clarification(c) = &stage.kind
                && c.question.contains("mail address")
            {
                asked.clone_from(&c.question);
            }
            if let StageKind::Conditional(c) = &stage.kind
                && c.condition.contains("email")
            {
                condition.clone_from(&c.condition);
            }
        });
    }
    let scope = |place: Value| Scope::new(&serde_json::Map::from_iter([("place".to_owned(), place)]));
    assert_eq!(
        template::render(&asked, &scope(json!({"name": "Café A", "website": "https://a.test"}))),
        Ok("The map has no mail address of Café A. What is it? Its site: https://a.test".to_owned())
    );
    assert_eq!(template::holds(&condition, &scope(json!({"name": "A"}))), Ok(true));
    assert_eq!(template::holds(&condition, &scope(json!({"name": "A", "email": null}))), Ok(true));
    assert_eq!(template::holds(&condition, &scope(json!({"name": "A", "email": "a@x.test"}))), Ok(false));
}

#[test]
fn the_hotel_that_was_chosen_is_booked_at_its_price() {
    let params = params_of("book a hotel in Goa from Friday to Sunday for 2", &[], "booking.book_hotel");
    let hotel = json!({"id": "sr_1", "offer_id": "sr_1", "name": "Sea View", "description": "INR 9,000", "terms": "Double; no refund", "from": "2026-12-04",
        "to": "2026-12-06", "price": {"amount": 9000, "currency": "INR"}, "people": 2, "address": "Goa"});
    let names = json!({"hotel": hotel, "guest_given_name": "Ada", "guest_family_name": "Byron", "guest_email": "ada@x.test",
        "guest_phone": "+49301234567"});
    let filled = template::fill(&params, &Scope::new(names.as_object().expect("names")));
    let expected = json!({"offer_id": "sr_1", "hotel": "Sea View", "terms": "Double; no refund", "from": "2026-12-04", "to": "2026-12-06",
        "price": {"amount": 9000, "currency": "INR"}, "guests": [{"given_name": "Ada", "family_name": "Byron"}],
        "email": "ada@x.test", "phone": "+49301234567"});
    assert_eq!(filled, Ok(expected.clone()));
    let catalog = catalog_without("");
    let spec = catalog.get("booking.book_hotel").expect("an action");
    assert_eq!(crate::plan::validate::parameter_faults(spec, expected.as_object().expect("params")), []);
}

#[test]
fn what_a_plan_needs_and_is_not_there_is_said() {
    let (person, contacts, catalog) = (person(), contacts(), catalog_without("search.search_hotels"));
    let text = "book a hotel in Goa from Friday to Sunday for 2";
    let request = PlanRequest::new(text, &person, &contacts, now(), &catalog);
    let Proposal::Reply { intent, .. } = propose(&request) else { panic!("a reply") };
    assert_eq!((intent.kind.as_str(), &intent.entities["action"]), ("unavailable", &json!("search.search_hotels")));
}

#[test]
fn the_persons_own_address_is_suggested() {
    let (mut person, mut contacts, catalog) = (person(), contacts(), catalog_without(""));
    person.name = "Ada Byron".to_owned();
    contacts.push(Contact {
        phone: Some("+49301234567".to_owned()),
        ..contact("Ada Byron", Some("ada@x.test"), None, &[])
    });
    let text = "book a hotel in Goa from Friday to Sunday for 2";
    let request = PlanRequest::new(text, &person, &contacts, now(), &catalog);
    let Proposal::Plan { plan, .. } = propose(&request) else { panic!("a plan") };
    let suggested: Vec<Vec<String>> = plan
        .all()
        .into_iter()
        .filter_map(
            |stage| {
                if let StageKind::Clarification(c) = &stage.kind { Some(c.suggestions.clone()) } else { None }
            },
        )
        .collect();
    assert_eq!(suggested, [vec!["Ada"], vec!["Byron"], vec!["ada@x.test"], vec!["+49301234567"], Vec::new()]);
}
