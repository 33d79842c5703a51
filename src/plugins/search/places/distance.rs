//! Distances on the Earth, taken as a sphere: right to half a percent.

/// The mean radius of the Earth.
const EARTH_METRES: f64 = 6_371_008.8;

/// A point on the Earth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Degrees north.
    pub(super) lat: f64,
    /// Degrees east.
    pub(super) lon: f64,
}

impl Point {
    /// A point, when there is one with these coordinates.
    pub(super) fn new(lat: f64, lon: f64) -> Option<Self> {
        ((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)).then_some(Self { lat, lon })
    }

    /// Metres to another point, by the haversine formula.
    pub(super) fn metres_to(self, other: Self) -> f64 {
        let (from, to) = (self.lat.to_radians(), other.lat.to_radians());
        let north = ((to - from) / 2.0).sin();
        let east = ((other.lon - self.lon).to_radians() / 2.0).sin();
        let half = north.mul_add(north, from.cos() * to.cos() * east * east);
        2.0 * EARTH_METRES * half.clamp(0.0, 1.0).sqrt().asin()
    }
}

/// Whole metres; what is no distance is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is within the range, and a whole number"
)]
pub(super) fn whole(metres: f64) -> u32 {
    metres.round().clamp(0.0, f64::from(u32::MAX)) as u32
}

/// Metres as people say them.
pub(super) fn spoken(metres: u32) -> String {
    const KILOMETRE: u32 = 1_000;
    match metres {
        0..KILOMETRE => format!("{metres} m"),
        _ if metres >= 10 * KILOMETRE || metres.is_multiple_of(KILOMETRE) => {
            format!("{} km", (metres + KILOMETRE / 2) / KILOMETRE)
        }
        _ => {
            let tenths = (metres + 50) / 100;
            format!("{}.{} km", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(lat: f64, lon: f64) -> Point {
        Point::new(lat, lon).expect("a point")
    }

    #[test]
    fn distances_are_those_of_the_map() {
        let rows = [
            // Paris to London, as every table has it.
            ((48.8566, 2.3522), (51.5074, -0.1278), 343_500.0),
            ((0.0, 0.0), (0.0, 1.0), 111_195.0),
            ((0.0, 179.5), (0.0, -179.5), 111_195.0),
            ((90.0, 0.0), (90.0, 123.0), 0.0),
            ((0.0, 0.0), (0.0, 180.0), 20_015_115.0),
        ];
        for ((a, b), (c, d), metres) in rows {
            let found = point(a, b).metres_to(point(c, d));
            assert!((found - metres).abs() <= metres.mul_add(0.001, 1.0), "{found} is not {metres}");
        }
    }

    #[test]
    fn there_is_no_point_beyond_the_poles() {
        for (lat, lon) in [(90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Point::new(lat, lon), None);
        }
    }

    #[test]
    fn metres_are_said_in_round_numbers() {
        let rows =
            [(0, "0 m"), (999, "999 m"), (1_000, "1 km"), (1_449, "1.4 km"), (9_960, "10.0 km"), (49_600, "50 km")];
        for (metres, words) in rows {
            assert_eq!(spoken(metres), words);
        }
        assert_eq!((whole(-3.0), whole(f64::NAN), whole(2.6)), (0, 0, 3));
    }
}
