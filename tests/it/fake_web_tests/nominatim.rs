//! The stand-in for Nominatim.

use std::time::Duration;

use serde_json::{Value, json};

use super::{client, sent, text};
use crate::fake_web::FakeNominatim;
use crate::fake_web::nominatim::{GAP_MIN, Place};

const AGENT: &str = "super-manager-tests/1.0 (+https://super-manager.example)";

fn get(server: &FakeNominatim, query: &str) -> reqwest::RequestBuilder {
    client().get(format!("{}/search?{query}", server.url())).header("user-agent", AGENT)
}

/// A server that does not mind the pace.
async fn unpaced() -> FakeNominatim {
    let server = FakeNominatim::start().await;
    server.set_paced(false);
    server
}

fn names(body: &Value) -> Vec<&str> {
    body.as_array().expect("places").iter().filter_map(|place| place["display_name"].as_str()).collect()
}

#[tokio::test]
async fn a_place_is_told_in_the_fields_of_the_service() {
    let server = unpaced().await;
    let (status, body) = sent(get(&server, "q=Goa&format=jsonv2&limit=5&addressdetails=1")).await;
    assert_eq!(status, 200);
    assert_eq!(names(&body), ["Goa, India", "Goa, Camarines Sur, Philippines"]);
    let goa = &body[0];
    assert_eq!(
        (&goa["osm_type"], &goa["osm_id"], &goa["addresstype"]),
        (&json!("relation"), &json!(11_251_493), &json!("state"))
    );
    assert_eq!((&goa["lat"], &goa["lon"]), (&json!("15.3004540"), &json!("74.0855130")));
    assert_eq!(goa["boundingbox"], json!(["14.8004540", "15.8004540", "73.5855130", "74.5855130"]));
    assert_eq!(
        (&goa["category"], &goa["type"], &goa["name"]),
        (&json!("boundary"), &json!("administrative"), &json!("Goa"))
    );
    assert!(goa["place_id"].is_u64() && goa["importance"].is_f64());
    assert_eq!(goa["address"]["country_code"], "in");
    assert_eq!(goa["address"]["state"], "Goa");
    let (_, body) = sent(get(&server, "q=goa&format=json")).await;
    assert_eq!(
        (body[0]["class"].as_str(), body[0].get("category"), body[0].get("address")),
        (Some("boundary"), None, None)
    );
    server.assert_no_violations();
}

#[tokio::test]
async fn a_name_that_several_places_have_finds_them_all_the_best_known_first() {
    let server = unpaced().await;
    let (_, body) = sent(get(&server, "q=Springfield&format=jsonv2&limit=20")).await;
    assert_eq!(names(&body).len(), 10);
    assert_eq!(names(&body)[0], "Springfield, Sangamon County, Illinois, United States");
    let (_, body) = sent(get(&server, "q=Springfield&limit=3")).await;
    assert_eq!(names(&body).len(), 3);
    let (_, body) = sent(get(&server, "q=springfield,+oregon")).await;
    assert_eq!(names(&body), ["Springfield, Lane County, Oregon, United States"]);
    let (_, body) = sent(get(&server, "city=Springfield&state=Ohio")).await;
    assert_eq!(names(&body), ["Springfield, Clark County, Ohio, United States"]);
    server.assert_no_violations();
}

#[tokio::test]
async fn other_names_countries_and_boxes_narrow_a_search() {
    let server = unpaced().await;
    let (_, body) = sent(get(&server, "q=Panjim,+Goa")).await;
    assert_eq!(names(&body), ["Panaji, Tiswadi, Goa, India"]);
    let (_, body) = sent(get(&server, "q=Goa&countrycodes=ph")).await;
    assert_eq!(names(&body), ["Goa, Camarines Sur, Philippines"]);
    let (_, body) = sent(get(&server, "q=Goa&viewbox=73,16,75,14&bounded=1")).await;
    assert_eq!(names(&body), ["Goa, India"]);
    let (_, body) = sent(get(&server, "q=Atlantis")).await;
    assert_eq!(body, json!([]));
    server.add_place(Place::settlement(
        9,
        1.0,
        2.0,
        &[("village", "Atlantis"), ("country", "Sea"), ("country_code", "xx")],
    ));
    let (_, body) = sent(get(&server, "q=Atlantis")).await;
    assert_eq!(names(&body), ["Atlantis, Sea"]);
    server.assert_no_violations();
}

