//! What a name can mean: Nominatim's results, and whether one of them is meant
//! (<https://nominatim.org/release-docs/latest/api/Output/>).

use serde_json::Value;

use super::distance::{Point, whole};
use super::near::{RADIUS_MAX, RADIUS_MIN};
use crate::plugins::search::text::line;

/// How much less known another place of that name is when nobody means it. Goa in India has 0.69 and
/// its namesake in the Philippines 0.42; the Springfields lie within hundredths of each other.
const IMPORTANCE_GAP: f64 = 0.15;
/// How much less known a place may be that is still offered when there is a question.
const OFFER_GAP: f64 = 0.25;
/// Most places offered.
const OFFERS_MAX: usize = 10;
/// Two results of the same name that are not farther apart are the same place, in metres.
const SAME_METRES_MAX: f64 = 15_000.0;
/// What reaches farther is not looked through, in metres from its middle.
const REACH_METRES_MAX: f64 = 150_000.0;
/// Longest name shown, in characters.
const NAME_CHARS_MAX: usize = 120;

/// A place on the map that has the name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Area {
    /// Its own name.
    pub(super) name: String,
    /// Its name with everything it lies in.
    pub(super) full_name: String,
    /// Where it is.
    pub(super) point: Point,
    /// Metres from the middle of what it covers to a corner.
    reach: f64,
    /// `city`.
    kind: String,
    /// How well known it is, 0 to 1.
    importance: f64,
    sides: Option<Sides>,
}

/// What a place covers, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sides {
    south: f64,
    north: f64,
    west: f64,
    east: f64,
}

/// Which place is meant.
#[derive(Debug, PartialEq)]
pub(super) enum Meant<'a> {
    /// There is none.
    None,
    /// This one.
    One(&'a Area),
    /// One of these, and nobody but the person can tell which.
    Several(Vec<&'a Area>),
}

/// Nominatim's results; what is no place on the Earth is left out.
pub(super) fn read(results: &[Value]) -> Vec<Area> {
    results.iter().filter_map(area).collect()
}

fn area(result: &Value) -> Option<Area> {
    let words = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| result.get(name).and_then(degrees);
    let point = Point::new(number("lat")?, number("lon")?)?;
    let full_name = line(words("display_name"), NAME_CHARS_MAX);
    let own = [words("name"), full_name.split(',').next().unwrap_or_default()];
    let name = line(own.into_iter().find(|name| !name.trim().is_empty())?, NAME_CHARS_MAX);
    let sides = result.get("boundingbox").and_then(sides);
    Some(Area {
        full_name: if full_name.is_empty() { name.clone() } else { full_name },
        name,
        point,
        reach: sides.map_or(0.0, Sides::reach),
        kind: line(words("addresstype"), NAME_CHARS_MAX),
        importance: result.get("importance").and_then(Value::as_f64).unwrap_or_default(),
        sides,
    })
}

/// Coordinates are texts there; a number is as good.
fn degrees(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_f64(),
    }
}

/// South, north, west, east.
fn sides(value: &Value) -> Option<Sides> {
    let sides: Vec<f64> = value.as_array()?.iter().map(degrees).collect::<Option<_>>()?;
    let &[south, north, west, east] = sides.as_slice() else { return None };
    Point::new(south, west)?;
    Point::new(north, east)?;
    (south <= north && west <= east).then_some(Sides { south, north, west, east })
}

impl Sides {
    fn reach(self) -> f64 {
        let corner = |lat, lon| Point { lat, lon };
        corner(self.south, self.west).metres_to(corner(self.north, self.east)) / 2.0
    }

    fn holds(self, point: Point) -> bool {
        (self.south..=self.north).contains(&point.lat) && (self.west..=self.east).contains(&point.lon)
    }
}

impl Area {
    /// How far around it is looked, in metres; `None` = it is too large.
    pub(super) fn radius(&self) -> Option<u32> {
        if self.reach > REACH_METRES_MAX {
            return None;
        }
        let (least, most) = match self.kind.as_str() {
            "country" | "state" | "region" | "province" | "state_district" | "county" | "district" | "island"
            | "archipelago" | "national_park" => (5_000, RADIUS_MAX),
            "city" | "municipality" => (3_000, 15_000),
            "town" | "borough" | "city_district" => (2_000, 8_000),
            "village" | "hamlet" | "suburb" | "quarter" | "neighbourhood" | "locality" | "postcode" => (1_500, 5_000),
            // A house, a road, a station: what is in reach on foot.
            _ => (1_000, 3_000),
        };
        Some(whole(self.reach).clamp(least, most).clamp(RADIUS_MIN, RADIUS_MAX))
    }

    /// Its own name, and the country or whatever it lies in last.
    pub(super) fn short_name(&self) -> String {
        match self.full_name.rsplit(',').next().map(str::trim) {
            Some(last) if last != self.name && !last.is_empty() => format!("{}, {last}", self.name),
            _ => self.name.clone(),
        }
    }

    /// Whether both are the same place, like a town's border and its middle, or a town and what is around it.
    fn is_same(&self, other: &Self) -> bool {
        let holds = |area: &Self, point| area.sides.is_some_and(|sides| sides.holds(point));
        self.point.metres_to(other.point) <= SAME_METRES_MAX || holds(self, other.point) || holds(other, self.point)
    }
}

