//! Reviewed snapshots of whole plans.

use std::fmt::Write;

use super::*;

/// The stages of a plan, one line each, or the reply.
fn shown(text: &str, amendments: &[&str]) -> String {
    let mut out = format!("> {text}\n");
    for amendment in amendments {
        let _ = writeln!(out, "  + {amendment}");
    }
    match plan_of(text, amendments) {
        Proposal::Reply { text, intent } | Proposal::Question { text, intent, .. } => {
            let _ = writeln!(out, "reply {}: {text}", intent.kind);
        }
        Proposal::Plan { plan, intent } => {
            assert_eq!(plan.validate(&catalog_without("")), [], "{text}");
            let slots = Value::Object(plan.slots.clone());
            let _ = writeln!(out, "{} “{}” {slots}", intent.kind, plan.title);
            for stage in &plan.stages {
                let _ = writeln!(out, "{}", serde_json::to_string_pretty(stage).expect("a stage is JSON"));
            }
        }
    }
    out
}

pub(super) fn shown_all(texts: &[&str]) -> String {
    texts.iter().map(|text| shown(text, &[])).collect::<Vec<_>>().join("\n")
}

#[test]
fn mails() {
    insta::assert_snapshot!(shown_all(&[
        "Email Bob and Carol that the review moved to Friday 3pm and set up a video meeting for it",
        "email the team that the office is closed on Monday, then remind me on Sunday evening to check the heating",
        "email bob@example.org: hello there",
        "Please email Bob: {{ 7*7 }} and {% raw %} stay as they are",
        "tell Carol to bring the documents tomorrow at 9",
        "ask Bob whether he can come on 28.11.",
        "email my wife that I'll be late",
        "email Sam that lunch is ready",
        "email Zoe that the party starts at 8pm tomorrow",
        "email Gus and Bob that it works",
        "write to Bob about the budget",
        "email my friends separately that we meet at noon on Saturday",
        "email some of my friends that we meet at noon on Saturday",
        "email Bob",
        "Create a video meeting tomorrow at 10 and email the link to Bob",
        "send Bob an email saying \"See you soon\"",
        "let the team know that the server is back; invite them to a retrospective on Monday at 2pm",
    ]));
}

#[test]
fn calendar() {
    insta::assert_snapshot!(shown_all(&[
        "Invite Bob and Carol to a review on Friday at 3pm for an hour",
        "invite my friends to dinner at Luigi's on Saturday at 8pm",
        "schedule lunch with Bob on Tuesday at 1pm",
        "schedule a dentist appointment tomorrow from 3 to 5",
        "lunch with Zoe on Tuesday at 1pm",
        "add \"Team offsite\" to my calendar on 3 December at 10:00 for 2 hours",
        "schedule yoga every Monday at 7pm",
        "schedule a review",
        "schedule a review on Tuesday",
        "schedule a review on 2026-01-05 at 10:00",
        "am I free on Friday afternoon?",
        "am I free tomorrow between 9 and 12?",
        "do I have time next week for 45 minutes?",
        "what's on tomorrow?",
        "show my calendar",
        "cancel my dentist appointment",
        "block Friday morning",
        "schedule a sync on Monday at 3pm EST",
        "schedule a review last Friday at 3pm",
        "am I free after 2pm tomorrow?",
        "what's on in March?",
    ]));
}

#[test]
fn other_acts() {
    insta::assert_snapshot!(shown_all(&[
        "call with Carol tomorrow at 10",
        "schedule a video call with Bob on Monday at half past 3 for 45 minutes",
        "set up a video meeting",
        "create a Google Meet link for the review tomorrow at 10",
        "call with Carol tomorrow at 10 on Google Meet",
        "set up a video meeting with Bob tomorrow at 4pm via Jitsi",
        "remind me tomorrow at 9 to call the bank",
        "remind me in 2 hours to buy milk and call mum",
        "remind me to water the plants every day at 8am",
        "remind me",
        "tell me at 5pm to leave",
        "notify me that the backup is done",
        "add contact Dana dana@x.org",
        "add my boss Frank Miller, frank@example.com, +49 30 1234567 to my contacts",
        "what is Bob's number?",
        "hello",
        "help",
        "make me a sandwich with Bob tomorrow at 5pm",
    ]));
}

#[test]
fn contacts_in_words() {
    insta::assert_snapshot!(shown_all(&[
        "add my wife Priya, priya@example.org, to the family group",
        "add Bob and Zoe to the family group",
        "put my wife into the friends and book club groups",
        "add Sam to the team group",
        "add Dana dana@x.org and dana@work.org to my contacts",
        "save Eve's number +49 30 1234567",
        "remember that my brother is Tom Hill, tom@hill.org",
        "add Frank frank@x.org as my plumber to my contacts and email Bob that Frank comes at 5pm",
        "add Bob to the invitation",
    ]));
}

