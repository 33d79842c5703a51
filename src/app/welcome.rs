//! What is printed for the person who starts the service.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use url::Url;

use super::features::Feature;
use crate::config::Config;
use crate::http::auth::owner::Welcome;

/// The address, how to sign in, and what is on and off.
///
/// A login link is printed at the first start, and later only to a terminal: logs that others read
/// must not sign them in.
pub(super) fn text(config: &Config, public_url: &Url, owner: &Welcome, first: bool, features: &[Feature]) -> String {
    let link = first || std::io::stdout().is_terminal();
    compose(config, public_url, owner, link, features)
}

fn compose(config: &Config, public_url: &Url, owner: &Welcome, link: bool, features: &[Feature]) -> String {
    let base = public_url.as_str().trim_end_matches('/');
    let mut text = format!("Super Manager {} is at {base}\n", env!("CARGO_PKG_VERSION"));
    // Writing to a String cannot fail, here and below.
    if link {
        let _infallible = writeln!(text, "\n  Sign in (once, within a day):  {base}/login?code={}", owner.login_code);
        if config.telegram.is_some() {
            let _infallible = writeln!(text, "  Or send your Telegram bot:     /start {}", owner.login_code);
        }
    }
    if let Some(token) = &owner.new_token {
        let _infallible = writeln!(text, "  Your API token (not shown again):  {token}");
    }
    for (on, title) in [(true, "On"), (false, "Off")] {
        let _infallible = writeln!(text, "\n{title}:");
        for Feature { name, detail, .. } in features.iter().filter(|feature| feature.on == on) {
            let _infallible = writeln!(text, "  {name:<14}{detail}");
        }
    }
    if !config.without_effect.is_empty() {
        let _infallible =
            writeln!(text, "\nSet, but without effect in this release: {}", config.without_effect.join(", "));
    }
    text
}
