//! Where everything is kept: the only place with SQL.
//!
//! The engine's own port is [`workflows::ports::TaskStore`]; the traits here are what the doors
//! and plugins need besides. Each is implemented by [`sqlite::Db`].

pub mod access;
pub mod ai_usage;
pub mod calendar;
pub mod log;
pub mod mcp;
pub mod memory;
pub mod people;
pub mod photos;
pub mod sqlite;

pub use access::AccessStore;
pub use ai_usage::{AiUsage, AiUsageStore};
pub use calendar::CalendarStore;
pub use log::LogStore;
pub use mcp::McpStore;
pub use memory::MemoryStore;
pub use people::{ContactStore, PeopleStore};
pub use photos::PhotoStore;
pub use workflows::ports::StoreError;
