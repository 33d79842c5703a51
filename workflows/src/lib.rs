//! The engine of Super Manager: from words to receipts, with nothing lost and nothing done twice.
//!
//! | part | what it is |
//! |---|---|
//! | [`plan`] | the plan language: types, validation, templates, forgotten confirmations |
//! | [`planner`] | the built-in planner: words to plan, pure |
//! | [`state`] | how a task stands: enums and what people see of them |
//! | [`transition`] | how a task moves: pure, `(state, event) -> state + effects + frames` |
//! | [`route`] | what an inbound event is for |
//! | [`engine`] | accept, route, move, commit, perform |
//! | [`ports`] | what is needed from outside: store, people, planner, actions, clock, ids |
//!
//! No platform, no SQL and no HTTP is known here.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod action;
pub mod engine;
#[cfg(test)]
mod engine_tests;
pub mod failpoint;
pub mod frame;
pub mod ids;
pub mod inbound;
pub mod person;
pub mod plan;
pub mod planner;
mod plans;
pub mod ports;
pub mod receipt;
pub mod route;
mod runner;
pub mod state;
pub mod transition;
