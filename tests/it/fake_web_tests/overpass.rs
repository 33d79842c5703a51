//! The stand-in for an Overpass server.

use serde_json::{Value, json};

use super::{client, sent, text};
use crate::fake_web::FakeOverpass;
use crate::fake_web::overpass::{Element, Kind, Trouble};

const AGENT: &str = "super-manager-tests/1.0 (+https://super-manager.example)";
/// The middle of Calangute.
const CALANGUTE: &str = "15.5444,73.7553";

/// A request that tells whose it is.
fn post(server: &FakeOverpass) -> reqwest::RequestBuilder {
    client().post(server.url()).header("user-agent", AGENT)
}

fn ask(server: &FakeOverpass, data: &str) -> reqwest::RequestBuilder {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("data", data).finish();
    post(server).header("content-type", "application/x-www-form-urlencoded").body(body)
}

async fn found(server: &FakeOverpass, data: &str) -> Vec<Value> {
    let (status, body) = sent(ask(server, data)).await;
    assert_eq!(status, 200, "{body}");
    body["elements"].as_array().expect("elements").clone()
}

fn names(elements: &[Value]) -> Vec<&str> {
    elements.iter().filter_map(|element| element["tags"]["name"].as_str()).collect()
}

#[tokio::test]
async fn a_union_around_a_place_finds_what_is_there() {
    let server = FakeOverpass::start().await;
    let data = format!(
        "[out:json][timeout:25];\n(\n  nwr[\"amenity\"=\"restaurant\"](around:1500,{CALANGUTE});\n  \
         nwr[\"tourism\"=\"hotel\"](around:1500,{CALANGUTE});\n);\nout center 20;"
    );
    let (status, body) = sent(ask(&server, &data)).await;
    assert_eq!((status, &body["version"]), (200, &json!(0.6)));
    assert!(
        body["osm3s"]["timestamp_osm_base"].is_string()
            && body["generator"].is_string()
            && body.get("remark").is_none()
    );
    let elements = body["elements"].as_array().expect("elements");
    assert_eq!(
        names(elements),
        ["The Tin Lantern", "Baga Kitchen", "No Contact Inn", "Hotel Casuarina", "Grande Palms Resort"]
    );
    assert_eq!(elements[0]["tags"]["phone"], "+91 832 555 0101");
    assert_eq!((&elements[0]["type"], &elements[0]["lat"]), (&json!("node"), &json!(15.5441)));
    let way = &elements[4];
    assert_eq!(
        (&way["type"], way.get("lat"), &way["center"]),
        (&json!("way"), None, &json!({"lat": 15.539, "lon": 73.766}))
    );
    server.assert_no_violations();
}

#[tokio::test]
async fn distance_tags_boxes_and_limits_are_kept_for_real() {
    let server = FakeOverpass::start().await;
    let near = |metres: u32, rest: &str| {
        format!("[out:json];node[amenity=restaurant](around:{metres},{CALANGUTE});out {rest};")
    };
    assert_eq!(names(&found(&server, &near(50, "")).await), ["The Tin Lantern"]);
    assert_eq!(names(&found(&server, &near(150, "")).await), ["The Tin Lantern", "No Contact Inn"]);
    assert_eq!(names(&found(&server, &near(100_000, "2")).await), ["The Tin Lantern", "Baga Kitchen"]);
    let one = |query: &str| format!("[out:json];{query};out;");
    let vegetarian = found(&server, &one("nwr[\"diet:vegetarian\"](15.4,73.7,15.6,73.9)")).await;
    assert_eq!(names(&vegetarian), ["Mandovi Thali House"]);
    let seafood = found(&server, &one("node[\"cuisine\"~\"SEAFOOD\",i][\"addr:city\"!=\"Margao\"](15,73,16,75)")).await;
    assert_eq!(names(&seafood), ["The Tin Lantern", "Palolem Sunset"]);
    assert!(found(&server, &one("node[\"cuisine\"~\"SEAFOOD\"](15,73,16,75)")).await.is_empty());
    let either = found(&server, &one("nwr[\"amenity\"~\"^(bar|pub|nightclub)$\"](15,73,16,75)")).await;
    assert_eq!(either.len(), 4);
    let silent = found(&server, &one("node[amenity=restaurant][!\"addr:city\"](15,73,16,75)")).await;
    assert_eq!(names(&silent), ["No Contact Inn"]);
    let not = found(&server, &one("node[amenity!~'^(r|b|p|n|c|e)'][tourism=hostel](15,73,16,75)")).await;
    assert_eq!(names(&not), ["Vagator Bunks"]);
    let area = found(&server, "[out:json][bbox:15.48,73.81,15.51,73.84];nwr[amenity];out center;").await;
    assert_eq!(area.len(), 5, "{area:#?}");
    assert_eq!(found(&server, &one("relation[leisure=park](15,73,16,75)")).await.len(), 1);
    server.assert_no_violations();
}

