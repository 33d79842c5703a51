//! What is on, what is off, and why: one list for the first screen, the status and the doctor.

use serde::Serialize;

use crate::config::Config;
use crate::plugins::PluginInfo;

/// Why a part of the product is off that no plugin speaks for.
const NOT_HERE: &str = "this release does not have it";

/// A part of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Whether it can be used.
    pub on: bool,
    /// What it is when it is on, why it is not when it is off.
    pub detail: String,
}

impl Feature {
    fn on(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), on: true, detail: detail.into() }
    }

    fn off(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), on: false, detail: detail.into() }
    }
}

/// Every part: the planner, the doors, the plugins.
pub(super) fn list(config: &Config, plugins: &[PluginInfo]) -> Vec<Feature> {
    let mut features = vec![Feature::on("planner", "built in: needs no key and no network")];
    features.push(Feature::on("web door", "the page and the API"));
    features.push(match &config.telegram {
        None => Feature::off("telegram door", "not configured: set TELEGRAM_BOT_TOKEN"),
        Some(bot) if bot.webhook_secret.is_some() => Feature::on("telegram door", "webhook; link yours by /start CODE"),
        Some(_) => Feature::on("telegram door", "long polling; link yours by /start CODE"),
    });
    features.extend(["discord door", "email door"].map(|name| Feature::off(name, NOT_HERE)));
    features.extend(plugins.iter().map(|plugin| match (&plugin.off, &config.mail) {
        (Some(why), _) => Feature::off(&plugin.name, why),
        (None, Some(mail)) if plugin.name == "email" => {
            Feature::on(&plugin.name, format!("{} by {}", mail.email, mail.url))
        }
        (None, _) if plugin.name == "calendar" => Feature::on(&plugin.name, calendar(config)),
        (None, Some(_) | None) => Feature::on(&plugin.name, &plugin.description),
    }));
    features
}

fn calendar(config: &Config) -> String {
    match &config.caldav {
        Some(account) => format!("the owner's at {}, everybody else's built in", account.url),
        None => "built in; the owner's can be elsewhere: set CALDAV_URL".to_owned(),
    }
}
