//! Taking addresses out of what models are told: mail addresses become the names of whose they are, and
//! telephone numbers go. Days, times, prices and links stay. Pure; rather too much is hidden than too little.

use std::borrow::Cow;

use workflows::person::Contact;

/// What stands in the place of an address.
const ADDRESS: &str = "(address)";
/// Fewer digits are no telephone number.
const DIGITS_MIN: usize = 7;

/// The text with names in the place of mail addresses, and without those of nobody known and without
/// telephone numbers, numbers in several parts too.
pub(super) fn without_addresses(text: &str, contacts: &[Contact]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = if let Some(len) = link(rest) {
            out.push_str(&rest[..len]);
            len
        } else if let Some((len, told)) = numbers(rest) {
            out.push_str(&told);
            len
        } else if is_around(first) {
            out.push(first);
            first.len_utf8()
        } else {
            let len = word(rest);
            out.push_str(&named(&rest[..len], contacts).unwrap_or(Cow::Borrowed(&rest[..len])));
            len
        };
        rest = &rest[len..];
    }
    out
}

/// What may stand around an address, and is none of it.
fn is_around(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "<>()[]{}\"'`,;:=|\u{2018}\u{2019}\u{201c}\u{201d}".contains(c)
}

/// How long the link is that a text begins with, in bytes, when nobody can be reached by it.
fn link(text: &str) -> Option<usize> {
    /// Where a number in a link is somebody's.
    const NUMBERED: [&str; 4] = ["wa.me", "whatsapp", "phone=", "tel="];
    let scheme = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme))?;
    let end = text.find(|c: char| c.is_whitespace() || "<>\"'`|".contains(c)).unwrap_or(text.len());
    let (host, rest) = text[scheme.len()..end].split_once(['/', '?', '#']).unwrap_or((&text[scheme.len()..end], ""));
    let reaches = host.contains('@') || rest.split(['/', '=', '&', ':']).any(is_mail);
    let numbered = NUMBERED.iter().any(|word| text[..end].contains(word));
    (!reaches && !numbered).then_some(end)
}

/// Whether it is as mail addresses are; `@name` in a link is none.
fn is_mail(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

/// How long the word is that a text begins with, in bytes. A number that stands right behind a word, as in
/// `Tel.+49…`, is one of its own; so is one behind letters of a script that has no spaces.
fn word(text: &str) -> usize {
    let word = &text[..text.find(is_around).unwrap_or(text.len())];
    let behind = |(at, c): (usize, char)| {
        let after = &word[at + c.len_utf8()..];
        let number = after.starts_with(|c: char| c.is_ascii_digit() || c == '+');
        let ends = !c.is_ascii_alphanumeric() && !"+-_".contains(c);
        let plus = c.is_alphabetic() && after.starts_with('+') && after[1..].starts_with(|c: char| c.is_ascii_digit());
        (number && (ends || plus) && !word.contains('@')).then(|| at + c.len_utf8())
    };
    word.char_indices().find_map(behind).unwrap_or(word.len())
}

/// A word that is a mail address, or a name on a platform, as the name of whose it is.
fn named<'a>(word: &str, contacts: &'a [Contact]) -> Option<Cow<'a, str>> {
    if !word.contains('@') || word.len() == 1 {
        return None;
    }
    let address = word.trim_matches(|c: char| !c.is_alphanumeric());
    let whose = contacts.iter().find(|contact| contact.mail_addresses().any(|own| own.eq_ignore_ascii_case(address)));
    let name = whose.map(|contact| contact.name.as_str()).filter(|name| !name.contains('@'));
    // What ends the sentence is none of it either.
    let tail = &word[word.trim_end_matches(['.', '!', '?']).len()..];
    Some(Cow::Owned(format!("{}{tail}", name.unwrap_or(ADDRESS))))
}

