//! How requests go wrong.

use std::time::Duration;

use crate::fake_http::Response;

/// How a request goes wrong. "Done" means that the server did what was asked, so that the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Done; the answer has its status and headers, and no body.
    EmptyBody,
    /// Not done; answers as to a request that finds nothing.
    Nothing,
    /// Not done; answers 429 in the service's own words.
    TooMany {
        /// Seconds to wait, if it tells.
        retry_after: Option<u64>,
    },
    /// Not done; answers this.
    Answer(Response),
    /// Not done; answers 500 with a page of HTML.
    ServerError,
    /// Not done; answers this status with a page of HTML.
    Page(u16),
    /// Done, but answers this status with a page of HTML.
    DoneThenPage(u16),
    /// Done after this time, whether or not the client still waits, and answered then.
    Delay(Duration),
    /// Done at once; the answer comes so many bytes at a time, with this time before each.
    Drip {
        /// Bytes at a time.
        bytes: usize,
        /// Time before each.
        every: Duration,
    },
    /// Not done, and never answered.
    Hang,
    /// Done, and never answered.
    DoneThenHang,
    /// Done; the head of the answer comes, then nothing more, the connection stays open.
    HeadThenHang,
    /// Done; the head of the answer and half of its body come, then nothing more, the connection stays open.
    HalfThenHang,
    /// Done; the body is followed by 50 MB of blanks, which JSON allows.
    Huge {
        /// Whether the head tells the length; else the body comes in chunks.
        declared: bool,
    },
    /// Done; the head of the answer and half of its body come, then the connection is cut.
    Truncated,
    /// Not done; the connection is cut without an answer.
    Cut,
    /// Done; the connection is cut without an answer.
    DoneThenCut,
    /// Done; the body is right and its type is `text/html`.
    WrongType,
    /// Done; the body ends before its time, though its length is as told: what is there is no JSON.
    BadJson,
    /// Not done; answers 302 to this URL.
    Redirect(String),
    /// Not done; answers this status to this URL.
    RedirectAs(u16, String),
}

struct Rule {
    place: String,
    left: u32,
    fault: Fault,
}

/// The faults that are to come.
#[derive(Default)]
pub(super) struct Rules(Vec<Rule>);

impl Rules {
    pub(super) fn add(&mut self, place: &str, times: u32, fault: Fault) {
        if times > 0 {
            self.0.push(Rule { place: place.to_owned(), left: times, fault });
        }
    }

    /// The fault for a request to this `METHOD /path`: that of the first rule that fits.
    pub(super) fn take(&mut self, place: &str) -> Option<Fault> {
        let at = self.0.iter().position(|rule| place.starts_with(&rule.place))?;
        let rule = &mut self.0[at];
        let fault = rule.fault.clone();
        if rule.left != u32::MAX {
            rule.left -= 1;
        }
        if rule.left == 0 {
            self.0.remove(at);
        }
        Some(fault)
    }
}
