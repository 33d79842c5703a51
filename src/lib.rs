//! Super Manager.
pub mod http;
pub mod store;
