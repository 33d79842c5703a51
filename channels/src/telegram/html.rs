//! Replies as Telegram's HTML, cut to the length it takes. Pure.

use crate::reply::{Reply, Style};
use crate::text::{clean, is_blank};

/// Longest message, in UTF-16 code units after the markup is read.
pub const TEXT_UNITS_MAX: usize = 4_096;
/// Marked pieces in one message; Telegram reads at most 100 and leaves the rest unmarked.
const MARKS_MAX: usize = 90;
/// A cut at the end of a line or word wastes at most this part of a message: one in this many.
const WASTE: usize = 2;

/// A letter with its look.
#[derive(Clone, Copy)]
struct Letter {
    c: char,
    style: Style,
}

/// The reply as messages, in order; joined they say what the reply says. Parts nobody would see are
/// left out, as Telegram refuses them.
pub fn messages(reply: &Reply) -> Vec<String> {
    let letters: Vec<Letter> = reply
        .spans
        .iter()
        .flat_map(|span| clean(&span.text).chars().map(|c| Letter { c, style: span.style }).collect::<Vec<_>>())
        .collect();
    let mut parts = Vec::new();
    let mut rest = letters.as_slice();
    while !rest.is_empty() {
        let (part, after) = rest.split_at(cut(rest));
        if !is_blank(&part.iter().map(|letter| letter.c).collect::<String>()) {
            parts.push(html(part));
        }
        rest = after;
    }
    parts
}

/// How many letters go into the next message: all that fit, back to the last end of a line or word.
fn cut(letters: &[Letter]) -> usize {
    let (mut units, mut marks, mut last) = (0, 0, Style::Plain);
    let fitting = letters
        .iter()
        .position(|letter| {
            units += letter.c.len_utf16();
            marks += usize::from(letter.style != last && letter.style != Style::Plain);
            last = letter.style;
            units > TEXT_UNITS_MAX || marks > MARKS_MAX
        })
        .unwrap_or(letters.len());
    if fitting == letters.len() {
        return fitting;
    }
    let after = |wanted: char| {
        let found = letters.iter().take(fitting).rposition(|letter| letter.c == wanted);
        found.map(|place| place + 1).filter(|place| *place >= fitting / WASTE)
    };
    after('\n').or_else(|| after(' ')).unwrap_or(fitting).max(1)
}

fn html(letters: &[Letter]) -> String {
    let mut out = String::with_capacity(letters.len() + 16);
    for run in letters.chunk_by(|a, b| a.style == b.style) {
        let (open, close) = match run.first().map(|letter| letter.style) {
            Some(Style::Bold) => ("<b>", "</b>"),
            Some(Style::Code) => ("<code>", "</code>"),
            Some(Style::Plain) | None => ("", ""),
        };
        out.push_str(open);
        for letter in run {
            match letter.c {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                c => out.push(c),
            }
        }
        out.push_str(close);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader of these messages reads.
    fn read(html: &str) -> String {
        html.replace("<b>", "")
            .replace("</b>", "")
            .replace("<code>", "")
            .replace("</code>", "")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    }

    #[test]
    fn markup_in_words_stays_words() {
        let reply = Reply::plain("a < b & \"c\" ").then("<b>not bold</b>", Style::Bold);
        assert_eq!(messages(&reply), ["a &lt; b &amp; \"c\" <b>&lt;b&gt;not bold&lt;/b&gt;</b>"]);
    }

    #[test]
    fn a_long_text_is_cut_at_the_end_of_a_line() {
        let text = format!("{}\n{}", "a".repeat(4_000), "b".repeat(200));
        let parts = messages(&Reply::plain(text));
        assert_eq!(parts, [format!("{}\n", "a".repeat(4_000)), "b".repeat(200)]);
    }

    #[test]
    fn pictures_count_as_two() {
        let parts = messages(&Reply::plain("😀".repeat(2_049)));
        assert_eq!(parts.iter().map(|part| part.encode_utf16().count()).collect::<Vec<_>>(), [4_096, 2]);
    }

    #[test]
    fn nothing_to_see_is_not_sent() {
        assert!(messages(&Reply::plain(" \n\u{200b}")).is_empty());
        assert_eq!(messages(&Reply::plain(format!("a{}b", " ".repeat(9_000)))).len(), 2);
    }

    #[test]
    fn many_marks_go_into_several_messages() {
        let mut reply = Reply::default();
        for n in 0..300 {
            reply = reply.then("a", Style::Plain).then(n.to_string(), Style::Code);
        }
        let parts = messages(&reply);
        assert!(parts.iter().all(|part| part.matches("<code>").count() <= MARKS_MAX));
        assert_eq!(parts.iter().map(|part| read(part)).collect::<String>(), reply.text());
    }

    fn style() -> impl Strategy<Value = Style> {
        prop_oneof![Just(Style::Plain), Just(Style::Bold), Just(Style::Code)]
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_too_long(
            spans in proptest::collection::vec((r"\PC{0,40}|[\s<>&😀а-яא-ת]{0,3000}", style()), 0..8),
        ) {
            let reply = spans.into_iter().fold(Reply::default(), |reply, (text, style)| reply.then(text, style));
            let parts = messages(&reply);
            let seen = |text: &str| text.chars().filter(|c| !is_blank(&c.to_string())).collect::<String>();
            prop_assert_eq!(seen(&parts.iter().map(|part| read(part)).collect::<String>()), seen(&clean(&reply.text())));
            for part in &parts {
                prop_assert!(read(part).encode_utf16().count() <= TEXT_UNITS_MAX);
                prop_assert!(!is_blank(&read(part)));
            }
        }
    }
}