/// Which of the results is meant; they come best first.
pub(super) fn judge(areas: &[Area]) -> Meant<'_> {
    let Some(best) = areas.first() else { return Meant::None };
    let name = best.name.to_lowercase();
    let mut different = vec![best];
    for area in &areas[1..] {
        let is_offered = area.importance >= best.importance - OFFER_GAP && area.name.to_lowercase() == name;
        if is_offered && !different.iter().any(|known| known.is_same(area)) {
            different.push(area);
        }
    }
    if different[1..].iter().any(|area| area.importance >= best.importance - IMPORTANCE_GAP) {
        different.truncate(OFFERS_MAX);
        Meant::Several(different)
    } else {
        Meant::One(best)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn result(full_name: &str, kind: &str, importance: f64, (lat, lon): (f64, f64), reach: f64) -> Value {
        let sides = [lat - reach, lat + reach, lon - reach, lon + reach].map(|side| side.to_string());
        json!({"lat": lat.to_string(), "lon": lon.to_string(), "name": full_name.split(',').next(),
            "display_name": full_name, "addresstype": kind, "importance": importance, "boundingbox": sides})
    }

    fn names<'a>(meant: &Meant<'a>) -> Vec<&'a str> {
        match meant {
            Meant::None => Vec::new(),
            Meant::One(area) => vec![&area.full_name],
            Meant::Several(areas) => areas.iter().map(|area| area.full_name.as_str()).collect(),
        }
    }

    #[test]
    fn springfield_is_asked_about_and_goa_is_not() {
        let springfields = read(&[
            result("Springfield, Illinois, United States", "city", 0.61, (39.799, -89.644), 0.05),
            result("Springfield, Missouri, United States", "city", 0.59, (37.209, -93.292), 0.05),
            result("Springfield, Vermont, United States", "town", 0.45, (43.298, -72.482), 0.05),
            result("Springfield, Nowhere, United States", "hamlet", 0.2, (30.0, -90.0), 0.01),
        ]);
        let meant = judge(&springfields);
        assert!(matches!(meant, Meant::Several(_)));
        let wanted = ["Illinois", "Missouri", "Vermont"].map(|state| format!("Springfield, {state}, United States"));
        assert_eq!(names(&meant), wanted);

        let goa = read(&[
            result("Goa, India", "state", 0.69, (15.3, 74.08), 0.5),
            result("Goa, Camarines Sur, Philippines", "town", 0.42, (13.698, 123.489), 0.08),
        ]);
        assert_eq!(judge(&goa), Meant::One(&goa[0]));
        assert_eq!(judge(&[]), Meant::None);
    }

    #[test]
    fn the_same_place_twice_is_no_question() {
        let twice = read(&[
            result("New York, New York, United States", "city", 0.88, (40.71, -74.0), 0.3),
            result("New York, United States", "state", 0.86, (42.9, -75.5), 3.0),
        ]);
        assert_eq!(judge(&twice), Meant::One(&twice[0]));
        let border_and_middle = read(&[
            result("Margao, Goa, India", "city", 0.49, (15.2736, 73.958), 0.02),
            result("Margao, Salcete, Goa, India", "town", 0.48, (15.35, 73.95), 0.0),
        ]);
        assert_eq!(judge(&border_and_middle), Meant::One(&border_and_middle[0]));
        let others = read(&[
            result("Anjuna, Goa, India", "village", 0.43, (15.57, 73.74), 0.03),
            result("Anjuna Street, Lisbon, Portugal", "road", 0.42, (38.7, -9.1), 0.001),
        ]);
        assert_eq!(judge(&others), Meant::One(&others[0]), "another name is no rival");
    }

    #[test]
    fn as_many_are_offered_as_can_be_told_apart() {
        let many: Vec<Value> = (0..30)
            .map(|n| result(&format!("San José, {n}"), "town", 0.4, (f64::from(n) * 2.0 - 40.0, 10.0), 0.01))
            .collect();
        assert_eq!(names(&judge(&read(&many))).len(), OFFERS_MAX);
    }

    #[test]
    fn a_place_is_looked_around_as_far_as_it_reaches() {
        let radius = |kind, reach| read(&[result("X, Y", kind, 0.5, (15.0, 74.0), reach)])[0].radius();
        assert_eq!(radius("state", 0.5), Some(50_000));
        assert_eq!(radius("state", 2.0), None, "too large");
        assert_eq!(radius("country", 0.01), Some(5_000));
        assert_eq!(radius("city", 0.4), Some(15_000));
        assert_eq!(radius("town", 0.04), Some(6_184));
        assert_eq!(radius("village", 0.0), Some(1_500));
        assert_eq!(radius("house", 0.0), Some(1_000));
        assert_eq!(radius("", 0.5), Some(3_000));
    }

    #[test]
    fn what_is_no_place_on_the_earth_is_left_out() {
        let rubbish = [
            json!(null),
            json!("Goa"),
            json!({}),
            json!({"lat": "91", "lon": "0", "name": "x"}),
            json!({"lat": "15.3", "lon": "abc", "name": "x"}),
            json!({"lat": "NaN", "lon": "1", "name": "x"}),
            json!({"lat": null, "lon": [1], "name": "x"}),
            json!({"lat": "15.3", "lon": "74", "name": " ", "display_name": ""}),
        ];
        assert_eq!(read(&rubbish), []);
        for sides in
            [json!(null), json!([1, 2]), json!(["9", "1", "2", "3"]), json!(["-99", "1", "2", "3"]), json!("x")]
        {
            let odd =
                json!({"lat": 15.3, "lon": 74, "name": "x\u{202e}\n", "boundingbox": sides, "importance": "high"});
            let area = read(&[odd]).remove(0);
            assert_eq!((area.name.as_str(), area.full_name.as_str(), area.radius()), ("x", "x", Some(1_000)));
        }
    }

    #[test]
    fn a_short_name_says_the_country() {
        let short = |full| read(&[result(full, "city", 0.5, (15.0, 74.0), 0.01)])[0].short_name();
        assert_eq!(short("Panaji, Tiswadi, Goa, 403001, India"), "Panaji, India");
        assert_eq!(short("Singapore"), "Singapore");
    }
}
