//! `doctor`: what is on, what is off and why, and whether what is on works.

use std::fmt::Write as _;
use std::sync::Arc;

use channels::telegram::api::Api;
use url::Url;
use workflows::ports::{Clock, SystemClock};

use crate::ai;
use crate::caldav::CalDav;
use crate::config::Config;
use crate::outgoing::{Outgoing, SystemNames};
use crate::plugins::duffel::{Duffel, OFF};
use crate::plugins::email::smtp::check_login;
use crate::plugins::mcp;
use crate::plugins::meeting::google::{self, Google};
use crate::plugins::rates::Rates;
use crate::plugins::search::{check_places, check_web};
use crate::store::McpStore;
use crate::store::sqlite::Db;

/// What was found.
pub struct Report {
    /// The lines to print.
    pub text: String,
    /// Whether all that is configured works.
    pub healthy: bool,
}

enum Mark {
    On,
    Off,
    Bad,
}

impl Report {
    fn line(&mut self, mark: &Mark, what: &str, detail: &str) {
        let word = match mark {
            Mark::On => "on ",
            Mark::Off => "off",
            Mark::Bad => "BAD",
        };
        self.healthy &= !matches!(mark, Mark::Bad);
        // Writing to a String cannot fail.
        let _infallible = writeln!(self.text, "{word}  {what:<16}{detail}");
    }
}

/// Looks at everything that is configured.
pub async fn examine(config: &Config) -> Report {
    let mut report = Report { text: String::new(), healthy: true };
    report.line(&Mark::On, "configuration", "is valid");
    data_dir(config, &mut report);
    database(config, &mut report).await;
    mail(config, &mut report).await;
    calendar(config, &mut report).await;
    telegram(config, &mut report).await;
    mcp(config, &mut report).await;
    hotels(config, &mut report).await;
    search(config, &mut report).await;
    report.line(&Mark::On, "planner", "built in; needs no key and no network");
    models(config, &mut report).await;
    report.line(&Mark::On, "meetings", config.jitsi_base_url.as_str());
    google_meet(config, &mut report).await;
    for (name, why) in [("discord", "this release does not have it"), ("email door", "this release does not have it")] {
        report.line(&Mark::Off, name, why);
    }
    for name in &config.without_effect {
        report.line(&Mark::Off, name, "is set, but has no effect in this release");
    }
    report
}

fn data_dir(config: &Config, report: &mut Report) {
    let dir = &config.data_dir;
    let probe = dir.join(".doctor");
    let written = config.make_data_dir().and_then(|()| std::fs::write(&probe, b"ok"));
    // The probe is only there to be written; what is left of it harms nothing.
    let _gone = std::fs::remove_file(&probe);
    match written {
        Ok(()) => {
            let free = fs4::available_space(dir).map_or_else(|_| "an unknown part".to_owned(), gibibytes);
            report.line(&Mark::On, "data directory", &format!("{} can be written, {free} free", dir.display()));
        }
        Err(error) => {
            report.line(&Mark::Bad, "data directory", &format!("{} cannot be written: {error}", dir.display()));
        }
    }
}

