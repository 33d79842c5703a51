//! Super Manager: people ask in their own words, and it does what they ask.
//!
//! A message goes one way: a door ([`http`], or a chat door of the `channels` crate) turns it into a neutral event; the
//! engine in the `workflows` crate stores it, finds out what it is for, moves a task by a pure
//! transition and commits; then [`plugins`] do what was committed, and each outcome is committed in
//! turn. [`store`] is the only place with SQL, [`app`] puts the parts together and ends them in
//! order.

pub mod address_book;
pub mod ai;
pub mod app;
pub mod backup;
pub mod caldav;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod http;
pub mod ical;
pub mod members;
pub mod memory;
pub mod outgoing;
pub mod plugins;
pub mod reminders;
pub mod store;
pub mod telemetry;
mod uploads;
