//! iCalendar (RFC 5545): what calendar servers keep and mails carry.
//!
//! Reading never fails on what it does not know, and writing gives back every line that was not
//! changed as it was read: a calendar belongs to other programs too. Nothing here knows where the
//! text comes from or goes to.

pub mod expand;
pub mod line;
pub mod rule;
pub mod series;
pub mod time;
pub mod tree;
pub mod vtimezone;
pub mod write;
pub mod zone;

/// Why a text is no calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Longer, or with more lines, than is read.
    #[error("it is larger than is read")]
    TooLarge,
    /// Components in components beyond the bound.
    #[error("it is nested too deeply")]
    TooDeep,
    /// A component that ends before, after or without its begin.
    #[error("line {0}: a component begins or ends where it must not")]
    Torn(usize),
    /// No calendar in it.
    #[error("there is no calendar in it")]
    Nothing,
}
