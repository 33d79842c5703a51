//! What is wanted, from words: a kind of place by its tags (<https://wiki.openstreetmap.org/wiki/Map_features>),
//! narrowed by what the map knows of it, or a name.

use std::fmt::Write as _;

use super::query::words_of;
use super::table::{CUISINES, KINDS, Kind, LITTLE_WORDS, MODIFIERS, Tags};

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Want {
    /// Any of these.
    pub(super) selectors: Vec<Selector>,
    /// What to look for when there is none of them.
    pub(super) instead: Option<Instead>,
}

/// Elements that have all of this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    /// The tag that says what it is; `None` = whatever has that name.
    pub(super) tags: Option<Tags>,
    /// Further filters, as Overpass QL has them.
    pub(super) also: String,
    /// Words that are in its name.
    pub(super) name: Vec<String>,
}

/// The kind without the words that the map does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instead {
    /// Those words.
    pub(super) unknown: String,
    /// What the kind is called.
    pub(super) label: &'static str,
    /// The kind.
    pub(super) selectors: Vec<Selector>,
}

/// A word of a query: as it was said, and as tables have it.
struct Word<'a> {
    said: &'a str,
    plain: String,
}

/// What these words want; `None` when there is no word in them.
pub(super) fn want(query: &str) -> Option<Want> {
    let said: Vec<&str> =
        query.split(|c: char| c.is_whitespace() || c == '-').filter(|word| !word.is_empty()).collect();
    let words: Vec<Word<'_>> = said.into_iter().map(|said| Word { said, plain: plain(said) }).collect();
    let words: Vec<Word<'_>> = words.into_iter().filter(|word| !LITTLE_WORDS.contains(&word.plain.as_str())).collect();
    let full = match words_of(&words.iter().map(|word| word.said).collect::<Vec<_>>().join(" ")) {
        none if none.is_empty() => words_of(query),
        some => some,
    };
    if full.is_empty() {
        return None;
    }
    let by_name = Selector { tags: None, also: String::new(), name: full };
    let Some((kind, rest)) = kind_of(&words) else {
        return Some(Want { selectors: vec![by_name], instead: None });
    };
    let (cuisines, rest) =
        take(&rest, |words| CUISINES.iter().find_map(|(names, value)| length(names, words).map(|n| (*value, n))));
    let (filters, rest) =
        take(&rest, |words| MODIFIERS.iter().find_map(|(names, filter)| length(names, words).map(|n| (*filter, n))));
    let tags = if cuisines.is_empty() { kind.tags } else { kind.tags_with_cuisine };
    let mut also = String::new();
    for value in cuisines {
        // Writing to a String cannot fail.
        let _infallible = write!(also, "[\"cuisine\"~\"(^|;) *({value}) *(;|$)\",i]");
    }
    also.extend(filters);
    let of_kind = |name: &[String]| -> Vec<Selector> {
        let selector = |tags: &Tags| Selector { tags: Some(*tags), also: also.clone(), name: name.to_vec() };
        tags.iter().map(selector).collect()
    };
    let unknown = rest.iter().map(|word| word.said).collect::<Vec<_>>().join(" ");
    let names = words_of(&unknown);
    if names.is_empty() {
        return Some(Want { selectors: of_kind(&[]), instead: None });
    }
    let mut selectors = of_kind(&names);
    selectors.push(by_name);
    let instead = Instead { unknown, label: kind.names[0], selectors: of_kind(&[]) };
    Some(Want { selectors, instead: Some(instead) })
}

/// The kind that the words begin or end with, by its longest name, and the other words.
fn kind_of<'a, 'b>(words: &'a [Word<'b>]) -> Option<(&'static Kind, Vec<&'a Word<'b>>)> {
    let mut best: Option<(&'static Kind, usize, Vec<&'a Word<'b>>)> = None;
    for kind in KINDS {
        for name in kind.names {
            let count = parts(name).count();
            if count > words.len() || best.as_ref().is_some_and(|(_, longest, _)| count <= *longest) {
                continue;
            }
            let (head, tail) = words.split_at(words.len() - count);
            let (lead, left) = words.split_at(count);
            if is(name, tail) {
                best = Some((kind, count, head.iter().collect()));
            } else if is(name, lead) {
                best = Some((kind, count, left.iter().collect()));
            }
        }
    }
    best.map(|(kind, _, rest)| (kind, rest)).or_else(|| cuisine_alone(words))
}

/// "Sushi" is a place to eat it.
fn cuisine_alone<'a, 'b>(words: &'a [Word<'b>]) -> Option<(&'static Kind, Vec<&'a Word<'b>>)> {
    let rest: Vec<_> = words.iter().collect();
    let is_cuisine = CUISINES.iter().any(|(names, _)| length(names, &rest) == Some(rest.len()));
    let place_to_eat = KINDS.iter().find(|kind| kind.names[0] == "place to eat").filter(|_| is_cuisine)?;
    Some((place_to_eat, rest))
}

fn is<'a, 'b: 'a>(name: &str, words: impl IntoIterator<Item = &'a Word<'b>>) -> bool {
    let mut words = words.into_iter();
    parts(name).all(|part| words.next().is_some_and(|word| word.plain == plain(part)))
}

/// The words of a name that are looked at.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(' ').filter(|part| !LITTLE_WORDS.contains(part))
}

