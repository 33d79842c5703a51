//! The built-in planner: no network, no model, always there.
//!
//! Words become tokens ([`tokens`]), tokens become values ([`entities`], found by [`mentions`]),
//! the text is cut into clauses with one act each ([`clause`], [`acts`]), every act takes its slots
//! ([`want`], [`errand`]), and the acts write questions and stages ([`draft`]). Later changes are worked into
//! the words ([`amend`]) and planned again. Pure and deterministic: the moment comes in.
//!
//! Also how typed answers ([`answer`]) and short words ([`words`]) are read.

pub mod acts;
pub mod amend;
pub mod answer;
pub mod builtin;
pub mod clause;
pub mod draft;
pub mod entities;
pub mod errand;
pub mod mentions;
mod missing;
pub mod naming;
pub mod phrase;
pub mod tokens;
pub mod want;
pub mod words;

pub use answer::{AnswerContext, read_answer};
pub use builtin::{Builtin, propose};
pub use words::{Word, pick, word};

#[cfg(test)]
mod tests;
