//! From the address that was configured to the calendars (RFC 6764, RFC 4791, 6.2).

use url::Url;

use super::ask::{self, Tags};
use super::client::{Client, LookError};
use super::multistatus::{Multistatus, Resource};
use super::xml::{CALDAV, DAV, Element, Name};
use crate::plugins::calendar::port::BookError;

/// Calendars of one account.
const CALENDARS_MAX: usize = 50;
/// Addresses of one account.
const ADDRESSES_MAX: usize = 50;
const CALENDAR: Name = (CALDAV, "calendar");
const HOME: Name = (CALDAV, "calendar-home-set");

/// Where the account's calendars are.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// What is asked which calendars there are: the home of all, or the one that was configured.
    place: Url,
    is_home: bool,
    /// The one that the server names for new events.
    default: Option<Url>,
    /// Which tag of changes the calendars have.
    tags: Tags,
    /// Mail addresses that the account is invited by (RFC 6638, 2.4.1).
    pub(super) addresses: Vec<String>,
}

/// A calendar for events.
#[derive(Debug, Clone)]
pub(super) struct Info {
    /// Where it is.
    pub(super) url: Url,
    /// What people call it.
    pub(super) name: String,
    /// Differs when something in it has changed; `None` = the server does not say.
    pub(super) tag: Option<String>,
    /// Whether it can be asked what has changed since a token.
    pub(super) can_sync: bool,
    /// Whether its events take time.
    pub(super) is_busy: bool,
    /// Whether events can be put in, changed and taken out.
    pub(super) can_write: bool,
}

impl Account {
    /// Finds the account.
    pub(super) async fn discover(client: &Client) -> Result<Self, BookError> {
        let url = client.url();
        let mut tried = Self::at(client, url).await?;
        if tried.is_none() {
            let known = url.join("/.well-known/caldav").map_err(|_| not_here())?;
            tried = Self::at(client, &known).await?;
        }
        if tried.is_none() {
            let place =
                Self { place: url.clone(), is_home: true, default: None, tags: Tags::None, addresses: addresses(None) };
            tried = (!place.list(client).await?.is_empty()).then_some(place);
        }
        let mut account = tried.ok_or_else(not_here)?;
        let calendars = account.list(client).await?;
        let all_sync = calendars.iter().all(|calendar| calendar.can_sync);
        account.tags = if all_sync { Tags::Sync } else { Tags::Ctag };
        Ok(account)
    }

    /// The account that a resource belongs to; `None` when it says nothing of one.
    async fn at(client: &Client, url: &Url) -> Result<Option<Self>, BookError> {
        let Some((found, page)) = about(client, url).await? else { return Ok(None) };
        let Some(resource) = found.resources.first() else { return Ok(None) };
        let is_calendar = resource.is_a(CALENDAR);
        let principal = match resource.href((DAV, "current-user-principal")) {
            // Of a calendar it only says whose it is, which need not be known.
            Some(href) if is_calendar => match client.join(&page, href) {
                Some(url) => about(client, &url).await.ok().flatten(),
                None => None,
            },
            Some(href) => about(client, &followed(client, &page, href)?).await?,
            None => None,
        };
        let addresses = addresses(principal.as_ref().and_then(|(found, _)| found.resources.first()).or(Some(resource)));
        if is_calendar {
            return Ok(Some(Self { place: page, is_home: false, default: None, tags: Tags::None, addresses }));
        }
        let own = principal.as_ref().and_then(|(found, page)| Some((found.resources.first()?, page)));
        let mut said = own.into_iter().chain([(resource, &page)]);
        let Some((resource, page, home)) =
            said.find_map(|(resource, page)| Some((resource, page, resource.href(HOME)?)))
        else {
            return Ok(None);
        };
        let place = followed(client, page, home)?;
        let default = default_calendar(client, resource, page).await;
        Ok(Some(Self { place, is_home: true, default, tags: Tags::None, addresses }))
    }

