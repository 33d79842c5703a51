//! Elements of OpenStreetMap, and some in Goa.
//!
//! A way or a relation is where its centre is: `around` measures to that, where the real server measures to the line.

/// The mean radius of the Earth.
const EARTH_METRES: f64 = 6_371_008.8;

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A point.
    Node,
    /// A line or the edge of an area.
    Way,
    /// Several of these.
    Relation,
}

/// An element.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its number among its kind.
    pub(crate) id: u64,
    /// Latitude of it or its centre, in degrees.
    pub(crate) lat: f64,
    /// Longitude of it or its centre, in degrees.
    pub(crate) lon: f64,
    /// Its tags in their order.
    pub(crate) tags: Vec<(String, String)>,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Way => "way",
            Self::Relation => "relation",
        }
    }
}

impl Element {
    /// An element with tags written as `key=value|key=value`.
    pub(crate) fn new(kind: Kind, id: u64, lat: f64, lon: f64, tags: &str) -> Self {
        let tag = |tag: &str| tag.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self { kind, id, lat, lon, tags: tags.split('|').filter_map(tag).collect() }
    }

    /// The value of a tag.
    pub(crate) fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }

    /// The distance on the sphere.
    pub(super) fn metres_from(&self, lat: f64, lon: f64) -> f64 {
        metres_between((self.lat, self.lon), (lat, lon))
    }
}

/// The distance between two places, each as latitude and longitude in degrees, on the sphere.
pub(in crate::fake_web) fn metres_between(one: (f64, f64), other: (f64, f64)) -> f64 {
    let (from, to) = (one.0.to_radians(), other.0.to_radians());
    let north = (to - from) / 2.0;
    let east = (other.1 - one.1).to_radians() / 2.0;
    let half = north.sin().powi(2) + from.cos() * to.cos() * east.sin().powi(2);
    2.0 * EARTH_METRES * half.sqrt().asin()
}

/// Restaurants, bars, hotels, halls and beaches of Goa; the names and numbers are made up.
pub(super) fn seed() -> Vec<Element> {
    let element = |line: &str| {
        let words: Vec<_> = line.splitn(5, ' ').collect();
        let kind = [Kind::Node, Kind::Way, Kind::Relation].into_iter().find(|kind| kind.name() == words[0]);
        let degrees = |word: &str| word.parse().expect("degrees");
        let (kind, id) = (kind.expect("a kind"), words[1].parse().expect("a number"));
        Element::new(kind, id, degrees(words[2]), degrees(words[3]), words[4])
    };
    include_str!("goa.txt").lines().map(element).collect()
}
