//! Logs: for people by default, as JSON when a machine reads them.

use tracing_subscriber::EnvFilter;

/// Starts logging to standard error. `RUST_LOG` chooses what, `LOG_FORMAT=json` how.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,hyper=warn"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json") {
        logs.json().init();
    } else {
        logs.init();
    }
}
