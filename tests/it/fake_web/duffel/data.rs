//! Hotels in Goa, airports and cities.

use serde_json::{Value, json};

use super::check::Check;
use super::{Done, Refusal};
use crate::fake_http::Response;
use crate::fake_web::overpass::metres_between;

/// Airports: IATA and ICAO code, name, city, country, time zone, latitude, longitude.
type Airport = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, f64, f64);

/// The airports there are.
pub(super) const AIRPORTS: [Airport; 9] = [
    ("GOI", "VOGO", "Dabolim Airport", "Goa", "IN", "Asia/Kolkata", 15.380_8, 73.831_4),
    ("GOX", "VOGA", "Manohar International Airport", "Goa", "IN", "Asia/Kolkata", 15.744_3, 73.860_6),
    (
        "BOM",
        "VABB",
        "Chhatrapati Shivaji Maharaj International Airport",
        "Mumbai",
        "IN",
        "Asia/Kolkata",
        19.088_7,
        72.867_9,
    ),
    ("DEL", "VIDP", "Indira Gandhi International Airport", "Delhi", "IN", "Asia/Kolkata", 28.566_5, 77.103_1),
    ("BLR", "VOBL", "Kempegowda International Airport", "Bangalore", "IN", "Asia/Kolkata", 13.197_9, 77.706_3),
    ("LHR", "EGLL", "Heathrow Airport", "London", "GB", "Europe/London", 51.470_6, -0.461_9),
    ("LGW", "EGKK", "Gatwick Airport", "London", "GB", "Europe/London", 51.148_1, -0.190_3),
    ("JFK", "KJFK", "John F. Kennedy International Airport", "New York", "US", "America/New_York", 40.639_8, -73.778_9),
    ("DXB", "OMDB", "Dubai International Airport", "Dubai", "AE", "Asia/Dubai", 25.252_8, 55.364_4),
];
/// Cities with several airports: code, name, country.
const CITIES: [(&str, &str, &str); 2] = [("LON", "London", "GB"), ("NYC", "New York", "US")];

/// What is served with a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Board {
    /// Nothing.
    RoomOnly,
    /// Breakfast.
    Breakfast,
    /// Everything.
    AllInclusive,
}

/// A room of a hotel and its price.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Room {
    /// Its name.
    pub(crate) name: String,
    /// The price of a night, in hundredths of the currency.
    pub(crate) nightly: i64,
    /// What is served.
    pub(crate) board: Board,
    /// Days before the first day, and how many percent are paid back until then; the earliest first.
    pub(crate) refunds: Vec<(i64, i64)>,
}

/// A hotel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hotel {
    /// Its id with Duffel.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Latitude in degrees.
    pub(crate) lat: f64,
    /// Longitude in degrees.
    pub(crate) lon: f64,
    /// The first line of its address.
    pub(crate) street: String,
    /// Its town.
    pub(crate) city: String,
    /// Its stars.
    pub(crate) rating: u8,
    /// Its rooms.
    pub(crate) rooms: Vec<Room>,
}

impl Board {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RoomOnly => "room_only",
            Self::Breakfast => "breakfast",
            Self::AllInclusive => "all_inclusive",
        }
    }
}

impl Room {
    /// A room whose price is paid back wholly until a week before and half until two days before.
    pub(crate) fn flexible(name: &str, nightly: i64) -> Self {
        Self { name: name.to_owned(), nightly, board: Board::Breakfast, refunds: vec![(7, 100), (2, 50)] }
    }

    /// A room whose price is not paid back.
    pub(crate) fn fixed(name: &str, nightly: i64) -> Self {
        Self { name: name.to_owned(), nightly, board: Board::RoomOnly, refunds: Vec::new() }
    }
}

impl Hotel {
    /// A hotel with one room that is cheaper without a refund.
    pub(crate) fn new(number: u32, name: &str, (lat, lon): (f64, f64), city: &str, rating: u8, nightly: i64) -> Self {
        let rooms =
            vec![Room::fixed("Standard Double", nightly), Room::flexible("Standard Double", nightly * 115 / 100)];
        let (name, city) = (name.to_owned(), city.to_owned());
        let street = format!("{number} Beach Road");
        Self { id: format!("acc_0000FakeHotel{number:09}"), name, lat, lon, street, city, rating, rooms }
    }

    /// It as Duffel tells it, without rooms.
    pub(super) fn told(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "description": format!("{} in {}, a short walk from the beach.", self.name, self.city),
            "location": {
                "geographic_coordinates": {"latitude": self.lat, "longitude": self.lon},
                "address": {
                    "line_one": self.street,
                    "city_name": self.city,
                    "region": "Goa",
                    "postal_code": "403516",
                    "country_code": "IN",
                },
            },
            "rating": self.rating,
            "ratings": [{"source": "aaa", "value": self.rating}],
            "review_score": 8.4,
            "review_count": 211,
            "amenities": [{"type": "wifi", "description": "Wi-Fi"}, {"type": "parking", "description": "Parking"}],
            "chain": null,
            "brand": null,
            "check_in_information": {"check_in_after_time": "14:00", "check_out_before_time": "11:00"},
            "email": null,
            "phone_number": "+918325550500",
            "photos": [{"url": "https://assets.duffel.example/photo.jpg"}],
            "supported_loyalty_programme": null,
            "rooms": [],
        })
    }
}

