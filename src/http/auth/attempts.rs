//! How often an address may get a credential wrong.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

/// Wrong tries in a window.
pub const TRIES_MAX: usize = 5;
/// The window, in minutes.
pub const WINDOW_MINUTES: i64 = 15;
/// Addresses remembered; beyond it the one seen longest ago is forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// Wrong tries per address, bounded.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<IpAddr, VecDeque<DateTime<Utc>>>>);

impl Attempts {
    /// Counts a try before it is looked at, so that many at once are no way around.
    ///
    /// # Errors
    /// The seconds to wait, when the window is full.
    pub fn begin(&self, address: IpAddr, now: DateTime<Utc>) -> Result<(), u64> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = Duration::minutes(WINDOW_MINUTES);
        if seen.len() >= ADDRESSES_MAX && !seen.contains_key(&address) {
            make_room(&mut seen, now - window);
        }
        let tries = seen.entry(address).or_default();
        while tries.front().is_some_and(|at| *at <= now - window) {
            tries.pop_front();
        }
        match tries.front() {
            Some(first) if tries.len() >= TRIES_MAX => {
                let secs = (*first + window - now).num_seconds().max(1);
                Err(u64::try_from(secs).unwrap_or(1))
            }
            _ => {
                tries.push_back(now);
                Ok(())
            }
        }
    }

    /// Takes a try back that turned out right.
    pub fn succeeded(&self, address: IpAddr) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tries) = seen.get_mut(&address) {
            tries.pop_back();
        }
    }
}

fn make_room(seen: &mut HashMap<IpAddr, VecDeque<DateTime<Utc>>>, before: DateTime<Utc>) {
    seen.retain(|_, tries| tries.back().is_some_and(|at| *at > before));
    if seen.len() >= ADDRESSES_MAX {
        let oldest = seen.iter().min_by_key(|(_, tries)| tries.back().copied()).map(|(address, _)| *address);
        oldest.and_then(|address| seen.remove(&address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minute * 60, 0).unwrap()
    }

    #[test]
    fn the_sixth_try_in_the_window_waits() {
        let (tries, address) = (Attempts::default(), IpAddr::from([10, 0, 0, 1]));
        for minute in 0..5 {
            assert_eq!(tries.begin(address, at(minute)), Ok(()));
        }
        assert_eq!(tries.begin(address, at(5)), Err(600));
        assert_eq!(tries.begin(IpAddr::from([10, 0, 0, 2]), at(5)), Ok(()));
        assert_eq!(tries.begin(address, at(15)), Ok(()));
    }

    #[test]
    fn a_right_try_does_not_count() {
        let (tries, address) = (Attempts::default(), IpAddr::from([10, 0, 0, 1]));
        for _ in 0..20 {
            tries.begin(address, at(0)).unwrap();
            tries.succeeded(address);
        }
    }

    #[test]
    fn many_addresses_take_bounded_room() {
        let tries = Attempts::default();
        for n in 0..u32::try_from(ADDRESSES_MAX).unwrap() + 50 {
            tries.begin(IpAddr::from(n.to_be_bytes()), at(0)).unwrap();
        }
        assert_eq!(tries.0.lock().unwrap().len(), ADDRESSES_MAX);
    }
}
