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
    let node = |id, lat, lon, tags| Element::new(Kind::Node, id, lat, lon, tags);
    let way = |id, lat, lon, tags| Element::new(Kind::Way, id, lat, lon, tags);
    vec![
        node(
            1001,
            15.5441,
            73.7553,
            "amenity=restaurant|name=The Tin Lantern|cuisine=goan;seafood|phone=+91 832 555 0101|email=table@tinlantern.example|website=https://tinlantern.example|opening_hours=Mo-Su 12:00-23:30|addr:street=Calangute Beach Road|addr:housenumber=12|addr:city=Calangute|addr:postcode=403516",
        ),
        node(
            1002,
            15.5532,
            73.7529,
            "amenity=restaurant|name=Baga Kitchen|cuisine=indian|contact:phone=+91 832 555 0102|contact:email=hello@bagakitchen.example|contact:website=https://bagakitchen.example|opening_hours=Tu-Su 18:00-24:00|addr:city=Baga",
        ),
        node(
            1003,
            15.5738,
            73.7406,
            "amenity=restaurant|name=Anjuna Terrace|cuisine=italian|phone=+91 832 555 0103|addr:street=Flea Market Road|addr:city=Anjuna",
        ),
        node(
            1004,
            15.4989,
            73.8278,
            "amenity=restaurant|name=Casa Panjim|cuisine=portuguese|email=mesa@casapanjim.example|website=https://casapanjim.example|addr:street=31st January Road|addr:city=Panaji|addr:postcode=403001",
        ),
        node(
            1005,
            15.5012,
            73.8301,
            "amenity=restaurant|name=Mandovi Thali House|cuisine=indian;vegetarian|diet:vegetarian=only|opening_hours=Mo-Sa 11:00-15:30,19:00-22:30|addr:city=Panaji",
        ),
        node(
            1006,
            15.2740,
            73.9585,
            "amenity=restaurant|name=Margao Fish Curry|cuisine=seafood|contact:phone=+91 832 555 0106|addr:city=Margao",
        ),
        node(
            1007,
            15.0101,
            74.0233,
            "amenity=restaurant|name=Palolem Sunset|cuisine=seafood|phone=+91 832 555 0107|email=sunset@palolem.example|addr:city=Canacona",
        ),
        node(1008, 15.5450, 73.7560, "amenity=restaurant|name=No Contact Inn"),
        node(
            1010,
            15.5557,
            73.7514,
            "amenity=bar|name=Tito's Namesake|phone=+91 832 555 0110|website=https://bar-namesake.example|opening_hours=19:00-03:00|addr:city=Baga",
        ),
        node(
            1011,
            15.6021,
            73.7362,
            "amenity=bar|name=Cliff Bar Vagator|contact:phone=+91 832 555 0111|live_music=yes|addr:city=Vagator",
        ),
        node(1012, 15.4965, 73.8265, "amenity=pub|name=The Quay|email=quay@pub.example|addr:city=Panaji"),
        node(1013, 15.5820, 73.7430, "amenity=nightclub|name=Club Areca|phone=+91 832 555 0113|addr:city=Anjuna"),
        node(
            1014,
            15.5460,
            73.7571,
            "amenity=cafe|name=Feni & Coffee|phone=+91 832 555 0114|opening_hours=Mo-Su 08:00-20:00|addr:city=Calangute",
        ),
        node(
            1020,
            15.5429,
            73.7610,
            "tourism=hotel|name=Hotel Casuarina|stars=3|phone=+91 832 555 0120|email=stay@casuarina.example|website=https://casuarina.example|addr:city=Calangute",
        ),
        node(
            1021,
            15.5010,
            73.8250,
            "tourism=hotel|name=Riverside Residency|stars=4|contact:phone=+91 832 555 0121|contact:email=desk@riverside.example|addr:city=Panaji",
        ),
        node(
            1022,
            15.5712,
            73.7445,
            "tourism=guest_house|name=Casa Anjuna Rooms|phone=+91 832 555 0122|addr:city=Anjuna",
        ),
        node(1023, 15.6015, 73.7401, "tourism=hostel|name=Vagator Bunks|email=bunks@vagator.example|addr:city=Vagator"),
        node(
            1030,
            15.4920,
            73.8180,
            "amenity=events_venue|name=Miramar Banquets|phone=+91 832 555 0130|email=events@miramar.example|capacity=200|addr:city=Panaji",
        ),
        node(
            1031,
            15.5480,
            73.7620,
            "amenity=events_venue|name=Calangute Party Hall|contact:phone=+91 832 555 0131|contact:email=book@partyhall.example|website=https://partyhall.example|capacity=60|addr:street=Holiday Street|addr:city=Calangute",
        ),
        node(1032, 15.2800, 73.9600, "amenity=community_centre|name=Salcete Community Hall|addr:city=Margao"),
        way(2001, 15.5440, 73.7510, "natural=beach|name=Calangute Beach|surface=sand"),
        way(2002, 15.5580, 73.7490, "natural=beach|name=Baga Beach|surface=sand"),
        way(2003, 15.5790, 73.7370, "natural=beach|name=Anjuna Beach|surface=sand"),
        way(
            2010,
            15.5390,
            73.7660,
            "tourism=hotel|name=Grande Palms Resort|stars=5|phone=+91 832 555 0210|email=events@grandepalms.example|website=https://grandepalms.example|addr:street=Naika Vaddo|addr:city=Calangute|building=yes",
        ),
        way(
            2011,
            15.5735,
            73.7421,
            "amenity=restaurant|name=Garden of Anjuna|cuisine=international|phone=+91 832 555 0211|email=garden@anjuna.example|opening_hours=Mo-Su 09:00-23:00|building=yes",
        ),
        way(
            2012,
            15.4870,
            73.8150,
            "amenity=events_venue|name=Kala Lawns|contact:email=lawns@kala.example|capacity=500|addr:city=Panaji",
        ),
        Element::new(
            Kind::Relation,
            3001,
            15.3360,
            73.8900,
            "leisure=park|name=Bambolim Gardens|contact:phone=+91 832 555 0301",
        ),
    ]
}
