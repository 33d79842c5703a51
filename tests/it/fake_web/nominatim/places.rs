//! Places as Nominatim tells them.

use serde_json::{Map, Value, json};

/// The words under which the data may be used.
const LICENCE: &str = "Data © OpenStreetMap contributors, ODbL 1.0. http://osm.org/copyright";
/// States with a Springfield: state, county, code, latitude, longitude, OSM id, importance.
const SPRINGFIELDS: [(&str, &str, &str, f64, f64, u64, f64); 10] = [
    ("Illinois", "Sangamon County", "US-IL", 39.799_017, -89.643_957, 126_214, 0.61),
    ("Missouri", "Greene County", "US-MO", 37.208_957, -93.292_299, 141_057, 0.59),
    ("Massachusetts", "Hampden County", "US-MA", 42.101_483, -72.589_811, 1_839_535, 0.58),
    ("Oregon", "Lane County", "US-OR", 44.046_236, -123.022_029, 186_619, 0.53),
    ("Ohio", "Clark County", "US-OH", 39.924_227, -83.808_817, 182_713, 0.52),
    ("Virginia", "Fairfax County", "US-VA", 38.789_280, -77.187_200, 206_640, 0.47),
    ("Tennessee", "Robertson County", "US-TN", 36.509_212, -86.885_001, 197_475, 0.46),
    ("Vermont", "Windsor County", "US-VT", 43.298_407, -72.482_311, 2_031_031, 0.45),
    ("Florida", "Bay County", "US-FL", 30.153_262, -85.611_316, 119_075, 0.44),
    ("New Jersey", "Union County", "US-NJ", 40.704_907, -74.316_886, 170_303, 0.43),
];

/// A place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    /// The server's own number for it.
    pub(crate) number: u64,
    /// `node`, `way` or `relation`.
    pub(crate) osm_type: &'static str,
    /// Its number in OpenStreetMap.
    pub(crate) osm_id: u64,
    /// Its name.
    pub(crate) name: String,
    /// Other names under which it is found.
    pub(crate) other_names: Vec<String>,
    /// Latitude in degrees.
    pub(crate) lat: f64,
    /// Longitude in degrees.
    pub(crate) lon: f64,
    /// How far it reaches from there in degrees.
    pub(crate) reach: f64,
    /// The key of its main tag.
    pub(crate) category: &'static str,
    /// The value of its main tag.
    pub(crate) kind: &'static str,
    /// What it is in an address.
    pub(crate) address_type: &'static str,
    /// How well known it is, 0 to 1.
    pub(crate) importance: f64,
    /// Its address, from the smallest part to the country, and `country_code`.
    pub(crate) address: Vec<(&'static str, String)>,
}

