//! Searching and quoting stays.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Travel, error, guest};
use crate::fake_web::duffel::{Hotel, Script};

fn hotels(body: &Value) -> Vec<&str> {
    let results = body["data"]["results"].as_array().expect("results");
    results.iter().filter_map(|result| result["accommodation"]["name"].as_str()).collect()
}

#[tokio::test]
async fn hotels_within_the_radius_are_found_with_their_cheapest_price() {
    let travel = Travel::start().await;
    let (status, body) = travel.send("/stays/search", &travel.stay(2)).await;
    assert_eq!(status, 201);
    assert_eq!(hotels(&body), ["Baga Bay Resort", "Calangute Court"]);
    let found = &body["data"]["results"][1];
    assert_eq!(
        (&found["cheapest_rate_total_amount"], &found["cheapest_rate_currency"]),
        (&json!("5400.00"), &json!("INR"))
    );
    assert_eq!((&found["check_in_date"], &found["rooms"]), (&json!(travel.day(30)), &json!(1)));
    assert!(found["id"].as_str().expect("an id").starts_with("srr_"));
    assert_eq!(found["accommodation"]["location"]["address"]["city_name"], "Calangute");
    // A search tells no rooms.
    assert_eq!(found["accommodation"]["rooms"], json!([]));
    let (_, body) = travel.send("/stays/search", &travel.stay(100)).await;
    assert_eq!(hotels(&body).len(), 6);
    travel.server.set_hotels(vec![Hotel::new(9, "Far Away", (51.5, 0.0), "London", 1, 100)]);
    let (_, body) = travel.send("/stays/search", &travel.stay(100)).await;
    assert_eq!(hotels(&body), Vec::<&str>::new());
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn a_hotel_is_found_by_its_id_and_only_with_a_refund_when_asked() {
    let travel = Travel::start().await;
    let mut search = travel.stay(5);
    search["location"].take();
    search["accommodation"] = json!({"ids": [travel.server.hotels()[4].id]});
    let (_, body) = travel.send("/stays/search", &search).await;
    assert_eq!(hotels(&body), ["Panjim Quay Hotel"]);
    let plain = body["data"]["results"][0]["cheapest_rate_total_amount"].clone();
    search["free_cancellation_only"] = json!(true);
    let (_, body) = travel.send("/stays/search", &search).await;
    assert_eq!(
        (plain, &body["data"]["results"][0]["cheapest_rate_total_amount"]),
        (json!("16200.00"), &json!("18630.00"))
    );
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn rates_tell_their_price_and_until_when_how_much_is_paid_back() {
    let travel = Travel::start().await;
    let rates = travel.rates().await;
    assert_eq!((&rates[0]["total_amount"], &rates[0]["cancellation_timeline"]), (&json!("9600.00"), &json!([])));
    let flexible = &rates[1];
    assert_eq!((&flexible["total_amount"], &flexible["board_type"]), (&json!("11040.00"), &json!("breakfast")));
    let until = |days: i64| format!("{}T00:00:00.000Z", travel.day(days));
    assert_eq!(
        flexible["cancellation_timeline"],
        json!([
            {"before": until(23), "refund_amount": "11040.00", "currency": "INR"},
            {"before": until(28), "refund_amount": "5520.00", "currency": "INR"},
        ])
    );
    let sum = ["base_amount", "tax_amount"].map(|name| flexible[name].as_str().expect("an amount").parse::<f64>());
    assert!((sum.into_iter().map(Result::unwrap).sum::<f64>() - 11_040.0).abs() < 0.001);
    assert!(flexible["expires_at"].is_string());
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn a_quote_is_the_rate_and_can_be_asked_for_again() {
    let travel = Travel::start().await;
    let quote = travel.quote(1).await;
    assert_eq!((&quote["total_amount"], &quote["total_currency"]), (&json!("11040.00"), &json!("INR")));
    assert_eq!(quote["accommodation"]["rooms"][0]["rates"].as_array().map(Vec::len), Some(1));
    assert!(quote["expires_at"].is_string());
    let path = format!("/stays/quotes/{}", quote["id"].as_str().expect("an id"));
    assert_eq!(travel.get(&path).await, (200, json!({ "data": quote })));
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn a_price_may_change_between_search_and_quote() {
    let travel = Travel::start().await;
    travel.server.script(Script::PriceAtQuote(10));
    let quote = travel.quote(1).await;
    assert_eq!(quote["total_amount"], "12144.00");
    let rate = &quote["accommodation"]["rooms"][0]["rates"][0];
    assert_eq!(rate["cancellation_timeline"][0]["refund_amount"], "12144.00");
    assert_eq!(travel.quote(1).await["total_amount"], "11040.00");
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn prices_may_be_in_another_currency_than_asked_for() {
    let travel = Travel::start().await;
    travel.server.set_currency("EUR");
    let quote = travel.quote(0).await;
    assert_eq!(quote["total_currency"], "EUR");
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn what_has_expired_or_is_gone_is_refused_and_no_fault_of_the_client() {
    let travel = Travel::start().await;
    let rates = travel.rates().await;
    let rate = json!({"rate_id": rates[0]["id"]});
    travel.server.script(Script::RateGone);
    let (status, body) = travel.send("/stays/quotes", &rate).await;
    assert_eq!((status, error(&body)), (422, ("invalid_state_error", "rate_unavailable")));
    assert_eq!(travel.send("/stays/quotes", &rate).await.0, 201);
    let (_, found) = travel.send("/stays/search", &travel.stay(5)).await;
    travel.server.advance(Duration::minutes(31));
    let (status, body) = travel.send("/stays/quotes", &rate).await;
    assert_eq!((status, error(&body)), (422, ("invalid_state_error", "rate_unavailable")));
    let id = found["data"]["results"][0]["id"].as_str().expect("an id");
    let (status, body) = super::sent(travel.post(&format!("/stays/search_results/{id}/actions/fetch_all_rates"))).await;
    assert_eq!((status, error(&body)), (422, ("invalid_state_error", "result_no_longer_available")));
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn an_account_without_stays_is_told_so_in_plain_text() {
    let travel = Travel::start().await;
    travel.server.disable_stays();
    let (status, page) = super::super::text(travel.post("/stays/search").json(&json!({}))).await;
    assert_eq!(
        (status, page.as_str()),
        (403, "This feature is not enabled for your account. Please contact sales to get access.")
    );
    assert_eq!(travel.get("/places/suggestions?name=goa").await.0, 200);
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn bad_searches_are_refused_and_are_violations() {
    let travel = Travel::start().await;
    let with = |change: fn(&mut Value, &Travel)| {
        let mut search = travel.stay(5);
        change(&mut search, &travel);
        search
    };
    for (search, code, pointer) in [
        (with(|search, _| drop(search["check_in_date"].take())), "validation_required", "/check_in_date"),
        (with(|search, _| search["check_in_date"] = json!("28.11.2026")), "validation_format", "/check_in_date"),
        (
            with(|search, travel| search["check_in_date"] = json!(travel.day(-3))),
            "validation_inclusion",
            "/check_in_date",
        ),
        (
            with(|search, travel| search["check_in_date"] = json!(travel.day(331))),
            "validation_inclusion",
            "/check_in_date",
        ),
        (
            with(|search, travel| search["check_out_date"] = json!(travel.day(30))),
            "validation_inclusion",
            "/check_out_date",
        ),
        (
            with(|search, travel| search["check_out_date"] = json!(travel.day(130))),
            "validation_inclusion",
            "/check_out_date",
        ),
        (with(|search, _| search["rooms"] = json!("1")), "validation_type", "/rooms"),
        (with(|search, _| search["rooms"] = json!(0)), "validation_inclusion", "/rooms"),
        (with(|search, _| search["guests"] = json!([])), "validation_required", "/guests"),
        (with(|search, _| search["guests"] = json!([{"type": "child"}])), "validation_required", "/guests/0/age"),
        (
            with(|search, _| search["guests"] = json!([{"type": "child", "age": 18}])),
            "validation_inclusion",
            "/guests/0/age",
        ),
        (with(|search, _| search["guests"] = json!([{"type": "pet"}])), "validation_inclusion", "/guests/0/type"),
        (with(|search, _| search["location"]["radius"] = json!(101)), "validation_inclusion", "/location/radius"),
        (with(|search, _| drop(search["location"]["radius"].take())), "validation_required", "/location/radius"),
        (with(|search, _| drop(search["location"].take())), "validation_inclusion", "/location"),
        (with(|search, _| search["accommodation"] = json!({"ids": ["acc_1"]})), "validation_inclusion", "/location"),
    ] {
        let (status, body) = travel.send("/stays/search", &search).await;
        assert_eq!((status, error(&body)), (422, ("validation_error", code)), "{search}");
        assert_eq!(body["errors"][0]["source"]["pointer"], pointer, "{search}");
        assert_eq!(travel.server.take_violations().len(), 1, "{search}");
    }
    let mut search = travel.stay(5);
    search["currency"] = json!("INR");
    assert_eq!(travel.send("/stays/search", &search).await.0, 201);
    assert_eq!(travel.server.take_violations(), ["POST /stays/search: there is no field /currency"]);
}

#[tokio::test]
async fn ids_that_nobody_gave_out_are_violations() {
    let travel = Travel::start().await;
    for (path, data) in [
        ("/stays/search_results/srr_1/actions/fetch_all_rates", json!({})),
        ("/stays/quotes", json!({"rate_id": "rat_1"})),
        ("/stays/bookings", guest(&json!({"id": "quo_1"}))),
        ("/stays/bookings/bok_1/actions/cancel", json!({})),
    ] {
        let (status, body) = travel.send(path, &data).await;
        assert_eq!((status, error(&body)), (404, ("invalid_request_error", "not_found")), "{path}");
        assert_eq!(travel.server.take_violations().len(), 1, "{path}");
    }
    assert_eq!(travel.get("/stays/quotes/quo_1").await.0, 404);
    assert_eq!(travel.server.take_violations().len(), 1);
    let (status, body) = travel.send("/stays/quotes", &json!({})).await;
    assert_eq!((status, &body["errors"][0]["source"]), (422, &json!({"field": "rate_id", "pointer": "/rate_id"})));
}
