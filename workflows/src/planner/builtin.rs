//! From a request to a proposal: clauses, shared values, order, stages.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::acts::ACTS;
use super::amend::{self, Amended};
use super::answer::local;
use super::clause;
use super::draft::Draft;
use super::entities::when::When;
use super::entities::{Moment, money, number};
use super::mentions::{self, Found};
use super::missing::{blocked, unavailable};
use super::tokens::tokenize;
use super::want::{Message, Tone, Want};
use super::{naming, phrase};
use crate::action::Catalog;
use crate::plan::{PLAN_VERSION, Plan, STAGES_MAX, Stage};
use crate::ports::{BUILTIN, Intent, PlanRequest, Planned, Planner, PlannerError, Proposal};

/// Longest request that is read; the rest is left out.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// How sure a plan of recognised acts is.
const CONFIDENCE: f64 = 0.9;
/// Longest plan title.
const TITLE_CHARS_MAX: usize = 100;

/// The planner that is always there: no network, no model, the same answer every time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Builtin;

#[async_trait]
impl Planner for Builtin {
    async fn plan(&self, request: PlanRequest<'_>) -> Result<Planned, PlannerError> {
        Ok(Planned { by: BUILTIN.to_owned(), proposal: propose(&request), notes: Vec::new() })
    }
}