/// Bytes as people read them, rounded down.
fn gibibytes(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    let tenths = bytes / MIB * 10 / 1024;
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

async fn database(config: &Config, report: &mut Report) {
    let shown = config.database.display();
    if !config.database.exists() {
        report.line(&Mark::On, "database", &format!("{shown} will be made at the first start"));
        return;
    }
    let found = async {
        let db = Db::open_shared(&config.database).await?;
        Ok::<_, crate::store::StoreError>((db.check().await?, db.migrations().await?))
    };
    match found.await {
        Ok((None, (done, known))) if done == known => {
            report.line(&Mark::On, "database", &format!("{shown} is sound, {done} migrations"));
        }
        Ok((None, (done, known))) if done < known => {
            report.line(
                &Mark::On,
                "database",
                &format!("{shown} is sound; {} migrations come at the next start", known - done),
            );
        }
        Ok((None, _)) => report.line(&Mark::Bad, "database", &format!("{shown} is from a newer program")),
        Ok((Some(damage), _)) => report.line(&Mark::Bad, "database", &format!("{shown} is damaged: {damage}")),
        Err(error) => report.line(&Mark::Bad, "database", &format!("{shown}: {error}")),
    }
}

async fn mail(config: &Config, report: &mut Report) {
    let Some(mail) = &config.mail else {
        return report.line(&Mark::Off, "email", "not configured: set SMTP_URL and SMTP_EMAIL");
    };
    match check_login(mail).await {
        Ok(()) => report.line(&Mark::On, "email", &format!("logged in to {} as {}", mail.url, mail.email)),
        Err(why) => report.line(&Mark::Bad, "email", &format!("{}: {why}", mail.url)),
    }
}

/// Looks at each provider of models; nothing is asked that costs anything.
async fn models(config: &Config, report: &mut Report) {
    for (name, key) in &config.ai.off {
        report.line(&Mark::Off, name.as_str(), &format!("not configured: set {key}"));
    }
    for one in &config.ai.providers {
        let what = format!("{} at {}", one.models.planning, one.url);
        match ai::check(one, &config.ai.limits).await {
            Ok(without) => {
                report.line(&Mark::On, one.name.as_str(), &what);
                for why in without {
                    report.line(&Mark::Off, one.name.as_str(), &why);
                }
            }
            Err(why) if one.assumed => report.line(&Mark::Off, one.name.as_str(), &format!("{what}: {why}")),
            Err(why) => report.line(&Mark::Bad, one.name.as_str(), &format!("{what}: {why}")),
        }
    }
}

/// Makes an access token, and no meeting.
async fn google_meet(config: &Config, report: &mut Report) {
    let Some(account) = &config.google else {
        return report.line(&Mark::Off, "google meet", google::MISSING);
    };
    let checked = match Outgoing::new(std::slice::from_ref(&account.token_url), Arc::new(SystemNames)) {
        Ok(outgoing) => Google::new(account.clone(), outgoing).check().await,
        Err(_) => Err("no HTTP client can be made".to_owned()),
    };
    match checked {
        Ok(()) => report.line(&Mark::On, "google meet", "the account's consent holds"),
        Err(why) => report.line(&Mark::Bad, "google meet", &why),
    }
}

async fn calendar(config: &Config, report: &mut Report) {
    let Some(account) = &config.caldav else {
        return report.line(&Mark::On, "calendar", "built in; the owner's can be elsewhere: set CALDAV_URL");
    };
    let found = match Outgoing::new(std::slice::from_ref(&account.url), Arc::new(SystemNames)) {
        Ok(outgoing) => CalDav::new(outgoing, account.clone(), None).check().await.map_err(|why| why.to_string()),
        Err(_) => Err("no HTTP client can be made".to_owned()),
    };
    match found {
        Ok((count, default)) => {
            let calendars = if count == 1 { "1 calendar".to_owned() } else { format!("{count} calendars") };
            let words = format!("logged in to {}: {calendars}, new events go to \"{default}\"", account.url);
            report.line(&Mark::On, "calendar", &words);
        }
        Err(why) => report.line(&Mark::Bad, "calendar", &format!("{}: {why}", account.url)),
    }
}

async fn hotels(config: &Config, report: &mut Report) {
    let Some(duffel) = &config.duffel else {
        return report.line(&Mark::Off, "hotels, flights", OFF);
    };
    let found = match Outgoing::new(std::slice::from_ref(&duffel.api_url), Arc::new(SystemNames)) {
        Ok(outgoing) => Duffel::new(duffel.clone(), outgoing).check().await,
        Err(_) => Err("no HTTP client can be made".to_owned()),
    };
    match found {
        Ok(()) => report.line(&Mark::On, "hotels, flights", &format!("{} takes the token", duffel.api_url)),
        Err(why) => report.line(&Mark::Bad, "hotels, flights", &format!("{}: {why}", duffel.api_url)),
    }
}

async fn telegram(config: &Config, report: &mut Report) {
    let Some(bot) = &config.telegram else {
        return report.line(&Mark::Off, "telegram", "not configured: set TELEGRAM_BOT_TOKEN");
    };
    let me = match Api::new(&bot.api_url, &bot.token) {
        Ok(api) => api.me().await.map_err(|trouble| trouble.to_string()),
        Err(_) => Err("no HTTP client can be made".to_owned()),
    };
    match me {
        Ok(me) => report.line(&Mark::On, "telegram", &format!("the bot is @{}", me.username)),
        Err(why) => report.line(&Mark::Bad, "telegram", &format!("{}: {why}", bot.api_url)),
    }
}

async fn mcp(config: &Config, report: &mut Report) {
    let Some(servers) = &config.mcp else {
        return report.line(&Mark::Off, "mcp", "not configured: set MCP_CONFIG");
    };
    // What was allowed is known once there is a database.
    let db = if config.database.exists() { Db::open_shared(&config.database).await.ok() } else { None };
    for server in mcp::examine(servers, db.as_ref().map(|db| db as &dyn McpStore)).await {
        let name = format!("mcp {}", server.name);
        match server.found {
            None => report.line(&Mark::Off, &name, "turned off in MCP_CONFIG"),
            Some(Ok(found)) => report.line(&Mark::On, &name, &found),
            Some(Err(why)) => report.line(&Mark::Bad, &name, &why),
        }
    }
}

/// Asks for one rate. An address may hold a key in its query, so only its host is shown.
async fn rates(url: &Url, report: &mut Report) {
    let host = url.host_str().unwrap_or_default();
    let found = match Outgoing::new(std::slice::from_ref(url), Arc::new(SystemNames)) {
        Ok(outgoing) => {
            Rates::new(outgoing, Some(url.clone())).convert(1.into(), "EUR", "USD", SystemClock.now()).await
        }
        Err(_) => None,
    };
    match found {
        Some(rate) => report.line(&Mark::On, "exchange rates", &format!("{host}: rates of {}", rate.as_of)),
        None => report.line(&Mark::Bad, "exchange rates", &format!("{host} gives none for EUR to USD")),
    }
}

async fn search(config: &Config, report: &mut Report) {
    let search = &config.search;
    let ours: Vec<_> = [Some(&search.nominatim), Some(&search.overpass), search.searxng.as_ref()]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let Ok(outgoing) = Outgoing::new(&ours, Arc::new(SystemNames)) else {
        return report.line(&Mark::Bad, "search", "no HTTP client can be made");
    };
    match check_web(search, &outgoing).await {
        None => report.line(&Mark::Off, "web search", "not configured: set SEARXNG_URL"),
        Some(Ok(told)) => report.line(&Mark::On, "web search", &told),
        Some(Err(why)) => report.line(&Mark::Bad, "web search", &why),
    }
    match check_places(search, &outgoing).await {
        Ok(told) => report.line(&Mark::On, "places", &told),
        Err(why) => report.line(&Mark::Bad, "places", &why),
    }
    match &search.rates {
        None => report.line(&Mark::Off, "exchange rates", "not configured: set EXCHANGE_RATES_URL"),
        Some(url) => rates(url, report).await,
    }
}
