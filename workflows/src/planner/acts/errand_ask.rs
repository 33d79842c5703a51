//! Questions for what an errand leaves open; every answer fits the parameter it is for.

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};
use serde_json::{Map, Value, json};

use crate::plan::{AnswerType, Choose, Clarification, Conditional, OptionTemplate, Stage, StageKind};
use crate::planner::draft::{Draft, stage};
use crate::planner::entities::limit::{Limit, Per};
use crate::planner::entities::number;
use crate::planner::errand::Errand;
use crate::planner::phrase;
use crate::planner::want::Want;

/// A template that gives a stage's result.
pub(super) fn result_of(id: &str) -> String {
    format!("{{{{ {id} }}}}")
}

/// Asks before all acts; gives the answer as a template.
pub(super) fn ask(
    draft: &mut Draft<'_>,
    base: &str,
    question: &str,
    answer: AnswerType,
    suggestions: &[&str],
) -> String {
    let id = draft.id(base);
    draft.ask(&id, question, answer, suggestions.iter().map(|one| (*one).to_owned()).collect());
    result_of(&id)
}

/// A question that comes later than the first acts; its text is a template.
pub(super) fn question(id: &str, text: &str, answer: AnswerType, suggestions: Vec<String>) -> Stage {
    let kind = Clarification {
        question: text.to_owned(),
        answer,
        suggestions,
        optional: false,
        default: None,
        expires_in: None,
    };
    stage(id, None, StageKind::Clarification(kind))
}

/// Lets the person choose among the results of a search.
pub(super) fn choice(id: &str, question: &str, search: &str, description: &str) -> Stage {
    let choose = Choose {
        question: question.to_owned(),
        options: None,
        options_from: Some(format!("{search}.results")),
        option: Some(OptionTemplate {
            id: None,
            name: Some("{{ item.name }}".to_owned()),
            description: Some(description.to_owned()),
            value: None,
        }),
        min: None,
        max: None,
        expires_in: None,
    };
    stage(id, None, StageKind::Selection(choose))
}

/// Stages that run when a search found something.
pub(super) fn if_found(id: &str, search: &str, then: Vec<Stage>) -> Stage {
    let condition = format!("{search}.results | length > 0");
    let kind = StageKind::Conditional(Conditional { condition, then, otherwise: Vec::new() });
    stage(id, Some("If something was found".to_owned()), kind)
}

/// How many people, between 1 and the most that the other side takes.
pub(super) fn people(errand: &Errand, draft: &mut Draft<'_>, base: &str, most: u32) -> Value {
    match errand.people.filter(|people| (1..=most).contains(people)) {
        Some(people) => json!(people),
        None => ask_people(errand, draft, base, most),
    }
}

/// The same where it may stay open.
pub(super) fn people_if_said(errand: &Errand, draft: &mut Draft<'_>, base: &str, most: u32) -> Option<Value> {
    errand.people.map(|_| people(errand, draft, base, most))
}

fn ask_people(errand: &Errand, draft: &mut Draft<'_>, base: &str, most: u32) -> Value {
    let remark = match errand.people {
        Some(0) => "Nobody is too few. ".to_owned(),
        Some(_) => format!("I can ask for at most {most} people at once. "),
        None => String::new(),
    };
    let asked = format!("{remark}For how many people?");
    Value::from(ask(draft, &format!("{base}_people"), &asked, AnswerType::Number, &["2", "3", "4", "6"]))
}

/// Where to look.
pub(super) fn near(errand: &Errand, draft: &mut Draft<'_>, base: &str, what: &str) -> String {
    if let Some(near) = &errand.near {
        return phrase::literal(near);
    }
    let remark = if errand.here { "I do not know where you are. " } else { "" };
    let asked = format!("{remark}Near which place shall I look for “{what}”? A town, or a street and a town.");
    ask(draft, &format!("{base}_near"), &asked, AnswerType::Text, &[])
}

/// Where is looked, for titles: ` near Panjim`, ` within 2 km of Panjim`, nothing.
pub(super) fn around(errand: &Errand) -> String {
    match &errand.near {
        Some(near) if near.starts_with("within ") => format!(" {near}"),
        Some(near) => format!(" near {near}"),
        None => String::new(),
    }
}

