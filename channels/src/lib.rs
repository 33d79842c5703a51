//! The front doors: each turns its platform's events into neutral ones and back.
//!
//! Platform types never leave their folder; what doors need of the engine is [`port::Desk`].

pub mod port;
pub mod reply;
pub mod telegram;
pub mod text;
pub mod web;
