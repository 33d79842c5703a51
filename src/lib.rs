//! Super Manager: people ask in their own words, and it does what they ask.
//!
//! A message goes one way: a door ([`http`], or a chat door of the `channels` crate) turns it into a neutral event; the
//! engine in the `workflows` crate stores it, finds out what it is for, moves a task by a pure
//! transition and commits; then [`plugins`] do what was committed, and each outcome is committed in
//! turn. [`store`] is the only place with SQL, [`app`] puts the parts together and ends them in
//! order.
//!
//! | module | what it is for |
//! |---|---|
//! | [`ai`] | planning by models, before the rules of the `workflows` crate |
//! | [`memory`] | what is remembered for people, found by words and by meaning |
//! | [`address_book`], [`caldav`], [`ical`] | contacts and calendars, as files and other servers have them |
//! | [`outgoing`] | the one HTTP client for servers that somebody names |
//! | `uploads` | letting go of files that people sent |
//! | [`members`], [`reminders`] | what chat doors and plugins need of the store and of the engine |
//! | [`cli`], [`config`], [`telemetry`] | how the program is called, configured and logged |
//! | [`doctor`], [`backup`] | what is done beside a running service |

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
