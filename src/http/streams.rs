//! What a socket has told of replies that are still being made. Pure.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use workflows::frame::{Frame, FrameKind};
use workflows::ids::TaskId;

/// Replies told of at the same time; more are seen when they are done.
const STREAMS_MAX: usize = 16;
/// Tasks remembered as done with their reply.
const OVER_MAX: usize = 256;

/// The new part of a reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The words.
    pub(super) text: String,
    /// Whether they stand in place of what was told before.
    pub(super) replaces: bool,
}

/// Replies that are being made, as far as they were told.
#[derive(Debug, Default)]
pub(super) struct Streams {
    told: HashMap<TaskId, Arc<str>>,
    over: VecDeque<TaskId>,
}

impl Streams {
    /// Notes a frame of the log that was sent: when a planner has answered, what is still heard of its
    /// reply is late.
    pub(super) fn note(&mut self, frame: &Frame) {
        let Some(task) = &frame.task_id else { return };
        match frame.kind {
            FrameKind::AiThinking => self.over.retain(|over| over != task),
            FrameKind::AiComplete | FrameKind::TaskCompleted | FrameKind::TaskFailed => {
                self.told.remove(task);
                if !self.over.contains(task) {
                    self.over.push_back(task.clone());
                    let more = self.over.len().saturating_sub(OVER_MAX);
                    self.over.drain(..more);
                }
            }
            _ => {}
        }
    }

    /// What is to be told of a reply that has come so far.
    pub(super) fn tell(&mut self, task: &TaskId, text: &Arc<str>) -> Option<Chunk> {
        let begun = self.told.contains_key(task);
        if self.over.contains(task) || (!begun && self.told.len() >= STREAMS_MAX) {
            return None;
        }
        let before = self.told.insert(task.clone(), Arc::clone(text));
        let chunk = match before.as_deref().map(|before| text.strip_prefix(before)) {
            None => Chunk { text: text.to_string(), replaces: false },
            Some(Some(more)) => Chunk { text: more.to_owned(), replaces: false },
            Some(None) => Chunk { text: text.to_string(), replaces: true },
        };
        (chunk.replaces || !chunk.text.is_empty()).then_some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn frame(kind: FrameKind, task: &str) -> Frame {
        let task_id = Some(TaskId::from(task));
        Frame {
            kind,
            data: Map::new(),
            timestamp: chrono::DateTime::UNIX_EPOCH,
            user_id: "ann".into(),
            task_id,
            seq: 1,
        }
    }

    fn told(streams: &mut Streams, task: &str, text: &str) -> Option<(String, bool)> {
        streams.tell(&TaskId::from(task), &Arc::from(text)).map(|chunk| (chunk.text, chunk.replaces))
    }

    #[test]
    fn only_what_is_new_is_told_and_what_is_other_replaces() {
        let mut streams = Streams::default();
        assert_eq!(told(&mut streams, "a", "Grü"), Some(("Grü".to_owned(), false)));
        assert_eq!(told(&mut streams, "a", "Grüße"), Some(("ße".to_owned(), false)));
        assert_eq!(told(&mut streams, "a", "Grüße"), None);
        assert_eq!(told(&mut streams, "b", "Hello"), Some(("Hello".to_owned(), false)));
        assert_eq!(told(&mut streams, "a", "Gr"), Some(("Gr".to_owned(), true)));
        assert_eq!(told(&mut streams, "a", ""), Some((String::new(), true)));
    }

    #[test]
    fn after_the_end_nothing_is_told_until_a_planner_is_asked_again() {
        for end in [FrameKind::AiComplete, FrameKind::TaskCompleted, FrameKind::TaskFailed] {
            let mut streams = Streams::default();
            told(&mut streams, "a", "Hel");
            streams.note(&frame(end, "a"));
            assert_eq!(told(&mut streams, "a", "Hello"), None, "{end:?}");
            streams.note(&frame(FrameKind::AiThinking, "a"));
            assert_eq!(told(&mut streams, "a", "Hello"), Some(("Hello".to_owned(), false)));
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut streams = Streams::default();
        for n in 0..STREAMS_MAX {
            assert!(told(&mut streams, &format!("t{n}"), "x").is_some());
        }
        assert_eq!(told(&mut streams, "more", "x"), None);
        for n in 0..2 * OVER_MAX {
            streams.note(&frame(FrameKind::AiComplete, &format!("t{n}")));
        }
        assert_eq!((streams.told.len(), streams.over.len()), (0, OVER_MAX));
    }
}