#[test]
fn people_by_what_they_are_and_by_several_addresses() {
    insta::assert_snapshot!(shown_all(&[
        "email wife that I am late",
        "call with my mum tomorrow at 10",
        "send the link to Dora",
        "email Dora and Bob that it works",
        "email my spouse that I am late",
        "email the family that dinner is at 8pm",
        "remind me tomorrow at 9 to call the doctor about my wife",
    ]));
}

#[test]
fn everyday_words() {
    insta::assert_snapshot!(shown_all(&[
        "Can you please let Bob know I'm running 10 minutes late?",
        "Set up a meeting with Bob and Carol next Tuesday from 2 to 3:30pm at the office",
        "Book a table for 4 at Luigi's",
        "schedule a call with Bob and Zoe on 1 December at 14:30 about the contract",
        "what do I have on Monday?",
        "Am I free from Monday to Wednesday?",
        "Invite the team to the kick-off tomorrow at 10am for 90 minutes in Goa, and remind me an hour before",
        "send an email to dana@x.org and bob about \"Launch\" saying that we launch on Friday",
        "tell everyone that the door is open",
        "Email Bob. The meeting is cancelled.",
        "Email Bob that the report is ready. Then schedule a review on Monday at 11 and invite him",
        "delete the meeting on Friday",
        "remind me every Monday at 9am to send the report",
        "remind me to pay the rent on the 1st at noon",
        "at 5pm remind me to leave",
        "tomorrow at 9 remind me to call Bob",
        "I want to invite Eve to lunch",
        "who is Carol?",
        "Schreib Bob eine Mail",
        "call Bob tomorrow",
        "cancel the review on Friday at 3pm and tell Bob that it is off",
        "Plan a surprise birthday party for my wife next Saturday in Goa, invite our friends, budget around 50k",
        "can you invite Bob?",
        "Email Bob that the review moved to next Tuesday at 10am, create a video meeting for it and remind me 30 minutes before",
    ]));
}

