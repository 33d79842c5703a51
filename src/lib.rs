//! Super Manager.
pub mod store;
