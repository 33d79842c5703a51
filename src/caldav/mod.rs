//! A calendar on a CalDAV server (RFC 4791), as a [`CalendarBook`].
//!
//! The account of the configuration is one person's. What its calendars hold is kept in memory and
//! brought up to date by what has changed; a write is guarded by the event's tag, so that nobody's
//! change is lost, and is never repeated: whether one came through that was not answered tells the
//! uid. The wire is spoken here rather than by a DAV library: those at hand bring a second HTTP
//! client and its TLS, and read answers without a bound.

mod ask;
mod client;
mod discover;
mod edit;
mod multistatus;
mod shelf;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use url::Url;
use workflows::person::Person;

use crate::ical::series::Series;
use crate::ical::tree;
use crate::outgoing::Outgoing;
use crate::plugins::calendar::builtin::sort;
use crate::plugins::calendar::port::{BookError, CalendarBook, Kept, Occurrence, within};
use crate::store::calendar::{CalendarEvent, Version};
use client::{Client, LookError, Only, is_strong};
use discover::{Account, Info};
use shelf::{BYTES_MAX, Shelf};

pub use client::CalDavConfig;

/// How long a look waits to hear whether anything has changed, when it was heard not long ago. Some
/// servers walk through the whole calendar to say so.
const NEWS_WAIT: Duration = Duration::from_millis(100);
/// How old what was heard may be for that.
const NEWS_AGE_MAX: Duration = Duration::from_secs(60);
/// How long a look waits otherwise, like for a calendar that is read for the first time.
const LOOK_WAIT: Duration = Duration::from_secs(50);

/// How much wider a calendar that is not kept is asked for than is looked at: days and floating times
/// are on whatever clock the server takes, and what is not in the range is left out afterwards.
const CLOCKS_HOURS_MAX: i64 = 26;

/// The calendars of one account.
pub struct CalDav(Arc<Inner>);

struct Inner {
    client: Client,
    /// Our own mail address: events that it organises are told by us.
    ours: Option<String>,
    /// What is being brought up to date, by one at a time.
    work: Mutex<Work>,
    /// What everybody reads.
    seen: Lock<Seen>,
}

#[derive(Default)]
struct Work {
    shelves: BTreeMap<String, Arc<Shelf>>,
}

#[derive(Default)]
struct Seen {
    account: Option<Arc<Account>>,
    calendars: Arc<Vec<Info>>,
    shelves: Vec<Arc<Shelf>>,
    /// When that was asked for; `None` = never yet.
    begun: Option<Instant>,
    /// When something was last written from here.
    written: Option<Instant>,
}

/// An event as it is on the server now.
struct Found {
    url: Url,
    etag: String,
    text: String,
    series: Series,
}

impl CalDav {
    /// The account's calendars; `ours` is the mail address that invitations go out from.
    pub fn new(outgoing: Outgoing, config: CalDavConfig, ours: Option<String>) -> Self {
        let client = Client::new(outgoing, config);
        Self(Arc::new(Inner { client, ours, work: Mutex::default(), seen: Lock::default() }))
    }

    /// Logs in and finds the calendars: how many there are, and which one new events go to.
    ///
    /// # Errors
    /// When it cannot log in, or there is none.
    pub async fn check(&self) -> Result<(usize, String), BookError> {
        let account = Account::discover(&self.0.client).await?;
        let calendars = account.list(&self.0.client).await?;
        let default = account.default_of(&calendars).ok_or_else(no_calendar)?;
        Ok((calendars.len(), default.name.clone()))
    }

