//! The score on a corpus of restaurant requests, when `RESTAURANT_CORPUS` names such a file: one JSON
//! object a line with `text` and `slots` (the names of the Snips benchmark).

use serde_json::Value;

use super::*;
use crate::planner::clause;
use crate::planner::entities::when::{self, When};
use crate::planner::entities::{Moment, number};
use crate::planner::tokens::tokenize;
use crate::planner::want::Want;

/// Right ones of a hundred, as measured.
const FLOORS: [(&str, usize); 4] = [("recognised", 96), ("people", 95), ("place", 91), ("date", 90)];

fn moment() -> Moment {
    Moment::new(now(), Tz::America__New_York)
}

fn read(text: &str) -> Option<Want> {
    let tokens = tokenize(text);
    let clauses = clause::clauses(text, &tokens, moment(), &[]);
    let want = clauses.first().map(|clause| clause.act.read(clause))?;
    want.is("book_restaurant").then_some(want)
}

/// Whether the count is the one said, and none where none was said; `None` = not to be judged.
fn people(want: &Want, slots: &Value) -> Option<bool> {
    let found = want.errand.as_ref()?.people;
    let Some(said) = slots["party_size_number"].as_str() else {
        return slots["party_size_description"].is_null().then_some(found.is_none());
    };
    let said = number::whole(&tokenize(said), 0).map(|(count, _)| count);
    Some(said.is_some() && found == said)
}

/// Whether the place to look around is the one said, and none where none was said.
fn place(want: &Want, slots: &Value) -> bool {
    let found = want.errand.as_ref().and_then(|errand| errand.near.as_deref());
    let said: Vec<&str> = ["city", "poi", "state", "country"].iter().filter_map(|name| slots[name].as_str()).collect();
    let Some(first) = said.first() else { return found.is_none() };
    found.is_some_and(|found| found.to_lowercase().contains(&first.to_lowercase()))
}

/// Whether day and time are those that the words of the slot mean, and none where none was said.
fn date(want: &Want, slots: &Value) -> bool {
    let window = |when: &When| when.window(&moment());
    let Some(said) = slots["timeRange"].as_str() else { return want.when.is_none() };
    let tokens = tokenize(said);
    let expected = when::find(&tokens, &moment()).map(|(when, ..)| window(&when));
    expected.is_some() && want.when.as_ref().map(window) == expected
}

#[test]
fn score_on_the_restaurants_stays() {
    let Some(path) = std::env::var_os("RESTAURANT_CORPUS") else { return };
    let text = std::fs::read_to_string(path).expect("the corpus is there");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let shows = std::env::var_os("RESTAURANT_CORPUS_SHOW").is_some();
    let (mut right, mut judged) = ([0; FLOORS.len()], [0; FLOORS.len()]);
    for line in &lines {
        let said = line["text"].as_str().expect("a text");
        let want = read(said);
        // What was not recognised has nothing right.
        let of = |judge: fn(&Want, &Value) -> Option<bool>| {
            want.as_ref().map_or(Some(false), |want| judge(want, &line["slots"]))
        };
        let sure =
            |judge: fn(&Want, &Value) -> bool| Some(want.as_ref().is_some_and(|want| judge(want, &line["slots"])));
        for (n, verdict) in [Some(want.is_some()), of(people), sure(place), sure(date)].into_iter().enumerate() {
            judged[n] += usize::from(verdict.is_some());
            right[n] += usize::from(verdict == Some(true));
            if shows && verdict == Some(false) {
                let errand = want.as_ref().and_then(|want| want.errand.as_ref());
                let found = errand.map(|errand| (errand.people, &errand.near, &errand.at));
                println!("{}: {said} {} {found:?}", FLOORS[n].0, line["slots"]);
            }
        }
    }
    for (n, (name, floor)) in FLOORS.iter().enumerate() {
        println!("{name}: {} of {}", right[n], judged[n]);
        assert!(right[n] * 100 >= floor * judged[n], "{name}: only {} of {} right", right[n], judged[n]);
    }
}