#[test]
fn amendments() {
    let review = "Email Bob and Carol that the review moved to Friday 3pm and set up a video meeting for it";
    let table: [(&str, &[&str]); 10] = [
        (review, &["make it Sunday"]),
        (review, &["change the time to 4pm"]),
        (review, &["make it Sunday", "no, 5pm"]),
        (review, &["add Eve Adams"]),
        (review, &["to Sam Green instead"]),
        (review, &["call it Budget review"]),
        ("Invite Bob to a review on Friday at 3pm", &["for 45 minutes", "add Carol"]),
        ("Invite Bob and Carol to a review on Friday at 3pm", &["without Bob"]),
        ("schedule lunch with Bob", &["Tuesday at 1pm"]),
        ("remind me tomorrow at 9 to call the bank", &["actually at 10:30", "also email Bob that I am late"]),
    ];
    let all: Vec<String> = table.iter().map(|(text, amendments)| shown(text, amendments)).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn later_words_are_read_by_the_day_they_were_said_on() {
    let tuesday = now() + chrono::TimeDelta::days(4);
    let at = |request: &str, later: &str, said_at| {
        let (person, contacts, catalog) = (person(), contacts(), catalog_without(""));
        let amendments = [Amendment { text: later.to_owned(), said_at: Some(said_at) }];
        let request = PlanRequest::new(request, &person, &contacts, now(), &catalog);
        let proposal = propose(&PlanRequest { amendments: &amendments, now: said_at, ..request });
        let Proposal::Plan { plan, .. } = proposal else { panic!("a plan, not {proposal:?}") };
        serde_json::to_string(&plan).expect("a plan is JSON")
    };
    let remind = "remind me on Monday at 9 to call the bank";
    for (later, said_at, wanted) in [
        ("make it tomorrow", now(), "2026-11-28T09:00"),
        ("make it tomorrow", tuesday, "2026-12-02T09:00"),
        ("make it Sunday", now(), "2026-11-29T09:00"),
        ("make it Sunday", tuesday, "2026-12-06T09:00"),
        ("make it tomorrow at 10", tuesday, "2026-12-02T10:00"),
        ("make it in 2 hours", tuesday, "2026-12-01T15:30"),
        ("at 10", tuesday, "2026-11-30T10:00"),
    ] {
        let plan = at(remind, later, said_at);
        assert!(plan.contains(wanted), "{later}: {wanted} is not in {plan}");
    }
    let free = "am I free today?";
    for (later, said_at, from, to) in [
        ("make it next week", now(), "2026-11-30T00:00", "2026-12-07T00:00"),
        ("make it next week", tuesday, "2026-12-07T00:00", "2026-12-14T00:00"),
        ("make it this weekend", tuesday, "2026-12-05T00:00", "2026-12-07T00:00"),
        ("make it tonight", tuesday, "2026-12-01T18:00", "2026-12-02T00:00"),
    ] {
        let plan = at(free, later, said_at);
        assert!(plan.contains(from) && plan.contains(to), "{later}: {from} to {to} is not in {plan}");
    }
    assert!(at(remind, "call it Tomorrow", tuesday).contains("Tomorrow"), "a title stays as it is");
}

#[test]
fn the_meeting_comes_first_and_its_link_goes_into_the_mail() {
    let text = "Email Bob and Carol that the review moved to Friday 3pm and set up a video meeting for it";
    let Proposal::Plan { plan, .. } = plan_of(text, &[]) else { panic!("a plan") };
    let stages = serde_json::to_value(&plan.stages).expect("stages are JSON");
    assert_eq!(stages[0]["action"], "meeting.create_meeting");
    assert_eq!(stages[0]["params"], json!({"title": "Review", "starts_at": "2026-12-04T15:00"}));
    assert_eq!(stages[1]["params"]["to"], json!(["bob@example.org", "carol@example.org"]));
    assert_eq!(stages[1]["params"]["subject"], "The review moved to Friday 3pm");
    let body = stages[1]["params"]["body"].as_str().expect("a text");
    assert!(body.contains("The review moved to Friday, 4 December 2026 at 3:00 pm (Europe/Berlin)."), "{body}");
    assert!(body.contains("\n{{ meeting.url }}"), "{body}");
    assert_eq!(plan.stages.len(), 2);
}

#[test]
fn what_is_not_configured_is_said() {
    let (person, contacts, catalog) = (person(), contacts(), catalog_without("email.send_email"));
    let request = PlanRequest::new("email Bob that I'm late", &person, &contacts, now(), &catalog);
    let Proposal::Reply { text, intent } = propose(&request) else { panic!("a reply") };
    assert!(text.contains("SMTP_URL"), "{text}");
    assert_eq!(intent.kind, "unavailable");
}

#[test]
fn that_guests_cannot_be_invited_is_said_only_where_there_are_guests() {
    let (person, contacts) = (person(), contacts());
    let why = "nobody can be invited: mail is not configured: set SMTP_URL";
    let mut event = catalog_without("").get("calendar.schedule_event").expect("it").clone();
    event.parameters["properties"]["attendees"] = json!({"type": "array", "maxItems": 0, "description": why});
    let catalog = Catalog::new(vec![event]);
    let asked = |text: &str| propose(&PlanRequest::new(text, &person, &contacts, now(), &catalog));
    let Proposal::Reply { text, intent } = asked("put lunch with Bob into my calendar tomorrow at 1pm") else {
        panic!("a reply")
    };
    assert!(text.contains("SMTP_URL"), "{text}");
    assert_eq!(intent.kind, "unavailable");
    let Proposal::Plan { plan, .. } = asked("put lunch into my calendar tomorrow at 1pm") else { panic!("a plan") };
    assert_eq!(plan.validate(&catalog), []);
}

#[test]
fn a_provider_that_is_not_configured_is_said() {
    let (person, contacts) = (person(), contacts());
    let why = "google_meet is not configured: set GOOGLE_CLIENT_ID";
    let mut meeting = catalog_without("").get("meeting.create_meeting").expect("it").clone();
    meeting.parameters["properties"]["provider"] = json!({"enum": ["jitsi"], "description": why});
    let catalog = Catalog::new(vec![meeting]);
    let asked = |text: &str| {
        let request = PlanRequest::new(text, &person, &contacts, now(), &catalog);
        propose(&request)
    };
    let Proposal::Reply { text, .. } = asked("create a Google Meet link for the review") else { panic!("a reply") };
    assert!(text.contains(why), "{text}");
    assert!(matches!(asked("create a Jitsi link for the review"), Proposal::Plan { .. }));
    // A plan that asks for it all the same is told why by validation.
    let plan = json!({"version": 1, "title": "Meet", "stages": [{"id": "m", "type": "execution",
        "action": "meeting.create_meeting", "params": {"title": "Review", "provider": "google_meet"}}]});
    let faults = crate::plan::Plan::read(&plan, &catalog).expect_err("a fault");
    assert_eq!(faults[0].loc, [json!("stages"), json!(0), json!("params"), json!("provider")]);
    assert!(faults[0].msg.contains(why), "{}", faults[0].msg);
}

#[test]
fn ids_stay_when_a_request_is_changed() {
    let text = "Email Bob that the review is on Friday 3pm and set up a video meeting for it";
    let ids = |amendments: &[&str]| match plan_of(text, amendments) {
        Proposal::Plan { plan, .. } => plan.all().iter().map(|stage| stage.id.to_string()).collect::<Vec<_>>(),
        Proposal::Reply { text, .. } | Proposal::Question { text, .. } => panic!("{text}"),
    };
    assert_eq!(ids(&[]), ["meeting", "mail"]);
    for amendment in ["make it Sunday", "add Carol", "call it X", "to Carol instead", "4pm", "for 45 minutes"] {
        assert_eq!(ids(&[amendment]), ids(&[]), "{amendment}");
    }
}
