//! Super Manager: people ask in their own words, and it does what they ask.
pub mod app;
pub mod backup;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod http;
pub mod plugins;
pub mod reminders;
pub mod store;
pub mod telemetry;
