//! `search.find_places`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Desk, detail, each};
use crate::fake_web::overpass::Trouble;
use crate::fake_web::{Entry, FakeNominatim, Fault};

const AREA: &str = "GET /search";
const PLACES: &str = "POST /api/interpreter";

fn ql(entry: &Entry) -> String {
    entry.form().into_iter().find(|(name, _)| name == "data").expect("a query").1
}

#[tokio::test(flavor = "multi_thread")]
async fn party_venues_in_goa_are_found_without_a_question() {
    let desk = Desk::new().await;
    let (found, failed) = desk.places("party venue", "Goa").await;
    assert!(!failed);
    let names = each(&found, "name");
    for name in ["Miramar Banquets", "Calangute Party Hall", "Kala Lawns", "Salcete Community Hall", "Club Areca"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let hall =
        found["results"].as_array().expect("results").iter().find(|place| place["name"] == "Calangute Party Hall");
    let hall = hall.expect("the hall");
    assert_eq!(
        (&hall["phone"], &hall["email"], &hall["website"], &hall["address"], &hall["kind"], &hall["id"]),
        (
            &json!("+91 832 555 0131"),
            &json!("book@partyhall.example"),
            &json!("https://partyhall.example/"),
            &json!("Holiday Street, Calangute"),
            &json!("events venue"),
            &json!("node/1031")
        )
    );
    assert_eq!((&hall["lat"], &hall["lon"]), (&json!(15.548), &json!(73.762)));
    assert!(detail(&found).contains("within 50 km of Goa, India"), "{found:#}");
    assert!(detail(&found).contains("© OpenStreetMap contributors"), "{found:#}");
    for entry in desk.nominatim.ledger().iter().chain(&desk.overpass.ledger()) {
        let agent = entry.header("user-agent").expect("an agent");
        assert!(agent.starts_with("super-manager/") && agent.ends_with("(ops@test.local)"), "{agent}");
    }
    assert_eq!((desk.nominatim.count(AREA), desk.overpass.count(PLACES)), (1, 1));
    desk.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cuisine_a_name_and_a_distance_are_understood() {
    let desk = Desk::new().await;
    let (found, _) = desk.places("Italian restaurants", "Anjuna, Goa").await;
    assert_eq!(each(&found, "name"), ["Anjuna Terrace"]);
    let (found, _) = desk.places("Tito's Namesake", "Baga").await;
    assert_eq!(each(&found, "name"), ["Tito's Namesake"]);
    let (found, _) = desk.places("restaurants", "within 1 km of Panjim").await;
    assert_eq!(each(&found, "name"), ["Casa Panjim", "Mandovi Thali House"]);
    let (found, _) = desk.places("hotel", "within 2 km of 15.5,73.83").await;
    assert_eq!(each(&found, "name"), ["Riverside Residency"]);
    assert!(detail(&found).contains("within 2 km of 15.5, 73.83"), "{found:#}");
    assert_eq!(desk.nominatim.count(AREA), 3, "coordinates need no look-up");
    let distances: Vec<u64> =
        found["results"].as_array().into_iter().flatten().filter_map(|r| r["distance_m"].as_u64()).collect();
    assert_eq!(distances, [547]);
    desk.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_there_is_nothing_it_looks_farther_once_and_says_so() {
    let desk = Desk::new().await;
    let (found, _) = desk.places("park", "Panaji").await;
    assert_eq!(each(&found, "name"), ["Bambolim Gardens"]);
    assert!(detail(&found).contains("within 37 km of Panaji, India (there is nothing within 9.3 km)"), "{found:#}");
    assert_eq!(desk.overpass.count(PLACES), 2);
    let (found, failed) = desk.places("casino", "Panaji").await;
    assert_eq!((&found["results"], failed), (&json!([]), false));
    assert!(detail(&found).starts_with("Nothing was found for “casino” within 37 km"), "{found:#}");
    assert_eq!(desk.overpass.count(PLACES), 4, "once farther, and no more");
    let (found, _) = desk.places("romantic restaurant", "Panaji").await;
    assert!(each(&found, "name").contains(&"Casa Panjim"), "{found:#}");
    assert!(detail(&found).contains("no name there has “romantic”, so any restaurant was looked for"), "{found:#}");
    desk.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_not_there_is_said_and_another_can_be_named() {
    let desk = Desk::new().await;
    let plan = json!({"version": 1, "title": "T", "stages": [{"id": "n", "type": "execution",
        "action": "search.find_places", "params": {"query": "bar", "near": "Atlantis"}}]});
    let asked = desk.service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    let asked = match asked["options"].as_array() {
        Some(_) => asked,
        None => desk.service.get("/api/prompts").await["prompts"][0].clone(),
    };
    assert!(asked.to_string().contains("there is no place called Atlantis"), "{asked:#}");
    assert!(asked["options"].to_string().contains("\"other\""), "{asked:#}");
    assert_eq!((desk.nominatim.count(AREA), desk.overpass.count("")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_are_asked_one_at_a_time_and_a_second_apart() {
    let desk = Desk::new().await;
    let towns = ["Calangute", "Baga", "Anjuna", "Margao", "Vagator"];
    let found = futures_util::future::join_all(towns.map(|town| desk.places("beach", town))).await;
    assert!(found.iter().all(|(_, failed)| !failed), "{found:#?}");
    for ledger in [desk.nominatim.requests_to(AREA), desk.overpass.requests_to(PLACES)] {
        assert!(ledger.len() >= 5, "{}", ledger.len());
        for pair in ledger.windows(2) {
            assert!(pair[1].at - pair[0].at >= Duration::from_secs(1), "{:?}", pair[1].at - pair[0].at);
        }
    }
    desk.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_twice() {
    let desk = Desk::new().await;
    let at_once = (0..5).map(|_| desk.places("bar", "Baga"));
    let mut found: Vec<Value> =
        futures_util::future::join_all(at_once).await.into_iter().map(|(found, _)| found).collect();
    found.push(desk.places("BARS", "  baga ").await.0);
    assert!(found.iter().all(|own| own["results"] == found[0]["results"]), "{found:#?}");
    assert_eq!(each(&found[0], "name")[0], "Tito's Namesake");
    assert_eq!((desk.nominatim.count(AREA), desk.overpass.count(PLACES)), (1, 1));
    desk.places("cafe", "Baga").await;
    assert_eq!(desk.nominatim.count(AREA), 1, "where Baga is is known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_fault_of_either_is_tried_again() {
    let faults = [
        Fault::TooMany { retry_after: None },
        Fault::ServerError,
        Fault::Page(503),
        Fault::Page(504),
        Fault::EmptyBody,
        Fault::BadJson,
        Fault::Cut,
        Fault::Huge { declared: false },
    ];
    let tried = faults.into_iter().map(|fault| async move {
        let desk = Desk::new().await;
        desk.nominatim.fault(fault.clone());
        desk.overpass.fault(fault.clone());
        let (found, failed) = desk.places("bar", "Baga").await;
        assert_eq!((each(&found, "name")[0], failed), ("Tito's Namesake", false), "{fault:?}");
        assert_eq!((desk.nominatim.count(AREA), desk.overpass.count(PLACES)), (2, 2), "{fault:?}");
        desk.assert_no_violations();
    });
    futures_util::future::join_all(tried).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_to_be_left_alone_is_left_alone_by_everybody() {
    let desk = Desk::new().await;
    desk.nominatim.fault(Fault::TooMany { retry_after: Some(7) });
    let (first, second) = tokio::join!(desk.places("bar", "Baga"), async {
        desk.nominatim.wait_for(AREA, 1).await;
        desk.places("bar", "Anjuna").await
    });
    assert!(!first.1 && !second.1, "{first:?} {second:?}");
    let ledger = desk.nominatim.requests_to(AREA);
    assert_eq!(ledger.len(), 3);
    assert!(ledger[1].at - ledger[0].at >= Duration::from_secs(7), "{:?}", ledger[1].at - ledger[0].at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_server_is_given_up_and_asked_again() {
    let desk = Desk::new().await;
    desk.nominatim.fault(Fault::Hang);
    let (found, failed) = desk.places("bar", "Baga").await;
    assert_eq!((each(&found, "name")[0], failed), ("Tito's Namesake", false));
    assert_eq!(desk.nominatim.count(AREA), 2);
    desk.overpass.fault(Fault::Hang);
    let (found, failed) = desk.places("cafe", "Calangute").await;
    assert_eq!((each(&found, "name")[0], failed), ("Feni & Coffee", false));
    assert_eq!(desk.overpass.count(PLACES), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_gave_up_has_not_found_nothing() {
    let passing = async {
        let desk = Desk::new().await;
        desk.overpass.trouble(Trouble::OutOfTime);
        desk.overpass.trouble(Trouble::Busy);
        let (found, _) = desk.places("bar", "Baga").await;
        assert_eq!(each(&found, "name")[0], "Tito's Namesake");
        assert_eq!(desk.overpass.count(PLACES), 3);
    };
    let lasting = async {
        let desk = Desk::new().await;
        desk.overpass.trouble(Trouble::OutOfMemory);
        let (failure, told) = desk.places("restaurant", "Calangute").await;
        assert!(detail(&failure).contains("name a smaller area") && told, "half of it is not told: {failure:#}");
        assert_eq!(desk.overpass.count(PLACES), 1, "trying again does not help");
        for _ in 0..3 {
            desk.overpass.trouble(Trouble::OutOfTime);
        }
        let (failure, told) = desk.places("bar", "Anjuna").await;
        assert!(detail(&failure).contains("Overpass ran out of time") && told, "{failure:#}");
    };
    tokio::join!(passing, lasting);
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_into_the_private_network_are_not_followed() {
    let desk = Desk::new().await;
    let private = FakeNominatim::start().await;
    desk.nominatim.fault(Fault::Redirect(format!("{}/search?q=x&format=jsonv2", private.url())));
    let (refused, told) = desk.places("bar", "Baga").await;
    assert!(detail(&refused).contains("may not be called") && told, "{refused:#}");
    for status in [301, 302, 303, 307, 308] {
        desk.overpass.fault(Fault::RedirectAs(status, format!("{}/api/interpreter", private.url())));
        let (refused, told) = desk.places("bar", "Baga").await;
        assert!(detail(&refused).contains("redirect") && told, "{refused:#}");
    }
    assert_eq!(private.ledger().len(), 0, "{}", private.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_look_like_a_query_are_only_words() {
    let desk = Desk::new().await;
    for query in [
        "x\"];out;node(1);//",
        "x\\\"](around:1,0,0);out meta;(",
        "y');node(1);out;",
        "/*\n*/[out:xml] z",
        "((((.*)*)*wqx",
        "hotel \"];nwr(1);out;",
    ] {
        let (found, failed) = desk.places(query, "within 1 km of 15.5,73.83").await;
        assert!(!failed && found["results"] == json!([]) || query.starts_with("hotel"), "{query}: {found:#}");
    }
    let entries = desk.overpass.ledger();
    assert!(entries.iter().all(|entry| ql(entry).matches(";\nout center 600;\n").count() == 1));
    desk.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_down_are_a_clear_failure() {
    let without_overpass = async {
        let desk = Desk::new().await;
        desk.overpass.stop();
        let (failure, told) = desk.places("bar", "Baga").await;
        assert!(detail(&failure).contains("Overpass: 127.0.0.1 cannot be reached") && told, "{failure:#}");
        assert_eq!(desk.nominatim.count(AREA), 1, "where Baga is was known");
    };
    let without_nominatim = async {
        let desk = Desk::new().await;
        desk.nominatim.stop();
        let (failure, told) = desk.places("bar", "Anjuna").await;
        assert!(detail(&failure).contains("Nominatim: 127.0.0.1 cannot be reached") && told, "{failure:#}");
        assert_eq!(desk.overpass.count(""), 0);
    };
    tokio::join!(without_overpass, without_nominatim);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_asks_the_servers_that_are_ours() {
    let desk = Desk::new().await;
    let doctor = || {
        let output = desk.setup.command().arg("doctor").output().expect("doctor runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = doctor();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("on   web search") && said.contains("answers in JSON"), "{said}");
    assert!(said.contains("on   places") && said.contains("asking as ops@test.local"), "{said}");
    assert_eq!((desk.searxng.count(""), desk.nominatim.count(AREA), desk.overpass.count(PLACES)), (1, 1, 1));
    desk.assert_no_violations();
    desk.overpass.fault(Fault::ServerError);
    let (code, said) = doctor();
    assert!(code == Some(1) && said.contains("BAD  places"), "{said}");
    desk.searxng.stop();
    let (code, said) = doctor();
    assert!(code == Some(1) && said.contains("BAD  web search"), "{said}");
}
