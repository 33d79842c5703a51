//! The events of one calendar, kept in memory and brought up to date by what has changed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tracing::{info, warn};
use url::Url;

use super::ask;
use super::client::{Client, LookError};
use super::discover::Info;
use super::multistatus::{Multistatus, Resource};
use super::xml::{DAV, Name};
use crate::ical::series::Series;
use crate::ical::tree;
use crate::plugins::calendar::port::BookError;

/// Events kept of one calendar; a larger one is asked at each look.
const EVENTS_MAX: usize = 20_000;
/// Bytes kept of all calendars of the account, as the server sends them.
pub(super) const BYTES_MAX: usize = 64 << 20;
/// Events fetched by one request.
const BATCH: usize = 100;
/// Requests for one list of changes that the server gives in parts.
const PARTS_MAX: usize = 100;
const COLLECTION: Name = (DAV, "collection");

/// An event as kept.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where it is, as the server writes it.
    pub(super) href: String,
    /// Its tag.
    etag: String,
    bytes: usize,
    /// What it says; `None` = it is no event, or cannot be read.
    pub(super) series: Option<Series>,
}

/// One calendar.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    /// Where it is.
    pub(super) url: Url,
    /// Whether its events take time.
    pub(super) is_busy: bool,
    /// Its events, by the paths of their addresses.
    pub(super) entries: HashMap<String, Arc<Entry>>,
    /// Where the event of a uid is.
    uids: HashMap<String, String>,
    /// Bytes of its events.
    pub(super) bytes: usize,
    /// Whether it is larger than is kept.
    pub(super) is_too_big: bool,
    /// The tag of changes when it was last brought up to date.
    seen: Option<String>,
    /// What to ask for changes with.
    token: Option<String>,
    can_sync: bool,
}

/// What is there, or has changed.
#[derive(Default)]
struct Listing {
    /// Whether it is everything, so that what is not in it is gone.
    is_all: bool,
    /// Path, address and tag.
    present: Vec<(String, String, Option<String>)>,
    gone: Vec<String>,
    token: Option<String>,
}

impl Shelf {
    pub(super) fn new(info: &Info) -> Self {
        Self {
            url: info.url.clone(),
            is_busy: info.is_busy,
            entries: HashMap::new(),
            uids: HashMap::new(),
            bytes: 0,
            is_too_big: false,
            seen: None,
            token: None,
            can_sync: info.can_sync,
        }
    }

    /// Where the event of a uid was when the calendar was last looked at.
    pub(super) fn href_of(&self, uid: &str) -> Option<&str> {
        self.entries.get(self.uids.get(uid)?).map(|entry| entry.href.as_str())
    }

    /// Whether it is as the server says it is now.
    pub(super) fn is_fresh(&self, info: &Info) -> bool {
        let same = self.seen.is_some() && self.seen == info.tag;
        (same || self.is_too_big) && self.is_busy == info.is_busy
    }

    /// Brings it up to date within so many bytes. What was fetched before a failure is kept, but not
    /// taken for all of it.
    pub(super) async fn refresh(&mut self, client: &Client, info: &Info, room: usize) -> Result<(), BookError> {
        self.is_busy = info.is_busy;
        if self.is_too_big {
            return Ok(());
        }
        let listing = self.listing(client).await?;
        if listing.is_all {
            let present: HashSet<&str> = listing.present.iter().map(|(path, ..)| path.as_str()).collect();
            let gone: Vec<String> =
                self.entries.keys().filter(|path| !present.contains(path.as_str())).cloned().collect();
            for path in &gone {
                self.forget(path);
            }
        }
        for path in &listing.gone {
            self.forget(path);
        }
        let is_known = |path: &String, etag: &Option<String>| {
            self.entries.get(path).is_some_and(|entry| etag.as_deref() == Some(entry.etag.as_str()))
        };
        let wanted: Vec<String> = listing
            .present
            .into_iter()
            .filter(|(path, _, etag)| !is_known(path, etag))
            .map(|(_, href, _)| href)
            .collect();
        if self.entries.len() + wanted.len() > EVENTS_MAX {
            self.give_up();
            return Ok(());
        }
        for batch in wanted.chunks(BATCH) {
            let body = ask::these(batch.iter().map(String::as_str));
            let (found, page) = client.look("REPORT", &self.url, "1", body).await?;
            let mut open: HashSet<String> = batch.iter().filter_map(|href| path(client, &self.url, href)).collect();
            for resource in &found.resources {
                if let Some(path) = path(client, &page, &resource.href)
                    && self.keep(&path, resource)
                {
                    open.remove(&path);
                }
            }
            if !open.is_empty() {
                let words = format!("the calendar server did not answer for {} of its events", open.len());
                return Err(BookError::down(words));
            }
            if self.bytes > room {
                self.give_up();
                return Ok(());
            }
        }
        (self.seen, self.token) = (info.tag.clone(), listing.token);
        Ok(())
    }