    /// What the calendars hold: as the server says now, or, when it takes its time to say, as it said
    /// within the last minute. What was written from here is always in it.
    async fn look(&self) -> Result<Vec<Arc<Shelf>>, BookError> {
        let asked = Instant::now();
        let known = self.0.read(|seen| {
            let begun = seen.begun?;
            let covers_writes = seen.written.is_none_or(|written| written < begun);
            (covers_writes && begun.elapsed() <= NEWS_AGE_MAX).then(|| seen.shelves.clone())
        });
        // On its own: it goes on when this look waits no longer.
        let inner = Arc::clone(&self.0);
        let running = tokio::spawn(async move { inner.refresh(asked).await });
        let wait = if known.is_some() { NEWS_WAIT } else { LOOK_WAIT };
        match (timeout(wait, running).await, known) {
            (Ok(Ok(Ok(()))), _) => Ok(self.0.read(|seen| seen.shelves.clone())),
            (Ok(Ok(Err(error))), _) => Err(error),
            (Ok(Err(_)), _) => Err(BookError::down("the calendar could not be read")),
            (Err(_), Some(known)) => Ok(known),
            (Err(_), None) => Err(BookError::down("the calendar is still being read, please try again in a minute")),
        }
    }
}

impl Inner {
    fn read<T>(&self, with: impl FnOnce(&mut Seen) -> T) -> T {
        with(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The account and its calendars as they were last listed.
    async fn account(&self) -> Result<(Arc<Account>, Arc<Vec<Info>>), BookError> {
        let known = self.read(|seen| seen.account.clone().map(|account| (account, Arc::clone(&seen.calendars))));
        match known {
            Some(known) => Ok(known),
            None => self.list().await,
        }
    }

    /// Asks which calendars there are, and whether they have changed.
    async fn list(&self) -> Result<(Arc<Account>, Arc<Vec<Info>>), BookError> {
        let known = self.read(|seen| seen.account.clone());
        let account = match known {
            Some(account) => account,
            None => Arc::new(Account::discover(&self.client).await?),
        };
        let listed = account.list(&self.client).await;
        self.read(|seen| {
            // One that is refused now is looked for anew the next time.
            let is_refused = matches!(listed, Err(BookError::Refused(_)));
            seen.account = (!is_refused).then(|| Arc::clone(&account));
        });
        let calendars = Arc::new(listed?);
        self.read(|seen| seen.calendars = Arc::clone(&calendars));
        Ok((account, calendars))
    }

    /// Brings everything up to date, unless that was begun after it was asked for.
    async fn refresh(&self, asked: Instant) -> Result<(), BookError> {
        let mut work = self.work.lock().await;
        if self.read(|seen| seen.begun.is_some_and(|begun| begun >= asked)) {
            return Ok(());
        }
        let begun = Instant::now();
        let (_, calendars) = self.list().await?;
        work.shelves.retain(|path, _| calendars.iter().any(|info| info.url.path() == path));
        let mut used: usize = work.shelves.values().map(|shelf| shelf.bytes).sum();
        for info in calendars.iter() {
            let kept = work.shelves.entry(info.url.path().to_owned()).or_insert_with(|| Arc::new(Shelf::new(info)));
            if !kept.is_fresh(info) {
                let room = BYTES_MAX.saturating_sub(used - kept.bytes);
                used -= kept.bytes;
                let refreshed = Arc::make_mut(kept).refresh(&self.client, info, room).await;
                used += kept.bytes;
                refreshed?;
            }
        }
        let shelves = work.shelves.values().cloned().collect();
        self.read(|seen| (seen.shelves, seen.begun) = (shelves, Some(begun)));
        Ok(())
    }

    /// The event of a uid as it is on the server now: where it was last seen, or wherever it is.
    async fn find(&self, uid: &str) -> Result<Option<Found>, BookError> {
        let (account, calendars) = self.account().await?;
        let seen = self.place(uid);
        // Where we would have put it, too: it is found there without a search.
        let own =
            account.default_of(&calendars).map(|info| (info.url.clone(), address(&info.url, uid).path().to_owned()));
        for (calendar, href) in seen.into_iter().chain(own) {
            if let Some(found) = self.first(&calendar, Some(&href), uid).await? {
                return Ok(Some(found));
            }
        }
        self.search(&calendars, uid).await
    }

    /// Where the event of a uid was when the calendars were last looked at.
    fn place(&self, uid: &str) -> Option<(Url, String)> {
        let place = |shelf: &Arc<Shelf>| Some((shelf.url.clone(), shelf.href_of(uid)?.to_owned()));
        self.read(|seen| seen.shelves.iter().find_map(place))
    }

    /// An event that is not where it would be. Calendars that are known are brought up to date for
    /// it, which is cheaper than to let the server search them.
    async fn search(&self, calendars: &[Info], uid: &str) -> Result<Option<Found>, BookError> {
        let is_known = self.read(|seen| seen.begun.is_some());
        if is_known {
            self.refresh(Instant::now()).await?;
            if let Some((calendar, href)) = self.place(uid) {
                return self.first(&calendar, Some(&href), uid).await;
            }
        }
        let is_kept = |info: &&Info| {
            let kept = |shelf: &Arc<Shelf>| shelf.url == info.url && !shelf.is_too_big;
            is_known && self.read(|seen| seen.shelves.iter().any(kept))
        };
        for info in calendars.iter().filter(|info| !is_kept(info)) {
            if let Some(found) = self.first(&info.url, None, uid).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The event of a uid at an address, or anywhere in a calendar. `None` only when it certainly is
    /// not there.
    async fn first(&self, calendar: &Url, href: Option<&str>, uid: &str) -> Result<Option<Found>, BookError> {
        let body = href.map_or_else(|| ask::of_uid(uid), |href| ask::these([href]));
        let (found, page) = match self.client.look("REPORT", calendar, "1", body).await {
            Ok(found) => found,
            Err(LookError::Status(status, _)) if status.as_u16() == 404 => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let read = |resource: &multistatus::Resource| {
            let text = resource.data().filter(|_| !resource.is_gone())?;
            let series = tree::read(text).ok()?.first().and_then(Series::read)?;
            let etag = resource.etag().unwrap_or_default().to_owned();
            let url = self.client.join(&page, &resource.href)?;
            (series.uid == uid).then(|| Found { url, etag, text: text.to_owned(), series })
        };
        if let Some(event) = found.resources.iter().find_map(read) {
            return Ok(Some(event));
        }
        let may_be_it = |resource: &multistatus::Resource| match resource.data() {
            _ if resource.is_gone() => false,
            Some(text) => {
                let is_read = tree::read(text).is_ok_and(|all| !all.is_empty());
                !is_read && text.replace("\r\n ", "").contains(uid)
            }
            None => true,
        };
        if found.resources.iter().any(may_be_it) {
            return Err(BookError::down("the calendar server did not say what an event is that may be this one"));
        }
        match href {
            Some(href) if found.resources.is_empty() => self.is_gone(calendar, href).await,
            Some(_) | None => Ok(None),
        }
    }

    /// Some servers pass over what is not there; so it is asked for by itself.
    async fn is_gone(&self, calendar: &Url, href: &str) -> Result<Option<Found>, BookError> {
        let Some(url) = self.client.join(calendar, href) else { return Ok(None) };
        match self.client.look("PROPFIND", &url, "0", ask::tags()).await {
            Err(LookError::Status(status, _)) if matches!(status.as_u16(), 404 | 410) => Ok(None),
            Err(error) => Err(error.into()),
            Ok(_) => Err(BookError::down("the calendar server did not answer for an event that it has")),
        }
    }

    /// What a calendar too big to be kept holds of a range.
    async fn range(&self, calendar: &Url, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Series>, BookError> {
        let slack = chrono::Duration::hours(CLOCKS_HOURS_MAX);
        let body = ask::in_range(from - slack, to + slack);
        let (found, _) = self.client.look("REPORT", calendar, "1", body).await?;
        // What is not answered for may take time.
        if found.resources.iter().any(|resource| resource.data().is_none() && !resource.is_gone()) {
            return Err(BookError::down("the calendar server did not answer for all of its events"));
        }
        let read = |resource: &multistatus::Resource| tree::read(resource.data()?).ok()?.first().and_then(Series::read);
        Ok(found.resources.iter().filter_map(read).collect())
    }

    /// The tag of what was just written, where the answer had none: servers that change what they
    /// are given leave it out.
    async fn version(&self, tag: Option<String>, event: &CalendarEvent, home: Tz) -> Version {
        if let Some(tag) = tag {
            return Version(tag);
        }
        match self.find(&event.uid).await {
            Ok(Some(found)) if self.is_written(&found, event, home) => Version(found.etag),
            // It is written all the same; without a version it cannot be written again by this act.
            Ok(_) | Err(_) => Version(String::new()),
        }
    }

    /// Whether what is there is what was written from here, and nobody's since.
    fn is_written(&self, found: &Found, event: &CalendarEvent, home: Tz) -> bool {
        let Some(kept) = edit::kept(&found.series, &found.etag, home, &self.addresses()) else { return false };
        let sorted = |event: &CalendarEvent| {
            let mut attendees: Vec<String> = event.attendees.iter().map(|address| address.to_lowercase()).collect();
            attendees.sort();
            CalendarEvent { attendees, ..event.clone() }
        };
        (&kept.event.act, kept.event.sequence) == (&event.act, event.sequence)
            && sorted(&kept.event).says_the_same(&sorted(event))
    }

    /// The mail addresses that are ours: the one we write from, and the account's.
    fn addresses(&self) -> Vec<String> {
        let account = self.read(|seen| seen.account.clone());
        let accounts = account.iter().flat_map(|account| account.addresses.iter());
        self.ours.iter().chain(accounts).cloned().collect()
    }

    /// Marks an event's attendees as told by us before one of them loses it: a server would tell them
    /// too. The event's tag afterwards.
    async fn guarded(&self, found: &Found, old: &Kept, home: Tz) -> Result<String, BookError> {
        let Some(text) = edit::guarded(&found.text).filter(|_| old.organizer.is_none()) else {
            return Ok(found.etag.clone());
        };
        let tag = self.note(self.client.put(&found.url, text, Only::IfTag(&found.etag)).await)?;
        let Version(tag) = self.version(tag, &old.event, home).await;
        if is_strong(&tag) { Ok(tag) } else { Err(BookError::Changed) }
    }

    /// Why the event at an address cannot be written; `None` when nothing is known to be in the way.
    async fn fixed(&self, found: &Found) -> Result<Option<String>, BookError> {
        if !is_strong(&found.etag) {
            return Ok(Some(NO_STRONG_TAG.to_owned()));
        }
        let (_, calendars) = self.account().await?;
        let is_in = |info: &&Info| found.url.path().starts_with(info.url.path());
        let calendar = calendars.iter().find(is_in).filter(|calendar| !calendar.can_write);
        Ok(calendar.map(|calendar| format!("the calendar \"{}\" can only be read", calendar.name)))
    }

    /// Notes that something may have been written from here.
    fn note<T>(&self, outcome: Result<T, BookError>) -> Result<T, BookError> {
        if matches!(outcome, Ok(_) | Err(BookError::Unknown(_))) {
            self.read(|seen| seen.written = Some(Instant::now()));
        }
        outcome
    }
}

/// Where an event of ours is put: derived from its uid, so that the same act is put in the same place.
fn address(calendar: &Url, uid: &str) -> Url {
    const DIGITS: usize = 40;
    let mut name = hex::encode(Sha256::digest(uid));
    name.truncate(DIGITS);
    let mut url = calendar.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(&format!("{name}.ics"));
    }
    url
}

fn no_calendar() -> BookError {
    BookError::Refused("no calendar of the account can be written to".to_owned())
}

const NO_STRONG_TAG: &str = "the calendar server gives its events no strong tags, so a change could overwrite another";

/// Whether the event still is what was read, and a write can be guarded.
fn guard(found: &Found, version: &Version) -> Result<(), BookError> {
    if !is_strong(&found.etag) {
        return Err(BookError::Refused(NO_STRONG_TAG.to_owned()));
    }
    if found.etag == version.0 { Ok(()) } else { Err(BookError::Changed) }
}

fn occurrences(
    series: &Series,
    is_busy: bool,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    home: Tz,
    ours: &[String],
) -> impl Iterator<Item = Occurrence> {
    let is_ours = |address: &String| ours.iter().any(|own| own.eq_ignore_ascii_case(address));
    series.taken(from, to, home).into_iter().map(move |taken| Occurrence {
        uid: series.uid.clone(),
        title: taken.item.title.clone(),
        location: taken.item.location.clone(),
        attendees: taken.item.attendees.clone(),
        starts_at: taken.starts_at,
        ends_at: taken.ends_at,
        is_all_day: taken.item.start.is_day(),
        // What one has declined takes no time.
        is_busy: is_busy && taken.item.is_busy && !taken.item.declined.iter().any(is_ours),
        repeats: series.repeats.is_some(),
    })
}

#[async_trait]
impl CalendarBook for CalDav {
    async fn event(&self, person: &Person, uid: &str) -> Result<Option<Kept>, BookError> {
        let Some(found) = self.0.find(uid).await? else { return Ok(None) };
        let home = person.settings.timezone;
        match edit::kept(&found.series, &found.etag, home, &self.0.addresses()) {
            Some(kept) => Ok(Some(Kept { fixed: self.0.fixed(&found).await?, ..kept })),
            None => Err(BookError::Refused("only single repetitions of it are in the calendar".to_owned())),
        }
    }

    async fn occurrences(
        &self,
        person: &Person,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Occurrence>, BookError> {
        let (home, shelves) = (person.settings.timezone, self.look().await?);
        let ours = self.0.addresses();
        let mut all = Vec::new();
        for shelf in &shelves {
            if shelf.is_too_big {
                let found = self.0.range(&shelf.url, from, to).await?;
                for series in &found {
                    all.extend(occurrences(series, shelf.is_busy, (from, to), home, &ours));
                    within(all.len())?;
                }
            }
            for series in shelf.entries.values().filter_map(|entry| entry.series.as_ref()) {
                all.extend(occurrences(series, shelf.is_busy, (from, to), home, &ours));
                within(all.len())?;
            }
        }
        sort(&mut all);
        Ok(all)
    }

    async fn add(&self, person: &Person, event: &CalendarEvent, now: DateTime<Utc>) -> Result<Version, BookError> {
        let (account, calendars) = self.0.account().await?;
        let calendar = account.default_of(&calendars).ok_or_else(no_calendar)?;
        let url = address(&calendar.url, &event.uid);
        let text = edit::written(event, self.0.ours.as_deref(), now);
        let tag = self.0.note(self.0.client.put(&url, text, Only::IfNew).await)?;
        Ok(self.0.version(tag, event, person.settings.timezone).await)
    }

    async fn change(
        &self,
        person: &Person,
        event: &CalendarEvent,
        version: &Version,
        now: DateTime<Utc>,
    ) -> Result<Version, BookError> {
        let (home, ours) = (person.settings.timezone, self.0.ours.as_deref());
        let found = self.0.find(&event.uid).await?.ok_or(BookError::Gone)?;
        guard(&found, version)?;
        let kept = edit::kept(&found.series, &found.etag, home, &self.0.addresses()).ok_or(BookError::Changed)?;
        let old = &kept.event;
        let mut text = edit::edited(&found.text, (old, event), home, ours, now)?;
        if kept.organizer.is_none() {
            text = edit::guarded(&text).unwrap_or(text);
        }
        let stays = |address: &String| event.attendees.iter().any(|other| other.eq_ignore_ascii_case(address));
        let tag = if old.attendees.iter().all(stays) {
            found.etag.clone()
        } else {
            self.0.guarded(&found, &kept, home).await?
        };
        let tag = self.0.note(self.0.client.put(&found.url, text, Only::IfTag(&tag)).await)?;
        Ok(self.0.version(tag, event, home).await)
    }

    async fn remove(&self, person: &Person, uid: &str, version: &Version) -> Result<(), BookError> {
        let home = person.settings.timezone;
        let found = self.0.find(uid).await?.ok_or(BookError::Gone)?;
        guard(&found, version)?;
        let tag = match edit::kept(&found.series, &found.etag, home, &self.0.addresses()) {
            Some(kept) => self.0.guarded(&found, &kept, home).await?,
            None => found.etag.clone(),
        };
        self.0.note(self.0.client.delete(&found.url, Only::IfTag(&tag)).await)
    }
}
