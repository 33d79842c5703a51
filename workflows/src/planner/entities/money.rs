//! Sums of money: `50k`, `₹50,000`, `50 000 EUR`, `$1.5k`, `5 lakh`.

use super::{Read, Tokens, number};
use crate::planner::tokens::Kind;

/// A sum of money.
#[derive(Debug, Clone, PartialEq)]
pub struct Money {
    /// How much.
    pub amount: f64,
    /// ISO 4217 code; `None` when none was named.
    pub currency: Option<&'static str>,
    /// Whether words made clear that it is money: a currency, or a multiplier like `k`.
    pub marked: bool,
}

const CURRENCIES: [(&str, &[&str]); 16] = [
    ("USD", &["$", "usd", "dollar", "dollars", "bucks"]),
    ("EUR", &["€", "eur", "euro", "euros"]),
    ("GBP", &["£", "gbp", "pound", "pounds", "quid"]),
    ("INR", &["₹", "inr", "rupee", "rupees", "rs"]),
    ("JPY", &["¥", "jpy", "yen"]),
    ("CHF", &["chf", "franken", "francs"]),
    ("CNY", &["cny", "rmb", "yuan"]),
    ("KRW", &["₩", "krw"]),
    ("AUD", &["aud"]),
    ("CAD", &["cad"]),
    ("AED", &["aed", "dirham", "dirhams"]),
    ("SGD", &["sgd"]),
    ("SEK", &["sek"]),
    ("PLN", &["pln", "zloty"]),
    ("BRL", &["brl", "reais"]),
    ("ILS", &["₪", "ils", "shekel", "shekels"]),
];

const MULTIPLIERS: [(&str, f64); 12] = [
    ("k", 1e3),
    ("thousand", 1e3),
    ("grand", 1e3),
    ("lakh", 1e5),
    ("lakhs", 1e5),
    ("lac", 1e5),
    ("crore", 1e7),
    ("crores", 1e7),
    ("million", 1e6),
    ("mio", 1e6),
    ("hundred", 1e2),
    ("billion", 1e9),
];

fn currency(tokens: Tokens<'_, '_>, at: usize) -> Read<&'static str> {
    let token = tokens.get(at)?;
    let (code, _) = CURRENCIES.iter().find(|(_, names)| token.is_any(names))?;
    let dotted = token.is("rs") && tokens.get(at + 1).is_some_and(|next| next.glued && next.is("."));
    Some((code, if dotted { at + 2 } else { at + 1 }))
}

/// A sum of money, marked or a plain number.
pub fn sum(tokens: Tokens<'_, '_>, at: usize) -> Read<Money> {
    let before = currency(tokens, at);
    let start = before.map_or(at, |(_, next)| next);
    let (mut amount, mut next) = number::decimal(tokens, start, true)?;
    while let Some(group) = tokens.get(next) {
        let spaced =
            !group.glued && group.kind == Kind::Number && group.text.len() == 3 && tokens[start].text.len() <= 3;
        if !spaced || amount.fract() != 0.0 || amount > 1e12 {
            break;
        }
        amount = amount * 1000.0 + group.text.parse::<f64>().ok()?;
        next += 1;
    }
    let factor = tokens.get(next).and_then(|token| MULTIPLIERS.iter().find(|(name, _)| token.is(name)));
    if let Some((_, factor)) = factor {
        amount *= factor;
        next += 1;
    }
    let after = if before.is_none() { currency(tokens, next) } else { None };
    let next = after.map_or(next, |(_, past)| past);
    let code = before.or(after).map(|(code, _)| code);
    let marked = code.is_some() || factor.is_some();
    Some((Money { amount, currency: code, marked }, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::tokens::tokenize;

    #[test]
    fn sums_in_several_notations() {
        let table: [(&str, f64, Option<&str>); 12] = [
            ("50k", 50_000.0, None),
            ("₹50,000", 50_000.0, Some("INR")),
            ("50 000 EUR", 50_000.0, Some("EUR")),
            ("$1.5k", 1_500.0, Some("USD")),
            ("5 lakh", 500_000.0, None),
            ("Rs. 1,00,000", 100_000.0, Some("INR")),
            ("1.234,50 €", 1_234.5, Some("EUR")),
            ("1.500 euros", 1_500.0, Some("EUR")),
            ("£12.99", 12.99, Some("GBP")),
            ("two million dollars", 2_000_000.0, Some("USD")),
            ("1 200 300 CHF", 1_200_300.0, Some("CHF")),
            ("INR 35,000", 35_000.0, Some("INR")),
        ];
        for (text, amount, code) in table {
            let tokens = tokenize(text);
            let (money, next) = sum(&tokens, 0).expect(text);
            assert!((money.amount - amount).abs() < 1e-9, "{text}: {money:?}");
            assert_eq!(money.currency, code, "{text}");
            assert_eq!(next, tokens.len(), "{text}");
        }
    }
}
