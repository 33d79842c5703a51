//! Overpass QL (<https://wiki.openstreetmap.org/wiki/Overpass_API/Overpass_QL>).
//!
//! The only foreign text in it is words of a name, and of those letters, digits and marks only:
//! nothing that a word can hold ends a string or means anything in a regular expression.

use std::fmt::Write as _;

use super::distance::Point;
use super::kinds::Selector;

/// Longest that the server may work, in seconds.
pub(super) const SERVER_SECS_MAX: u32 = 20;
/// Most elements asked for.
const ELEMENTS_MAX: usize = 600;
/// Memory that the server may use, in bytes.
const SERVER_BYTES_MAX: usize = 256 << 20;
/// Words of a name that are looked for.
const WORDS_MAX: usize = 8;
/// Longest word looked for, in characters.
const WORD_CHARS_MAX: usize = 40;

/// What a name alone must not find: roads, borders and lines.
const NO_PLACES: &str = "[!\"highway\"][!\"boundary\"][!\"route\"][!\"waterway\"]";

/// The query for any of these within so many metres of a point.
pub(super) fn query(selectors: &[Selector], center: Point, radius: u32) -> String {
    let around = format!("(around:{radius},{:.6},{:.6})", center.lat, center.lon);
    let mut text = format!("[out:json][timeout:{SERVER_SECS_MAX}][maxsize:{SERVER_BYTES_MAX}];\n(\n");
    for Selector { tags, also, name } in selectors {
        let kind = match tags {
            Some(tags) => format!("[\"{}\"=\"{}\"]", tags.key, tags.value),
            None => NO_PLACES.to_owned(),
        };
        let named = if name.is_empty() && tags.is_some_and(|tags| !tags.nameless) { "[\"name\"]" } else { "" };
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "nwr{kind}{named}{also}{}{around};", name_filters(name));
    }
    let _infallible = write!(text, ");\nout center {ELEMENTS_MAX};\n");
    text
}

/// One filter for each word of a name: every word must be in it, in whatever order.
fn name_filters(words: &[String]) -> String {
    let filters = words.iter().take(WORDS_MAX).map(|word| format!("[\"name\"~\"{}\",i]", pattern(word)));
    filters.collect::<Vec<_>>().concat()
}

/// A word as a regular expression that needs no escapes: what is no letter may be there or not.
fn pattern(word: &str) -> String {
    let mut pattern = String::new();
    for c in word.chars().take(WORD_CHARS_MAX) {
        if is_letter(c) {
            pattern.push(c);
        } else if !pattern.is_empty() && !pattern.ends_with(".?") {
            pattern.push_str(".?");
        }
    }
    pattern.strip_suffix(".?").map(str::to_owned).unwrap_or(pattern)
}

/// Letters and digits, and the marks that belong to letters of many scripts.
fn is_letter(c: char) -> bool {
    let is_mark =
        matches!(u32::from(c), 0x300..=0x36f | 0x900..=0xdff | 0xe31..=0xe4e | 0x1000..=0x109f | 0x1780..=0x17ff);
    c.is_alphanumeric() || is_mark
}

/// The words of a name that can be looked for.
pub(super) fn words_of(name: &str) -> Vec<String> {
    let words = name.split(|c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '/'));
    words.filter(|word| !pattern(word).is_empty()).map(str::to_owned).take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::super::kinds::want;
    use super::*;

    fn goa() -> Point {
        Point::new(15.498_99, 73.828_27).expect("a point")
    }

    fn built(words: &str) -> String {
        query(&want(words).expect("a want").selectors, goa(), 2_000)
    }

    #[test]
    fn a_kind_is_asked_for_by_its_tags() {
        insta::assert_snapshot!(built("italian restaurants"), @r#"
        [out:json][timeout:20][maxsize:268435456];
        (
        nwr["amenity"="restaurant"]["name"]["cuisine"~"(^|;) *(italian|pizza) *(;|$)",i](around:2000,15.498990,73.828270);
        );
        out center 600;
        "#);
    }

    #[test]
    fn a_name_is_asked_for_by_its_words() {
        insta::assert_snapshot!(built("Tito's Lane"), @r#"
        [out:json][timeout:20][maxsize:268435456];
        (
        nwr[!"highway"][!"boundary"][!"route"][!"waterway"]["name"~"Tito.?s",i]["name"~"Lane",i](around:2000,15.498990,73.828270);
        );
        out center 600;
        "#);
    }

    /// What is left of a query when its strings are taken out; `None` when one does not end.
    fn outside_strings(query: &str) -> Option<String> {
        let pieces: Vec<&str> = query.split('"').collect();
        (pieces.len() % 2 == 1).then(|| pieces.into_iter().step_by(2).collect::<Vec<_>>().join("\"\""))
    }

    const HEAD: &str = "[out:json][timeout:20][maxsize:268435456];\n(\n";
    const TAIL: &str = "(around:2000,15.498990,73.828270);\n);\nout center 600;\n";

    #[test]
    fn nothing_in_a_name_leaves_its_string() {
        for evil in [
            "x\"];out;node(1);//",
            "x\\\"](around:1,0,0);out meta;(",
            "a\\",
            "\\\\\" b",
            "'];nwr[\"name\"~\"",
            "x\n];out;",
            "/* x */ {{bbox}} <union/>",
            "q(((((.*)*)*)*",
            "z$^[a-z]{9999999}|",
            "\u{2028}\"\u{0}\u{202e}x",
        ] {
            let want = want(evil).unwrap_or_else(|| panic!("{evil} has a letter"));
            let [selector] = want.selectors.as_slice() else { panic!("{evil} is a name") };
            let text = query(&want.selectors, goa(), 2_000);
            let filters = "[\"\"~\"\",i]".repeat(selector.name.len());
            let wanted = format!("{HEAD}nwr[!\"\"][!\"\"][!\"\"][!\"\"]{filters}{TAIL}");
            assert_eq!(outside_strings(&text).as_deref(), Some(wanted.as_str()), "{evil}");
            assert!(!text.contains('\\') && !text.contains("//") && !text.contains('\''), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_words_make_a_query_of_the_same_shape(words in "(hotel |pizza )?.{0,80}( bar)?") {
            if let Some(want) = want(&words) {
                let left = outside_strings(&query(&want.selectors, goa(), 2_000)).expect("every string ends");
                let inner = left.strip_prefix(HEAD).and_then(|left| left.strip_suffix(TAIL)).expect("its frame");
                for line in inner.split('\n') {
                    let filters = line.strip_prefix("nwr").expect("a selector");
                    let filters = filters.strip_suffix("(around:2000,15.498990,73.828270);").unwrap_or(filters);
                    let rest = ["[\"\"~\"\",i]", "[\"\"~\"\"]", "[\"\"=\"\"]", "[!\"\"]", "[\"\"]"]
                        .iter()
                        .fold(filters.to_owned(), |left, filter| left.replace(filter, ""));
                    proptest::prop_assert_eq!(rest, "", "{}", line);
                }
            }
        }

        #[test]
        fn a_pattern_is_letters_and_optional_signs(word in "\\PC{0,60}") {
            let pattern = pattern(&word);
            proptest::prop_assert!(pattern.replace(".?", "").chars().all(is_letter), "{}", pattern);
        }
    }
}
