//! Days and sums of a plan, held against the words it is for. What is out of place is asked about, not
//! believed. Pure.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use workflows::action::{Catalog, Reach};
use workflows::plan::{Plan, StageKind, time};
use workflows::planner::entities::money;
use workflows::planner::tokens::tokenize;
use workflows::state::Amendment;

/// No sum is larger without being asked about.
const SUM_MAX: f64 = 1e9;
/// From here on a number passes for a telephone's, which no model is told.
const LONG_SUM: f64 = 1e6;
/// Slots that hold the day or time of what is planned.
const DAYS: [&str; 6] = ["date", "day", "when", "at", "starts_at", "check_in"];
/// Parameters that hold the time of what is planned, where an action does not say so itself.
const TIMES: [&str; 2] = ["at", "starts_at"];
/// Words that make one day of two: which is meant is not for rules to say.
const BETWEEN: [&str; 8] = ["before", "after ", "from ", "until ", "move ", "resched", "postpone", "instead"];
/// Words that name a day.
const DAY_WORDS: [&str; 9] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "tomorrow", "today"];
/// Fields that hold sums of money.
const SUMS: [&str; 5] = ["budget", "max_price", "price", "amount", "cost"];

/// What is out of place, for the planner and for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What the planner is told.
    pub fault: String,
    /// What the person is asked.
    pub question: String,
    /// Answers to choose from.
    pub suggestions: Vec<String>,
    /// Whether it comes from the person's own words: no other plan would mend it.
    pub is_the_persons: bool,
}

/// What a plan is held against.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// What was asked.
    pub text: &'a str,
    /// Later words; a sum that is said again is meant.
    pub amendments: &'a [Amendment],
    /// What was asked about before: an answer stands, whatever it was.
    pub asked: &'a [String],
    /// The day that rules read from the words, when they read one.
    pub day: Option<&'a str>,
    /// Where days begin.
    pub zone: Tz,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// Everything of a plan that is out of place.
pub fn doubts(plan: &Plan, catalog: &Catalog, words: &Words<'_>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let mut days = Vec::new();
    let mut does = false;
    for stage in plan.all() {
        match &stage.kind {
            StageKind::Execution(e) => {
                let spec = catalog.get(&e.action);
                let acts = spec.is_some_and(|spec| spec.reach(&e.params) != Reach::Read);
                does |= acts;
                let is_time = |name: &str| {
                    spec.is_some_and(|spec| spec.future.contains(&name)) || (acts && TIMES.contains(&name))
                };
                for (name, value) in &e.params {
                    if is_time(name) {
                        value.as_str().into_iter().for_each(|text| day(text, words, &mut days, &mut doubts));
                    }
                    look(name, value, words, &mut doubts);
                }
            }
            StageKind::Wait(w) => {
                w.until.iter().for_each(|text| day(text, words, &mut Vec::new(), &mut doubts));
            }
            StageKind::Clarification(_)
            | StageKind::Selection(_)
            | StageKind::MultiSelect(_)
            | StageKind::Confirmation(_)
            | StageKind::Parallel(_)
            | StageKind::Conditional(_) => {}
        }
    }
    for (name, value) in &plan.slots {
        // A look at what was is no mistake.
        if does && DAYS.contains(&name.as_str()) {
            value.as_str().into_iter().for_each(|text| day(text, words, &mut days, &mut doubts));
        }
        look(name, value, words, &mut doubts);
    }
    doubts.extend(other_day(words, &days));
    doubts.dedup();
    doubts.retain(|doubt| !words.asked.contains(&doubt.question));
    doubts
}

