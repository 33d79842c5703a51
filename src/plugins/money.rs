//! Amounts of money, exact.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::{Value, json};

/// An amount in a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Money {
    /// How much.
    pub(crate) amount: Decimal,
    /// ISO 4217 code.
    pub(crate) currency: String,
}

impl Money {
    /// From another side's decimal text and code.
    pub(crate) fn read(amount: &str, currency: &str) -> Option<Self> {
        let is_code = currency.len() == 3 && currency.chars().all(|c| c.is_ascii_uppercase());
        let amount = Decimal::from_str(amount.trim()).ok().filter(|_| is_code)?;
        Some(Self { amount: amount.normalize(), currency: currency.to_owned() })
    }

    /// From an argument: `{"amount": 50000, "currency": "INR"}`, or a bare number in this currency.
    pub(crate) fn of(value: &Value, currency: &str) -> Option<Self> {
        let (amount, code) = match value {
            Value::Object(fields) => (fields.get("amount")?, fields.get("currency").and_then(Value::as_str)),
            other => (other, None),
        };
        let text = match amount {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        Self::read(&text, code.unwrap_or(currency))
    }

    /// As arguments and results hold it: a number, so that plans can compare it.
    pub(crate) fn as_value(&self) -> Value {
        let number = serde_json::Number::from_str(&self.amount.to_string()).map_or(Value::Null, Value::Number);
        json!({"amount": number, "currency": self.currency})
    }

    /// The schema of such an argument.
    pub(crate) fn schema() -> Value {
        json!({"type": "object", "additionalProperties": false, "required": ["amount", "currency"], "properties": {
            "amount": {"type": "number", "minimum": 0}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}})
    }
}

impl fmt::Display for Money {
    /// `INR 35,000.50`; whole amounts without decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never rounded: what is shown is what is compared.
        let mut shown = self.amount.normalize();
        if shown.scale() == 1 {
            shown.rescale(2);
        }
        let text = shown.to_string();
        let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
        let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
        let mut grouped = String::new();
        for (n, digit) in digits.chars().enumerate() {
            if n > 0 && (digits.len() - n) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        write!(f, "{} {sign}{grouped}", self.currency)?;
        rest.map_or(Ok(()), |rest| write!(f, ".{rest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_the_same_however_they_are_written() {
        let read = |text| Money::read(text, "INR").expect("an amount");
        assert_eq!(read("35000.00"), read("35000"));
        assert_eq!(Some(read("35000.00")), Money::of(&json!({"amount": 35000, "currency": "INR"}), "USD"));
        assert_eq!(Some(read("0.1")), Money::of(&json!(0.1), "INR"));
        assert_eq!(read("799.10").as_value(), json!({"amount": 799.1, "currency": "INR"}));
        assert_ne!(read("35000.01"), read("35000"));
        assert_eq!(read("35000.00").as_value(), json!({"amount": 35000, "currency": "INR"}));
    }

    #[test]
    fn amounts_read_well() {
        let shown = |text| Money::read(text, "GBP").expect("an amount").to_string();
        assert_eq!(shown("1234567.5"), "GBP 1,234,567.50");
        assert_eq!(shown("35000.00"), "GBP 35,000");
        assert_eq!(shown("-100"), "GBP -100");
        assert_eq!(shown("12.345"), "GBP 12.345");
        assert_eq!(shown("1000000"), "GBP 1,000,000");
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for (amount, currency) in [("x", "EUR"), ("1", "euro"), ("", "EUR"), ("1e400", "EUR")] {
            assert_eq!(Money::read(amount, currency), None, "{amount} {currency}");
        }
        assert_eq!(Money::of(&json!(null), "EUR"), None);
    }
}
