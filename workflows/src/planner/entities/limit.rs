//! What something may cost at most: `under 20k INR`, `budget around 500`, `up to €80 a night`, `max 300 euros`.

use super::money::{self, Money};
use super::{Read, Tokens, any_phrase, is_any};
use crate::planner::tokens::Kind;

/// What a limit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// The whole.
    All,
    /// Each night.
    Night,
    /// Each person.
    Person,
}

/// The most that something may cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// How much; more than nothing.
    pub money: Money,
    /// For what.
    pub per: Per,
}

/// Behind these a number alone is money.
const SURE: &[&str] = &[
    "for less than",
    "for under",
    "priced under",
    "costing less than",
    "with a maximum of",
    "with a max of",
    "at a maximum of",
    "maximum of",
    "maximum price",
    "max price",
    "price limit",
    "price under",
    "price below",
    "my budget is",
    "our budget is",
    "the budget is",
    "with a budget of",
    "on a budget of",
    "a budget of",
    "budget of",
    "budget is",
    "budget",
    "under",
    "below",
    "less than",
    "cheaper than",
    "not more than",
    "no more than",
    "not over",
    "maximum",
    "max",
];
/// Behind these only what is clearly money.
const LOOSE: &[&str] = &["up to", "at most", "within", "for at most", "for up to", "<"];
const NEARLY: &[&str] = &["of around", "of about", "around", "about", "approximately", "roughly", "of", "is", ":", "."];
/// What may follow a bare number that is money.
const AFTER: &[&str] = &[
    "a",
    "per",
    "each",
    "in",
    "on",
    "for",
    "from",
    "total",
    "and",
    "please",
    "at",
    "to",
    "near",
    "altogether",
    "all",
    "with",
    "tomorrow",
    "next",
    "this",
    "returning",
    "or",
];
const BEHIND: &[&str] = &["max", "maximum", "at most", "or less", "or cheaper", "or under", "tops", "limit", "budget"];
const NIGHT: &[&str] = &["a night", "per night", "each night", "/ night", "nightly", "a day", "per day"];
const PERSON: &[&str] = &["per person", "a person", "per head", "a head", "per passenger", "pp", "each", "/ person"];
const TOTAL: &[&str] = &["in total", "total", "altogether", "all in all", "for everything"];
/// A larger sum is a slip of the pen.
const AMOUNT_MAX: f64 = 1e12;

/// A limit on a price.
pub fn limit(tokens: Tokens<'_, '_>, at: usize) -> Read<Limit> {
    let sure = any_phrase(tokens, at, SURE);
    let lead = sure.or_else(|| any_phrase(tokens, at, LOOSE));
    let start = lead.map_or(at, |next| any_phrase(tokens, next, NEARLY).unwrap_or(next));
    let (money, next) = money::sum(tokens, start)?;
    let (per, end) = per(tokens, next);
    let behind = any_phrase(tokens, end, BEHIND).filter(|_| money.marked);
    let bare = sure.is_some() && tokens.get(next).is_none_or(|token| token.kind != Kind::Word || token.is_any(AFTER));
    let is_money = if lead.is_some() { money.marked || bare } else { behind.is_some() };
    let believed = money.amount > 0.0 && money.amount <= AMOUNT_MAX && !is_any(tokens, next, &["%"]);
    let (per, end) = match behind {
        Some(past) if per == Per::All => self::per(tokens, past),
        Some(past) => (per, past),
        None => (per, end),
    };
    (is_money && believed).then_some((Limit { money, per }, end))
}

fn per(tokens: Tokens<'_, '_>, at: usize) -> (Per, usize) {
    if let Some(next) = any_phrase(tokens, at, NIGHT) {
        return (Per::Night, next);
    }
    if let Some(next) = any_phrase(tokens, at, PERSON) {
        return (Per::Person, next);
    }
    (Per::All, any_phrase(tokens, at, TOTAL).unwrap_or(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::tokens::tokenize;

    #[test]
    fn limits_on_prices() {
        let table = [
            ("under 20k INR", 20_000.0, Some("INR"), Per::All),
            ("under 500 euros", 500.0, Some("EUR"), Per::All),
            ("below €80 a night", 80.0, Some("EUR"), Per::Night),
            ("at most 300 dollars each", 300.0, Some("USD"), Per::Person),
            ("up to ₹5,000 per night", 5_000.0, Some("INR"), Per::Night),
            ("budget around 50k", 50_000.0, None, Per::All),
            ("budget: 500", 500.0, None, Per::All),
            ("with a budget of about 2 lakh", 200_000.0, None, Per::All),
            ("max 300 euros", 300.0, Some("EUR"), Per::All),
            ("max. 300 EUR in total", 300.0, Some("EUR"), Per::All),
            ("under 100", 100.0, None, Per::All),
            ("under 100 a night", 100.0, None, Per::Night),
            ("500 euros max", 500.0, Some("EUR"), Per::All),
            ("500 euros at most per person", 500.0, Some("EUR"), Per::Person),
            ("$120 or less", 120.0, Some("USD"), Per::All),
            ("no more than 90 pounds", 90.0, Some("GBP"), Per::All),
        ];
        for (text, amount, currency, per) in table {
            let tokens = tokenize(text);
            let (found, next) = limit(&tokens, 0).expect(text);
            assert!((found.money.amount - amount).abs() < 1e-9, "{text}: {found:?}");
            assert_eq!((found.money.currency, found.per, next), (currency, per, tokens.len()), "{text}");
        }
    }

    #[test]
    fn other_limits_are_no_prices() {
        for text in [
            "under 5 km",
            "within 2 km",
            "up to 40 guests",
            "at most 4 people",
            "max 4 people",
            "under 18 years",
            "500 euros",
            "20",
            "within 2 hours",
            "under 0 euros",
            "under 20%",
            "under the bridge",
            "budget hotel",
        ] {
            assert_eq!(limit(&tokenize(text), 0), None, "{text}");
        }
    }
}
