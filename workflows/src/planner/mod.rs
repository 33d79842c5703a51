//! The built-in planner: no network, no model, always there.
//!
//! Words become tokens ([`tokens`]), tokens become values ([`entities`]). Pure and deterministic.
//! Also how typed answers ([`answer`]) and short words ([`words`]) are read.

pub mod answer;
pub mod entities;
pub mod tokens;
pub mod words;

pub use answer::{AnswerContext, read_answer};
pub use words::{Word, pick, word};