#[tokio::test]
async fn a_client_that_does_not_tell_who_it_is_is_kept_out() {
    let server = unpaced().await;
    let url = format!("{}/search?q=Goa", server.url());
    let none = client().get(&url);
    let stock = |agent: &str| client().get(&url).header("user-agent", agent);
    for request in [none, stock(""), stock("reqwest/0.12"), stock("curl/8.5.0"), stock("Mozilla/5.0 (X11)")] {
        let (status, page) = text(request).await;
        assert_eq!(status, 403);
        assert!(page.contains("usage policy"), "{page}");
        assert_eq!(server.take_violations(), ["GET /search: a request that tells not whose it is"]);
    }
    let referred = client().get(&url).header("referer", "https://super-manager.example/");
    assert_eq!(sent(referred).await.0, 200);
    server.assert_no_violations();
}

#[tokio::test]
async fn more_than_one_request_a_second_is_too_many() {
    let server = FakeNominatim::start().await;
    assert_eq!(sent(get(&server, "q=Goa")).await.0, 200);
    assert_eq!(text(get(&server, "q=Goa")).await.0, 429);
    assert_eq!(server.take_violations(), ["GET /search: more than one request a second, which the policy forbids"]);
    tokio::time::sleep(GAP_MIN).await;
    assert_eq!(sent(get(&server, "q=Goa")).await.0, 200);
    server.assert_no_violations();
    // A request that fails by a fault counts as well.
    tokio::time::sleep(GAP_MIN + Duration::from_millis(20)).await;
    server.fault(crate::fake_web::Fault::ServerError);
    assert_eq!(text(get(&server, "q=Goa")).await.0, 500);
    assert_eq!(text(get(&server, "q=Goa")).await.0, 429);
    assert_eq!(server.violations().len(), 1);
}

#[tokio::test]
async fn requests_that_the_service_refuses_are_violations() {
    let server = unpaced().await;
    let both = "Structured query parameters(amenity, street, city, county, state, postalcode, country) cannot be used \
                together with 'q' parameter.";
    for (query, message) in [
        ("format=jsonv2", "Nothing to search for."),
        ("q=Goa&city=Goa", both),
        ("q=Goa&limit=many", "Parameter 'limit' must be a number."),
        ("q=Goa&format=yaml", "Parameter 'format' must be one of: xml, geojson, geocodejson, json, jsonv2"),
        ("q=Goa&viewbox=1,2,3", "Bad format for viewbox parameter."),
    ] {
        let (status, body) = sent(get(&server, query)).await;
        assert_eq!((status, body), (400, json!({"error": {"code": 400, "message": message}})), "{query}");
        assert_eq!(server.take_violations(), [format!("GET /search: {message}")]);
    }
    assert_eq!(sent(get(&server, "q=Goa&adressdetails=1")).await.0, 200);
    assert_eq!(server.take_violations(), ["GET /search: there is no parameter \"adressdetails\""]);
    let with_agent = |request: reqwest::RequestBuilder| text(request.header("user-agent", AGENT));
    assert_eq!(with_agent(client().post(format!("{}/search?q=Goa", server.url()))).await.0, 405);
    assert_eq!(with_agent(client().get(format!("{}/find?q=Goa", server.url()))).await.0, 404);
    assert_eq!(server.violations(), ["POST /search: not a GET", "GET /find: no such path"]);
}