/// A value under its name: a sum when it is called one.
fn look(name: &str, value: &Value, words: &Words<'_>, doubts: &mut Vec<Doubt>) {
    match value {
        Value::Number(number) if SUMS.contains(&name) => {
            number.as_f64().into_iter().for_each(|sum| doubts.extend(sum_doubt(name, sum, words)));
        }
        Value::Object(fields) => {
            let inner = fields.iter().map(|(inner, value)| (if inner == "amount" { name } else { inner }, value));
            let is_sum = fields.contains_key("currency");
            inner.for_each(|(inner, value)| {
                let name = if is_sum && value.is_number() { "amount" } else { inner };
                look(name, value, words, doubts);
            });
        }
        Value::Array(items) => items.iter().for_each(|item| look(name, item, words, doubts)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn day(text: &str, words: &Words<'_>, days: &mut Vec<String>, doubts: &mut Vec<Doubt>) {
    let text = text.trim();
    let date: String = text.chars().take("2026-01-31".len()).collect();
    if chrono::NaiveDate::parse_from_str(&date, "%Y-%m-%d").is_err() {
        return;
    }
    if time::has_passed(text, words.zone, words.now) {
        let is_the_persons =
            words.text.contains(&date) || words.amendments.iter().any(|said| said.text.contains(&date));
        doubts.push(Doubt {
            fault: format!("{text} has passed"),
            question: format!("That would be {text}, which has passed. When is it to be?"),
            suggestions: Vec::new(),
            is_the_persons,
        });
    }
    days.push(date);
}

fn sum_doubt(name: &str, sum: f64, words: &Words<'_>) -> Option<Doubt> {
    let said = |text: &str| sums(text).into_iter().any(|other| (other - sum).abs() < 0.005 * sum.abs().max(1.0));
    let (first, again) = (said(words.text), words.amendments.iter().any(|later| said(&later.text)));
    let is_usual = (0.0..=SUM_MAX).contains(&sum);
    if again || (first && is_usual) {
        return None;
    }
    let shown = Value::from(sum);
    let told = if sum.abs() < LONG_SUM { shown.to_string() } else { format!("{sum:e}") };
    let fault = if is_usual { "is not in the request" } else { "cannot be meant" };
    Some(Doubt {
        fault: format!("{name}={told} {fault}"),
        question: format!("I am not sure about the amount: it would be {shown}. How much is it to be?"),
        suggestions: vec![shown.to_string()],
        is_the_persons: first,
    })
}

/// Every sum and number in a text.
fn sums(text: &str) -> Vec<f64> {
    let tokens = tokenize(text);
    let read = (0..tokens.len()).filter_map(|at| money::sum(&tokens, at).map(|(money, _)| money.amount));
    let plain = text.split_whitespace().filter_map(|word| word.trim_matches([',', '.', '!', '?']).parse().ok());
    read.chain(plain).collect()
}

/// The day that rules read is none of the plan's.
fn other_day(words: &Words<'_>, days: &[String]) -> Option<Doubt> {
    let read: String = words.day?.chars().take("2026-01-31".len()).collect();
    let planned = days.first()?;
    let text = words.text.to_lowercase();
    let named = DAY_WORDS.iter().map(|word| text.matches(word).count()).sum::<usize>();
    let is_plain = named <= 1 && !BETWEEN.iter().any(|word| text.contains(word));
    if days.contains(&read) || !words.amendments.is_empty() || !is_plain {
        return None;
    }
    Some(Doubt {
        fault: format!("the day in the request is {read}, not {planned}"),
        question: format!("Which day do you mean: {} or {}?", weekday(&read), weekday(planned)),
        suggestions: vec![read, planned.clone()],
        // Rules may be wrong as well as the planner, so nobody mends it but the person.
        is_the_persons: true,
    })
}

fn weekday(day: &str) -> String {
    chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d")
        .map_or_else(|_| day.to_owned(), |day| day.format("%A %Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use workflows::action::ReachRule;

    use super::*;

    fn plan(slots: &Value) -> Plan {
        serde_json::from_value(json!({"version": 1, "title": "t", "slots": slots, "stages": [
            {"id": "a", "type": "execution", "action": "own.do", "params": {}}]}))
        .expect("a plan")
    }

    /// Something to do, and something to look at.
    fn catalog() -> Catalog {
        let spec = |name: &str, reach| crate::plugins::spec(name, "", json!({}), &[], reach);
        Catalog::new(vec![spec("own.do", ReachRule::Own), spec("own.look", ReachRule::Read)])
    }

    #[expect(clippy::needless_pass_by_value, reason = "slots read best as they are made")]
    fn found(text: &str, amendments: &[&str], day: Option<&str>, slots: Value) -> Vec<Doubt> {
        let later = |text: &&str| Amendment { text: (*text).to_owned(), said_at: None };
        let amendments: Vec<Amendment> = amendments.iter().map(later).collect();
        // 2026-11-24, a Tuesday.
        let now = DateTime::from_timestamp(1_795_500_000, 0).expect("a time");
        let words = Words { text, amendments: &amendments, asked: &[], day, zone: Tz::UTC, now };
        doubts(&plan(&slots), &catalog(), &words)
    }

    #[test]
    fn sums_are_believed_only_when_they_were_said() {
        let budget = |amount: f64| json!({"budget": {"amount": amount, "currency": "INR"}});
        for (text, amount) in [("around 50k", 50_000.0), ("₹50,000 at most", 50_000.0), ("for 1200 euros", 1_200.0)] {
            assert_eq!(found(text, &[], None, budget(amount)), [], "{text}");
        }
        assert_eq!(found("a party", &[], None, budget(50_000.0)).len(), 1, "made up");
        assert_eq!(found("around 50k", &[], None, budget(5e15)).len(), 1, "not what was said");
        assert_eq!(found("around 50k", &[], None, json!({"max_price": 500_000})).len(), 1);
        assert_eq!(found("a party", &[], None, budget(-5.0)).len(), 1, "nobody pays less than nothing");
        let said = found("a budget of 5000000000000000", &[], None, budget(5e15));
        assert!(said[0].is_the_persons, "no other plan would mend it");
        let meant = found("a budget of 5000000000000000", &["5000000000000000"], None, budget(5e15));
        assert_eq!(meant, [], "what is said twice is meant");
    }

    #[test]
    fn days_that_have_passed_are_asked_about() {
        let passed = found("party on 2020-01-01", &[], None, json!({"date": "2020-01-01"}));
        assert!(passed[0].is_the_persons && passed[0].question.contains("has passed"), "{passed:?}");
        assert!(!found("a party", &[], None, json!({"date": "2026-11-23"}))[0].is_the_persons);
        for day in ["2026-11-24", "2026-12-01", "2026-12-01T19:00"] {
            assert_eq!(found("a party", &[], None, json!({"date": day})), [], "{day}");
        }
    }

    #[test]
    fn another_day_than_the_words_say_is_asked_about() {
        let text = "a party next Saturday";
        let other = found(text, &[], Some("2026-12-05"), json!({"date": "2026-12-06"}));
        assert_eq!(other[0].suggestions, ["2026-12-05", "2026-12-06"]);
        assert!(other[0].question.contains("Saturday 2026-12-05 or Sunday 2026-12-06"));
        assert_eq!(found(text, &[], Some("2026-12-05T19:00"), json!({"date": "2026-12-05"})), []);
        assert_eq!(found(text, &["make it Sunday"], Some("2026-12-05"), json!({"date": "2026-12-06"})), []);
    }

    #[test]
    fn what_was_is_looked_at_without_a_question() {
        let look: Plan = serde_json::from_value(json!({"version": 1, "title": "t", "slots": {"date": "2026-11-20"},
            "stages": [{"id": "a", "type": "execution", "action": "own.look",
                "params": {"from": "2026-11-20", "at": "2026-11-20T09:00"}}]}))
        .expect("a plan");
        let now = DateTime::from_timestamp(1_795_500_000, 0).expect("a time");
        let words = Words { text: "what was on Friday?", amendments: &[], asked: &[], day: None, zone: Tz::UTC, now };
        assert_eq!(doubts(&look, &catalog(), &words), []);
        assert_eq!(found("plan it", &[], None, json!({"birthday": "1990-05-12"})), []);
    }

    #[test]
    fn nothing_is_asked_twice() {
        let now = DateTime::from_timestamp(1_795_500_000, 0).expect("a time");
        let odd = plan(&json!({"budget": {"amount": 150, "currency": "EUR"}}));
        let words = Words { text: "half of 300 euro", amendments: &[], asked: &[], day: None, zone: Tz::UTC, now };
        let first = doubts(&odd, &catalog(), &words);
        assert_eq!(first[0].suggestions, ["150.0"], "what was thought can be said yes to");
        let asked = [first[0].question.clone()];
        assert_eq!(doubts(&odd, &catalog(), &Words { asked: &asked, ..words }), []);
    }

    #[test]
    fn which_of_two_days_is_meant_is_not_for_rules_to_say() {
        for text in ["remind me the day before my Friday meeting", "move my Friday meeting to Monday"] {
            assert_eq!(found(text, &[], Some("2026-11-27"), json!({"date": "2026-11-26"})), [], "{text}");
        }
    }
}
