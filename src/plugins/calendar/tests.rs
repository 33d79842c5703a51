//! Keeping an event and telling its attendees, when the one or the other fails.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use workflows::ids::{ConversationId, EffectId, PersonId, TaskId};
use workflows::person::{Channel, Identity, Person, Role, Settings};
use workflows::ports::{ActionCall, ActionError, ActionErrorKind, LookUp, StoreError};

use super::builtin::Builtin;
use super::port::{BookError, CalendarBook as _};
use super::reminder::{self, Reminders};
use super::whose::Calendars;
use super::{Calendar, CalendarPlugin};
use crate::plugins::Plugin;
use crate::plugins::email::{MailConfig, Mailer};
use crate::store::calendar::{CalendarEvent, Expected, Version, Written};
use crate::store::{CalendarStore, PeopleStore};

/// A calendar in memory that fails when a mail has gone out, if it is told to.
#[derive(Default)]
struct Kept {
    events: Mutex<BTreeMap<String, CalendarEvent>>,
    mails: Arc<AtomicUsize>,
    letters: Arc<Mutex<Vec<String>>>,
    fails_after_mail: AtomicBool,
}

impl Kept {
    fn check(&self) -> Result<(), StoreError> {
        let fails = self.fails_after_mail.load(Ordering::SeqCst) && self.mails.load(Ordering::SeqCst) > 0;
        if fails { Err(StoreError::Busy) } else { Ok(()) }
    }

    fn compared(&self, uid: &str, expected: &Expected) -> Written {
        match (self.events.lock().expect("no panic").get(uid), expected) {
            (None, Expected::Absent) => Written::Done,
            (Some(event), Expected::Version(version)) if event.version() == *version => Written::Done,
            (None, Expected::Version(_)) => Written::Absent,
            (Some(_), _) => Written::Differs,
        }
    }

    fn titles(&self) -> Vec<String> {
        self.events.lock().expect("no panic").values().map(|event| event.title.clone()).collect()
    }
}

#[async_trait]
impl CalendarStore for Kept {
    async fn put_event(
        &self,
        _: &PersonId,
        event: &CalendarEvent,
        _: DateTime<Utc>,
        expected: &Expected,
    ) -> Result<Written, StoreError> {
        self.check()?;
        let written = self.compared(&event.uid, expected);
        if written == Written::Done {
            self.events.lock().expect("no panic").insert(event.uid.clone(), event.clone());
        }
        Ok(written)
    }
    async fn event(&self, _: &PersonId, uid: &str) -> Result<Option<CalendarEvent>, StoreError> {
        Ok(self.events.lock().expect("no panic").get(uid).cloned())
    }
    async fn events(&self, _: &PersonId, _: DateTime<Utc>, _: DateTime<Utc>) -> Result<Vec<CalendarEvent>, StoreError> {
        Ok(self.events.lock().expect("no panic").values().cloned().collect())
    }
    async fn delete_event(&self, _: &PersonId, uid: &str, version: &Version) -> Result<Written, StoreError> {
        self.check()?;
        let written = self.compared(uid, &Expected::Version(version.clone()));
        if written == Written::Done {
            self.events.lock().expect("no panic").remove(uid);
        }
        Ok(written)
    }
}

/// Nobody has a mail address of their own.
struct Nobody;