    /// The account's calendars for events, in the order of their addresses, with their tags of changes.
    pub(super) async fn list(&self, client: &Client) -> Result<Vec<Info>, BookError> {
        let depth = if self.is_home { "1" } else { "0" };
        let (found, page) = match client.look("PROPFIND", &self.place, depth, ask::calendars(self.tags)).await {
            Ok(found) => found,
            Err(LookError::Status(..)) if self.is_home && self.tags == Tags::None => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut calendars: Vec<Info> =
            found.resources.iter().filter_map(|resource| info(client, &page, resource)).take(CALENDARS_MAX).collect();
        calendars.sort_by(|a, b| a.url.path().cmp(b.url.path()));
        Ok(calendars)
    }

    /// The one of these that new events go to.
    pub(super) fn default_of<'a>(&self, calendars: &'a [Info]) -> Option<&'a Info> {
        let named =
            calendars.iter().find(|calendar| calendar.can_write && Some(&calendar.url) == self.default.as_ref());
        named.or_else(|| calendars.iter().find(|calendar| calendar.can_write))
    }
}

/// The mail addresses that a principal says are the account's.
fn addresses(principal: Option<&Resource>) -> Vec<String> {
    let set = principal.and_then(|principal| principal.prop((CALDAV, "calendar-user-address-set")));
    let mail = |href: &Element| {
        let text = href.text.trim();
        let (scheme, address) = text.split_once(':')?;
        scheme.eq_ignore_ascii_case("mailto").then(|| address.to_owned())
    };
    set.into_iter().flat_map(|set| set.all((DAV, "href"))).filter_map(mail).take(ADDRESSES_MAX).collect()
}

fn not_here() -> BookError {
    BookError::Refused("there is no calendar for events at CALDAV_URL".to_owned())
}

fn followed(client: &Client, page: &Url, href: &str) -> Result<Url, BookError> {
    client.join(page, href).ok_or_else(|| {
        let there = page.join(href).map(|url| url.to_string()).unwrap_or_default();
        BookError::Refused(format!("the calendars are on another server: set CALDAV_URL to {there}"))
    })
}

/// What a resource says of itself and the account; `None` when it is not there or no such resource.
async fn about(client: &Client, url: &Url) -> Result<Option<(Multistatus, Url)>, BookError> {
    match client.look("PROPFIND", url, "0", ask::account()).await {
        Ok(found) => Ok(Some(found)),
        Err(LookError::Status(..)) => Ok(None),
        Err(LookError::Other(error)) => Err(error),
    }
}

/// The calendar that the server puts invitations into; a server that names none has none.
async fn default_calendar(client: &Client, principal: &Resource, page: &Url) -> Option<Url> {
    let inbox = client.join(page, principal.href((CALDAV, "schedule-inbox-URL"))?)?;
    let (found, page) = client.look("PROPFIND", &inbox, "0", ask::default_calendar()).await.ok()?;
    client.join(&page, found.resources.first()?.href((CALDAV, "schedule-default-calendar-URL"))?)
}

fn info(client: &Client, page: &Url, resource: &Resource) -> Option<Info> {
    let is_for_events = match resource.prop((CALDAV, "supported-calendar-component-set")) {
        Some(set) => set.all((CALDAV, "comp")).any(|comp| comp.attribute("name") == Some("VEVENT")),
        // One that does not say takes all (RFC 4791, 5.2.3).
        None => true,
    };
    if !resource.is_a(CALENDAR) || !is_for_events {
        return None;
    }
    let url = client.join(page, &resource.href)?;
    let name = resource.text((DAV, "displayname")).map(str::to_owned);
    let transparent = resource.prop((CALDAV, "schedule-calendar-transp"));
    Some(Info {
        name: name
            .unwrap_or_else(|| url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()),
        tag: resource.change_tag().map(str::to_owned),
        can_sync: resource.prop((DAV, "supported-report-set")).is_some_and(|set| has(set, (DAV, "sync-collection"))),
        is_busy: transparent.is_none_or(|transparent| transparent.child((CALDAV, "transparent")).is_none()),
        can_write: resource
            .prop((DAV, "current-user-privilege-set"))
            .is_none_or(|set| ["all", "write", "write-content", "bind"].iter().any(|right| has(set, (DAV, right)))),
        url,
    })
}

/// Whether something of that name is anywhere in it; how deep it can be is bounded where it is read.
fn has(element: &Element, name: Name) -> bool {
    element.is(name) || element.children.iter().any(|child| has(child, name))
}