#[tokio::test]
async fn what_is_printed_is_what_was_asked_for() {
    let server = FakeOverpass::start().await;
    server.set_elements(vec![
        Element::new(Kind::Way, 7, 1.0, 2.0, "amenity=bar|name=Way"),
        Element::new(Kind::Node, 9, 1.0, 2.0, "amenity=bar|name=Node"),
    ]);
    server.add_element(Element::new(Kind::Node, 8, 1.0, 2.0, "amenity=bar"));
    let print = async |out: &str| found(&server, &format!("[out:json];nwr[amenity=bar](0,0,3,3);{out};")).await;
    let ids = |elements: Vec<Value>| elements.iter().map(|element| element["id"].as_u64()).collect::<Vec<_>>();
    assert_eq!(ids(print("out").await), [Some(8), Some(9), Some(7)]);
    assert_eq!(print("out ids").await[1], json!({"type": "node", "id": 9}));
    assert_eq!(print("out skel").await[1], json!({"type": "node", "id": 9, "lat": 1.0, "lon": 2.0}));
    assert_eq!(
        print("out tags").await[1],
        json!({"type": "node", "id": 9, "tags": {"amenity": "bar", "name": "Node"}})
    );
    let center =
        json!({"type": "way", "id": 7, "center": {"lat": 1.0, "lon": 2.0}, "tags": {"amenity": "bar", "name": "Way"}});
    assert_eq!(print("out tags center").await[2], center);
    let way = &print("out").await[2];
    assert!(way.get("center").is_none() && way["nodes"].is_array(), "{way}");
    assert_eq!(print("out tags center qt 1").await.len(), 1);
    server.assert_no_violations();
}

#[tokio::test]
async fn troubles_of_the_server_are_told_in_its_own_ways() {
    let server = FakeOverpass::start().await;
    let data = "[out:json][timeout:9];node[amenity](15,73,16,75);out;";
    for trouble in [Trouble::Busy, Trouble::OutOfTime, Trouble::OutOfMemory] {
        server.trouble(trouble);
    }
    let (status, page) = text(ask(&server, data)).await;
    assert_eq!(status, 504);
    assert!(page.contains("too busy to handle your request"), "{page}");
    let (status, body) = sent(ask(&server, data)).await;
    assert_eq!((status, &body["elements"]), (200, &json!([])));
    assert_eq!(body["remark"], "runtime error: Query timed out in \"query\" at line 1 after 10 seconds.");
    let (status, body) = sent(ask(&server, data)).await;
    assert_eq!(status, 200);
    assert!(!body["elements"].as_array().expect("some").is_empty());
    assert!(body["remark"].as_str().expect("a remark").starts_with("runtime error: Query run out of memory"));
    assert!(sent(ask(&server, data)).await.1.get("remark").is_none());
    server.fault(crate::fake_web::Fault::TooMany { retry_after: None });
    let (status, page) = text(ask(&server, data)).await;
    assert_eq!(status, 429);
    assert!(page.contains("rate_limited"), "{page}");
    server.assert_no_violations();
}

