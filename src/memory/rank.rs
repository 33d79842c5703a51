//! Which memories come first. Pure.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::store::memory::{Memory, MemoryId};

/// Least cosine of two texts that have to do with each other. Models put any two sentences of a
/// language some way together; below this, nearness says nothing.
pub(super) const SIMILARITY_MIN: f32 = 0.6;

/// How fast a place in a list loses weight: the usual constant of reciprocal rank fusion (Cormack,
/// Clarke and Büttcher, SIGIR 2009).
const FUSION: f64 = 60.0;

/// The cosine of the angle between two vectors; `None` for those that cannot be compared.
pub(super) fn cosine(a: &[f32], b: &[f32]) -> Option<f32> {
    if a.len() != b.len() {
        return None;
    }
    let dot: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    let length = |vector: &[f32]| vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    let cosine = dot / (length(a) * length(b));
    cosine.is_finite().then_some(cosine)
}

/// The nearest of these that are near enough, the nearest first, the newest of equals.
pub(super) fn nearest(asked: &[f32], all: Vec<(Memory, Vec<f32>)>, limit: usize) -> Vec<Memory> {
    let near = all.into_iter().filter_map(|(memory, vector)| {
        let similarity = cosine(asked, &vector).filter(|similarity| *similarity >= SIMILARITY_MIN)?;
        Some((memory, similarity))
    });
    let mut near: Vec<(Memory, f32)> = near.collect();
    near.sort_by(|(a, near_a), (b, near_b)| near_b.total_cmp(near_a).then_with(|| newest(a, b)));
    near.into_iter().take(limit).map(|(memory, _)| memory).collect()
}

/// Two lists as one, each memory once: what is far up in both comes first, the newest of equals.
pub(super) fn merged(by_words: Vec<Memory>, by_meaning: Vec<Memory>) -> Vec<Memory> {
    let mut scores: HashMap<MemoryId, f64> = HashMap::new();
    let mut all: Vec<Memory> = Vec::new();
    for list in [by_words, by_meaning] {
        let mut place = FUSION;
        for memory in list {
            place += 1.0;
            let score = scores.entry(memory.id.clone()).or_default();
            if *score == 0.0 {
                all.push(memory);
            }
            *score += place.recip();
        }
    }
    let score = |memory: &Memory| scores.get(&memory.id).copied().unwrap_or_default();
    all.sort_by(|a, b| score(b).total_cmp(&score(a)).then_with(|| newest(a, b)));
    all
}

fn newest(a: &Memory, b: &Memory) -> Ordering {
    b.at.cmp(&a.at).then_with(|| a.id.cmp(&b.id))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::store::memory::MemoryKind;

    fn memory(id: &str, secs: i64) -> Memory {
        Memory {
            id: MemoryId(id.to_owned()),
            kind: MemoryKind::Fact,
            text: id.to_owned(),
            at: DateTime::from_timestamp(secs, 0).expect("a time"),
        }
    }

    fn ids(memories: &[Memory]) -> Vec<&str> {
        memories.iter().map(|memory| memory.id.as_str()).collect()
    }

    #[test]
    fn vectors_that_cannot_be_compared_have_no_angle() {
        assert_eq!(cosine(&[1.0, 0.0], &[2.0, 0.0]), Some(1.0));
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 3.0]), Some(0.0));
        assert_eq!(cosine(&[1.0, 0.0], &[-1.0, 0.0]), Some(-1.0));
        for (a, b) in
            [(&[1.0][..], &[1.0, 1.0][..]), (&[0.0, 0.0], &[1.0, 1.0]), (&[], &[]), (&[f32::MAX], &[f32::MAX])]
        {
            assert_eq!(cosine(a, b), None, "{a:?} {b:?}");
        }
    }

    #[test]
    fn the_nearest_come_first_and_what_is_far_does_not_come() {
        let all = vec![
            (memory("far", 9), vec![0.0, 1.0]),
            (memory("near", 1), vec![0.8, 0.6]),
            (memory("old", 1), vec![1.0, 0.0]),
            (memory("new", 2), vec![2.0, 0.0]),
            (memory("other model", 9), vec![1.0]),
            (memory("below", 9), vec![0.59, 0.81]),
        ];
        assert_eq!(ids(&nearest(&[1.0, 0.0], all.clone(), 10)), ["new", "old", "near"]);
        assert_eq!(ids(&nearest(&[1.0, 0.0], all, 1)), ["new"]);
    }

    #[test]
    fn what_both_ways_find_comes_before_what_one_finds() {
        let list = |ids: &[&str]| ids.iter().map(|id| memory(id, 1)).collect::<Vec<_>>();
        let merged_ids = |words: &[&str], meaning: &[&str]| {
            ids(&merged(list(words), list(meaning))).iter().map(|id| (*id).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(merged_ids(&["a", "both"], &["c", "both"]), ["both", "a", "c"]);
        assert_eq!(merged_ids(&["a", "b"], &[]), ["a", "b"], "words alone keep their order");
        assert_eq!(merged_ids(&[], &["a", "b"]), ["a", "b"]);
        assert_eq!(merged_ids(&["a", "b"], &["b", "a"]), ["a", "b"], "each is there once");
        let newer = merged(vec![memory("old", 1)], vec![memory("new", 2)]);
        assert_eq!(ids(&newer), ["new", "old"], "the newest of equals");
    }
}
