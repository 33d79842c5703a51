//! Text as people can trust it: what cannot be seen, or turns the reading order, is written out.

use std::fmt::Write as _;

/// What a character looks like that cannot be shown as it is.
fn written_out(c: char, into: &mut String) {
    // Writing to a String cannot fail.
    let _infallible = write!(into, "⟨U+{:04X}⟩", u32::from(c));
}

/// Whether a character is invisible, or changes how its neighbours read.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character is a picture, so that a joiner or a style after it is part of the picture.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{203c}' | '\u{2049}' | '\u{2190}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Text with everything hidden written out: for names, labels and the arguments of a confirmation.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut last = None;
    while let Some(c) = letters.next() {
        let after_picture = last.is_some_and(|last| is_picture(last) || last == '\u{fe0f}');
        let part_of_picture = match c {
            '\u{fe0f}' => last.is_some_and(is_picture),
            '\u{200d}' => after_picture && letters.peek().is_some_and(|next| is_picture(*next)),
            _ => false,
        };
        match c {
            _ if is_hidden(c) && !part_of_picture => written_out(c, &mut shown),
            _ => shown.push(c),
        }
        last = Some(c);
    }
    shown
}

/// Text that chat platforms keep as it is: control characters and marks that turn the reading order
/// are written out, line ends are one character.
pub fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' => shown.push('\n'),
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fff0}'..='\u{fffb}' => written_out(c, &mut shown),
            _ if c.is_control() => written_out(c, &mut shown),
            _ => shown.push(c),
        }
    }
    shown
}

/// Whether a text has nothing that a reader sees.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_hidden(c))
}

/// A text of at most `max` characters, with an ellipsis where it was cut.
pub fn short(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_written_out_and_pictures_stay() {
        assert_eq!(visible("ann@exam\u{202e}ple.org\u{200b}"), "ann@exam⟨U+202E⟩ple.org⟨U+200B⟩");
        assert_eq!(visible("❤\u{fe0f} 👩\u{200d}🚀"), "❤\u{fe0f} 👩\u{200d}🚀");
        assert_eq!(visible("a\u{200d}b"), "a⟨U+200D⟩b");
        assert_eq!(visible("שלום עולם, Привет"), "שלום עולם, Привет");
    }

    #[test]
    fn ordinary_text_keeps_its_lines() {
        assert_eq!(clean("a\r\nb\tc\u{0}d\u{202e}"), "a\nb\tc⟨U+0000⟩d⟨U+202E⟩");
    }

    #[test]
    fn blank_is_what_nobody_sees() {
        assert!(is_blank(" \u{200b}\u{3164}\n"));
        assert!(!is_blank("."));
    }

    #[test]
    fn a_cut_is_seen() {
        assert_eq!(short("привет", 6), "привет");
        assert_eq!(short("привет", 4), "при…");
    }
}
