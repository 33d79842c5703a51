//! Super Manager: people ask in their own words, and it does what they ask.
pub mod plugins;
pub mod store;
