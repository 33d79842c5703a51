//! Bookings against a strict stand-in for Duffel and a mail server: the ledgers are the judges.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fake_smtp::{FakeSmtp, header};
use crate::fake_web::duffel::{Script, Status};
use crate::fake_web::{FakeDuffel, Fault};
use crate::service::{Service, Setup, has_ended};

struct Desk {
    duffel: FakeDuffel,
    smtp: FakeSmtp,
    setup: Setup,
    service: Service,
    _dir: tempfile::TempDir,
}

/// A hotel that was found: what is needed to book it.
struct Found {
    offer: String,
    hotel: String,
    price: f64,
}

impl Desk {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (duffel, smtp) = (FakeDuffel::start().await, FakeSmtp::start().await);
        let setup = Setup::new(dir.path(), &smtp.url())
            .with("DUFFEL_API_URL", &duffel.url())
            .with("DUFFEL_API_TOKEN", &duffel.token());
        let service = Service::start(&setup);
        Self { duffel, smtp, setup, service, _dir: dir }
    }

    /// Looks for a hotel as the search does, without the service.
    async fn find(&self) -> Found {
        let hotel = &self.duffel.hotels()[0];
        let body = json!({"data": {"rooms": 1, "guests": [{"type": "adult"}], "check_in_date": day(30), "check_out_date": day(32),
            "location": {"radius": 5, "geographic_coordinates": {"latitude": hotel.lat, "longitude": hotel.lon}}}});
        let asked =
            reqwest::Client::builder().build().expect("a client").post(format!("{}/stays/search", self.duffel.url()));
        let asked =
            asked.bearer_auth(self.duffel.token()).header("duffel-version", "v2").header("accept", "application/json");
        let found: Value = asked.json(&body).send().await.expect("an answer").json().await.expect("JSON");
        let results = found["data"]["results"].as_array().expect("results");
        let it = results.iter().find(|it| it["accommodation"]["name"] == hotel.name.as_str()).expect("the hotel");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let price = text(&it["cheapest_rate_total_amount"]).parse().expect("an amount");
        Found { offer: text(&it["id"]), hotel: hotel.name.clone(), price }
    }

    fn stay(found: &Found) -> Value {
        json!({"offer_id": found.offer, "hotel": found.hotel, "from": day(30), "to": day(32),
            "price": {"amount": found.price, "currency": "INR"},
            "guests": [{"given_name": "Ann", "family_name": "Archer"}], "email": "ann@test.local", "phone": "+491701234567",
            "terms": "Standard Double; room only; no refund"})
    }

    /// Begins a booking: its task, and what it asks.
    async fn begin(&self, params: Value) -> (String, Value) {
        let plan = json!({"version": 1, "title": "A hotel", "stages": [
            {"id": "book", "type": "execution", "action": "booking.book_hotel", "params": params}]});
        let begun = self.service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
        (begun["task_id"].as_str().expect("a task").to_owned(), begun)
    }

    async fn yes(&self) -> Value {
        self.service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await
    }

    async fn choose(&self, option: &str) -> Value {
        self.service.post("/api/agent/select", json!({"session_id": "s", "selection": option})).await
    }

    fn standing(&self) -> usize {
        self.duffel.standing().len()
    }
}

/// A day so many days from now, as the service's clock has it.
fn day(days: i64) -> String {
    use workflows::ports::{Clock, SystemClock};
    (SystemClock.now() + chrono::Duration::days(days)).date_naive().to_string()
}

