//! Queries that can be run, and running them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::elements::{Element, Kind};

/// A query that can be run.
pub(super) struct Query {
    pub(super) json: bool,
    pub(super) timeout_secs: u64,
    pub(super) outs: Vec<Out>,
}

/// What is printed, and of what.
pub(super) struct Out {
    pub(super) of: Vec<Select>,
    pub(super) detail: Detail,
    pub(super) center: bool,
    pub(super) limit: Option<usize>,
}

/// How much is printed of an element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Its number.
    Ids,
    /// Where it is and what it is made of.
    Skel,
    /// That and its tags.
    Body,
    /// Its tags.
    Tags,
}

/// A query for elements.
#[derive(Clone)]
pub(super) struct Select {
    pub(super) kinds: Vec<Kind>,
    pub(super) tests: Vec<Test>,
    pub(super) areas: Vec<Area>,
}

/// A filter by tag.
#[derive(Clone)]
pub(super) enum Test {
    Has(String),
    HasNot(String),
    Is(String, String),
    IsNot(String, String),
    Matches(String, regex::Regex),
    MatchesNot(String, regex::Regex),
}

/// A filter by place.
#[derive(Clone, Copy)]
pub(super) enum Area {
    Around { metres: f64, lat: f64, lon: f64 },
    Box { south: f64, west: f64, north: f64, east: f64 },
}

impl Out {
    /// The elements it prints, each once, nodes first, by their numbers.
    pub(super) fn print(&self, elements: &[Element]) -> Vec<Value> {
        let fits = |element: &&Element| self.of.iter().any(|select| select.finds(element));
        let found: BTreeSet<_> = elements.iter().filter(fits).map(|element| (element.kind, element.id)).collect();
        let found = found.iter().filter_map(|&(kind, id)| elements.iter().find(|own| (own.kind, own.id) == (kind, id)));
        found.take(self.limit.unwrap_or(usize::MAX)).map(|element| self.told(element)).collect()
    }

    fn told(&self, element: &Element) -> Value {
        let mut told = json!({"type": element.kind.name(), "id": element.id});
        let tags = matches!(self.detail, Detail::Body | Detail::Tags);
        let members = matches!(self.detail, Detail::Body | Detail::Skel);
        match element.kind {
            Kind::Node if members || self.center => {
                told["lat"] = element.lat.into();
                told["lon"] = element.lon.into();
            }
            Kind::Way | Kind::Relation if self.center => {
                told["center"] = json!({"lat": element.lat, "lon": element.lon});
            }
            Kind::Node | Kind::Way | Kind::Relation => {}
        }
        if members {
            match element.kind {
                Kind::Node => {}
                Kind::Way => told["nodes"] = json!([element.id * 10, element.id * 10 + 1, element.id * 10]),
                Kind::Relation => told["members"] = json!([{"type": "way", "ref": element.id * 10, "role": "outer"}]),
            }
        }
        if tags && !element.tags.is_empty() {
            told["tags"] = element.tags.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
        }
        told
    }
}

impl Select {
    fn finds(&self, element: &Element) -> bool {
        self.kinds.contains(&element.kind)
            && self.tests.iter().all(|test| test.fits(element))
            && self.areas.iter().all(|area| area.has(element))
    }
}

impl Test {
    fn fits(&self, element: &Element) -> bool {
        match self {
            Self::Has(key) => element.tag(key).is_some(),
            Self::HasNot(key) => element.tag(key).is_none(),
            Self::Is(key, value) => element.tag(key) == Some(value),
            Self::IsNot(key, value) => element.tag(key) != Some(value),
            Self::Matches(key, pattern) => element.tag(key).is_some_and(|value| pattern.is_match(value)),
            Self::MatchesNot(key, pattern) => element.tag(key).is_none_or(|value| !pattern.is_match(value)),
        }
    }
}

impl Area {
    fn has(&self, element: &Element) -> bool {
        match *self {
            Self::Around { metres, lat, lon } => element.metres_from(lat, lon) <= metres,
            Self::Box { south, west, north, east } => {
                let in_width = if west <= east {
                    (west..=east).contains(&element.lon)
                } else {
                    // Across the date line.
                    element.lon >= west || element.lon <= east
                };
                in_width && (south..=north).contains(&element.lat)
            }
        }
    }
}