    fn give_up(&mut self) {
        info!(calendar = self.url.path(), "larger than is kept in memory: the server is asked at each look");
        (self.entries, self.uids, self.bytes) = (HashMap::new(), HashMap::new(), 0);
        self.is_too_big = true;
    }

    fn forget(&mut self, path: &str) {
        let Some(entry) = self.entries.remove(path) else { return };
        self.bytes -= entry.bytes;
        if let Some(series) = &entry.series
            && self.uids.get(&series.uid).is_some_and(|at| at == path)
        {
            self.uids.remove(&series.uid);
        }
    }

    /// Whether that was an answer: an event, or that there is none any more.
    fn keep(&mut self, path: &str, resource: &Resource) -> bool {
        if resource.is_gone() {
            self.forget(path);
            return true;
        }
        let Some(data) = resource.data().filter(|_| !resource.has_failed()) else { return false };
        self.forget(path);
        let series = match tree::read(data) {
            Ok(calendars) => calendars.first().and_then(Series::read),
            Err(error) => {
                warn!(event = path, %error, "an event cannot be read");
                None
            }
        };
        if let Some(series) = &series {
            self.uids.insert(series.uid.clone(), path.to_owned());
        }
        self.bytes += data.len();
        let (href, etag) = (resource.href.clone(), resource.etag().unwrap_or_default().to_owned());
        self.entries.insert(path.to_owned(), Arc::new(Entry { href, etag, bytes: data.len(), series }));
        true
    }

    /// What has changed since the last time, or all there is.
    async fn listing(&mut self, client: &Client) -> Result<Listing, BookError> {
        if self.can_sync {
            let since = self.token.take();
            match self.changes(client, since.clone()).await {
                Ok(listing) => return Ok(listing),
                // A token that the server has forgotten (RFC 6578, 3.2): from the beginning.
                Err(LookError::Status(..)) if since.is_some() => match self.changes(client, None).await {
                    Ok(listing) => return Ok(listing),
                    Err(LookError::Status(..)) => self.can_sync = false,
                    Err(LookError::Other(error)) => return Err(error),
                },
                Err(LookError::Status(..)) => self.can_sync = false,
                Err(LookError::Other(error)) => {
                    self.token = since;
                    return Err(error);
                }
            }
        }
        let (found, page) = client.look("PROPFIND", &self.url, "1", ask::tags()).await?;
        let mut listing = Listing { is_all: true, ..Listing::default() };
        listing.add(client, &self.url, &page, found);
        Ok(listing)
    }

    async fn changes(&self, client: &Client, since: Option<String>) -> Result<Listing, LookError> {
        const INSUFFICIENT_STORAGE: u16 = 507;
        let mut listing = Listing { is_all: since.is_none(), token: since, ..Listing::default() };
        for _ in 0..PARTS_MAX {
            let body = ask::changes(listing.token.as_deref());
            let (mut found, page) = client.look("REPORT", &self.url, "0", body).await?;
            // More is to come when the calendar itself is said not to fit (RFC 6578, 3.6).
            let has_more = found.resources.iter().any(|resource| resource.status == Some(INSUFFICIENT_STORAGE));
            let token = found.sync_token.take();
            listing.add(client, &self.url, &page, found);
            if !has_more || token.is_none() || token == listing.token {
                listing.token = token;
                return Ok(listing);
            }
            listing.token = token;
        }
        Err(LookError::Other(BookError::down("the calendar server does not come to an end with its changes")))
    }
}

impl Listing {
    fn add(&mut self, client: &Client, calendar: &Url, page: &Url, found: Multistatus) {
        for resource in found.resources {
            let Some(path) = path(client, page, &resource.href) else { continue };
            let is_itself = path == decoded(calendar.path());
            if is_itself || path.ends_with('/') || resource.is_a(COLLECTION) {
                continue;
            }
            match resource.status {
                Some(404 | 410) => self.gone.push(path),
                Some(status) if !(200..300).contains(&status) => {}
                Some(_) | None => {
                    let etag = resource.etag().map(str::to_owned);
                    self.present.push((path, resource.href, etag));
                }
            }
        }
    }
}

/// The path of an address, however the server writes it: some write one thing in two ways.
pub(super) fn path(client: &Client, page: &Url, href: &str) -> Option<String> {
    client.join(page, href).map(|url| decoded(url.path()))
}

/// A path without its percent signs.
fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let hex =
            path.get(at + 1..at + 3).filter(|hex| *byte == b'%' && hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_path_is_one_however_it_is_written() {
        assert_eq!(decoded("/a%40b/%C3%A4.ics"), "/a@b/ä.ics");
        assert_eq!(decoded("/100%/%4"), "/100%/%4");
        assert_eq!(decoded("/%+1"), "/%+1");
    }
}
