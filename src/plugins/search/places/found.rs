//! What Overpass found, as places for people.

use std::str::FromStr as _;

use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::distance::{Point, whole};
use crate::plugins::search::text::line;

/// Longest name, address or time table shown, in characters.
const TEXT_CHARS_MAX: usize = 200;
/// Longest telephone number.
const PHONE_CHARS_MAX: usize = 40;
/// Fewest digits of a telephone number.
const PHONE_DIGITS_MIN: usize = 3;
/// Longest mail address.
const EMAIL_BYTES_MAX: usize = 254;
/// Longest web address.
const WEBSITE_BYTES_MAX: usize = 500;
/// Elements of the same name that are not farther apart are one, in metres.
const SAME_METRES_MAX: f64 = 100.0;
/// How much of the way to the edge each thing that is known of a place is worth.
const KNOWN_WORTH: f64 = 0.08;

/// What says what a place is, the most telling first.
const KIND_KEYS: [&str; 11] = [
    "amenity",
    "tourism",
    "leisure",
    "shop",
    "craft",
    "office",
    "healthcare",
    "natural",
    "historic",
    "railway",
    "aeroway",
];

/// Overpass's answer, as far as it is read.
#[derive(Deserialize)]
pub(super) struct Answer {
    /// What it found, whatever it looks like.
    pub(super) elements: Vec<Value>,
    /// What went wrong on the way.
    #[serde(default)]
    pub(super) remark: Option<String>,
}

/// A place that was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    id: String,
    name: String,
    address: Option<String>,
    point: Point,
    metres: f64,
    phone: Option<String>,
    email: Option<String>,
    website: Option<String>,
    opening_hours: Option<String>,
    kind: Option<String>,
}

/// The places among the elements, the nearest and best known first.
pub(super) fn places(elements: &[Value], center: Point, radius: u32, language: &str) -> Vec<Place> {
    let found: Vec<Place> = elements.iter().filter_map(|element| place(element, center, language)).collect();
    let mut ranked: Vec<(f64, Place)> = found.into_iter().map(|place| (place.rank(radius), place)).collect();
    ranked.sort_by(|(one, a), (other, b)| one.total_cmp(other).then_with(|| a.id.cmp(&b.id)));
    let mut places: Vec<Place> = Vec::new();
    for (_, place) in ranked {
        if !places.iter().any(|known| known.is_same(&place)) {
            places.push(place);
        }
    }
    places
}

fn place(element: &Value, center: Point, language: &str) -> Option<Place> {
    let tags = element.get("tags")?.as_object()?;
    let at = element.get("center").unwrap_or(element);
    let point = Point::new(at.get("lat")?.as_f64()?, at.get("lon")?.as_f64()?)?;
    let (sort, number) = (element.get("type")?.as_str()?, element.get("id")?.as_u64()?);
    if !matches!(sort, "node" | "way" | "relation") {
        return None;
    }
    let kind = kind(tags);
    let own = [format!("name:{language}"), "name".to_owned(), "brand".to_owned(), "operator".to_owned()];
    let name = own.iter().find_map(|key| text(tags, key)).or_else(|| kind.clone())?;
    Some(Place {
        id: format!("{sort}/{number}"),
        name,
        address: address(tags),
        point,
        metres: center.metres_to(point),
        phone: contact(tags, &["phone", "contact:phone", "mobile", "contact:mobile"], phone),
        email: contact(tags, &["email", "contact:email"], email),
        website: contact(tags, &["website", "contact:website", "url"], website),
        opening_hours: text(tags, "opening_hours"),
        kind,
    })
}

fn text(tags: &Map<String, Value>, key: &str) -> Option<String> {
    let text = line(tags.get(key)?.as_str()?, TEXT_CHARS_MAX);
    (!text.is_empty()).then_some(text)
}

/// `guest house`; with the cuisine where there is one.
fn kind(tags: &Map<String, Value>) -> Option<String> {
    let kind = KIND_KEYS.iter().find_map(|key| text(tags, key)).map(|kind| kind.replace('_', " "))?;
    let cuisine = text(tags, "cuisine").map(|cuisine| cuisine.replace('_', " ").replace(';', ", "));
    Some(cuisine.map_or(kind.clone(), |cuisine| line(&format!("{kind} ({cuisine})"), TEXT_CHARS_MAX)))
}