/// What becomes of the numbers that a text begins with, up to the next letter: how long they are together, in
/// bytes, and how they are told. Several telephone numbers beside each other are hidden as one.
fn numbers(text: &str) -> Option<(usize, String)> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+(".contains(c)) {
        return None;
    }
    let is_part = |c: char| c.is_ascii_digit() || c == '+' || is_between(c);
    let all = &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())];
    let all = all.trim_end_matches(|c: char| !c.is_ascii_digit() && c != ')');
    // A name of letters and digits, like a room's; an extension is none.
    let after = &text[all.len()..];
    let extended = ["x", "X", "ext"].iter().any(|word| {
        after.strip_prefix(word).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || " .".contains(c)))
    });
    let is_name = after.starts_with(|c: char| c.is_ascii_alphanumeric()) && !extended;
    let mut told = String::new();
    // What may be parts of one number, until something else comes between.
    let (mut from, mut at) = (0, 0);
    let pieces: Vec<&str> = all.split_inclusive(char::is_whitespace).collect();
    for (n, piece) in pieces.iter().enumerate() {
        let is_last = n + 1 == pieces.len();
        if is_told(piece.trim()) || (is_last && is_name) {
            hide(&all[from..at], &mut told);
            told.push_str(piece);
            from = at + piece.len();
        }
        at += piece.len();
    }
    hide(&all[from..], &mut told);
    (!all.is_empty()).then_some((all.len(), told))
}

/// Adds parts of a number, hidden when they are one.
fn hide(parts: &str, told: &mut String) {
    if parts.chars().filter(char::is_ascii_digit).count() < DIGITS_MIN {
        told.push_str(parts);
        return;
    }
    let bare = parts.trim();
    let before = &parts[..parts.len() - parts.trim_start().len()];
    told.push_str(before);
    told.push_str(ADDRESS);
    told.push_str(&parts[before.len() + bare.len()..]);
}

/// What may stand between the digits of a telephone number.
fn is_between(c: char) -> bool {
    " -./()\u{a0}\u{2007}\u{202f}\u{2009}\u{2010}\u{2011}\u{2012}\u{2013}".contains(c)
}

/// Whether it is a day, a time, a price or a range of these, and no part of a telephone number.
fn is_told(word: &str) -> bool {
    let word = word.trim_end_matches(['.', '-', '/', '(', ')']).trim_start_matches(['(', '-', '/']);
    let both = |sign: char| {
        word.split_once(sign).is_some_and(|(first, second)| (is_one(first) && is_one(second)) || rises(first, second))
    };
    // Between two days the sign that is in them as well.
    let days = word.split_at_checked(ISO.len()).is_some_and(|(first, rest)| {
        let mut after = rest.chars();
        after.next().is_some() && is_day(first) && is_day(after.as_str())
    });
    is_one(word) || ['-', '/', '\u{2013}'].into_iter().any(both) || days
}

/// Whether one short number is more than the other, as in `1000-2000`; those of telephones are not of one
/// length, or begin with a naught.
fn rises(first: &str, second: &str) -> bool {
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.len() <= 5 && !text.starts_with('0'));
    first.len() == second.len() && number(first).zip(number(second)).is_some_and(|(first, second)| first < second)
}

/// How long a day is that begins with its year.
const ISO: &str = "2026-01-31";

fn is_one(word: &str) -> bool {
    is_day(word) || is_decimal(word) || is_grouped(word)
}

/// `2026-01-31`, `31.1.2026`, `1/31/26`: a day of this or of nearby centuries.
fn is_day(word: &str) -> bool {
    ['-', '.', '/'].into_iter().any(|sign| {
        let parts: Vec<&str> = word.split(sign).collect();
        let number = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        let day = |text: &str| (1..=2).contains(&text.len()) && (1..=31).contains(&number(text));
        let year = |text: &str| text.len() == 4 && (1_900..2_200).contains(&number(text));
        match parts.as_slice() {
            [first, second, third] if year(first) => day(second) && day(third),
            [first, second, third] => {
                day(first) && day(second) && (year(third) || (third.len() == 2 && number(third) < 100 && sign != '-'))
            }
            _ => false,
        }
    })
}

/// `13.30`, `12.50`: a time or a price.
fn is_decimal(word: &str) -> bool {
    word.split_once('.').is_some_and(|(whole, part)| {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        (1..=6).contains(&whole.len()) && part.len() == 2 && digits(whole) && digits(part)
    })
}

/// `1.200.000`: thousands.
fn is_grouped(word: &str) -> bool {
    let mut groups = word.split('.');
    let first = groups.next().unwrap_or_default();
    let begins =
        (1..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_digit()) && !first.starts_with('0');
    let mut count = 0;
    let same = groups.all(|group| {
        count += 1;
        group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit())
    });
    begins && same && count > 0
}

