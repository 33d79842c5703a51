//! Answers kept for a while, so that nobody is asked twice for the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

/// So many answers, each for so long.
pub(crate) struct Cache<V> {
    kept: Mutex<HashMap<String, Kept<V>>>,
    entries_max: usize,
    fresh_for: Duration,
}

/// Since when, and what.
type Kept<V> = (DateTime<Utc>, Arc<V>);

impl<V> Cache<V> {
    /// An empty one.
    pub(crate) fn new(entries_max: usize, fresh_for: Duration) -> Self {
        Self { kept: Mutex::default(), entries_max, fresh_for }
    }

    /// What was kept under this key, while it is fresh.
    pub(crate) fn get(&self, key: &str, now: DateTime<Utc>) -> Option<Arc<V>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, value) = kept.get(key)?;
        self.is_fresh(*since, now).then(|| Arc::clone(value))
    }

    /// Keeps an answer; the oldest one goes when there is no room.
    pub(crate) fn put(&self, key: String, value: V, now: DateTime<Utc>) -> Arc<V> {
        let value = Arc::new(value);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.entries_max && !kept.contains_key(&key) {
            kept.retain(|_, (since, _)| self.is_fresh(*since, now));
            let oldest = kept.iter().min_by_key(|(_, (since, _))| *since).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest.filter(|_| kept.len() >= self.entries_max) {
                kept.remove(&oldest);
            }
        }
        kept.insert(key, (now, Arc::clone(&value)));
        value
    }

    /// A time that lies ahead is that of a clock that was set back.
    fn is_fresh(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        since <= now && now - since < self.fresh_for
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).expect("a time")
    }

    #[test]
    fn an_answer_is_kept_for_its_time_and_no_longer() {
        let cache = Cache::new(2, Duration::seconds(10));
        cache.put("a".to_owned(), 1, at(0));
        assert_eq!(cache.get("a", at(9)).as_deref(), Some(&1));
        assert_eq!(cache.get("a", at(10)), None);
        assert_eq!(cache.get("a", at(-1)), None);
        assert_eq!(cache.get("b", at(0)), None);
    }

    #[test]
    fn there_are_never_more_than_it_holds_and_the_oldest_goes() {
        let cache = Cache::new(2, Duration::seconds(10));
        for (key, second) in [("a", 0), ("b", 1), ("b", 2), ("c", 3)] {
            cache.put(key.to_owned(), second, at(second));
        }
        assert_eq!(cache.get("a", at(4)), None);
        assert_eq!(cache.get("b", at(4)).as_deref(), Some(&2));
        assert_eq!(cache.get("c", at(4)).as_deref(), Some(&3));
        assert_eq!(cache.kept.lock().expect("no panic").len(), 2);
    }
}
