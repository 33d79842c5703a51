//! Exchange rates, so that people can compare prices in their own currency.
//!
//! The shape is that of Frankfurter (<https://frankfurter.dev>): `?base=EUR&symbols=INR` answers
//! `{"base": "EUR", "date": "2026-01-02", "rates": {"INR": 98.1}}`. A converted amount is a help to the
//! eye and is never charged: without rates there is none, and nothing else fails.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use reqwest::header::ACCEPT;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use serde_json::Number;
use tokio::sync::Mutex;
use url::Url;

use crate::outgoing::{Outgoing, Request};

/// Longest wait for a rate.
const LIMIT: Duration = Duration::from_secs(5);
/// Largest answer read.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Pairs of currencies kept.
const PAIRS_MAX: usize = 64;
/// How long a server that gave no rate is left alone.
const REST: TimeDelta = TimeDelta::minutes(5);
/// Currencies without hundredths, and those with thousandths (ISO 4217).
const WHOLE: [&str; 9] = ["CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"];
const THOUSANDTHS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// Where rates come from.
pub struct Rates {
    outgoing: Outgoing,
    url: Option<Url>,
    kept: Mutex<HashMap<(String, String), Kept>>,
}

/// An amount in another currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// So much, rounded as the currency is.
    pub amount: Decimal,
    /// Its ISO 4217 code.
    pub currency: String,
    /// The day that the rate is of.
    pub as_of: NaiveDate,
}

#[derive(Clone, Copy)]
enum Kept {
    /// Good for the rest of the day it was asked on.
    Rate { rate: Decimal, as_of: NaiveDate, asked_on: NaiveDate },
    /// There was none.
    None { asked_at: DateTime<Utc> },
}

#[derive(Deserialize)]
struct Answer {
    base: String,
    date: NaiveDate,
    rates: HashMap<String, Number>,
}

impl Rates {
    /// Rates from this address; `None` = there are none.
    pub fn new(outgoing: Outgoing, url: Option<Url>) -> Self {
        Self { outgoing, url, kept: Mutex::default() }
    }

    /// An amount in another currency; `None` when it is the same one, or there is no rate.
    pub async fn convert(&self, amount: Decimal, from: &str, to: &str, now: DateTime<Utc>) -> Option<Converted> {
        let url = self.url.as_ref()?;
        if from == to || !is_code(from) || !is_code(to) {
            return None;
        }
        let (rate, as_of) = self.rate(url, from, to, now).await?;
        let amount = round(amount.checked_mul(rate)?, to);
        Some(Converted { amount, currency: to.to_owned(), as_of })
    }

    async fn rate(&self, url: &Url, from: &str, to: &str, now: DateTime<Utc>) -> Option<(Decimal, NaiveDate)> {
        // Held while asking, so that a list of prices asks once.
        let mut kept = self.kept.lock().await;
        let pair = (from.to_owned(), to.to_owned());
        match kept.get(&pair).filter(|kept| kept.holds(now)) {
            Some(Kept::Rate { rate, as_of, .. }) => return Some((*rate, *as_of)),
            Some(Kept::None { .. }) => return None,
            None => {}
        }
        let found = self.ask(url, from, to).await;
        if kept.len() >= PAIRS_MAX {
            kept.clear();
        }
        let asked = match found {
            Some((rate, as_of)) => Kept::Rate { rate, as_of, asked_on: now.date_naive() },
            None => Kept::None { asked_at: now },
        };
        kept.insert(pair, asked);
        found
    }

    async fn ask(&self, url: &Url, from: &str, to: &str) -> Option<(Decimal, NaiveDate)> {
        let mut url = url.clone();
        url.query_pairs_mut().append_pair("base", from).append_pair("symbols", to);
        let request = Request::get(url).header(ACCEPT, "application/json").within(LIMIT).at_most(ANSWER_BYTES_MAX);
        match self.outgoing.send(request).await {
            Ok(answer) if answer.status.is_success() => {
                let rate = answer.json().and_then(|answer| read(&answer, from, to));
                if rate.is_none() {
                    tracing::warn!(from, to, "no exchange rate in the answer");
                }
                rate
            }
            Ok(answer) => {
                tracing::warn!(status = answer.status.as_u16(), "no exchange rate");
                None
            }
            Err(trouble) => {
                tracing::warn!(%trouble, "no exchange rate");
                None
            }
        }
    }
}

impl Kept {
    fn holds(&self, now: DateTime<Utc>) -> bool {
        match self {
            Self::Rate { asked_on, .. } => *asked_on == now.date_naive(),
            Self::None { asked_at } => *asked_at <= now && now - *asked_at < REST,
        }
    }
}

/// The rate, when the answer is to what was asked.
fn read(answer: &Answer, from: &str, to: &str) -> Option<(Decimal, NaiveDate)> {
    let number = answer.rates.get(to)?.to_string();
    let rate = number.parse().or_else(|_| Decimal::from_scientific(&number)).ok()?;
    (answer.base == from && rate > Decimal::ZERO).then_some((rate, answer.date))
}

