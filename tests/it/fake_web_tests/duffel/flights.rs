//! Searching flights and places.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Travel, error};

fn request(travel: &Travel) -> Value {
    json!({
        "slices": [
            {"origin": "DEL", "destination": "GOI", "departure_date": travel.day(30)},
            {"origin": "GOI", "destination": "DEL", "departure_date": travel.day(33)},
        ],
        "passengers": [{"type": "adult"}, {"age": 8}],
        "cabin_class": "economy",
    })
}

#[tokio::test]
async fn offers_fly_both_ways_at_prices_that_hold_for_a_while() {
    let travel = Travel::start().await;
    let path = "/air/offer_requests?return_offers=true&supplier_timeout=10000";
    let (status, body) = travel.send(path, &request(&travel)).await;
    assert_eq!(status, 201, "{body}");
    let offers = body["data"]["offers"].as_array().expect("offers");
    assert_eq!(offers.len(), 4);
    let offer = &offers[1];
    assert_eq!((&offer["owner"]["name"], &offer["total_currency"]), (&json!("IndiGo"), &json!("INR")));
    assert!(offer["total_amount"].as_str().expect("an amount").parse::<f64>().is_ok_and(|total| total > 1_000.0));
    assert_eq!(offer["slices"].as_array().map(Vec::len), Some(2));
    assert_eq!(offer["passengers"].as_array().map(Vec::len), Some(2));
    let segment = &offer["slices"][0]["segments"][0];
    assert_eq!((&segment["origin"]["iata_code"], &segment["destination"]["city_name"]), (&json!("DEL"), &json!("Goa")));
    assert_eq!(segment["departing_at"], format!("{}T06:15:00", travel.day(30)));
    assert_eq!(offers[3]["slices"][0]["segments"].as_array().map(Vec::len), Some(2));
    let mut direct = request(&travel);
    direct["max_connections"] = json!(0);
    let (_, direct) = travel.send(path, &direct).await;
    assert_eq!(direct["data"]["offers"].as_array().map(Vec::len), Some(3));
    let mut city = request(&travel);
    city["slices"] = json!([{"origin": "LON", "destination": "GOI", "departure_date": travel.day(9)}]);
    let (_, city) = travel.send(path, &city).await;
    assert_eq!(
        (&city["data"]["slices"][0]["origin_type"], &city["data"]["slices"][0]["origin"]["type"]),
        (&json!("city"), &json!("city"))
    );
    assert_eq!(city["data"]["offers"][0]["slices"][0]["origin"]["iata_code"], "LHR");
    let path = format!("/air/offers/{}", offer["id"].as_str().expect("an id"));
    assert_eq!(travel.get(&path).await, (200, json!({ "data": offer })));
    travel.server.advance(Duration::minutes(31));
    let (status, body) = travel.get(&path).await;
    assert_eq!((status, error(&body)), (422, ("airline_error", "offer_no_longer_available")));
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn offers_can_be_listed_and_there_may_be_none() {
    let travel = Travel::start().await;
    let (_, body) = travel.send("/air/offer_requests?return_offers=false", &request(&travel)).await;
    assert!(body["data"].get("offers").is_none());
    let id = body["data"]["id"].as_str().expect("an id");
    let (_, page) = travel.get(&format!("/air/offers?offer_request_id={id}&limit=3")).await;
    assert_eq!(page["data"].as_array().map(Vec::len), Some(3));
    let after = page["meta"]["after"].as_str().expect("a cursor");
    let (_, page) = travel.get(&format!("/air/offers?offer_request_id={id}&after={after}")).await;
    assert_eq!((page["data"].as_array().map(Vec::len), &page["meta"]["after"]), (Some(1), &Value::Null));
    travel.server.no_flights();
    let (_, body) = travel.send("/air/offer_requests", &request(&travel)).await;
    assert_eq!(body["data"]["offers"], json!([]));
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn places_are_suggested_by_name_code_and_distance() {
    let travel = Travel::start().await;
    let codes = async |query: &str| {
        let (status, body) = travel.get(&format!("/places/suggestions?{query}")).await;
        assert_eq!(status, 200, "{body}");
        let places = body["data"].as_array().expect("places").clone();
        places.iter().filter_map(|place| place["iata_code"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(codes("query=goa").await, ["GOI", "GOX"]);
    assert_eq!(codes("name=london").await, ["LON", "LHR", "LGW"]);
    assert_eq!(codes("query=JFK").await, ["JFK"]);
    assert_eq!(codes("query=atlantis").await, Vec::<String>::new());
    assert_eq!(codes("lat=15.4&lng=73.8&rad=50000").await, ["GOI", "GOX"]);
    travel.server.assert_no_violations();
    for query in ["", "?query=", "?lat=15.4&lng=73.8", "?lat=x&lng=1&rad=1"] {
        let (status, body) = travel.get(&format!("/places/suggestions{query}")).await;
        assert_eq!((status, error(&body).0), (422, "validation_error"), "{query}");
        assert_eq!(travel.server.take_violations().len(), 1, "{query}");
    }
    travel.get("/places/suggestions?query=goa&limit=2").await;
    assert_eq!(travel.server.violations(), ["GET /places/suggestions: there is no parameter \"limit\""]);
}

#[tokio::test]
async fn bad_offer_requests_are_refused_and_are_violations() {
    let travel = Travel::start().await;
    let with = |change: fn(&mut Value, &Travel)| {
        let mut search = request(&travel);
        change(&mut search, &travel);
        search
    };
    for (search, code, pointer) in [
        (with(|search, _| search["slices"] = json!([])), "validation_required", "/slices"),
        (with(|search, _| search["slices"][1]["origin"] = json!("Goa")), "validation_inclusion", "/slices/1/origin"),
        (
            with(|search, _| search["slices"][0]["destination"] = json!("DEL")),
            "validation_inclusion",
            "/slices/0/destination",
        ),
        (
            with(|search, _| search["slices"][0]["departure_date"] = json!("soon")),
            "validation_format",
            "/slices/0/departure_date",
        ),
        (
            with(|search, travel| search["slices"][0]["departure_date"] = json!(travel.day(-2))),
            "validation_inclusion",
            "/slices/0/departure_date",
        ),
        (with(|search, _| drop(search["passengers"].take())), "validation_required", "/passengers"),
        (with(|search, _| search["passengers"][0] = json!({})), "validation_inclusion", "/passengers/0/type"),
        (with(|search, _| search["passengers"][0]["age"] = json!(3)), "validation_inclusion", "/passengers/0/type"),
        (
            with(|search, _| search["passengers"][0]["type"] = json!("dog")),
            "validation_inclusion",
            "/passengers/0/type",
        ),
        (with(|search, _| search["passengers"][1]["age"] = json!(-1)), "validation_inclusion", "/passengers/1/age"),
        (with(|search, _| search["cabin_class"] = json!("cheap")), "validation_inclusion", "/cabin_class"),
        (with(|search, _| search["max_connections"] = json!(-1)), "validation_inclusion", "/max_connections"),
    ] {
        let (status, body) = travel.send("/air/offer_requests", &search).await;
        assert_eq!((status, error(&body)), (422, ("validation_error", code)), "{search}");
        assert_eq!(body["errors"][0]["source"]["pointer"], pointer, "{search}");
        assert_eq!(travel.server.take_violations().len(), 1, "{search}");
    }
    for query in ["return_offers=yes", "supplier_timeout=1999", "supplier_timeout=x"] {
        let (status, body) = travel.send(&format!("/air/offer_requests?{query}"), &request(&travel)).await;
        assert_eq!((status, error(&body)), (422, ("validation_error", "validation_format")), "{query}");
        assert_eq!(travel.server.take_violations().len(), 1, "{query}");
    }
    for path in ["/air/offers", "/air/offers?offer_request_id=orq_1", "/air/offers/off_1"] {
        assert!(matches!(travel.get(path).await.0, 404 | 422), "{path}");
        assert_eq!(travel.server.take_violations().len(), 1, "{path}");
    }
    let currency = with(|search, _| search["currency"] = json!("INR"));
    assert_eq!(travel.send("/air/offer_requests", &currency).await.0, 201);
    assert_eq!(travel.server.violations(), ["POST /air/offer_requests: there is no field /currency"]);
}