#[cfg(test)]
mod tests {
    use workflows::ids::ContactId;

    use super::*;

    #[test]
    fn nobody_can_be_reached_by_what_is_left() {
        let contacts = [Contact {
            email: Some("eve.stone@test.local".to_owned()),
            ..Contact::named(ContactId("c".to_owned()), "Eve Stone")
        }];
        for (said, told) in [
            ("mailto:bob@x.org", "mailto:(address)"),
            ("write to eve.stone@test.local.", "write to Eve Stone."),
            ("E-Mail:info@x.org", "E-Mail:(address)"),
            ("a@x.org,b@y.org;c@x.org", "(address),(address);(address)"),
            ("RCPT TO:<bob@x.org>", "RCPT TO:<(address)>"),
            (r#"{"email":"bob@x.org","tel":"+49 170 1234567"}"#, r#"{"email":"(address)","tel":"(address)"}"#),
            ("\u{201c}bob+tag@x.org\u{201d}.", "\u{201c}(address)\u{201d}."),
            ("bob.2@x.org!", "(address)!"),
            ("ask @bob", "ask (address)"),
            ("https://y.org/?to=bob@x.org&c=1", "https://y.org/?to=(address)=1"),
            ("https://user:secret@host/x", "https://user:(address)"),
            ("https://wa.me/491701234567", "https://wa.me/(address)"),
            ("https://api.whatsapp.com/send?phone=491701234567", "https://api.whatsapp.com/send?phone=(address)"),
            ("tel:+491701234567", "tel:(address)"),
            ("Tel.+491701234567", "Tel.(address)"),
            ("Tel+491701234567", "Tel(address)"),
            ("Tel.:(0170)1234567.", "Tel.:(address)."),
            ("+49\u{a0}170\u{a0}1234567", "(address)"),
            ("0170\u{2011}123\u{2011}4567", "(address)"),
            ("[+49.170.1234567]", "[(address)]"),
            ("01701234567,01701234568", "(address),(address)"),
            ("Bob +49 170 1234567 2026-01-31", "Bob (address) 2026-01-31"),
            ("555 123 4567 - 2026-02-01 at 9", "(address) 2026-02-01 at 9"),
            ("0170/1234567 31.01.2026", "(address) 31.01.2026"),
            ("+1-555-123-4567 / +1-555-765-4321", "(address)"),
            ("+491701234567 +491707654321 +491701111111", "(address)"),
            ("555-123-4567x89", "(address)x89"),
            ("555-123-4567 ext. 8", "(address) ext. 8"),
            (
                "\u{96fb}\u{8a71}\u{306f}03-1234-5678\u{3067}\u{3059}",
                "\u{96fb}\u{8a71}\u{306f}(address)\u{3067}\u{3059}",
            ),
            ("030.123.456", "(address)"),
            ("555.123.4567", "(address)"),
            ("555-1234", "(address)"),
        ] {
            assert_eq!(without_addresses(said, &contacts), told, "{said}");
        }
    }

    #[test]
    fn days_times_prices_and_links_stay() {
        for said in [
            "2026-11-24 19:30",
            "2026-11-24 2026-11-25",
            "2026-11-24/2026-11-26",
            "2026-11-24-2026-11-26",
            "Concert 14.03.2026 20:00",
            "12/31/2026 or 31/12/26",
            "01/02/2026 - 05/02/2026",
            "01.02.2026-05.02.2026",
            "2026.01.31",
            "13.00 - 14.30, 10.00-12.00",
            "Pizza 12.50 13.00 14.50",
            "1.200.000 EUR",
            "1000-2000 EUR",
            "at 19:30 for 4 under 50,000 INR",
            "flight LH1234567 in row 12",
            "id 12345678abc",
            "12 of 1200 at 4.5 (10 %)",
            "route a1-b2+c3",
            "https://zoom.us/j/85512345678 at 9",
            "https://medium.com/@u/a-1",
            "http://[::1]:8080/a_b",
            "a + b, c - d",
            "",
        ] {
            assert_eq!(without_addresses(said, &[]), said);
        }
    }
}