fn is_code(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn round(amount: Decimal, currency: &str) -> Decimal {
    let places = match currency {
        whole if WHOLE.contains(&whole) => 0,
        fine if THOUSANDTHS.contains(&fine) => 3,
        _ => 2,
    };
    amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::extract::RawQuery;
    use axum::http::StatusCode;

    use super::*;
    use crate::outgoing::SystemNames;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).expect("a time")
    }

    fn number(text: &str) -> Decimal {
        text.parse().expect("a number")
    }

    /// A server that answers this, and how often it was asked.
    async fn rates(status: u16, body: &'static str) -> (Rates, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let answer = move |RawQuery(query): RawQuery| {
            assert_eq!(query.as_deref(), Some("base=EUR&symbols=INR"));
            count.fetch_add(1, Ordering::SeqCst);
            std::future::ready((StatusCode::from_u16(status).expect("a status"), body))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url: Url =
            format!("http://{}/v1/latest", listener.local_addr().expect("an address")).parse().expect("a url");
        let routes = Router::new().route("/v1/latest", axum::routing::get(answer));
        tokio::spawn(axum::serve(listener, routes).into_future());
        let outgoing = Outgoing::new(std::slice::from_ref(&url), Arc::new(SystemNames)).expect("a client");
        (Rates::new(outgoing, Some(url)), asked)
    }

    const GOOD: &str = r#"{"amount": 1.0, "base": "EUR", "date": "2026-01-02", "rates": {"INR": 98.125}}"#;

    #[tokio::test]
    async fn an_amount_is_converted_and_the_rate_is_kept_for_the_day() {
        let (rates, asked) = rates(200, GOOD).await;
        let day = NaiveDate::from_ymd_opt(2026, 1, 2).expect("a day");
        for (secs, times) in [(0, 1), (86_399, 1), (86_400, 2)] {
            let converted = rates.convert(number("10.10"), "EUR", "INR", at(secs)).await.expect("an amount");
            let wanted = Converted { amount: number("991.06"), currency: "INR".to_owned(), as_of: day };
            assert_eq!(converted, wanted);
            assert_eq!(asked.load(Ordering::SeqCst), times, "second {secs}");
        }
    }

    #[tokio::test]
    async fn without_a_rate_there_is_no_amount_and_the_server_is_left_alone() {
        let bodies = [
            (500, "<html>"),
            (200, "<html>"),
            (200, r#"{"base": "USD", "date": "2026-01-02", "rates": {"INR": 98.1}}"#),
            (200, r#"{"base": "EUR", "date": "2026-01-02", "rates": {"USD": 98.1}}"#),
            (200, r#"{"base": "EUR", "date": "2026-01-02", "rates": {"INR": -1}}"#),
            (200, r#"{"base": "EUR", "date": "soon", "rates": {"INR": 98.1}}"#),
            (404, GOOD),
        ];
        for (status, body) in bodies {
            let (rates, asked) = rates(status, body).await;
            for (secs, times) in [(0, 1), (299, 1), (300, 2)] {
                assert_eq!(rates.convert(number("1"), "EUR", "INR", at(secs)).await, None, "{body}");
                assert_eq!(asked.load(Ordering::SeqCst), times, "{body}");
            }
        }
    }

    #[tokio::test]
    async fn what_needs_no_rate_asks_for_none() {
        let (mut rates, asked) = rates(200, GOOD).await;
        for (from, to) in [("EUR", "EUR"), ("eur", "INR"), ("EUR", "I&R"), ("", "INR")] {
            assert_eq!(rates.convert(number("1"), from, to, at(0)).await, None, "{from} {to}");
        }
        assert_eq!(rates.convert(Decimal::MAX, "EUR", "INR", at(0)).await, None, "too much to be a number");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        rates.url = None;
        assert_eq!(rates.convert(number("1"), "EUR", "INR", at(0)).await, None);
    }

    #[test]
    fn amounts_are_rounded_as_their_currency_is() {
        for (amount, currency, rounded) in [
            ("1.005", "EUR", "1.01"),
            ("1234.5", "JPY", "1235"),
            ("1.00049", "KWD", "1.000"),
            ("-0.125", "USD", "-0.13"),
        ] {
            assert_eq!(round(number(amount), currency), number(rounded), "{amount} {currency}");
        }
    }

    #[test]
    fn a_rate_is_read_without_loss() {
        for (text, wanted) in
            [("0.00001", "0.00001"), ("1e-7", "0.0000001"), ("1234567.891", "1234567.891"), ("3", "3")]
        {
            let body = format!(r#"{{"base": "A", "date": "2026-01-02", "rates": {{"B": {text}}}}}"#);
            let answer: Answer = serde_json::from_str(&body).expect("an answer");
            assert_eq!(read(&answer, "A", "B").expect("a rate").0, number(wanted));
        }
    }
}
