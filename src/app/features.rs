//! What is on, what is off, and why: one list for the first screen, the status and the doctor.

use serde::Serialize;

use crate::config::{Config, ProviderName};
use crate::plugins::PluginInfo;
use crate::plugins::mcp::ServerHealth;
use crate::plugins::meeting::google;

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
    let mut features = vec![Feature::on("planner", "built in: needs no key and no network; the last of all planners")];
    features.extend(config.ai.providers.iter().map(|one| {
        let whom = if one.local { "" } else { ", for people who allow remote models" };
        Feature::on(one.name.as_str(), format!("{} at {}{whom}", one.models.planning, one.url))
    }));
    let keyless =
        |(name, key): &(ProviderName, &str)| Feature::off(name.as_str(), format!("not configured: set {key}"));
    features.extend(config.ai.off.iter().map(keyless));
    features.push(Feature::on("web door", "the page and the API"));
    features.push(match &config.telegram {
        None => Feature::off("telegram door", "not configured: set TELEGRAM_BOT_TOKEN"),
        Some(bot) if bot.webhook_secret.is_some() => Feature::on("telegram door", "webhook; link yours by /start CODE"),
        Some(_) => Feature::on("telegram door", "long polling; link yours by /start CODE"),
    });
    features.extend(["discord door", "email door"].map(|name| Feature::off(name, NOT_HERE)));
    features.extend(plugins.iter().map(|plugin| match (&plugin.setup, &plugin.off) {
        (Some(with), _) => Feature::on(&plugin.name, with),
        (None, Some(why)) => Feature::off(&plugin.name, why),
        (None, None) => Feature::on(&plugin.name, &plugin.description),
    }));
    features.push(match &config.google {
        None => Feature::off("google meet", google::MISSING),
        Some(_) => Feature::on("google meet", "meetings with the provider google_meet; the others are on Jitsi"),
    });
    features
}

/// The parts as they are now: servers and models come and go.
pub(super) fn now(features: &[Feature], servers: &[ServerHealth], absent: &[(ProviderName, String)]) -> Vec<Feature> {
    let mut now = features.to_vec();
    for (name, why) in absent {
        if let Some(provider) = now.iter_mut().find(|feature| feature.name == name.as_str()) {
            *provider = Feature::off(name.as_str(), why);
        }
    }
    if let Some(mcp) = now.iter_mut().find(|feature| feature.name == "mcp" && !servers.is_empty()) {
        let each = servers.iter().map(|server| format!("{}: {}", server.name, server.detail));
        mcp.detail = each.collect::<Vec<_>>().join("; ");
        mcp.on = servers.iter().any(|server| server.status != "off");
    }
    now
}