#[tokio::test]
async fn bad_queries_are_refused_with_a_page_and_are_violations() {
    let server = FakeOverpass::start().await;
    for (data, error) in [
        ("[out:json];\nthing[a=b](1,2,3,4);out;", "line 2: parse error: Unknown type \"thing\""),
        ("[out:json];node[a=b](1,2,3,4)out;", "line 1: parse error: ';' expected - 'out;' found."),
        ("[out:json]node[a=b](1,2,3,4);out;", "line 1: parse error: ';' expected - 'node[a=b](1,' found."),
        ("[out:json];node[\"a](1,2,3,4);out;", "line 1: parse error: Unterminated string."),
        ("[out:json];node[\"a\"=\"b\"(1,2,3,4);out;", "line 1: parse error: ']' expected - '(1,2,3,4);ou' found."),
        ("[out:json];node[addr:city=x](1,2,3,4);out;", "line 1: parse error: ']' expected - ':city=x](1,2' found."),
        ("[out:json];(node[a=b](1,2,3,4);out;", "line 1: parse error: Unknown type \"out\""),
        ("[out:json];node[a=b](around:100,15.5);out;", "line 1: parse error: ',' expected - ');out;' found."),
        (
            "[out:json][timeout:0];node[a=b](1,2,3,4);out;",
            "line 1: parse error: Value \"0\" is not a positive integer.",
        ),
        ("[out:json][maxtime:5];node[a=b](1,2,3,4);out;", "line 1: parse error: Unknown setting: maxtime"),
        ("[out:json];node[a=b](1,2,3,4);out centre;", "line 1: parse error: Unknown print option \"centre\""),
        ("[out:json];node;out;", "line 1: static error: For the statement \"query\" a filter is needed."),
        ("[out:json];node[a~\"(\"](1,2,3,4);out;", "line 1: static error: Invalid regular expression: \"(\""),
        ("[out:json];node[a~\"(?i)b\"](1,2,3,4);out;", "line 1: static error: Invalid regular expression: \"(?i)b\""),
        (
            "[out:json];node[a=b](around:-1,15,73);out;",
            "line 1: static error: For the attribute \"radius\" the only allowed values are non-negative floats.",
        ),
        (
            "[out:json];node[a=b](around:1,95,73);out;",
            "line 1: static error: The only allowed values for latitudes are floats between -90.0 and 90.0.",
        ),
        (
            "[out:json];node[a=b](5,2,3,4);out;",
            "line 1: static error: The value of attribute \"n\" must always be greater or equal than the value of \"s\".",
        ),
    ] {
        let (status, page) = text(ask(&server, data)).await;
        assert_eq!(status, 400, "{data}");
        let shown = error.replace('"', "&quot;");
        assert!(page.contains(&format!("<strong style=\"color:#FF0000\">Error</strong>: {shown} </p>")), "{page}");
        assert_eq!(server.take_violations(), [format!("POST /api/interpreter: {error}")], "{data}");
    }
}

#[tokio::test]
async fn other_requests_that_are_no_use_are_violations() {
    let server = FakeOverpass::start().await;
    let good = "node[amenity](15,73,16,75);out;";
    for (request, status, violation) in [
        (ask(&server, good), 200, "POST /api/interpreter: no [out:json], so the answer is XML"),
        (
            ask(&server, "[out:json];node[a](1,2,3,4);"),
            200,
            "POST /api/interpreter: no out statement, so nothing is printed",
        ),
        (ask(&server, "  "), 400, "POST /api/interpreter: no data"),
        (post(&server).body(good), 400, "POST /api/interpreter: a body of type \"\", not a form"),
        (
            post(&server).json(&json!({"data": good})),
            400,
            "POST /api/interpreter: a body of type \"application/json\", not a form",
        ),
        (client().put(server.url()).header("user-agent", AGENT), 405, "PUT /api/interpreter: neither GET nor POST"),
        (client().get(server.origin()).header("user-agent", AGENT), 404, "GET /: no such path"),
    ] {
        assert_eq!(text(request).await.0, status, "{violation}");
        assert_eq!(server.take_violations(), [violation]);
    }
}

#[tokio::test]
async fn a_client_that_does_not_tell_who_it_is_is_not_served() {
    let server = FakeOverpass::start().await;
    for request in [client().post(server.url()), client().post(server.url()).header("user-agent", "reqwest/0.12")] {
        assert_eq!(text(request.body("data=x")).await.0, 406);
        assert_eq!(server.take_violations(), ["POST /api/interpreter: a request that tells not whose it is"]);
    }
}
