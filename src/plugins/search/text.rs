//! Foreign words made fit to be shown: one line, bounded, nothing in it that hides or turns text.

/// Times that markup is taken away: what was escaped may be markup too.
const MARKUP_PASSES: usize = 2;
/// Longest entity, in bytes.
const ENTITY_BYTES_MAX: usize = 10;

/// A text on one line, at most that many characters long.
pub(crate) fn line(text: &str, chars_max: usize) -> String {
    let shown: String = text.chars().filter(|c| !is_hidden(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line = String::new();
    for word in shown.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.chars().count() <= chars_max {
        return line;
    }
    let cut: String = line.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// Characters that show nothing themselves and change how others are shown or read.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The words of HTML, without its markup, on one line.
pub(crate) fn without_markup(html: &str, chars_max: usize) -> String {
    let mut text = html.to_owned();
    for _ in 0..MARKUP_PASSES {
        text = without_entities(&without_tags(&text));
    }
    line(&without_tags(&text), chars_max)
}

fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        text.push_str(before);
        let opens = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        if !opens {
            text.push('<');
            rest = &tag[1..];
            continue;
        }
        let unread = ["script", "style"]
            .into_iter()
            .find(|name| tag.get(1..=name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name)));
        let end = match unread {
            Some(name) => end_of(tag, name),
            None => tag.find('>').map_or(tag.len(), |end| end + 1),
        };
        // `</b>` joins what it parts; every other tag may stand for a break.
        text.push(' ');
        rest = &tag[end..];
    }
    text.push_str(rest);
    text
}

/// Where an element whose content is no text ends.
fn end_of(tag: &str, name: &str) -> usize {
    let lower = tag.to_ascii_lowercase();
    let closing = lower.find(&format!("</{name}"));
    closing.and_then(|at| lower[at..].find('>').map(|end| at + end + 1)).unwrap_or(tag.len())
}

fn without_entities(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        text.push_str(before);
        let named = entity.bytes().take(ENTITY_BYTES_MAX).position(|byte| byte == b';');
        if let Some((meant, end)) = named.and_then(|end| Some((meant(&entity[1..end])?, end))) {
            text.push(meant);
            rest = &entity[end + 1..];
        } else {
            text.push('&');
            rest = &entity[1..];
        }
    }
    text.push_str(rest);
    text
}

fn meant(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    let named = match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "hellip" => '…',
        "ndash" => '–',
        "mdash" => '—',
        "middot" => '·',
        _ => return None,
    };
    Some(named)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_goes_and_words_stay() {
        let rows = [
            ("<b>Goa</b> &amp; more", "Goa & more"),
            ("a < b and 1<2", "a < b and 1<2"),
            ("&lt;script&gt;alert(1)&lt;/script&gt;beach", "beach"),
            ("x<script>var a = '<b>';</SCRIPT>y", "x y"),
            ("caf&#233; &#x2014; open", "café — open"),
            ("R&D &unknown; &", "R&D &unknown; &"),
            ("cut <a href='", "cut"),
            ("one<br>two\nthree\u{0}four", "one two three four"),
            ("<!-- hidden -->shown", "shown"),
            ("&#xD800;&#99999999;", "&#xD800;&#99999999;"),
            ("é&é<é", "é&é<é"),
        ];
        for (html, words) in rows {
            assert_eq!(without_markup(html, 100), words, "{html}");
        }
    }

    #[test]
    fn nothing_turns_or_hides_what_is_shown() {
        assert_eq!(line("pay\u{202e}lap\u{200b}.\tcom\u{7}\r\nnow", 50), "paylap. com now");
        assert_eq!(line("नमस्\u{200d}ते", 50), "नमस्\u{200d}ते", "joiners belong to letters");
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(line("abcd", 4), "abcd");
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_bounded_line(html in ".{0,300}", max in 1_usize..80) {
            let shown = without_markup(&html, max);
            prop_assert!(shown.chars().count() <= max);
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_hidden(c)));
        }
    }
}
