//! Logs: to standard error, so that what is printed for people stays apart.
//!
//! `RUST_LOG` says what is logged, `LOG_FORMAT=json` makes each line a JSON object.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// What is logged when nobody says otherwise. The MCP library repeats what strangers' servers say.
const LEVELS: &str = "info,rmcp=error";

/// Starts logging; later calls change nothing.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LEVELS));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let builder = builder.with_ansi(std::io::stderr().is_terminal());
    let json = std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json");
    let started = if json { builder.json().try_init() } else { builder.with_target(false).try_init() };
    if started.is_err() {
        tracing::debug!("logging had been started before");
    }
}
