//! What "near" says: a place by name or by coordinates, and perhaps how far around it.

use super::distance::{Point, whole};

/// Shortest distance looked within, in metres.
pub(super) const RADIUS_MIN: u32 = 100;
/// Longest distance looked within, in metres.
pub(super) const RADIUS_MAX: u32 = 50_000;
/// How far people walk, in metres.
const WALK: u32 = 1_200;

/// A place to look around.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Near {
    /// Where.
    pub(super) spot: Spot,
    /// How far around it, in metres; `None` = as far as the place reaches.
    pub(super) radius: Option<u32>,
}

/// Where a place is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Spot {
    /// Where the map has this name.
    Named(String),
    /// Exactly there, with a name for people.
    Exact(Option<String>, Point),
}

/// Why it cannot be understood, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unclear {
    /// Where the person is is not known.
    Here,
    /// There is no such point.
    OffTheMap,
    /// There is no name.
    Empty,
}

impl Unclear {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Here => "where you are is not known: name a place",
            Self::OffTheMap => "there is no such point on the Earth: latitude goes to 90, longitude to 180",
            Self::Empty => "there is no place to look around: name one",
        }
    }
}

/// Reads `Panaji`, `within 2 km of Panaji`, `15.5,73.8` and `Panaji (15.5,73.8)`.
pub(super) fn parse(text: &str) -> Result<Near, Unclear> {
    let text = text.trim();
    let (radius, rest) = distance_of(text).map_or((None, text), |(radius, rest)| (Some(radius), rest));
    let rest = without_lead(rest).trim_matches(|c: char| c.is_whitespace() || c == ',');
    let spot = match coordinates(rest) {
        Some((name, point)) => Spot::Exact(name, point.ok_or(Unclear::OffTheMap)?),
        None => named(without_remarks(rest))?,
    };
    Ok(Near { spot, radius })
}

fn named(name: String) -> Result<Spot, Unclear> {
    match name.to_lowercase().as_str() {
        "" => Err(Unclear::Empty),
        "me" | "us" | "here" | "nearby" | "my place" | "my location" | "my home" | "home" => Err(Unclear::Here),
        _ => Ok(Spot::Named(name)),
    }
}

/// How the same is said of an exact point, so that reading it finds that point and no other.
pub(super) fn exactly(name: &str, point: Point, radius: u32) -> String {
    let name: String = name.chars().filter(|c| !matches!(c, '(' | ')' | '@' | '+')).collect();
    format!("within {radius} m of {} ({:.5},{:.5})", name.trim(), point.lat, point.lon)
}

/// A distance, and the place it is from.
fn distance_of(text: &str) -> Option<(u32, &str)> {
    leading_distance(text).or_else(|| {
        // "Panaji, within 2 km"
        let at = text.to_ascii_lowercase().rfind("within ")?;
        let (head, tail) = (&text[..at], &text[at..]);
        let (radius, left) = measured(tail.get("within ".len()..)?)?;
        (!head.trim().is_empty() && left.trim().is_empty()).then_some((radius, head))
    })
}

fn leading_distance(text: &str) -> Option<(u32, &str)> {
    let rest =
        strip_word(text, &["within", "around", "in a radius of", "not more than", "at most", "up to"]).unwrap_or(text);
    if let Some(rest) = strip_word(rest, &["walking distance", "a walk", "a short walk"]) {
        return Some((WALK, strip_word(rest, &["of", "from", "to"])?));
    }
    let (radius, rest) = measured(rest)?;
    Some((radius, strip_word(rest, &["of", "from", "around", "away from", "to"])?))
}

/// `2 km`, `500m`, `a mile`: metres, and what follows.
fn measured(text: &str) -> Option<(u32, &str)> {
    let text = text.trim_start();
    let (amount, rest) = if let Some(rest) = strip_word(text, &["a", "an", "one"]) {
        (1.0, rest)
    } else {
        let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',')).unwrap_or(text.len());
        (text[..end].replace(',', ".").parse::<f64>().ok()?, text[end..].trim_start())
    };
    let units: [(&[&str], f64); 3] = [
        (&["km", "kms", "kilometre", "kilometres", "kilometer", "kilometers"], 1_000.0),
        (&["mi", "mile", "miles"], 1_609.344),
        (&["m", "metre", "metres", "meter", "meters"], 1.0),
    ];
    let (metres, rest) = units.iter().find_map(|(words, metres)| Some((*metres, strip_word(rest, words)?)))?;
    Some((whole(amount * metres).clamp(RADIUS_MIN, RADIUS_MAX), rest))
}

/// What follows one of these words, whole.
fn strip_word<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    let text = text.trim_start();
    words.iter().find_map(|word| {
        let head = text.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word))?;
        let rest = &text[head.len()..];
        rest.chars().next().is_none_or(|c| !c.is_alphanumeric()).then(|| rest.trim_start())
    })
}

fn without_lead(text: &str) -> &str {
    strip_word(text, &["near", "around", "close to", "next to"]).filter(|rest| !rest.is_empty()).unwrap_or(text)
}