/// The proposal for a request. Pure and total.
pub fn propose(request: &PlanRequest<'_>) -> Proposal {
    let moment = Moment::new(request.said_at, request.person.settings.timezone);
    let text = bounded(request.text);
    let Amended { text, title } = amend::amended(text, request.amendments, &moment, request.contacts);
    let tokens = tokenize(bounded(&text));
    if let Some(reply) = small_talk(&tokens, request.catalog) {
        return reply;
    }
    let clauses = clause::clauses(&text, &tokens, moment, request.contacts);
    let mut wants: Vec<Want> = clauses.iter().map(|clause| clause.act.read(clause)).collect();
    if wants.is_empty() {
        return unknown(&text, &moment, request);
    }
    share(&mut wants, &moment);
    if let Some(reply) = unavailable(&wants, request.catalog) {
        return reply;
    }
    let mut intent = intent(&wants, &moment);
    if let Some(text) = wants.iter().find_map(|want| want.act.reply(want)) {
        let rest = if wants.len() > 1 { " The rest was not done either: please ask for it alone." } else { "" };
        return Proposal::Reply { text: format!("{text}{rest}"), intent };
    }
    if let Some(money) = budget(&tokens, &request.person.settings.currency) {
        intent.entities.insert("budget".to_owned(), money);
    }
    let (order, linked) = ordered(wants);
    let mut draft = Draft::new(request.person, moment, request.contacts);
    draft.renamed = title;
    for want in &order {
        want.act.write(want, &mut draft);
        if !linked {
            draft.link = None;
        }
    }
    let kind = intent.kind.clone();
    let (stages, mut slots, titles) = draft.into_stages();
    if let Some(reply) = blocked(&stages, &order, request.catalog) {
        return reply;
    }
    if stage_count(&stages) > STAGES_MAX {
        let text = "That is more than I can plan at once; please ask for it in smaller parts.".to_owned();
        return Proposal::Reply { text, intent };
    }
    for (name, value) in &intent.entities {
        slots.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let title = phrase::shortened(&titles.join("; "), TITLE_CHARS_MAX);
    let plan = Plan { version: PLAN_VERSION, title, intent: kind, slots, stages };
    Proposal::Plan { plan: Box::new(plan), intent }
}

/// The first sum of money that words make clear to be one.
fn budget(tokens: &[super::tokens::Token<'_>], currency: &str) -> Option<Value> {
    let sum = (0..tokens.len()).find_map(|at| money::sum(tokens, at).filter(|(sum, _)| sum.marked))?.0;
    Some(json!({"amount": number::to_json(sum.amount), "currency": sum.currency.unwrap_or(currency)}))
}

fn stage_count(stages: &[Stage]) -> usize {
    let mut count = 0;
    for stage in stages {
        stage.walk(&mut |_| count += 1);
    }
    count
}

fn bounded(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Gives every act what another said: `it`, `them`, the time of the first act.
fn share(wants: &mut [Want], moment: &Moment) {
    for at in 0..wants.len() {
        if wants[at].same_people && wants[at].parties.is_empty() {
            let before = wants[..at].iter().rev().find(|other| !other.parties.is_empty());
            let after = wants[at + 1..].iter().find(|other| !other.parties.is_empty());
            if let Some(other) = before.or(after) {
                let parties = other.parties.clone();
                wants[at].parties = parties;
            }
        }
        if is_visit(&wants[at]) && wants[at].when.is_none() {
            wants[at].when = wants.iter().find_map(|other| other.when.clone().filter(When::has_time));
        }
        if wants[at].is("set_reminder") && wants[at].refers {
            remind_before(wants, at, moment);
            continue;
        }
        let points = wants[at].refers && is_timed(&wants[at]);
        if points || (is_timed(&wants[at]) && wants[at].when.is_none() && at > 0 && wants[at].title.is_none()) {
            borrow(wants, at);
        }
    }
}

/// `remind me an hour before`: before the act that has a time.
fn remind_before(wants: &mut [Want], at: usize, moment: &Moment) {
    let Some(length) = wants[at].length else { return };
    let timed = |other: &&Want| other.when.as_ref().is_some_and(When::has_time);
    let Some(other) = wants[..at].iter().rev().chain(&wants[at + 1..]).find(timed) else { return };
    let start = other.when.as_ref().filter(|when| !when.is_past()).and_then(|when| when.start(moment));
    let what = other.title.clone().or_else(|| other.message.as_ref().map(|message| message.said.clone()));
    let what = what.or_else(|| other.about.clone().filter(|_| is_visit(other)));
    let at_time = start.map(|start| format!(" at {}", phrase::clock(start.time()))).unwrap_or_default();
    let told = what.map(|what| format!("{what}{at_time}"));
    let told = told.map(|said| Message { tone: Tone::Statement, full: said.clone(), said });
    wants[at].when = start.map(|start| When { instant: Some(start - length), ..When::default() });
    wants[at].message = wants[at].message.take().or(told);
}

/// Whether it is for a day and a time at a venue.
fn is_visit(want: &Want) -> bool {
    want.is("book_restaurant") || want.is("request_reservation")
}

fn is_timed(want: &Want) -> bool {
    ["create_meeting", "schedule_call", "schedule_event", "send_invitation"].iter().any(|kind| want.is(kind))
}

fn borrow(wants: &mut [Want], at: usize) {
    let others = || wants[..at].iter().rev().chain(wants[at + 1..].iter()).filter(|other| !other.is("set_reminder"));
    let timed = others().find_map(|other| other.when.clone().filter(When::has_time));
    let when = timed.or_else(|| others().find_map(|other| other.when.clone()));
    let length = others().filter(|other| is_timed(other)).find_map(|other| other.length);
    let title = others().find_map(|other| {
        let told = other.message.as_ref().and_then(|message| naming::subject_of(&message.said));
        if is_timed(other) {
            other.title.clone().or(told)
        } else {
            told.or_else(|| other.about.as_deref().and_then(naming::title))
        }
    });
    let want = &mut wants[at];
    want.when = want.when.take().or(when);
    want.length = want.length.or(length);
    want.title = want.title.take().or(title);
    want.refers = true;
}

/// Puts a meeting before the acts that tell its link; says whether there is such a link.
fn ordered(wants: Vec<Want>) -> (Vec<Want>, bool) {
    let meets = wants.iter().any(|want| want.is("create_meeting"));
    let told = |want: &Want| ["send_email", "send_invitation", "schedule_event"].iter().any(|kind| want.is(kind));
    let linked = meets && wants.iter().any(|want| want.refers) && wants.iter().any(told);
    if !linked {
        return (wants, false);
    }
    let (mut first, mut rest): (Vec<_>, Vec<_>) = wants.into_iter().partition(|want| want.is("create_meeting"));
    for want in &mut rest {
        want.refers = want.refers || told(want);
    }
    first.append(&mut rest);
    (first, true)
}

fn intent(wants: &[Want], moment: &Moment) -> Intent {
    let mut entities = Map::new();
    let people: Vec<String> =
        wants.iter().flat_map(|want| naming::parties(&want.parties)).fold(Vec::new(), |mut all, name| {
            if !all.contains(&name) {
                all.push(name);
            }
            all
        });
    if !people.is_empty() {
        entities.insert("people".to_owned(), json!(people));
    }
    if let Some(when) = wants.iter().find_map(|want| want.when.as_ref()) {
        let at = when.start(moment).map_or_else(|| when.date(moment).format("%Y-%m-%d").to_string(), local);
        entities.insert("when".to_owned(), Value::from(at));
    }
    if let Some(place) = wants.iter().find_map(|want| want.place.as_ref()) {
        entities.insert("place".to_owned(), Value::from(place.as_str()));
    }
    if let Some(people) = wants.iter().find_map(|want| want.errand.as_ref()?.people) {
        entities.insert("party_size".to_owned(), json!(people));
    }
    if wants.len() > 1 {
        entities.insert("acts".to_owned(), json!(wants.iter().map(|want| want.act.kind()).collect::<Vec<_>>()));
    }
    let kind = wants.first().map_or("unknown", |want| want.act.kind()).to_owned();
    Intent { kind, confidence: Some(CONFIDENCE), entities }
}

pub(super) fn reply(kind: &str, text: String, entities: Map<String, Value>) -> Proposal {
    Proposal::Reply { text, intent: Intent { kind: kind.to_owned(), confidence: None, entities } }
}

/// What can be done here, one line each.
fn offers(catalog: &Catalog) -> String {
    let usable = ACTS.iter().filter(|act| catalog.available(act.action()).is_some());
    let lines: Vec<String> = usable.map(|act| format!("- {}", act.offer())).collect();
    if lines.is_empty() { "Nothing is set up yet.".to_owned() } else { format!("I can:\n{}", lines.join("\n")) }
}

fn small_talk(tokens: &[super::tokens::Token<'_>], catalog: &Catalog) -> Option<Proposal> {
    let words: Vec<&str> = tokens
        .iter()
        .filter(|token| token.kind == super::tokens::Kind::Word)
        .map(|token| token.lower.as_str())
        .collect();
    let plain = words.join(" ");
    let help = [
        "help",
        "what can you do",
        "what can i do",
        "how does this work",
        "commands",
        "what do you do",
        "help me",
        "start",
        "who are you",
    ];
    let greeting = [
        "hi",
        "hello",
        "hey",
        "good morning",
        "good evening",
        "good afternoon",
        "hello there",
        "hi there",
        "hey there",
        "greetings",
    ];
    let thanks = ["thanks", "thank you", "thx", "thank you very much", "many thanks", "thanks a lot", "cheers"];
    if help.contains(&plain.as_str()) {
        return Some(reply("help", offers(catalog), Map::new()));
    }
    if greeting.contains(&plain.as_str()) {
        return Some(reply(
            "greeting",
            format!("Hello! Tell me in your own words what to do.\n\n{}", offers(catalog)),
            Map::new(),
        ));
    }
    thanks.contains(&plain.as_str()).then(|| reply("thanks", "You are welcome.".to_owned(), Map::new()))
}

/// What was not understood is said, with what was.
fn unknown(text: &str, moment: &Moment, request: &PlanRequest<'_>) -> Proposal {
    let tokens = tokenize(text);
    let mut understood = Vec::new();
    let mut entities = Map::new();
    for mention in mentions::mentions(&tokens, 0, moment, request.contacts) {
        match mention.found {
            Found::When(when) => {
                if let Some(full) = phrase::full(&when, moment) {
                    entities.entry("when").or_insert_with(|| Value::from(full.as_str()));
                    understood.push(full);
                }
            }
            Found::Party(party) => {
                let names = naming::parties(&[party]);
                entities.entry("people").or_insert_with(|| json!(names));
                understood.extend(names);
            }
            Found::Place(place) => {
                entities.entry("place").or_insert_with(|| Value::from(place.as_str()));
                understood.push(place);
            }
            Found::Length(length) => understood.push(format!("{} minutes", length.num_minutes())),
            Found::Repeat(_) | Found::Phone(_) | Found::Provider(_) => {}
        }
    }
    understood.dedup();
    let found =
        if understood.is_empty() { String::new() } else { format!(" I did understand: {}.", understood.join("; ")) };
    let said = format!("I am sorry, I did not understand what to do.{found}\n\n{}", offers(request.catalog));
    reply("unknown", said, entities)
}