fn address(tags: &Map<String, Value>) -> Option<String> {
    if let Some(full) = text(tags, "addr:full") {
        return Some(full);
    }
    let joined = |keys: &[&str]| {
        let parts: Vec<String> = keys.iter().filter_map(|key| text(tags, key)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    let first = |keys: &[&str]| keys.iter().find_map(|key| text(tags, key));
    let street = first(&["addr:street", "addr:place"]).map(|street| match text(tags, "addr:housenumber") {
        Some(number) => format!("{street} {number}"),
        None => street,
    });
    let town = first(&["addr:city", "addr:town", "addr:village", "addr:hamlet", "addr:suburb", "addr:district"]);
    let town = match (joined(&["addr:postcode"]), town) {
        (Some(code), Some(town)) => Some(format!("{code} {town}")),
        (code, town) => town.or(code),
    };
    let parts: Vec<String> = [street, town].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| line(&parts.join(", "), TEXT_CHARS_MAX))
}

/// The first value that is what it should be, of the first key that has one.
fn contact(tags: &Map<String, Value>, keys: &[&str], read: fn(&str) -> Option<String>) -> Option<String> {
    let values = keys.iter().filter_map(|key| tags.get(*key)?.as_str());
    values.flat_map(|values| values.split(';')).find_map(|value| read(value.trim()))
}

fn phone(value: &str) -> Option<String> {
    let is_dialled = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '/');
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let fits = value.chars().count() <= PHONE_CHARS_MAX && value.chars().all(is_dialled) && digits >= PHONE_DIGITS_MIN;
    fits.then(|| value.to_owned())
}

fn email(value: &str) -> Option<String> {
    let value = value.strip_prefix("mailto:").unwrap_or(value);
    let is_plain = value.len() <= EMAIL_BYTES_MAX && !value.chars().any(|c| c.is_control() || c.is_whitespace());
    (is_plain && lettre::Address::from_str(value).is_ok()).then(|| value.to_owned())
}

fn website(value: &str) -> Option<String> {
    if value.is_empty() || value.len() > WEBSITE_BYTES_MAX {
        return None;
    }
    let url = match Url::parse(value) {
        // "example.org:8080" has no scheme, though it looks like one.
        Ok(url) if url.has_host() => url,
        Ok(_) | Err(_) => Url::parse(&format!("https://{value}")).ok()?,
    };
    let is_web = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    let is_name = url.domain().is_some_and(|name| name.contains('.'));
    (is_web && is_name).then(|| url.to_string())
}

impl Place {
    /// The lower, the better: how far away it is, less what is known of it.
    fn rank(&self, radius: u32) -> f64 {
        let known = [&self.phone, &self.email, &self.website, &self.opening_hours, &self.address];
        let known = known.into_iter().flatten().map(|_| KNOWN_WORTH).sum::<f64>();
        self.metres / f64::from(radius.max(1)) - known
    }

    fn is_same(&self, other: &Self) -> bool {
        self.name.to_lowercase() == other.name.to_lowercase() && self.point.metres_to(other.point) <= SAME_METRES_MAX
    }