/// How many words are the longest of these names.
fn length(names: &[&str], words: &[&Word<'_>]) -> Option<usize> {
    names.iter().filter(|name| is(name, words.iter().copied())).map(|name| parts(name).count()).max()
}

/// Takes out what a table knows, wherever it stands.
fn take<'a, 'b>(
    words: &[&'a Word<'b>],
    known: impl Fn(&[&'a Word<'b>]) -> Option<(&'static str, usize)>,
) -> (Vec<&'static str>, Vec<&'a Word<'b>>) {
    let (mut taken, mut left, mut at) = (Vec::new(), Vec::new(), 0);
    while at < words.len() {
        if let Some((what, count)) = known(&words[at..]) {
            taken.push(what);
            at += count;
        } else {
            left.push(words[at]);
            at += 1;
        }
    }
    (taken, left)
}

/// A word in small letters and in the singular, as far as letters tell.
fn plain(word: &str) -> String {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/').to_lowercase().replace(['é', 'è'], "e");
    if word.len() <= 3 || !word.ends_with('s') || ["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        return word;
    }
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let hissing = ["ches", "shes", "xes", "sses", "zes"].iter().any(|end| word.ends_with(end));
    word[..word.len() - if hissing { 2 } else { 1 }].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(query: &str) -> Vec<String> {
        let want = want(query).expect("a want");
        want.selectors.iter().map(|selector| selector.tags.map_or("*".to_owned(), |tags| tags.to_string())).collect()
    }

    fn also(query: &str) -> String {
        want(query).expect("a want").selectors[0].also.clone()
    }

    #[test]
    fn kinds_are_known_by_their_everyday_words() {
        for (query, wanted) in [
            ("restaurant", "amenity=restaurant"),
            ("The best Restaurants", "amenity=restaurant"),
            ("cafés", "amenity=cafe"),
            ("coffee shop", "amenity=cafe"),
            ("bars", "amenity=bar"),
            ("pub", "amenity=pub"),
            ("night clubs", "amenity=nightclub"),
            ("hotels", "tourism=hotel"),
            ("guest-houses", "tourism=guest_house"),
            ("youth hostel", "tourism=hostel"),
            ("beaches", "natural=beach"),
            ("museums", "tourism=museum"),
            ("park", "leisure=park"),
            ("movie theater", "amenity=cinema"),
            ("pharmacies", "amenity=pharmacy"),
            ("dentist", "amenity=dentist"),
            ("supermarkets", "shop=supermarket"),
            ("bakeries", "shop=bakery"),
            ("libraries", "amenity=library"),
            ("a place to eat", "amenity=restaurant"),
            ("gas station", "amenity=fuel"),
            ("churches", "amenity=place_of_worship"),
            ("party venue", "amenity=events_venue"),
            ("Wedding venues", "amenity=events_venue"),
            ("event hall", "amenity=events_venue"),
        ] {
            assert_eq!(tags(query)[0], wanted, "{query}");
            assert_eq!(want(query).expect("a want").instead, None, "{query}");
        }
    }

    #[test]
    fn every_name_of_a_kind_is_that_kind() {
        for kind in KINDS {
            for name in kind.names {
                let found = want(name).unwrap_or_else(|| panic!("{name} is nothing"));
                let wanted: Vec<_> = kind.tags.iter().map(|tags| Some(*tags)).collect();
                assert_eq!(found.selectors.iter().map(|own| own.tags).collect::<Vec<_>>(), wanted, "{name}");
                assert!(found.selectors.iter().all(|own| own.name.is_empty()), "{name}");
            }
        }
    }

    #[test]
    fn no_name_is_in_the_table_twice() {
        let mut names: Vec<&str> = KINDS.iter().flat_map(|kind| kind.names.iter().copied()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(KINDS.len() >= 60, "{}", KINDS.len());
    }

    #[test]
    fn a_kind_is_narrowed_by_what_the_map_knows() {
        assert!(also("Italian restaurants").contains("(italian|pizza)"));
        assert!(also("south indian food").contains("(south_indian)"), "{}", also("south indian food"));
        assert!(also("vegetarian restaurant").contains("diet:vegetarian"));
        assert!(also("restaurant with live music").contains("live_music"));
        assert!(also("5 star hotel").contains("\"stars\"=\"5\""));
        assert_eq!(also("hotel"), "");
        assert_eq!(tags("sushi"), ["amenity=restaurant", "amenity=fast_food"]);
        assert_eq!(tags("sushi bar"), ["amenity=restaurant", "amenity=bar"]);
    }

    #[test]
    fn other_words_are_a_name_first_and_then_left_out() {
        let want = want("romantic restaurant").expect("a want");
        assert_eq!(want.selectors[0].name, ["romantic"]);
        assert_eq!(want.selectors.last().expect("one").tags, None);
        let instead = want.instead.expect("another way");
        assert_eq!((instead.unknown.as_str(), instead.label), ("romantic", "restaurant"));
        assert_eq!(tags("Hotel Taj"), ["tourism=hotel", "leisure=resort", "*"]);
        assert_eq!(tags("The Tin Lantern"), ["*"]);
        assert_eq!(super::want("The Tin Lantern").expect("a want").selectors[0].name, ["Tin", "Lantern"]);
        assert_eq!(super::want("the best").expect("a want").selectors[0].name, ["the", "best"]);
        for nothing in ["", "  ", "!!!", "\"\\;", "—"] {
            assert_eq!(super::want(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn the_singular_is_found_by_letters() {
        for (many, one) in [
            ("pharmacies", "pharmacy"),
            ("beaches", "beach"),
            ("houses", "house"),
            ("gas", "gas"),
            ("glasses", "glass"),
            ("campus", "campus"),
            ("tennis", "tennis"),
            ("Cafés,", "cafe"),
        ] {
            assert_eq!(plain(many), one);
        }
    }
}