/// Hotels along the coast of Goa, north to south; the names are made up.
pub(super) fn hotels() -> Vec<Hotel> {
    let mut hotels = vec![
        Hotel::new(1, "Vagator Heights", (15.6015, 73.7401), "Vagator", 4, 480_000),
        Hotel::new(2, "Anjuna Palms", (15.5740, 73.7450), "Anjuna", 3, 320_000),
        Hotel::new(3, "Baga Bay Resort", (15.5560, 73.7520), "Baga", 5, 960_000),
        Hotel::new(4, "Calangute Court", (15.5440, 73.7560), "Calangute", 2, 180_000),
        Hotel::new(5, "Panjim Quay Hotel", (15.4990, 73.8280), "Panaji", 4, 540_000),
        Hotel::new(6, "Palolem Shore", (15.0100, 74.0230), "Canacona", 3, 260_000),
    ];
    hotels[2].rooms.push(Room { board: Board::AllInclusive, ..Room::flexible("Sea View Suite", 1_750_000) });
    hotels
}

/// An airport as Duffel tells it.
pub(super) fn airport(code: &str) -> Option<Value> {
    let (iata, icao, name, city, country, zone, lat, lon) = AIRPORTS.iter().find(|airport| airport.0 == code)?;
    let metropolis = CITIES.iter().find(|(_, name, _)| name == city);
    let told_city = metropolis.map(|(code, name, country)| {
        let id = format!("cit_{}_{}", code.to_lowercase(), country.to_lowercase());
        json!({"id": id, "name": name, "iata_code": code, "iata_country_code": country, "type": "city"})
    });
    Some(json!({
        "id": format!("arp_{}_{}", iata.to_lowercase(), country.to_lowercase()),
        "type": "airport",
        "name": name,
        "iata_code": iata,
        "icao_code": icao,
        "city_name": city,
        "iata_city_code": metropolis.map(|(code, ..)| code),
        "iata_country_code": country,
        "latitude": lat,
        "longitude": lon,
        "time_zone": zone,
        "city": told_city,
    }))
}

fn city((code, name, country): (&str, &str, &str)) -> Value {
    let airports: Vec<_> =
        AIRPORTS.iter().filter(|airport| airport.3 == name).filter_map(|one| airport(one.0)).collect();
    json!({
        "id": format!("cit_{}_{}", code.to_lowercase(), country.to_lowercase()),
        "type": "city",
        "name": name,
        "city_name": null,
        "iata_code": code,
        "iata_city_code": code,
        "iata_country_code": country,
        "icao_code": null,
        "latitude": null,
        "longitude": null,
        "time_zone": null,
        "airports": airports,
    })
}

/// An end of a slice, named by the code of an airport or of a city: it as told, its type, and the airport of it that
/// is flown from.
pub(super) fn end(code: &str) -> Option<(Value, &'static str, &'static str)> {
    if let Some(&(own, ..)) = AIRPORTS.iter().find(|airport| airport.0 == code) {
        return Some((airport(own)?, "airport", own));
    }
    let known = CITIES.iter().find(|(own, ..)| *own == code)?;
    let (own, ..) = AIRPORTS.iter().find(|airport| airport.3 == known.1)?;
    Some((city(*known), "city", own))
}

/// `GET /places/suggestions`: <https://duffel.com/docs/api/places>. `query` is the older name of `name`.
pub(super) fn suggestions(query: &[(String, String)], check: &mut Check) -> Done {
    check.query(query, &["query", "name", "lat", "lng", "rad"]);
    let field = |name: &str| query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let number = |name: &str| {
        let value = field(name).map(str::parse::<f64>);
        value.transpose().map_err(|_| {
            Refusal::field("validation_format", &format!("/{name}"), format!("'{name}' needs to be a number"))
        })
    };
    let near = (number("lat")?, number("lng")?, number("rad")?);
    let found: Vec<Value> = match (field("name").or(field("query")), near) {
        (Some(text), _) if !text.is_empty() => {
            let text = text.to_lowercase();
            let fits = |texts: &[&str]| texts.iter().any(|own| own.to_lowercase().contains(&text));
            let cities = CITIES.iter().filter(|(code, name, _)| fits(&[code, name])).map(|&one| city(one));
            let airports = AIRPORTS.iter().filter(|airport| fits(&[airport.0, airport.2, airport.3]));
            cities.chain(airports.filter_map(|one| airport(one.0))).collect()
        }
        (None, (Some(lat), Some(lon), Some(metres))) => {
            let near = |airport: &&Airport| metres_between((airport.6, airport.7), (lat, lon)) <= metres;
            AIRPORTS.iter().filter(near).filter_map(|one| airport(one.0)).collect()
        }
        _ => return Err(Refusal::field("validation_required", "/name", "Field 'name' can't be blank")),
    };
    Ok(Response::json(200, &json!({ "data": found })))
}
