//! Entries of an address book: how new ones find those that are there, and how they are read from
//! vCard files. Pure: keeping them is the store's work.

mod cards;
mod change;
mod owner;
pub mod vcard;

use change::filled;
pub use change::{Change, Changed, Details, Match};
pub use owner::Owner;

/// Longest name, address or number, in characters.
pub const TEXT_CHARS_MAX: usize = 254;
/// Other names, or groups, of one entry.
pub const NAMES_MAX: usize = 50;
/// Mail addresses, or telephone numbers, of one entry beside the usual one.
pub const WAYS_MAX: usize = 20;

/// Whether a text is one mail address.
pub fn is_address(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>'));
    plain
        && text
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains(char::is_alphanumeric))
}

/// A text as it is compared: one space between words, small letters.
pub(crate) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A telephone number as it is compared: its digits, and its plus.
pub(crate) fn dialled(number: &str) -> String {
    number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect()
}
