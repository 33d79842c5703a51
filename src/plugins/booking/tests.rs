//! The letters, and what is done about an offer that is not what was shown.

use serde_json::{Value, json};
use workflows::plan::validate::parameter_faults;
use workflows::ports::ActionErrorKind;

use super::hotel::differs;
use super::reservation::Reservation;
use super::{cancel_spec, hotel_spec, reservation_specs};
use crate::plugins::duffel::stays::Quote;
use crate::plugins::tests::call;

fn asked(more: &Value) -> Value {
    let mut args = json!({"venue": "Beach Resort", "venue_email": "hello@beach.test", "date": "2026-12-05", "time": "19:00", "people": 10});
    for (name, value) in more.as_object().into_iter().flatten() {
        args[name] = value.clone();
    }
    args
}

fn quote(price: &str, currency: &str, hotel: &str, check_in: &str) -> Quote {
    let quote = json!({"id": "quo_1", "total_amount": price, "total_currency": currency, "check_in_date": check_in,
        "check_out_date": "2026-12-07", "accommodation": {"name": hotel, "rooms": [{"name": "Double", "rates": [
            {"id": "rat_1", "total_amount": price, "total_currency": currency, "board_type": "room_only", "cancellation_timeline": [
                {"before": "2026-12-01T00:00:00.000Z", "refund_amount": "100.00", "currency": "INR"}]}]}]}});
    serde_json::from_value(quote).expect("a quote")
}

fn stay() -> Value {
    json!({"offer_id": "srr_1", "hotel": "Beach Resort", "from": "2026-12-05", "to": "2026-12-07",
        "price": {"amount": 35000, "currency": "INR"}, "guests": [{"given_name": "Ann", "family_name": "Archer"}],
        "email": "ann@test.local", "phone": "+491701234567",
        "terms": "Double; room only; INR 100 back until 2026-12-01 00:00 UTC"})
}

#[test]
fn a_letter_says_who_when_and_how_many_and_asks_for_an_answer() {
    let call =
        call("booking.request_reservation", &asked(&json!({"notes": "A birthday party.", "phone": "+49 170 1"})));
    let reservation = Reservation::of(&call).expect("a reservation");
    assert_eq!(reservation.subject(), "Reservation for 10 people on 5 December 2026, 19:00");
    let wanted = "Dear Beach Resort team,\n\nI would like to reserve your place for 10 people on Saturday 5 December 2026 at \
        19:00.\n\nA birthday party.\n\nCould you tell me whether that is possible, and at what price? Please reply to this \
        mail.\n\nKind regards\nAnn Archer\n+49 170 1\n\n--\nSent for Ann Archer by Super Manager";
    assert_eq!(reservation.request(), wanted);
}

#[test]
fn nobody_and_a_multitude_are_refused_by_the_schema() {
    let specs = reservation_specs(None);
    for people in [json!(0), json!(-1), json!(10_000), json!(2.5), json!("two")] {
        let args = asked(&json!({"people": people})).as_object().cloned().expect("an object");
        assert!(!parameter_faults(&specs[0], &args).is_empty(), "{people}");
    }
    for (name, value) in [("venue_email", "x@y@z"), ("venue_email", "a b@c"), ("time", "25:00"), ("date", "tomorrow")] {
        let args = asked(&json!({name: value})).as_object().cloned().expect("an object");
        assert!(!parameter_faults(&specs[0], &args).is_empty(), "{name} {value}");
    }
    let fine = asked(&json!({})).as_object().cloned().expect("an object");
    assert_eq!(parameter_faults(&specs[0], &fine), Vec::new());
}

#[test]
fn what_takes_a_request_back_fits_the_action_that_does() {
    let mut args = asked(&json!({"reference": "<e1@test.local>", "phone": "+49 170 1", "name": "Ann"}));
    let spec = cancel_spec(None);
    let faults = |args: &Value| parameter_faults(&spec, args.as_object().expect("an object"));
    assert_eq!(faults(&args), Vec::new());
    args["notes"] = json!("Bring cake");
    assert!(!faults(&args).is_empty());
    assert_eq!(parameter_faults(&hotel_spec(None), stay().as_object().expect("an object")), Vec::new());
}

#[test]
fn only_exactly_what_was_shown_is_booked() {
    let call = call("booking.book_hotel", &stay());
    assert!(differs(&call, &quote("35000.00", "INR", "Beach Resort", "2026-12-05")).is_ok());
    let others = [
        (quote("38000.00", "INR", "Beach Resort", "2026-12-05"), "price", json!({"amount": 38000, "currency": "INR"})),
        (
            quote("34999.99", "INR", "Beach Resort", "2026-12-05"),
            "price",
            json!({"amount": 34999.99, "currency": "INR"}),
        ),
        (quote("35000.00", "USD", "Beach Resort", "2026-12-05"), "price", json!({"amount": 35000, "currency": "USD"})),
        (quote("35000.00", "INR", "Sea\u{202e} View", "2026-12-05"), "hotel", json!("Sea\u{202e} View")),
        (quote("35000.00", "INR", "Beach Resort", "2026-12-06"), "from", json!("2026-12-06")),
    ];
    let mut unseen = call.clone();
    unseen.args.remove("terms");
    let error =
        differs(&unseen, &quote("35000.00", "INR", "Beach Resort", "2026-12-05")).expect_err("no terms were shown");
    assert_eq!(error.offers[0].args, call.args, "they are shown before anything is booked");
    for (quote, changed, value) in others {
        let error = differs(&call, &quote).expect_err("it is not what was shown");
        assert_eq!(error.kind, ActionErrorKind::Fail);
        let [offer] = error.offers.as_slice() else { panic!("one offer for {changed}") };
        assert_eq!(offer.args[changed], value);
        let kept = |args: &serde_json::Map<String, Value>| {
            args.iter().filter(|(name, _)| *name != changed).map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        assert_eq!(kept(&offer.args), kept(&call.args), "nothing else is changed");
        assert_eq!(parameter_faults(&hotel_spec(None), &offer.args), Vec::new());
    }
}