fn options(asked: &Value) -> Vec<&str> {
    asked["options"].as_array().into_iter().flatten().filter_map(|option| option["id"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hotel_is_booked_once_at_the_price_shown_and_can_be_cancelled() {
    let desk = Desk::new().await;
    let found = desk.find().await;
    let (task, asked) = desk.begin(Desk::stay(&found)).await;
    assert_eq!(asked["pending_actions"][0]["parameters"]["price"]["currency"], "INR", "{asked:#}");
    assert_eq!(desk.duffel.count("POST /stays/quotes"), 0, "nothing is asked of Duffel before the yes");
    desk.yes().await;
    let ended = desk.service.task_until(&task, has_ended).await;
    assert_eq!(ended["status"], "completed", "{ended:#}");
    let [booking] = desk.duffel.standing().try_into().expect("one booking");
    assert_eq!((booking.hotel.as_str(), booking.guests.len()), (found.hotel.as_str(), 1));
    let receipt = &ended["result"]["receipts"][0];
    assert_eq!(
        (receipt["reference"].as_str(), receipt["hotel_reference"].as_str()),
        (Some(&*booking.id), Some(&*booking.reference))
    );
    assert!(receipt["detail"].as_str().expect("words").contains(&booking.reference), "{receipt:#}");

    desk.service.post(&format!("/api/tasks/{task}/undo"), json!({})).await;
    desk.service.task_until(&task, |task| task["result"]["receipts"].to_string().contains("undone")).await;
    assert_eq!(desk.duffel.bookings()[0].status, Status::Cancelled);
    desk.duffel.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_rose_is_asked_about_anew_and_no_old_yes_counts_for_it() {
    let desk = Desk::new().await;
    let found = desk.find().await;
    desk.duffel.script(Script::PriceAtQuote(10));
    desk.duffel.script(Script::PriceAtQuote(10));
    let (task, _) = desk.begin(Desk::stay(&found)).await;
    let asked = desk.yes().await;
    assert_eq!(asked["stage_type"], "confirmation", "{asked:#}");
    let dearer = asked["pending_actions"][0]["parameters"]["price"]["amount"].as_f64().expect("an amount");
    assert!((dearer - found.price * 1.1).abs() < 0.01, "{dearer} for {}", found.price);
    assert!(asked["response"].as_str().expect("words").contains("Nothing is booked: the price is INR"), "{asked:#}");
    assert_eq!(desk.standing(), 0);
    desk.yes().await;
    let ended = desk.service.task_until(&task, has_ended).await;
    assert_eq!(ended["status"], "completed", "{ended:#}");
    let booked = desk.duffel.standing();
    assert_eq!(booked.len(), 1);
    #[expect(clippy::cast_precision_loss, reason = "hundredths of a price are small")]
    let total = booked[0].total as f64 / 100.0;
    assert!((total - dearer).abs() < 0.01, "{total}");

    // And a no to the new price books nothing.
    let found = desk.find().await;
    desk.duffel.script(Script::PriceAtQuote(-5));
    let (task, _) = desk.begin(Desk::stay(&found)).await;
    desk.yes().await;
    desk.service.post("/api/agent/confirm", json!({"session_id": "s", "action": "reject_all"})).await;
    desk.service.task_until(&task, has_ended).await;
    assert_eq!(desk.standing(), 1);
    desk.duffel.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_hotel_other_days_or_other_terms_than_shown_are_not_booked() {
    let desk = Desk::new().await;
    let lies = [
        ("hotel", json!("The Cheap and Cheerful")),
        ("from", json!(day(29))),
        ("to", json!(day(33))),
        ("terms", json!("Sea View Suite; all inclusive; all of it back at any time")),
    ];
    for (name, lie) in lies {
        let found = desk.find().await;
        let mut params = Desk::stay(&found);
        let truth = params[name].clone();
        params[name] = lie;
        let (task, _) = desk.begin(params).await;
        let asked = desk.yes().await;
        assert_eq!(asked["pending_actions"][0]["parameters"][name], truth, "{asked:#}");
        desk.service.post(&format!("/api/tasks/{task}/cancel"), json!({})).await;
    }
    assert_eq!(desk.standing(), 0);
    desk.duffel.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_moves_at_the_booking_itself_books_nothing_and_is_told() {
    let desk = Desk::new().await;
    let found = desk.find().await;
    desk.duffel.script(Script::PriceAtBooking);
    let (_, _) = desk.begin(Desk::stay(&found)).await;
    let asked = desk.yes().await;
    assert_eq!(options(&asked), ["retry", "skip", "stop"], "{asked:#}");
    assert!(asked["response"].as_str().expect("words").contains("price of the rate has changed"), "{asked:#}");
    assert_eq!(desk.standing(), 0);
    desk.choose("retry").await;
    desk.duffel.wait_for("POST /stays/bookings", 2).await;
    assert_eq!(desk.standing(), 1);
    desk.duffel.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_expired_is_told_and_not_tried_again() {
    let desk = Desk::new().await;
    let found = desk.find().await;
    desk.duffel.advance(chrono::Duration::hours(2));
    let (_, _) = desk.begin(Desk::stay(&found)).await;
    let asked = desk.yes().await;
    assert!(asked["response"].as_str().expect("words").contains("look for hotels again"), "{asked:#}");
    assert_eq!((desk.duffel.count("POST /stays/search_results"), desk.standing()), (1, 0));
    desk.duffel.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_whose_answer_was_lost_is_looked_up_by_its_key_and_not_made_twice() {
    let faults = [
        Fault::DoneThenCut,
        Fault::DoneThenPage(502),
        Fault::DoneThenPage(303),
        Fault::Truncated,
        Fault::BadJson,
        Fault::EmptyBody,
    ];
    for fault in faults {
        let desk = Desk::new().await;
        let found = desk.find().await;
        desk.duffel.add_foreign_bookings(3);
        desk.duffel.fault_at("POST /stays/bookings", 1, fault.clone());
        let (task, _) = desk.begin(Desk::stay(&found)).await;
        let asked = desk.yes().await;
        assert_eq!(options(&asked), ["check", "resend", "drop"], "{fault:?}: {asked:#}");
        desk.choose("check").await;
        let ended = desk.service.task_until(&task, has_ended).await;
        assert_eq!(ended["status"], "completed", "{fault:?}: {ended:#}");
        assert_eq!(desk.duffel.count("POST /stays/bookings"), 1, "{fault:?}");
        assert_eq!(desk.standing(), 4, "{fault:?}");
        desk.duffel.assert_no_violations();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_the_hotel_is_still_at_is_never_said_to_be_absent() {
    let desk = Desk::new().await;
    let found = desk.find().await;
    desk.duffel.script(Script::Accepted);
    let (task, _) = desk.begin(Desk::stay(&found)).await;
    let asked = desk.yes().await;
    assert_eq!(options(&asked), ["check", "resend", "drop"], "{asked:#}");
    let again = desk.choose("check").await;
    assert_eq!(options(&again), ["check", "resend", "drop"], "{again:#}");
    desk.duffel.settle(true);
    desk.choose("check").await;
    let ended = desk.service.task_until(&task, has_ended).await;
    assert_eq!((&ended["status"], desk.duffel.count("POST /stays/bookings")), (&json!("completed"), 1), "{ended:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_around_the_booking_ends_as_looked_up_or_unknown_and_never_as_two() {
    for (point, before) in [("booking.book.after", 1), ("booking.book.before", 0)] {
        let mut desk = Desk::new().await;
        let found = desk.find().await;
        assert!(desk.service.stop());
        desk.service = Service::start(&desk.setup.clone().with("SUPER_MANAGER_CRASH_AT_NAME", point));
        let (task, _) = desk.begin(Desk::stay(&found)).await;
        let body = json!({"session_id": "s", "action": "approve_all"});
        let died = desk.service.call(Method::POST, "/api/agent/confirm", Some(body)).await;
        assert!(died.is_err(), "it died at {point}");
        assert_eq!(desk.standing(), before, "{point}");
        desk.service = Service::start(&desk.setup);
        if before == 1 {
            let ended = desk.service.task_until(&task, has_ended).await;
            assert_eq!(ended["status"], "completed", "{ended:#}");
        } else {
            desk.service.task_until(&task, |task| task.to_string().contains("it may still be in the making")).await;
            assert_eq!(desk.standing(), 0);
            let prompts = desk.service.get("/api/prompts").await;
            assert_eq!(options(&prompts["prompts"][0]), ["check", "resend", "drop"], "{prompts:#}");
            desk.choose("resend").await;
            desk.service.task_until(&task, has_ended).await;
        }
        assert_eq!(desk.duffel.bookings().len(), 1, "{point}");
        assert_eq!(desk.duffel.count("POST /stays/bookings"), 1, "{point}");
        desk.duffel.assert_no_violations();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_day_of_duffel_before_the_booking_is_a_clear_failure_and_books_nothing() {
    let faults = [
        Fault::ServerError,
        Fault::Page(403),
        Fault::TooMany { retry_after: Some(1) },
        Fault::Cut,
        Fault::BadJson,
        Fault::EmptyBody,
        Fault::Huge { declared: true },
        Fault::Redirect("http://169.254.169.254/latest/meta-data/".to_owned()),
        Fault::Redirect("http://127.0.0.1:9/".to_owned()),
    ];
    futures_util::future::join_all(faults.into_iter().map(fails_clearly)).await;
}

async fn fails_clearly(fault: Fault) {
    let desk = Desk::new().await;
    let found = desk.find().await;
    desk.duffel.fault_at("POST /stays/search_results", u32::MAX, fault.clone());
    let plan = json!({"version": 1, "title": "A hotel", "stages": [
        {"id": "book", "type": "execution", "action": "booking.book_hotel", "params": Desk::stay(&found), "on_failure": [
            {"id": "tell", "type": "execution", "action": "notify.send_notification", "params": {"text": "No hotel: {{ book.error }}"}}]}]});
    let begun = desk.service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    desk.yes().await;
    let ended = desk.service.task_until(begun["task_id"].as_str().expect("a task"), has_ended).await;
    let told = ended["result"]["receipts"].to_string();
    assert!(told.contains("Told you: No hotel: ") && told.contains("Duffel"), "{fault:?}: {told}");
    assert!(!told.contains(&desk.duffel.token()) && !desk.service.log().contains(&desk.duffel.token()), "{fault:?}");
    assert_eq!((desk.duffel.count("POST /stays/bookings"), desk.standing()), (0, 0), "{fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_account_or_mail_the_key_to_set_is_told_at_validation() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&Setup::new(dir.path(), ""));
    let stay = Desk::stay(&Found { offer: "srr_1".to_owned(), hotel: "Beach".to_owned(), price: 1.0 });
    let table = json!({"venue": "Beach", "venue_email": "b@test.local", "date": day(3), "time": "19:00", "people": 2});
    for (action, params, key) in [
        ("booking.book_hotel", stay, "DUFFEL_API_TOKEN"),
        ("booking.book_restaurant", table.clone(), "SMTP_URL"),
        ("booking.request_reservation", table, "SMTP_URL"),
        ("booking.cancel_booking", json!({"reference": "bok_1"}), "SMTP_URL"),
    ] {
        let plan = json!({"version": 1, "title": "x", "stages": [{"id": "a", "type": "execution", "action": action, "params": params}]});
        let (status, answer) =
            service.call(Method::POST, "/api/tasks", Some(json!({ "plan": plan }))).await.expect("an answer");
        assert_eq!(status, 422, "{action}: {answer}");
        let told = answer.to_string();
        assert!(told.contains("not available") && told.contains(key), "{action}: {answer}");
    }
}

fn reservation(more: &Value) -> Value {
    let mut params = json!({"venue": "Beach Resort", "venue_email": "hello@beach.test.local", "date": day(6), "time": "19:00",
        "people": 10, "notes": "It is a surprise party."});
    for (name, value) in more.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    json!({"version": 1, "title": "Party", "stages": [
        {"id": "ask", "type": "execution", "action": "booking.request_reservation", "params": params}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_is_asked_by_mail_and_told_when_it_is_taken_back() {
    let desk = Desk::new().await;
    let begun = desk.service.post("/api/tasks", json!({"plan": reservation(&json!({})), "session_id": "s"})).await;
    let task = begun["task_id"].as_str().expect("a task");
    assert!(desk.smtp.ledger().is_empty(), "nothing goes out before the yes");
    desk.yes().await;
    let ended = desk.service.task_until(task, has_ended).await;
    let [mail] = desk.smtp.ledger().try_into().expect("one letter");
    assert_eq!(mail.to, ["hello@beach.test.local"]);
    assert!(mail.data.contains("for 10 people on") && mail.data.contains("It is a surprise party."), "{}", mail.data);
    assert!(header(&mail.data, "From").expect("a sender").contains("Ann Archer"));
    let receipt = &ended["result"]["receipts"][0];
    assert_eq!(receipt["message_id"], mail.message_id.as_str());
    assert!(receipt["detail"].as_str().expect("words").contains("booked when they say so"), "{receipt:#}");

    desk.service.post(&format!("/api/tasks/{task}/undo"), json!({})).await;
    desk.service.task_until(task, |task| task["result"]["receipts"].to_string().contains("undone")).await;
    let mails = desk.smtp.ledger();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[1].to, ["hello@beach.test.local"]);
    assert!(header(&mails[1].data, "Subject").expect("a subject").starts_with("Cancelled: Reservation for 10"));
    assert_eq!(desk.smtp.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_has_passed_nobody_and_a_multitude_go_to_no_venue() {
    let desk = Desk::new().await;
    for people in [json!(0), json!(10_000)] {
        let plan = reservation(&json!({"people": people}));
        let (status, answer) =
            desk.service.call(Method::POST, "/api/tasks", Some(json!({ "plan": plan }))).await.expect("an answer");
        assert_eq!(status, 422, "{answer}");
    }
    let begun = desk
        .service
        .post("/api/tasks", json!({"plan": reservation(&json!({"date": day(-2)})), "session_id": "s"}))
        .await;
    let ended = desk.service.task_until(begun["task_id"].as_str().expect("a task"), has_ended).await;
    assert!(ended.to_string().contains("has passed"), "{ended:#}");
    assert!(desk.smtp.ledger().is_empty());
}