    /// As a result of the action; a place without an address is told by its distance.
    pub(super) fn told(&self, from: &str) -> Value {
        let metres = whole(self.metres);
        let address = self.address.clone();
        let address = address.unwrap_or_else(|| format!("{} from {from}", super::distance::spoken(metres)));
        let mut told = Map::from_iter([
            ("id".to_owned(), Value::from(self.id.as_str())),
            ("name".to_owned(), Value::from(self.name.as_str())),
            ("address".to_owned(), Value::from(address)),
            ("lat".to_owned(), Value::from(self.point.lat)),
            ("lon".to_owned(), Value::from(self.point.lon)),
            ("distance_m".to_owned(), Value::from(metres)),
        ]);
        let more = [
            ("phone", &self.phone),
            ("email", &self.email),
            ("website", &self.website),
            ("opening_hours", &self.opening_hours),
            ("kind", &self.kind),
        ];
        let known =
            more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value.as_deref()?))));
        told.extend(known);
        Value::Object(told)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn center() -> Point {
        Point::new(15.5, 73.8).expect("a point")
    }

    fn element(id: u64, lat: f64, tags: &Value) -> Value {
        json!({"type": "node", "id": id, "lat": lat, "lon": 73.8, "tags": tags})
    }

    fn found(elements: &[Value]) -> Vec<Place> {
        places(elements, center(), 1_000, "en")
    }

    #[test]
    fn a_place_has_all_that_the_map_knows() {
        let way = json!({"type": "way", "id": 7, "center": {"lat": 15.501, "lon": 73.8}, "nodes": [1, 2], "tags": {
            "amenity": "restaurant", "name": "Cosy \u{202e}Corner\u{7}", "name:en": "Cosy Corner", "cuisine": "goan;sea_food",
            "contact:phone": "+91 832 555 0101;+91 1", "email": "a@b.example", "website": "www.cosy.example",
            "opening_hours": "Mo-Su 12:00-23:30", "addr:street": "Beach Road", "addr:housenumber": "12",
            "addr:postcode": "403516", "addr:city": "Calangute"}});
        let told = found(&[way])[0].told("Panaji");
        assert_eq!(
            told,
            json!({"id": "way/7", "name": "Cosy Corner", "address": "Beach Road 12, 403516 Calangute", "lat": 15.501,
                "lon": 73.8, "distance_m": 111, "phone": "+91 832 555 0101", "email": "a@b.example",
                "website": "https://www.cosy.example/", "opening_hours": "Mo-Su 12:00-23:30",
                "kind": "restaurant (goan, sea food)"})
        );
    }

    #[test]
    fn what_is_missing_is_left_out() {
        let told = found(&[element(1, 15.513, &json!({"amenity": "cafe", "name": "X"}))])[0].told("Panaji");
        assert_eq!(
            told,
            json!({"id": "node/1", "name": "X", "address": "1.4 km from Panaji", "lat": 15.513, "lon": 73.8,
                "distance_m": 1446, "kind": "cafe"})
        );
        let nameless = found(&[element(1, 15.5, &json!({"amenity": "atm", "operator": "A Bank"}))]);
        assert_eq!(nameless[0].name, "A Bank");
        assert_eq!(found(&[element(1, 15.5, &json!({"amenity": "toilets"}))])[0].name, "toilets");
    }

    #[test]
    fn what_is_no_place_is_left_out() {
        let tags = json!({"name": "X"});
        for rubbish in [
            json!(null),
            json!(7),
            json!({}),
            json!({"type": "node", "id": 1, "tags": tags}),
            json!({"type": "node", "id": 1, "lat": "15.5", "lon": 73.8, "tags": tags}),
            json!({"type": "node", "id": 1, "lat": 1e300, "lon": 73.8, "tags": tags}),
            json!({"type": "node", "id": -1, "lat": 15.5, "lon": 73.8, "tags": tags}),
            json!({"type": "area", "id": 1, "lat": 15.5, "lon": 73.8, "tags": tags}),
            json!({"type": "way", "id": 1, "center": null, "tags": tags}),
            json!({"type": "node", "id": 1, "lat": 15.5, "lon": 73.8}),
            json!({"type": "node", "id": 1, "lat": 15.5, "lon": 73.8, "tags": {}}),
            json!({"type": "node", "id": 1, "lat": 15.5, "lon": 73.8, "tags": {"name": " \u{0} "}}),
            json!({"type": "node", "id": 1, "lat": 15.5, "lon": 73.8, "tags": {"name": ["X"]}}),
        ] {
            assert_eq!(found(std::slice::from_ref(&rubbish)), [], "{rubbish}");
        }
    }

    #[test]
    fn contacts_are_real_or_left_out() {
        for (value, wanted) in
            [("+91 832 555 0101", Some("+91 832 555 0101")), ("call us", None), ("12", None), ("+49 30 1\n2345", None)]
        {
            assert_eq!(phone(value).as_deref(), wanted, "{value}");
        }
        for (value, wanted) in [
            ("mailto:a@b.example", Some("a@b.example")),
            ("a@b.example\r\nBcc: x@y.example", None),
            ("A B <a@b.example>", None),
            ("nobody", None),
            ("", None),
        ] {
            assert_eq!(email(value).as_deref(), wanted, "{value}");
        }
        for (value, wanted) in [
            ("http://a.example/x", Some("http://a.example/x")),
            ("a.example", Some("https://a.example/")),
            ("a.example:8080/x", Some("https://a.example:8080/x")),
            ("javascript:alert(1)", None),
            ("https://x@a.example/", None),
            ("http://127.0.0.1/", None),
            ("localhost", None),
            ("n/a", None),
        ] {
            assert_eq!(website(value).as_deref(), wanted, "{value}");
        }
        let tags = json!({"name": "X", "phone": "none", "contact:phone": ";;555 0101"});
        assert_eq!(found(&[element(1, 15.5, &tags)])[0].phone.as_deref(), Some("555 0101"));
    }

    #[test]
    fn the_near_and_well_known_come_first_and_each_once() {
        let plain = |id: u64, name: &str, lat: f64| element(id, lat, &json!({"name": name}));
        let known =
            json!({"name": "Known", "phone": "555 0101", "email": "a@b.example", "website": "https://a.example/"});
        let order = |elements: &[Value]| found(elements).into_iter().map(|place| place.name).collect::<Vec<_>>();
        let elements = [plain(1, "Far", 15.508), plain(2, "Near", 15.501), element(3, 15.5025, &known)];
        assert_eq!(order(&elements), ["Known", "Near", "Far"]);
        let twice = [plain(1, "Hotel X", 15.501), plain(2, "hotel x", 15.5011), plain(3, "Hotel X", 15.505)];
        assert_eq!(order(&twice), ["Hotel X", "Hotel X"]);
    }

    proptest::proptest! {
        #[test]
        fn any_tags_are_bounded_and_shown_plain(value in "(?s).{0,400}") {
            let tags = json!({"name": value, "addr:full": value, "phone": value, "email": value, "website": value,
                "opening_hours": value, "amenity": value, "cuisine": value});
            for place in found(&[element(1, 15.5, &tags)]) {
                let told = place.told("X");
                for (_, value) in told.as_object().expect("an object") {
                    let text = value.as_str().unwrap_or_default();
                    proptest::prop_assert!(text.len() <= 4 * WEBSITE_BYTES_MAX && !text.chars().any(char::is_control));
                }
            }
        }
    }
}
