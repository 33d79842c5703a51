//! What the model answers, request for request.

use std::collections::VecDeque;

use super::{Asked, Reply};

/// Makes an answer of a request.
type Speaker = Box<dyn FnMut(&Asked) -> Reply + Send>;

/// The answers that are to come.
#[derive(Default)]
pub(crate) struct Script {
    queue: VecDeque<Reply>,
    speaker: Option<Speaker>,
    asked: Vec<Asked>,
}

impl Script {
    pub(super) fn push(&mut self, reply: Reply) {
        self.queue.push_back(reply);
    }

    pub(super) fn set_speaker(&mut self, speaker: Speaker) {
        self.speaker = Some(speaker);
    }

    /// The answer to a request: the first in the queue, else what the function makes of it.
    pub(super) fn next(&mut self, asked: &Asked) -> Option<Reply> {
        self.asked.push(asked.clone());
        let queued = self.queue.pop_front();
        queued.or_else(|| self.speaker.as_mut().map(|speaker| speaker(asked)))
    }

    pub(super) fn asked(&self) -> &[Asked] {
        &self.asked
    }

    pub(super) fn left(&self) -> usize {
        self.queue.len()
    }
}