/// The coming days as buttons.
fn day_suggestions(draft: &Draft<'_>) -> Vec<String> {
    let today = draft.moment.local().date();
    let ahead = |days: i64| today.checked_add_signed(TimeDelta::days(days));
    let saturday = (2..9).filter_map(ahead).find(|day| day.weekday() == Weekday::Sat);
    let days =
        [Some("today".to_owned()), Some("tomorrow".to_owned()), saturday.map(|day| day.format("%-d %B").to_string())];
    days.into_iter().flatten().collect()
}

pub(super) fn ask_day(draft: &mut Draft<'_>, base: &str, question: &str) -> String {
    let suggestions = day_suggestions(draft);
    let id = draft.id(base);
    draft.ask(&id, question, AnswerType::Date, suggestions);
    result_of(&id)
}

/// A day as parameters hold it.
pub(super) fn day(date: NaiveDate) -> String {
    date.format("%Y-%m-%d").to_string()
}

/// The day of a visit; asks when it is missing, past or several.
pub(super) fn visit_day(want: &Want, draft: &mut Draft<'_>, base: &str) -> String {
    let moment = draft.moment;
    let id = format!("{base}_day");
    let Some(when) = &want.when else { return ask_day(draft, &id, "On which day?") };
    let date = when.date(&moment);
    if when.is_past() || date < moment.local().date() {
        return ask_day(draft, &id, &format!("{} is in the past. On which day?", phrase::date(date)));
    }
    if when.day.is_some_and(|day| day.first.succ_opt() != Some(day.end)) {
        return ask_day(draft, &id, "On which day exactly?");
    }
    let over = when.instant.is_none()
        && when.time.is_some()
        && when.start(&moment).is_some_and(|start| start < moment.local());
    if over {
        return ask_day(draft, &id, "That time is already over today. On which day?");
    }
    day(date)
}

/// The time of a visit; asks when it is missing or vague.
pub(super) fn visit_time(want: &Want, draft: &mut Draft<'_>, base: &str) -> String {
    use crate::planner::entities::clock::Part;
    let moment = draft.moment;
    let when = want.when.as_ref();
    if let Some(start) =
        when.filter(|when| when.time.is_some() || when.instant.is_some()).and_then(|when| when.start(&moment))
    {
        return start.format("%H:%M").to_string();
    }
    let times: &[&str] = match when.and_then(|when| when.part) {
        Some(Part::Morning) => &["9:00", "10:00", "11:00"],
        Some(Part::Lunch) => &["12:00", "12:30", "13:00"],
        Some(Part::Afternoon) => &["14:00", "15:00", "16:00"],
        Some(Part::Evening | Part::Night) => &["18:00", "19:00", "20:00", "21:00"],
        None => &["12:30", "19:00", "20:00"],
    };
    ask(draft, &format!("{base}_time"), "At what time?", AnswerType::Time, times)
}

/// What the whole may cost, when a limit was said. One for each night or person is multiplied; asks
/// for the whole when that cannot be done.
pub(super) fn max_price(limit: &Limit, times: Option<u32>, draft: &mut Draft<'_>, base: &str) -> Value {
    let times = if limit.per == Per::All { Some(1) } else { times };
    let Some(times) = times else {
        let each = if limit.per == Per::Night { "a night" } else { "a person" };
        let asked =
            format!("You said at most {} {each}. What may it cost in all?", number::to_json(limit.money.amount));
        return Value::from(ask(draft, &format!("{base}_limit"), &asked, AnswerType::Money, &[]));
    };
    let currency = limit.money.currency.unwrap_or(&draft.person.settings.currency);
    json!({"amount": number::to_json(limit.money.amount * f64::from(times)), "currency": currency})
}

/// Adds a number of results that was asked for.
pub(super) fn insert_count(params: &mut Map<String, Value>, errand: &Errand) {
    /// Most that a search gives.
    const RESULTS_MAX: u32 = 30;
    if let Some(count) = errand.count.filter(|count| (1..=RESULTS_MAX).contains(count)) {
        params.insert("limit".to_owned(), json!(count));
    }
}
