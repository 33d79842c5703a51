//! Booking and cancelling stays.

use chrono::Duration;
use serde_json::{Value, json};

use super::super::sent;
use super::{Travel, error, guest};
use crate::fake_web::Fault;
use crate::fake_web::duffel::{Refusal, Script, Status};

async fn cancel(travel: &Travel, id: &Value) -> (u16, Value) {
    sent(travel.post(&format!("/stays/bookings/{}/actions/cancel", id.as_str().expect("an id")))).await
}

#[tokio::test]
async fn a_booking_is_in_the_ledger_as_it_was_made() {
    let travel = Travel::start().await;
    let quote = travel.quote(1).await;
    let (status, body) = travel.book(&quote).await;
    assert_eq!(status, 201, "{body}");
    let told = &body["data"];
    assert_eq!((&told["status"], &told["cancelled_at"]), (&json!("confirmed"), &Value::Null));
    assert_eq!(told["metadata"], json!({"effect": "e-17"}));
    assert_eq!(told["accommodation"]["rooms"][0]["rates"][0]["total_amount"], "11040.00");
    let bookings = travel.server.bookings();
    assert_eq!(bookings.len(), 1);
    let booking = &bookings[0];
    assert_eq!((&told["id"], &told["reference"]), (&json!(booking.id), &json!(booking.reference)));
    assert_eq!((booking.hotel.as_str(), booking.total, booking.currency.as_str()), ("Anjuna Palms", 1_104_000, "INR"));
    assert_eq!((booking.status, &booking.metadata), (Status::Confirmed, &json!({"effect": "e-17"})));
    assert_eq!((booking.email.as_str(), booking.phone.as_str()), ("amelia@example.org", "+442080160509"));
    assert_eq!(booking.guests, [("Amelia".to_owned(), "Earhart".to_owned())]);
    let path = format!("/stays/bookings/{}", booking.id);
    assert_eq!(travel.get(&path).await, (200, body));
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn a_booking_is_there_though_its_answer_is_lost_and_is_found_by_its_metadata() {
    let travel = Travel::start().await;
    let place = "POST /stays/bookings";
    for fault in [Fault::DoneThenCut, Fault::DoneThenPage(502), Fault::Truncated] {
        let quote = travel.quote(0).await;
        travel.server.fault_at(place, 1, fault);
        let answer = travel.post("/stays/bookings").json(&json!({"data": guest(&quote)})).send().await;
        let whole = match answer {
            Ok(answer) => answer.json::<Value>().await.is_ok(),
            Err(_) => false,
        };
        assert!(!whole);
    }
    assert_eq!(travel.server.standing().len(), 3);
    let quote = travel.quote(0).await;
    travel.server.fault_at(place, 1, Fault::Cut);
    assert!(travel.post("/stays/bookings").json(&json!({"data": guest(&quote)})).send().await.is_err());
    assert_eq!(travel.server.standing().len(), 3);
    let (_, body) = travel.get("/stays/bookings").await;
    let found = body["data"].as_array().expect("bookings");
    assert_eq!(found.iter().filter(|booking| booking["metadata"]["effect"] == "e-17").count(), 3);
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn a_quote_is_booked_at_most_once_whatever_key_is_sent() {
    let travel = Travel::start().await;
    let quote = travel.quote(0).await;
    let book = || {
        let request = travel.post("/stays/bookings").header("idempotency-key", "same");
        sent(request.json(&json!({"data": guest(&quote)})))
    };
    assert_eq!(book().await.0, 201);
    let (status, body) = book().await;
    assert_eq!((status, error(&body)), (422, ("invalid_state_error", "booking_already_attempted")));
    assert_eq!(travel.server.bookings().len(), 1);
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn a_quote_that_expired_or_whose_price_changed_is_not_booked() {
    let travel = Travel::start().await;
    let quote = travel.quote(0).await;
    travel.server.advance(Duration::minutes(31));
    let (status, body) = travel.book(&quote).await;
    assert_eq!((status, error(&body)), (422, ("invalid_state_error", "rate_unavailable")));
    let quote = travel.quote(0).await;
    travel.server.script(Script::PriceAtBooking);
    let (status, body) = travel.book(&quote).await;
    assert_eq!((status, error(&body)), (422, ("invalid_state_error", "rate_unavailable")));
    assert!(body["errors"][0]["message"].as_str().expect("words").contains("price"));
    assert_eq!(travel.server.bookings(), []);
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn a_booking_may_be_made_at_another_price_than_quoted() {
    let travel = Travel::start().await;
    let quote = travel.quote(0).await;
    travel.server.script(Script::BookedAt(25));
    let (status, body) = travel.book(&quote).await;
    assert_eq!((status, &quote["total_amount"]), (201, &json!("9600.00")));
    assert_eq!(body["data"]["accommodation"]["rooms"][0]["rates"][0]["total_amount"], "12000.00");
    assert_eq!(travel.server.bookings()[0].total, 1_200_000);
}

#[tokio::test]
async fn a_booking_may_be_accepted_and_known_only_later() {
    let travel = Travel::start().await;
    for (confirmed, listed) in [(true, [0, 1]), (false, [1, 1])] {
        let quote = travel.quote(0).await;
        travel.server.script(Script::Accepted);
        let (status, body) = travel.book(&quote).await;
        assert_eq!((status, body.get("data")), (202, None));
        let before = travel.get("/stays/bookings").await.1["data"].as_array().map(Vec::len);
        travel.server.settle(confirmed);
        let after = travel.get("/stays/bookings").await.1["data"].as_array().map(Vec::len);
        assert_eq!([before, after], listed.map(Some), "{confirmed}");
    }
    let statuses: Vec<_> = travel.server.bookings().iter().map(|booking| booking.status).collect();
    assert_eq!(statuses, [Status::Confirmed, Status::Failed]);
    let quote = travel.quote(0).await;
    travel.server.script(Script::BookedWithoutData);
    let (status, body) = travel.book(&quote).await;
    assert_eq!((status, body.get("data")), (200, None));
    assert_eq!(travel.server.standing().len(), 2);
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn a_cancellation_pays_back_what_the_timeline_says_and_happens_once() {
    let travel = Travel::start().await;
    // From a month ahead: now wholly, 25 days later half, 29 days later nothing.
    for (rate, days, refund) in [(1, 0, 1_104_000), (1, 25, 552_000), (1, 29, 0), (0, 0, 0)] {
        let (_, booked) = travel.book(&travel.quote(rate).await).await;
        travel.server.advance(Duration::days(days));
        let (status, body) = cancel(&travel, &booked["data"]["id"]).await;
        assert_eq!((status, &body["data"]["status"]), (200, &json!("cancelled")), "{days}");
        assert!(body["data"]["cancelled_at"].is_string());
        let booking = travel.server.bookings().pop().expect("a booking");
        assert_eq!((booking.status, booking.refund), (Status::Cancelled, Some(refund)), "{days}");
        let (status, body) = cancel(&travel, &booked["data"]["id"]).await;
        assert_eq!((status, error(&body)), (422, ("invalid_state_error", "already_cancelled")));
    }
    assert_eq!(travel.server.standing(), []);
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn bookings_are_listed_in_pages_the_newest_first() {
    let travel = Travel::start().await;
    travel.server.add_foreign_bookings(120);
    travel.book(&travel.quote(0).await).await;
    let (_, first) = travel.get("/stays/bookings").await;
    assert_eq!(first["data"].as_array().map(Vec::len), Some(50));
    assert_eq!(first["data"][0]["metadata"]["effect"], "e-17");
    assert_eq!((&first["meta"]["limit"], &first["meta"]["before"]), (&json!(50), &Value::Null));
    let mut seen = 50;
    let mut meta = first["meta"].clone();
    let mut pages = vec![first];
    while let Some(after) = meta["after"].as_str().map(str::to_owned) {
        let (_, page) = travel.get(&format!("/stays/bookings?limit=50&after={after}")).await;
        seen += page["data"].as_array().map_or(0, Vec::len);
        meta = page["meta"].clone();
        pages.push(page);
    }
    assert_eq!((seen, pages.len()), (121, 3));
    let before = pages[1]["meta"]["before"].as_str().expect("a cursor");
    let (_, back) = travel.get(&format!("/stays/bookings?before={before}")).await;
    assert_eq!(back["data"], pages[0]["data"]);
    let (_, one) = travel.get("/stays/bookings?limit=1").await;
    assert_eq!(one["data"].as_array().map(Vec::len), Some(1));
    travel.server.assert_no_violations();
    let both = format!("/stays/bookings?after={before}&before={before}");
    for path in ["/stays/bookings?limit=0", "/stays/bookings?limit=201", "/stays/bookings?after=x", &both] {
        let (status, body) = travel.get(path).await;
        assert_eq!((status, error(&body).0), (400, "invalid_request_error"), "{path}");
        assert_eq!(travel.server.take_violations().len(), 1, "{path}");
    }
    travel.get("/stays/bookings?page=2").await;
    assert_eq!(travel.server.violations(), ["GET /stays/bookings: there is no parameter \"page\""]);
}

#[tokio::test]
async fn bad_bookings_are_refused_and_are_violations() {
    let travel = Travel::start().await;
    let quote = travel.quote(0).await;
    for (name, value, code, pointer) in [
        ("quote_id", Value::Null, "validation_required", "/quote_id"),
        ("email", Value::Null, "validation_required", "/email"),
        ("email", json!("amelia"), "validation_format", "/email"),
        ("phone_number", Value::Null, "validation_required", "/phone_number"),
        ("phone_number", json!("0208 016 0509"), "validation_format", "/phone_number"),
        ("phone_number", json!("+44 20 8016"), "validation_format", "/phone_number"),
        ("phone_number", json!("+44208016050912345"), "validation_format", "/phone_number"),
        ("guests", json!([]), "validation_required", "/guests"),
        ("guests", json!("Amelia"), "validation_type", "/guests"),
        ("guests", json!([{"given_name": "Amelia"}]), "validation_required", "/guests/0/family_name"),
        ("guests", json!([{"given_name": "", "family_name": "E"}]), "validation_required", "/guests/0/given_name"),
        ("metadata", json!("e-17"), "validation_format", "/metadata"),
    ] {
        let mut data = guest(&quote);
        data[name] = value;
        let (status, body) = travel.send("/stays/bookings", &data).await;
        assert_eq!((status, error(&body)), (422, ("validation_error", code)), "{data}");
        assert_eq!(body["errors"][0]["source"]["pointer"], pointer, "{data}");
        assert_eq!(travel.server.take_violations().len(), 1, "{data}");
    }
    assert_eq!(travel.server.bookings(), []);
    let mut data = guest(&quote);
    data["note"] = json!("late");
    data["guests"][0]["email"] = json!("amelia@example.org");
    assert_eq!(travel.send("/stays/bookings", &data).await.0, 201);
    assert_eq!(
        travel.server.violations(),
        ["POST /stays/bookings: there is no field /note", "POST /stays/bookings: there is no field /guests/0/email",]
    );
}

#[tokio::test]
async fn any_refusal_can_be_had_at_any_place() {
    let travel = Travel::start().await;
    let quote = travel.quote(0).await;
    let refusal = Refusal::new(422, "invalid_request_error", "insufficient_balance", "The balance is too low.");
    travel.server.refuse_at("POST /stays/bookings", refusal);
    let (status, body) = travel.book(&quote).await;
    assert_eq!((status, error(&body)), (422, ("invalid_request_error", "insufficient_balance")));
    assert_eq!(body["errors"][0]["title"], "Insufficient balance");
    assert_eq!(travel.book(&quote).await.0, 201);
    travel.server.assert_no_violations();
}
