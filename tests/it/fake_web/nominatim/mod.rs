//! Nominatim's search API: <https://nominatim.org/release-docs/latest/api/Search/>, and the usage policy of the
//! public server: <https://operations.osmfoundation.org/policies/nominatim/>.
//!
//! The policy wants a `User-Agent` or `Referer` that identifies the application (those of HTTP libraries do not)
//! and at most one request a second; what breaks it is 403 and 429. Errors in JSON formats are
//! `{"error": {"code": …, "message": …}}`.

mod places;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ledger::pairs;
use super::{Answer, Call, Fake, Site, agent};
use crate::fake_http::{Request, Response};

pub(crate) use places::Place;

/// Least time between two requests.
pub(crate) const GAP_MIN: Duration = Duration::from_secs(1);
/// How much sooner a request may come, for the way to the server takes its own time.
const GAP_SLACK: Duration = Duration::from_millis(150);
/// Most results; a larger `limit` is cut to it.
const RESULTS_MAX: usize = 40;
/// How many results come without a `limit`.
const RESULTS_DEFAULT: usize = 10;
/// The parameters of a structured query.
const STRUCTURED: [&str; 7] = ["amenity", "street", "city", "county", "state", "country", "postalcode"];
/// The other parameters.
const PARAMETERS: [&str; 22] = [
    "q",
    "format",
    "json_callback",
    "limit",
    "addressdetails",
    "extratags",
    "namedetails",
    "entrances",
    "accept-language",
    "countrycodes",
    "layer",
    "featureType",
    "exclude_place_ids",
    "viewbox",
    "bounded",
    "polygon_geojson",
    "polygon_kml",
    "polygon_svg",
    "polygon_text",
    "polygon_threshold",
    "email",
    "dedupe",
];

/// What the server knows.
pub(crate) struct Nominatim {
    places: Vec<Place>,
    last: Option<Instant>,
    paced: bool,
}

impl Default for Nominatim {
    fn default() -> Self {
        Self { places: places::seed(), last: None, paced: true }
    }
}

fn error(code: u16, message: &str) -> Response {
    let body = json!({"error": {"code": code, "message": message}});
    Response::new(code, "application/json; charset=utf-8", body.to_string())
}

fn page(status: u16, title: &str, text: &str) -> Response {
    let body = format!("<html>\n<head>\n<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{text}</p>\n");
    Response::new(status, "text/html", body)
}

impl Site for Nominatim {
    fn gate(&mut self, call: &Call<'_>) -> Option<Answer> {
        let too_soon = self.last.is_some_and(|last| call.at.duration_since(last) + GAP_SLACK < GAP_MIN);
        self.last = Some(call.at);
        if !agent::is_identified(call.request) {
            let text = "You have been blocked because you have violated the usage policy of OSM's Nominatim \
                        geocoding service.";
            return Some(Answer::violation(page(403, "Access blocked", text), "a request that tells not whose it is"));
        }
        (too_soon && self.paced)
            .then(|| Answer::violation(self.too_many(), "more than one request a second, which the policy forbids"))
    }

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let request = call.request;
        if !matches!(request.path.as_str(), "/search" | "/search.php") {
            return Answer::violation(page(404, "404 Not Found", "There is nothing here."), "no such path");
        }
        if request.method != "GET" {
            return Answer::violation(page(405, "405 Method Not Allowed", "Only GET is known."), "not a GET");
        }
        let fields = pairs(request.query.as_bytes());
        let known = |name: &str| PARAMETERS.contains(&name) || STRUCTURED.contains(&name);
        let unknown = fields.iter().filter(|(name, _)| !known(name));
        let unknown: Vec<_> = unknown.map(|(name, _)| format!("there is no parameter \"{name}\"")).collect();
        match self.search(&fields) {
            Ok(found) => {
                let body = Value::from(found).to_string();
                Answer::from(Response::new(200, "application/json; charset=utf-8", body)).and(unknown)
            }
            Err(message) => Answer::violation(error(400, &message), message).and(unknown),
        }
    }

    fn too_many(&mut self) -> Response {
        page(429, "Too Many Requests", "Please see https://operations.osmfoundation.org/policies/nominatim/.")
    }

    fn nothing(&mut self, _request: &Request) -> Response {
        Response::new(200, "application/json; charset=utf-8", "[]")
    }
}

impl Nominatim {
    fn search(&self, fields: &[(String, String)]) -> Result<Vec<Value>, String> {
        let field = |name: &str| fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let format = field("format").unwrap_or("jsonv2");
        let category = match format {
            "jsonv2" => "category",
            "json" => "class",
            "xml" | "geojson" | "geocodejson" => return Err(format!("this stand-in does not speak {format}")),
            _ => {
                let formats = "xml, geojson, geocodejson, json, jsonv2";
                return Err(format!("Parameter 'format' must be one of: {formats}"));
            }
        };
        let limit = match field("limit") {
            None => RESULTS_DEFAULT,
            Some(limit) => {
                let limit: i64 = limit.parse().map_err(|_| "Parameter 'limit' must be a number.".to_owned())?;
                usize::try_from(limit.max(1)).unwrap_or(RESULTS_MAX).min(RESULTS_MAX)
            }
        };
        let structured: Vec<_> = STRUCTURED.iter().filter_map(|name| field(name)).collect();
        let words = match field("q") {
            Some(_) if !structured.is_empty() => {
                return Err("Structured query parameters(amenity, street, city, county, state, postalcode, country) \
                            cannot be used together with 'q' parameter."
                    .to_owned());
            }
            Some(query) => words(query),
            None if structured.is_empty() => return Err("Nothing to search for.".to_owned()),
            None => structured.iter().flat_map(|text| words(text)).collect(),
        };
        let countries: Vec<_> = field("countrycodes").into_iter().flat_map(|codes| codes.split(',')).collect();
        let within = field("viewbox").map(viewbox).transpose()?.filter(|_| field("bounded") == Some("1"));
        let fits = |place: &&Place| {
            place.has_words(&words)
                && (countries.is_empty() || countries.contains(&place.country_code()))
                && within.is_none_or(|within| place.is_within(within))
        };
        let mut found: Vec<_> = self.places.iter().filter(fits).collect();
        found.sort_by(|one, other| other.importance.total_cmp(&one.importance));
        let details = field("addressdetails") == Some("1");
        Ok(found.into_iter().take(limit).map(|place| place.told(category, details)).collect())
    }
}

/// The words of a text, in small letters.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// `x1,y1,x2,y2` with longitudes and latitudes of two opposite corners: west, south, east, north.
fn viewbox(text: &str) -> Result<[f64; 4], String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[x1, y1, x2, y2]) => Ok([x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)]),
        Ok(_) | Err(_) => Err("Bad format for viewbox parameter.".to_owned()),
    }
}

impl Fake<Nominatim> {
    /// The URL of the server, as `NOMINATIM_URL` has it.
    pub(crate) fn url(&self) -> String {
        self.origin()
    }

    /// What it knows from now on.
    pub(crate) fn set_places(&self, places: Vec<Place>) {
        self.site(|site| site.places = places);
    }

    /// One more place.
    pub(crate) fn add_place(&self, place: Place) {
        self.site(|site| site.places.push(place));
    }

    /// Whether requests are counted against the pace of one a second; a server of one's own has no such limit.
    pub(crate) fn set_paced(&self, paced: bool) {
        self.site(|site| site.paced = paced);
    }
}
