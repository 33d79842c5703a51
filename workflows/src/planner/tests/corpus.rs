//! The score on a corpus of time expressions, when `DATETIME_CORPUS` names such a file: one JSON
//! object a line with `text`, `ref`, `kind`, `expect`.

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::Value;

use super::*;
use crate::planner::entities::Moment;
use crate::planner::entities::when;
use crate::planner::tokens::tokenize;

/// Right answers of a thousand, as measured; holidays of all religions are most of the rest.
const RIGHT_PER_MILLE_MIN: usize = 330;

fn is_right(line: &Value) -> bool {
    let (Some(text), Some(reference)) = (line["text"].as_str(), line["ref"].as_str()) else { return false };
    let Ok(reference) = DateTime::parse_from_rfc3339(reference) else { return false };
    // The corpus lives two hours west of Greenwich and writes month before day.
    let moment = Moment::new(reference.with_timezone(&Utc), Tz::America__Noronha);
    let tokens = tokenize(text);
    let at = |index: usize| {
        line["expect"][index].as_str().and_then(|t| NaiveDateTime::parse_from_str(t, "%Y-%m-%dT%H:%M:%S").ok())
    };
    let Some(first) = at(0) else { return false };
    let Some((found, next)) = when::when(&tokens, 0, &moment) else { return false };
    let (from, to) = found.window(&moment);
    // The corpus ends a span after its last minute or hour ("until 11:00" is 11:01), plans end it there.
    let grain = match line["grain"][0].as_str() {
        Some("Minute") => TimeDelta::minutes(1),
        Some("Hour") => TimeDelta::hours(1),
        Some(_) | None => TimeDelta::zero(),
    };
    next == tokens.len() && from == first && at(1).is_none_or(|end| end == to || end == to + grain)
}

#[test]
fn score_on_the_corpus_stays() {
    let Some(path) = std::env::var_os("DATETIME_CORPUS") else { return };
    let text = std::fs::read_to_string(path).expect("the corpus is there");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let wrong: Vec<&Value> = lines.iter().filter(|line| !is_right(line)).collect();
    let right = lines.len() - wrong.len();
    if std::env::var_os("DATETIME_CORPUS_SHOW").is_some() {
        for line in &wrong {
            println!("{} {}", line["text"], line["expect"]);
        }
    }
    println!("right: {right} of {}", lines.len());
    assert!(right * 1000 / lines.len() >= RIGHT_PER_MILLE_MIN, "only {right} of {} right", lines.len());
}
