//! What was asked of models, in the Prometheus text format. Labels are providers and kinds of failure, so
//! their number is bounded.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::seat::Counts;

/// Everything as text.
pub fn text(counts: &[Counts], breakers: &BTreeMap<&'static str, &'static str>) -> String {
    let mut text = String::new();
    let mut series = |name: &str, kind: &str, lines: Vec<(String, String)>| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# TYPE {name} {kind}");
        for (labels, value) in lines {
            let _ = writeln!(text, "{name}{{{labels}}} {value}");
        }
    };
    let of = |one: &Counts| format!("provider=\"{}\"", one.provider);
    let all = |value: fn(&Counts) -> String| counts.iter().map(|one| (of(one), value(one))).collect::<Vec<_>>();
    let errors = counts.iter().flat_map(|one| {
        let line = |(class, count): &(&str, u64)| (format!("{},class=\"{class}\"", of(one)), count.to_string());
        one.errors.iter().map(line).collect::<Vec<_>>()
    });
    let open = breakers
        .iter()
        .map(|(provider, standing)| (format!("provider=\"{provider}\""), u8::from(*standing != "closed").to_string()));
    series("ai_requests_total", "counter", all(|one| one.requests.to_string()));
    series("ai_errors_total", "counter", errors.collect());
    series("ai_tokens_total", "counter", all(|one| one.tokens.to_string()));
    series("ai_answers_total", "counter", all(|one| one.answers.0.to_string()));
    series("ai_answer_milliseconds_total", "counter", all(|one| one.answers.1.to_string()));
    series("ai_breaker_not_closed", "gauge", open.collect());
    text
}
