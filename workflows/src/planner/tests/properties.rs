//! Whatever is written, a sound proposal comes back.

use super::*;
use crate::plan::Plan;

fn is_id(id: &str) -> bool {
    let mut chars = id.chars();
    id.len() <= 40
        && chars.next().is_some_and(|c| c.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn check(text: &str, amendments: &[&str]) -> Result<(), String> {
    let Proposal::Plan { plan, .. } = plan_of(text, amendments) else { return Ok(()) };
    let stages = plan.all();
    if stages.is_empty() || stages.len() > crate::plan::STAGES_MAX {
        return Err(format!("{} stages", stages.len()));
    }
    let mut ids: Vec<&str> = stages.iter().map(|stage| stage.id.as_str()).collect();
    if let Some(bad) = ids.iter().find(|id| !is_id(id)) {
        return Err(format!("id {bad}"));
    }
    ids.sort_unstable();
    ids.dedup();
    if ids.len() != stages.len() {
        return Err("two stages of one id".to_owned());
    }
    let faults = plan.validate(&catalog_without(""));
    if !faults.is_empty() {
        return Err(format!("{faults:?}"));
    }
    let json = serde_json::to_string(&plan).map_err(|e| e.to_string())?;
    let back: Plan = serde_json::from_str(&json).map_err(|e| e.to_string())?;
    if back == *plan { Ok(()) } else { Err("does not come back the same".to_owned()) }
}

const WORDS: &str = "((email|Bob|Sam|Zoe|my friends|the team|that|and|then|;|:|invite|to|a|review|on|Friday|at|3pm|3|remind me|set up|video meeting|for it|\
    schedule|lunch|with|cancel|my|dentist|call|tomorrow|next week|in 2 hours|add contact|x@y.org|\"a b\"|each|some of|\\{\\{|\\{%|them|link|every|2026-01-01|é|’s|make it|change|without|instead|for|an hour) ?){0,16}";

const ERRANDS: &str = "((find|search the web|google|online|book|reserve|cancel|ask|get me|a|the|hotel|hotels|room|table|flight|flights|restaurants|pharmacy|venue|\
    booking|reservation|near|in|at|Goa|Berlin|Luigi's|panjim|me|from|to|5|7|December|Friday|Sunday|tomorrow|last Friday|for|4|0|10,000|people|two of us|party of|nights|\
    this weekend|under|20k|INR|budget|a night|each|returning|on the|12th|it is a birthday|whether|we can have|the place|x@y.org|bok_1234|that serves|and|then|,|\\.|\\(|\\{\\{|Bob|Sam|Gus|at 7pm|\"a b\"|within 2 km of) ?){0,18}";

proptest::proptest! {
    #[test]
    fn any_text_gives_a_sound_proposal(text in "\\PC{0,200}") {
        proptest::prop_assert_eq!(check(&text, &[]), Ok(()));
    }

    #[test]
    fn any_errand_gives_a_sound_plan(text in ERRANDS, amendment in ERRANDS) {
        proptest::prop_assert_eq!(check(&text, &[]), Ok(()));
        proptest::prop_assert_eq!(check(&text, &[&amendment, "make it 5 people"]), Ok(()));
    }

    #[test]
    fn any_words_give_a_sound_plan(text in WORDS, amendment in WORDS) {
        proptest::prop_assert_eq!(check(&text, &[]), Ok(()));
        proptest::prop_assert_eq!(check(&text, &[&amendment, "make it Sunday"]), Ok(()));
    }
}

#[test]
fn names_that_no_search_takes_are_asked_for() {
    let long = "x".repeat(301);
    for name in [long.as_str(), "A", "\"\u{e9}\""] {
        for text in [
            "find flights from {} to {}",
            "book a table at {} in {}",
            "find {} near {}",
            "find a hotel in {}",
            "ask {} for a table",
        ] {
            assert_eq!(check(&text.replace("{}", name), &[]), Ok(()), "{text} {name}");
        }
    }
}

#[test]
fn many_strangers_are_too_much_at_once() {
    let names: Vec<String> = ('A'..='Z').flat_map(|a| ['x', 'y'].map(|b| format!("{a}{b}o"))).collect();
    let text = format!("email {} that it works", names.join(", "));
    assert_eq!(check(&text, &[]), Ok(()));
    assert!(matches!(plan_of(&text, &[]), Proposal::Reply { .. }));
}

#[test]
fn the_longest_request_is_read_in_time() {
    for part in [
        "email Bob ",
        "tomorrow at 3pm ",
        "and ",
        "1 ",
        "\"",
        "some of my friends and ",
        "{{",
        "Invite Zoe to ",
        "a-",
        "for an hour and a half ",
        "find hotels near A ",
        "book a table for 4 at The A of the B ",
        "Goa, India and ",
        "for me and my wife and ",
        "from 5 to 7 December ",
        "under 20k ",
    ] {
        let text: String = part.chars().cycle().take(10_000).collect();
        let begun = std::time::Instant::now();
        assert_eq!(check(&text, &[&text]), Ok(()), "{part}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{part}: {:?}", begun.elapsed());
    }
}