#[async_trait]
impl PeopleStore for Nobody {
    async fn create_person(&self, _: &Person, _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }
    async fn persons(&self) -> Result<Vec<Person>, StoreError> {
        Ok(Vec::new())
    }
    async fn person_by_identity(&self, _: Channel, _: &str) -> Result<Option<Person>, StoreError> {
        Ok(None)
    }
    async fn link_identity(&self, _: &PersonId, _: &Identity, _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }
    async fn identities(&self, _: &PersonId) -> Result<Vec<Identity>, StoreError> {
        Ok(Vec::new())
    }
    async fn save_settings(&self, _: &PersonId, _: &Settings) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Reminders written down as they are asked for.
#[derive(Default)]
struct Reminded(Mutex<Vec<(DateTime<Utc>, Option<String>)>>);

#[async_trait]
impl Reminders for Reminded {
    async fn remind(
        &self,
        call: &ActionCall,
        _text: &str,
        at: DateTime<Utc>,
        repeat: Option<&str>,
    ) -> Result<String, ActionError> {
        self.0.lock().expect("no panic").push((at, repeat.map(str::to_owned)));
        Ok(reminder::uid(call))
    }
    async fn cancel(&self, _: &ActionCall, _: &str) -> Result<(), ActionError> {
        Ok(())
    }
}

/// A mail server that answers RCPT with `reply` and counts the mails it takes.
async fn mail_server(reply: &'static str, mails: Arc<AtomicUsize>, letters: Arc<Mutex<Vec<String>>>) -> MailConfig {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut talk = BufReader::new(stream);
            talk.write_all(b"220 test\r\n").await.expect("a greeting");
            let (mut line, mut in_data) = (String::new(), false);
            while talk.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                let verb = line.get(..4).unwrap_or_default().to_uppercase();
                letters.lock().expect("no panic").push(line.trim_end().to_owned());
                let answer = match (in_data, line.trim_end(), verb.as_str()) {
                    (true, ".", _) => {
                        in_data = false;
                        mails.fetch_add(1, Ordering::SeqCst);
                        "250 taken"
                    }
                    (true, _, _) => "",
                    (false, _, "RCPT") => reply,
                    (false, _, "DATA") => {
                        in_data = true;
                        "354 go on"
                    }
                    (false, _, _) => "250 ok",
                };
                line.clear();
                if !answer.is_empty() && talk.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    MailConfig {
        url: format!("smtp://127.0.0.1:{port}").parse().expect("a url"),
        email: "bot@test.local".parse().expect("an address"),
        password: None,
        ca_pem: None,
        insecure_loopback: true,
    }
}

struct Bench {
    kept: Arc<Kept>,
    written: Arc<Reminded>,
    plugin: CalendarPlugin,
}

async fn bench(reply: &'static str) -> Bench {
    let (kept, written) = (Arc::new(Kept::default()), Arc::new(Reminded::default()));
    let config = mail_server(reply, Arc::clone(&kept.mails), Arc::clone(&kept.letters)).await;
    let mailer = Arc::new(Mailer::new(Some(config), Arc::new(Nobody)));
    let book = Arc::new(Builtin(Arc::clone(&kept) as _));
    let calendar =
        Calendar { book, reminders: Arc::clone(&written) as _, mailer, started: super::look::Started::default() };
    Bench { kept, written, plugin: CalendarPlugin::new(Arc::new(calendar), None) }
}

fn call(id: &str, action: &str, args: &Value) -> ActionCall {
    let settings = Settings {
        timezone: chrono_tz::UTC,
        currency: "EUR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: Channel::Web,
    };
    ActionCall {
        effect_id: EffectId::from(id),
        task_id: TaskId::from("t"),
        conversation_id: ConversationId("web:a".to_owned()),
        person: Person { id: PersonId::from("ann"), name: "Ann".to_owned(), role: Role::Owner, settings },
        action: action.to_owned(),
        args: args.as_object().cloned().expect("an object"),
        now: "2026-11-27T12:00:00Z".parse().expect("a time"),
    }
}

fn party(with: &[&str]) -> ActionCall {
    let args = json!({"title": "Party", "starts_at": "2026-12-01T19:00", "attendees": with});
    call("e1", "calendar.schedule_event", &args)
}

#[tokio::test]
async fn an_event_whose_invitations_were_refused_is_not_left_in_the_calendar() {
    let bench = bench("550 no such user").await;
    let error = bench.plugin.run(party(&["bob@test.local"])).await.expect_err("nobody was told");
    assert_eq!(error.kind, ActionErrorKind::Fail, "{error}");
    assert_eq!(bench.kept.titles(), Vec::<String>::new(), "certainly not done means not done");
}

#[tokio::test]
async fn a_change_whose_mails_were_refused_leaves_the_event_as_it_was() {
    let bench = bench("550 no such user").await;
    bench.plugin.run(party(&[])).await.expect("an event without attendees");
    let args = json!({"uid": "e1@test.local", "title": "Wake", "attendees": ["bob@test.local"]});
    bench.plugin.run(call("e2", "calendar.update_event", &args)).await.expect_err("nobody was told");
    assert_eq!(bench.kept.titles(), ["Party"]);
}

#[tokio::test]
async fn a_store_that_fails_after_the_invitations_does_not_send_them_again() {
    let bench = bench("250 ok").await;
    bench.kept.fails_after_mail.store(true, Ordering::SeqCst);
    let told = bench.plugin.run(party(&["bob@test.local"])).await;
    assert!(told.is_ok(), "the event is kept and everybody is told: {told:?}");
    assert_eq!(bench.kept.mails.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_cancellation_that_was_told_but_not_kept_is_unknown_and_not_retried() {
    let bench = bench("250 ok").await;
    bench.plugin.run(party(&["bob@test.local"])).await.expect("an event");
    bench.kept.fails_after_mail.store(true, Ordering::SeqCst);
    let cancel = call("e2", "calendar.cancel_event", &json!({"uid": "e1@test.local"}));
    let error = bench.plugin.run(cancel).await.expect_err("it is still there");
    assert_eq!(error.kind, ActionErrorKind::Unknown, "{error}");
}

#[tokio::test]
async fn taking_a_change_back_takes_back_what_it_added() {
    let bench = bench("250 ok").await;
    bench.plugin.run(party(&[])).await.expect("an event");
    let shape = |event: &CalendarEvent| (event.location.clone(), event.description.clone(), event.repeat.clone());
    let shapes = || bench.kept.events.lock().expect("no panic").values().map(shape).collect::<Vec<_>>();
    let before = shapes();
    let args = json!({"uid": "e1@test.local", "location": "Goa", "description": "Bring cake", "repeat": "FREQ=DAILY"});
    let changed = bench.plugin.run(call("e2", "calendar.update_event", &args)).await.expect("a change");
    assert_ne!(shapes(), before);
    let undo = changed.undo.expect("it can be taken back");
    let undo = call("e3", &undo.action, &Value::Object(undo.args));
    let spec = bench.plugin.specs().into_iter().find(|spec| spec.name == undo.action).expect("a known action");
    assert_eq!(workflows::plan::validate::parameter_faults(&spec, &undo.args), Vec::new());
    bench.plugin.run(undo).await.expect("taken back");
    assert_eq!(shapes(), before);
}

impl Bench {
    /// What was mailed: each calendar method with whom it went to.
    fn mailed(&self) -> Vec<String> {
        let mut lines = self.kept.letters.lock().expect("no panic");
        let mut all = Vec::new();
        let mut to = String::new();
        for line in lines.drain(..) {
            if let Some(address) = line.strip_prefix("RCPT TO:") {
                to.push_str(address);
            } else if line.starts_with("Content-Type: text/calendar") {
                let method = if line.contains("CANCEL") { "CANCEL" } else { "REQUEST" };
                all.push(format!("{method} {}", std::mem::take(&mut to)));
            }
        }
        all
    }

    fn only(&self) -> CalendarEvent {
        let events = self.kept.events.lock().expect("no panic");
        let all: Vec<_> = events.values().cloned().collect();
        assert_eq!(all.len(), 1);
        all[0].clone()
    }
}

#[tokio::test]
async fn who_is_taken_off_an_event_is_told_and_an_undo_asks_them_again() {
    let bench = bench("250 ok").await;
    bench.plugin.run(party(&["bob@test.local", "carol@test.local"])).await.expect("an event");
    assert_eq!(bench.mailed(), ["REQUEST <bob@test.local><carol@test.local>"]);
    let args = json!({"uid": "e1@test.local", "attendees": ["CAROL@test.local", "dave@test.local"]});
    let changed = bench.plugin.run(call("e2", "calendar.update_event", &args)).await.expect("a change");
    assert_eq!(bench.mailed(), ["REQUEST <CAROL@test.local><dave@test.local>", "CANCEL <bob@test.local>"]);
    assert_eq!(changed.result["uninvited"], json!({"told": ["bob@test.local"], "error": null}));
    assert!(bench.only().told);
    let undo = changed.undo.expect("it can be taken back");
    bench.plugin.run(call("e3", &undo.action, &Value::Object(undo.args))).await.expect("taken back");
    assert_eq!(bench.mailed(), ["REQUEST <bob@test.local><carol@test.local>", "CANCEL <dave@test.local>"]);
    assert_eq!(bench.only().attendees, ["bob@test.local", "carol@test.local"]);
    let alone = json!({"uid": "e1@test.local", "attendees": []});
    bench.plugin.run(call("e4", "calendar.update_event", &alone)).await.expect("a change");
    assert_eq!(bench.mailed(), ["CANCEL <bob@test.local><carol@test.local>"]);
}

#[tokio::test]
async fn a_cancelled_event_can_be_put_in_again() {
    let bench = bench("250 ok").await;
    let args = json!({"title": "Party", "starts_at": "2026-12-01T19:00", "repeat": "FREQ=WEEKLY", "location": "Goa"});
    bench.plugin.run(call("e1", "calendar.schedule_event", &args)).await.expect("an event");
    let before = bench.only();
    let cancel = call("e2", "calendar.cancel_event", &json!({"uid": "e1@test.local"}));
    let undo = bench.plugin.run(cancel).await.expect("cancelled").undo.expect("it can be taken back");
    assert!(bench.kept.titles().is_empty());
    let undo = call("e3", &undo.action, &Value::Object(undo.args));
    let spec = bench.plugin.specs().into_iter().find(|spec| spec.name == undo.action).expect("a known action");
    assert_eq!(workflows::plan::validate::parameter_faults(&spec, &undo.args), Vec::new());
    bench.plugin.run(undo).await.expect("put in again");
    assert!(bench.only().says_the_same(&CalendarEvent { uid: "e3@test.local".to_owned(), ..before }));
}

#[tokio::test]
async fn a_change_that_was_made_meanwhile_is_not_written_over() {
    let bench = bench("250 ok").await;
    bench.plugin.run(party(&[])).await.expect("an event");
    let book = Builtin(Arc::clone(&bench.kept) as _);
    let ann = party(&[]).person;
    let read = book.event(&ann, "e1@test.local").await.expect("a look").expect("there");
    let theirs = CalendarEvent { title: "Theirs".to_owned(), ..read.event.clone() };
    let now = theirs.starts_at;
    book.change(&ann, &theirs, &read.version, now).await.expect("the first is written");
    let mine = CalendarEvent { title: "Mine".to_owned(), ..read.event.clone() };
    assert_eq!(book.change(&ann, &mine, &read.version, now).await, Err(BookError::Changed));
    assert_eq!(book.remove(&ann, &mine.uid, &read.version).await, Err(BookError::Changed));
    assert_eq!(book.add(&ann, &mine, now).await, Err(BookError::Exists));
    assert_eq!(bench.kept.titles(), ["Theirs"]);
}

#[tokio::test]
async fn whether_a_change_was_made_is_told_from_the_event() {
    let bench = bench("250 ok").await;
    bench.plugin.run(party(&[])).await.expect("an event");
    let change = call("e2", "calendar.update_event", &json!({"uid": "e1@test.local", "title": "Wake"}));
    let before = bench.plugin.look_up(change.clone()).await;
    assert!(matches!(before, LookUp::CannotTell(_)), "it is not known what it would start from: {before:?}");
    bench.plugin.run(change.clone()).await.expect("a change");
    assert!(matches!(bench.plugin.look_up(change.clone()).await, LookUp::Done(_)));
    let other = call("e3", "calendar.update_event", &json!({"uid": "e1@test.local", "location": "Goa"}));
    bench.plugin.run(other).await.expect("another change");
    assert!(matches!(bench.plugin.look_up(change).await, LookUp::CannotTell(_)));
}

#[tokio::test]
async fn an_act_that_came_through_after_all_is_not_done_twice() {
    let bench = bench("250 ok").await;
    for _ in 0..2 {
        let done = bench.plugin.run(party(&["bob@test.local"])).await.expect("an event");
        assert_eq!(done.result["uid"], "e1@test.local");
    }
    assert_eq!(bench.mailed().len(), 1, "told once");
    assert_eq!(bench.kept.titles(), ["Party"]);
}

#[tokio::test]
async fn only_the_owner_has_the_owners_calendar() {
    let (store, account) = (Arc::new(Kept::default()), Arc::new(Kept::default()));
    let builtin = || Arc::new(Builtin(Arc::clone(&store) as _));
    let calendars = Calendars::new(builtin(), Some(Arc::new(Builtin(Arc::clone(&account) as _))));
    let owner = party(&[]).person;
    let member = Person { role: Role::Member, ..owner.clone() };
    let event = |uid: &str| CalendarEvent {
        uid: uid.to_owned(),
        title: uid.to_owned(),
        starts_at: party(&[]).now,
        ends_at: party(&[]).now + chrono::Duration::hours(1),
        timezone: chrono_tz::UTC,
        location: None,
        description: None,
        attendees: Vec::new(),
        repeat: None,
        told: true,
        sequence: 0,
        act: None,
    };
    let now = party(&[]).now;
    builtin().add(&owner, &event("from before"), now).await.expect("added");
    calendars.add(&member, &event("a member's"), now).await.expect("added");
    let version = calendars.add(&owner, &event("the owner's"), now).await.expect("added");
    assert_eq!(
        (store.titles(), account.titles()),
        (vec!["a member's".to_owned(), "from before".to_owned()], vec!["the owner's".to_owned()])
    );
    let shown = |person: &Person| {
        let (person, calendars) = (person.clone(), &calendars);
        async move {
            let found = calendars.occurrences(&person, now, now + chrono::Duration::hours(9)).await.expect("a look");
            found.into_iter().map(|event| event.title).collect::<Vec<_>>()
        }
    };
    assert!(
        shown(&owner).await.contains(&"the owner's".to_owned())
            && shown(&owner).await.contains(&"from before".to_owned())
    );
    assert!(!shown(&member).await.contains(&"the owner's".to_owned()));
    assert_eq!(calendars.event(&member, "the owner's").await, Ok(None));
    assert_eq!(calendars.remove(&member, "the owner's", &version).await, Err(BookError::Gone));
    let old = calendars.event(&owner, "from before").await.expect("a look").expect("there");
    let renamed = CalendarEvent { title: "renamed".to_owned(), ..old.event };
    calendars.change(&owner, &renamed, &old.version, now).await.expect("changed where it is");
    assert!(store.titles().contains(&"renamed".to_owned()) && account.titles() == ["the owner's"]);
}

/// Follows a reminder from repetition to repetition; the days it tells on.
async fn told(rule: &str, at: &str) -> Vec<String> {
    const ROUNDS: usize = 9;
    let bench = bench("250 ok").await;
    let mut days: Vec<String> = Vec::new();
    let mut args = json!({"text": "Tea", "at": at, "repeat": rule});
    let mut now = None;
    for round in 0..ROUNDS {
        let mut call = call(&format!("r{round}"), "calendar.set_reminder", &args);
        call.now = now.unwrap_or(call.now);
        bench.plugin.run(call.clone()).await.expect("a reminder");
        let (at, repeat) = bench.written.0.lock().expect("no panic").last().cloned().expect("written");
        days.push(at.format("%m-%d").to_string());
        now = Some(at);
        let plan = reminder::plan(&call, "Tea", at, repeat.as_deref()).expect("a plan");
        let plan = serde_json::to_value(plan).expect("JSON");
        match plan.pointer("/stages/0/then/1/params") {
            Some(next) => args = next.clone(),
            None => break,
        }
    }
    days
}

#[tokio::test]
async fn a_reminder_repeats_as_often_as_it_was_asked_to() {
    assert_eq!(told("FREQ=DAILY;COUNT=3", "2026-12-01T09:00").await, ["12-01", "12-02", "12-03"]);
    assert_eq!(told("FREQ=DAILY;COUNT=4", "2026-11-26T09:00").await, ["11-28", "11-29"], "two of four had passed");
    let until = "FREQ=DAILY;INTERVAL=2;UNTIL=20261205T090000Z";
    assert_eq!(told(until, "2026-12-01T09:00").await, ["12-01", "12-03", "12-05"]);
    assert_eq!(told("FREQ=DAILY", "2026-12-01T09:00").await.len(), 9, "one without a count goes on");
}

/// A calendar whose events are said to be like that.
struct Said {
    book: Builtin,
    is_plain: bool,
    fixed: Option<&'static str>,
}

#[async_trait]
impl super::port::CalendarBook for Said {
    async fn event(&self, person: &Person, uid: &str) -> Result<Option<super::port::Kept>, BookError> {
        let found = self.book.event(person, uid).await?;
        let fixed = self.fixed.map(str::to_owned);
        Ok(found.map(|kept| super::port::Kept { is_plain: self.is_plain, fixed, ..kept }))
    }
    async fn occurrences(
        &self,
        person: &Person,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<super::port::Occurrence>, BookError> {
        self.book.occurrences(person, from, to).await
    }
    async fn add(&self, person: &Person, event: &CalendarEvent, now: DateTime<Utc>) -> Result<Version, BookError> {
        self.book.add(person, event, now).await
    }
    async fn change(
        &self,
        person: &Person,
        event: &CalendarEvent,
        version: &Version,
        now: DateTime<Utc>,
    ) -> Result<Version, BookError> {
        self.book.change(person, event, version, now).await
    }
    async fn remove(&self, person: &Person, uid: &str, version: &Version) -> Result<(), BookError> {
        self.book.remove(person, uid, version).await
    }
}

impl Bench {
    /// The same with events that are said to be like that.
    async fn said(is_plain: bool, fixed: Option<&'static str>) -> Self {
        let bench = bench("250 ok").await;
        let calendar = &bench.plugin.calendar;
        let book = Arc::new(Said { book: Builtin(Arc::clone(&bench.kept) as _), is_plain, fixed });
        let calendar = Arc::new(Calendar {
            book,
            reminders: Arc::clone(&calendar.reminders),
            mailer: Arc::clone(&calendar.mailer),
            started: super::look::Started::default(),
        });
        let plugin = CalendarPlugin::new(calendar, None);
        Self { plugin, ..bench }
    }
}

#[tokio::test]
async fn attendees_are_not_mailed_what_the_mail_would_get_wrong() {
    let bench = Bench::said(false, None).await;
    bench.plugin.run(party(&["bob@test.local"])).await.expect("an event");
    bench.mailed();
    let change = call("e2", "calendar.update_event", &json!({"uid": "e1@test.local", "title": "Wake"}));
    let error = bench.plugin.run(change).await.expect_err("it is refused");
    assert!(error.kind == ActionErrorKind::Fail && error.message.contains("calendar program"), "{error}");
    assert_eq!((bench.mailed(), bench.kept.titles()), (Vec::new(), vec!["Party".to_owned()]));
}

#[tokio::test]
async fn nobody_is_told_of_what_cannot_be_written() {
    let bench = Bench::said(true, Some("it can only be read")).await;
    bench.plugin.run(party(&["bob@test.local"])).await.expect("an event");
    bench.mailed();
    for (action, args) in [
        ("calendar.cancel_event", json!({"uid": "e1@test.local"})),
        ("calendar.update_event", json!({"uid": "e1@test.local", "title": "Wake"})),
    ] {
        let error = bench.plugin.run(call("e2", action, &args)).await.expect_err("it is refused");
        assert_eq!((error.kind, error.message.as_str()), (ActionErrorKind::Fail, "it can only be read"));
    }
    assert_eq!((bench.mailed(), bench.kept.titles()), (Vec::new(), vec!["Party".to_owned()]));
}

#[tokio::test]
async fn a_series_is_listed_and_cancelled_as_one() {
    let bench = bench("250 ok").await;
    let args = json!({"title": "Walk", "starts_at": "2026-12-01T19:00", "repeat": "FREQ=DAILY;COUNT=3"});
    bench.plugin.run(call("e1", "calendar.schedule_event", &args)).await.expect("an event");
    let range = json!({"from": "2026-12-01T00:00", "to": "2026-12-08T00:00"});
    let listed = bench.plugin.run(call("e2", "calendar.list_events", &range)).await.expect("a list");
    let repeats: Vec<_> = listed.result["events"].as_array().expect("a list").iter().map(|e| &e["repeats"]).collect();
    assert_eq!(repeats, [true, true, true]);
    assert!(listed.detail.contains("cancelling takes out the whole series"), "{}", listed.detail);
    let cancel = call("e3", "calendar.cancel_event", &json!({"uid": "e1@test.local"}));
    let done = bench.plugin.run(cancel).await.expect("cancelled");
    assert!(done.detail.contains("the whole series"), "{}", done.detail);
}

#[tokio::test]
async fn a_series_is_moved_whole_on_its_own_clock_or_not_at_all() {
    let bench = bench("250 ok").await;
    let weekly = |rule: &str| json!({"title": "Walk", "starts_at": "2026-12-01T19:00", "repeat": rule});
    let tuesdays = call("e1", "calendar.schedule_event", &weekly("FREQ=WEEKLY;BYDAY=TU"));
    bench.plugin.run(tuesdays).await.expect("an event");
    let to_wednesday = json!({"uid": "e1@test.local", "starts_at": "2026-12-02T19:00"});
    let error = bench.plugin.run(call("e2", "calendar.update_event", &to_wednesday)).await.expect_err("no fit");
    assert!(error.kind == ActionErrorKind::Fail && error.message.contains("repeat"), "{error}");
    let mut abroad =
        call("e3", "calendar.update_event", &json!({"uid": "e1@test.local", "starts_at": "2026-12-01T20:00"}));
    abroad.person.settings.timezone = chrono_tz::America::New_York;
    // 20:00 in New York is Wednesday in UTC, which the series is counted in.
    bench.plugin.run(abroad.clone()).await.expect_err("no fit");
    abroad.args.insert("starts_at".to_owned(), json!("2026-12-01T15:00"));
    bench.plugin.run(abroad).await.expect("moved");
    assert_eq!(bench.only().timezone, chrono_tz::UTC);
    bench.kept.events.lock().expect("no panic").clear();
    let few = call("e4", "calendar.schedule_event", &weekly("FREQ=WEEKLY;UNTIL=20261215T190000Z"));
    bench.plugin.run(few).await.expect("an event");
    let later = json!({"uid": "e4@test.local", "starts_at": "2026-12-02T20:00"});
    let moved = bench.plugin.run(call("e5", "calendar.update_event", &later)).await.expect("moved");
    assert_eq!(bench.only().repeat.as_deref(), Some("FREQ=WEEKLY;UNTIL=20261216T200000Z"));
    let undo = moved.undo.expect("it can be taken back");
    bench.plugin.run(call("e6", &undo.action, &Value::Object(undo.args))).await.expect("taken back");
    assert_eq!(bench.only().repeat.as_deref(), Some("FREQ=WEEKLY;UNTIL=20261215T190000Z"));
}

#[tokio::test]
async fn a_change_is_absent_only_when_the_event_is_the_one_it_began_with() {
    let bench = bench("550 no such user").await;
    bench.plugin.run(party(&[])).await.expect("an event");
    let before = bench.only();
    let args = json!({"uid": "e1@test.local", "attendees": ["bob@test.local"]});
    let change = call("e2", "calendar.update_event", &args);
    bench.plugin.run(change.clone()).await.expect_err("nobody was told");
    bench.kept.events.lock().expect("no panic").insert(before.uid.clone(), before.clone());
    assert_eq!(bench.plugin.look_up(change.clone()).await, LookUp::Absent);
    let theirs = CalendarEvent { title: "Theirs".to_owned(), act: None, ..before };
    bench.kept.events.lock().expect("no panic").insert(theirs.uid.clone(), theirs);
    let found = bench.plugin.look_up(change).await;
    assert!(matches!(found, LookUp::CannotTell(_)), "{found:?}");
}
