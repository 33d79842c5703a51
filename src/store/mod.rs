//! Where everything is kept: the only place with SQL.
//!
//! The engine's own port is [`workflows::ports::TaskStore`]; the traits here are what the doors
//! and plugins need besides. Each is implemented by [`sqlite::Db`].

pub mod log;
pub mod sqlite;

pub use log::LogStore;
pub use workflows::ports::StoreError;