/// `15.5,73.8` or `Panaji (15.5,73.8)`: the name, and the point if there is one.
fn coordinates(text: &str) -> Option<(Option<String>, Option<Point>)> {
    let (name, pair) = match text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
        Some((name, pair)) => (Some(name.trim().to_owned()).filter(|name| !name.is_empty()), pair),
        None => (None, text),
    };
    let (lat, lon) = pair.split_once(',')?;
    Some((name, Point::new(degrees(lat)?, degrees(lon)?)))
}

fn degrees(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
    text.parse().ok().filter(|_| plain)
}

/// The name without what stands in brackets: "North (beaches), Goa" is "North, Goa".
fn without_remarks(text: &str) -> String {
    let (mut name, mut depth) = (String::new(), 0_u32);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => name.push(c),
            _ => {}
        }
    }
    let parts = name.split(',').map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, radius: Option<u32>) -> Near {
        Near { spot: Spot::Named(name.to_owned()), radius }
    }

    fn exact(name: Option<&str>, lat: f64, lon: f64, radius: Option<u32>) -> Near {
        let point = Point::new(lat, lon).expect("a point");
        Near { spot: Spot::Exact(name.map(str::to_owned), point), radius }
    }

    #[test]
    fn distance_words_are_taken_off() {
        for (text, name, radius) in [
            ("Panaji", "Panaji", None),
            ("  Anjuna , Goa ", "Anjuna, Goa", None),
            ("within 2 km of Panaji, Goa", "Panaji, Goa", Some(2_000)),
            ("Within 2,5km from Panaji", "Panaji", Some(2_500)),
            ("500 m around the Louvre", "the Louvre", Some(500)),
            ("a mile from Baga", "Baga", Some(1_609)),
            ("3 miles of Baga", "Baga", Some(4_828)),
            ("walking distance of Baga", "Baga", Some(WALK)),
            ("within walking distance from Baga", "Baga", Some(WALK)),
            ("Panaji, within 3 kilometres", "Panaji", Some(3_000)),
            ("within 1 m of Baga", "Baga", Some(RADIUS_MIN)),
            ("within 99999999999 km of Baga", "Baga", Some(RADIUS_MAX)),
            ("near Baga", "Baga", None),
            ("Near", "Near", None),
            ("close to Baga Beach", "Baga Beach", None),
            ("North (beaches), Goa", "North, Goa", None),
            ("A Coruña", "A Coruña", None),
            ("2 Mile, Papua", "2 Mile, Papua", None),
            ("Aroundville", "Aroundville", None),
            ("Within, Somewhere", "Within, Somewhere", None),
            ("12 Main Street", "12 Main Street", None),
        ] {
            assert_eq!(parse(text), Ok(named(name, radius)), "{text}");
        }
    }

    #[test]
    fn coordinates_are_exact_and_those_of_nowhere_are_refused() {
        assert_eq!(parse("15.5,73.8"), Ok(exact(None, 15.5, 73.8, None)));
        assert_eq!(parse("-33.8688, +151.2093"), Ok(exact(None, -33.8688, 151.2093, None)));
        assert_eq!(parse("within 3 km of 15.5, 73.8"), Ok(exact(None, 15.5, 73.8, Some(3_000))));
        assert_eq!(
            parse("Springfield, Illinois (39.8,-89.6)"),
            Ok(exact(Some("Springfield, Illinois"), 39.8, -89.6, None))
        );
        for text in ["95,20", "15.5,200", "Panaji (99.0,1.0)"] {
            assert_eq!(parse(text), Err(Unclear::OffTheMap), "{text}");
        }
        for text in ["1e5,2", "NaN,NaN", "inf,0", "15.5,73.8,1"] {
            assert!(matches!(parse(text), Ok(Near { spot: Spot::Named(_), .. })), "{text}");
        }
    }

    #[test]
    fn where_the_person_is_is_not_guessed() {
        for text in ["me", "near me", "Here", "within 2 km of my location"] {
            assert_eq!(parse(text), Err(Unclear::Here), "{text}");
        }
        for text in ["", " , ", "(beaches)", "()"] {
            assert_eq!(parse(text), Err(Unclear::Empty), "{text}");
        }
    }

    #[test]
    fn what_is_said_exactly_is_read_exactly() {
        let point = Point::new(39.799_017, -89.643_957).expect("a point");
        let said = exactly("Springfield (city) + @x, Illinois", point, 7_000);
        assert_eq!(said, "within 7000 m of Springfield city  x, Illinois (39.79902,-89.64396)");
        assert_eq!(parse(&said), Ok(exact(Some("Springfield city  x, Illinois"), 39.79902, -89.64396, Some(7_000))));
        assert_eq!(parse(&exactly("", point, 7_000)), Ok(exact(None, 39.79902, -89.64396, Some(7_000))));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            if let Ok(near) = parse(&text) {
                proptest::prop_assert!(near.radius.is_none_or(|radius| (RADIUS_MIN..=RADIUS_MAX).contains(&radius)));
            }
        }
    }
}