impl Place {
    /// A settlement with this address, of which the first part is its own name.
    pub(crate) fn settlement(osm_id: u64, lat: f64, lon: f64, address: &[(&'static str, &str)]) -> Self {
        let (address_type, name) = address[0];
        let kind = if matches!(address_type, "village" | "suburb") { address_type } else { "administrative" };
        Self {
            number: 200_000_000 + osm_id,
            osm_type: if kind == "administrative" { "relation" } else { "node" },
            osm_id,
            name: name.to_owned(),
            other_names: Vec::new(),
            lat,
            lon,
            reach: 0.05,
            category: if kind == "administrative" { "boundary" } else { "place" },
            kind,
            address_type,
            importance: 0.4,
            address: address.iter().map(|&(part, name)| (part, name.to_owned())).collect(),
        }
    }

    fn important(mut self, importance: f64, reach: f64) -> Self {
        (self.importance, self.reach) = (importance, reach);
        self
    }

    fn also(mut self, name: &str) -> Self {
        self.other_names.push(name.to_owned());
        self
    }

    /// The two letters of its country.
    pub(super) fn country_code(&self) -> &str {
        self.address.iter().find(|(part, _)| *part == "country_code").map_or("", |(_, code)| code)
    }

    fn display_name(&self) -> String {
        let parts = self.address.iter().filter(|(part, _)| *part != "country_code" && !part.starts_with("ISO"));
        parts.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Whether its own name has one of the words, and its names and its address have all of them.
    pub(super) fn has_words(&self, words: &[String]) -> bool {
        let own: Vec<_> = self.other_names.iter().chain([&self.name]).flat_map(|name| super::words(name)).collect();
        let all = super::words(&self.display_name());
        words.iter().any(|word| own.contains(word)) && words.iter().all(|word| own.contains(word) || all.contains(word))
    }

    /// Whether it lies within west, south, east and north.
    pub(super) fn is_within(&self, [west, south, east, north]: [f64; 4]) -> bool {
        (west..=east).contains(&self.lon) && (south..=north).contains(&self.lat)
    }

    /// It in JSON, its main tag's key under the name of the format.
    pub(super) fn told(&self, category: &str, details: bool) -> Value {
        let sides = [self.lat - self.reach, self.lat + self.reach, self.lon - self.reach, self.lon + self.reach];
        let mut told = json!({
            "place_id": self.number,
            "licence": LICENCE,
            "osm_type": self.osm_type,
            "osm_id": self.osm_id,
            "lat": format!("{:.7}", self.lat),
            "lon": format!("{:.7}", self.lon),
            category: self.category,
            "type": self.kind,
            "place_rank": 16,
            "importance": self.importance,
            "addresstype": self.address_type,
            "name": self.name,
            "display_name": self.display_name(),
        });
        if details {
            let address: Map<_, _> =
                self.address.iter().map(|(part, name)| ((*part).to_owned(), Value::from(name.as_str()))).collect();
            told["address"] = Value::from(address);
        }
        told["boundingbox"] = sides.map(|side| format!("{side:.7}")).to_vec().into();
        told
    }
}

/// Goa and what is in it, its namesake, ten Springfields and some cities.
pub(super) fn seed() -> Vec<Place> {
    let india = [("country", "India"), ("country_code", "in")];
    let goa = [("state", "Goa"), ("ISO3166-2-lvl4", "IN-GA")];
    let in_goa = |osm_id, lat, lon, own: &[(&'static str, &str)]| {
        Place::settlement(osm_id, lat, lon, &[own, &goa, &india].concat())
    };
    let north = ("county", "Bardez");
    let mut places = vec![
        Place::settlement(11_251_493, 15.300_454, 74.085_513, &[goa.as_slice(), &india].concat()).important(0.69, 0.5),
        in_goa(10_234_541, 15.498_99, 73.828_27, &[("city", "Panaji"), ("county", "Tiswadi")])
            .important(0.56, 0.06)
            .also("Panjim"),
        in_goa(1_997_192, 15.544_43, 73.755_28, &[("town", "Calangute"), north]).important(0.45, 0.03),
        in_goa(1_997_193, 15.555_59, 73.751_72, &[("village", "Baga"), north]).important(0.41, 0.02),
        in_goa(1_997_194, 15.573_94, 73.740_27, &[("village", "Anjuna"), north]).important(0.43, 0.03),
        in_goa(1_997_195, 15.273_62, 73.958_02, &[("city", "Margao"), ("county", "Salcete")]).important(0.49, 0.05),
        in_goa(1_997_196, 15.602_07, 73.737_08, &[("village", "Vagator"), north]).important(0.38, 0.02),
        Place::settlement(
            5_014_264,
            13.698_09,
            123.488_87,
            &[("town", "Goa"), ("state", "Camarines Sur"), ("country", "Philippines"), ("country_code", "ph")],
        )
        .important(0.42, 0.08),
        Place::settlement(
            7_888_990,
            19.054_999,
            72.869_204,
            &[&[("city", "Mumbai"), ("state", "Maharashtra"), ("ISO3166-2-lvl4", "IN-MH")], india.as_slice()].concat(),
        )
        .important(0.72, 0.16),
        Place::settlement(
            175_342,
            51.507_446,
            -0.127_765,
            &[("city", "London"), ("state", "England"), ("country", "United Kingdom"), ("country_code", "gb")],
        )
        .important(0.83, 0.4),
    ];
    places.extend(SPRINGFIELDS.map(|(state, county, code, lat, lon, osm_id, importance)| {
        let address = [
            ("city", "Springfield"),
            ("county", county),
            ("state", state),
            ("ISO3166-2-lvl4", code),
            ("country", "United States"),
            ("country_code", "us"),
        ];
        Place::settlement(osm_id, lat, lon, &address).important(importance, 0.05)
    }));
    places
}
