//! One request at a time to a server, and so long from each to the next.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout};

/// Least time between the beginnings of two requests: a second, and what the way there may vary by.
const GAP: Duration = Duration::from_millis(1_100);
/// How many may wait.
const WAITING_MAX: usize = 8;
/// Longest wait for a turn.
const WAIT_MAX: Duration = Duration::from_secs(15);
/// Longest time that a server's wish to be left alone is kept.
const REST_MAX: Duration = Duration::from_secs(300);

/// The way to one server.
pub(super) struct Gate {
    /// When the next request may begin.
    next: Mutex<Option<Instant>>,
    room: Semaphore,
}

/// There is no turn within reasonable time: what to wait for, in seconds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Busy(pub(super) u32);

/// The right to send a request; the next one waits until it is dropped.
pub(super) struct Turn<'a> {
    next: MutexGuard<'a, Option<Instant>>,
    _room: SemaphorePermit<'a>,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self { next: Mutex::new(None), room: Semaphore::new(WAITING_MAX) }
    }

    /// Waits until the others are done.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Busy> {
        let busy = || Busy(u32::try_from(WAIT_MAX.as_secs()).unwrap_or(u32::MAX));
        let room = self.room.try_acquire().map_err(|_| busy())?;
        let next = timeout(WAIT_MAX, self.next.lock()).await.map_err(|_| busy())?;
        Ok(Turn { next, _room: room })
    }
}

impl Turn<'_> {
    /// Waits until a request may begin; from here on it counts as sent.
    pub(super) async fn begin(&mut self) -> Result<(), Busy> {
        let now = Instant::now();
        if let Some(next) = *self.next {
            let wait = next.saturating_duration_since(now);
            if wait > WAIT_MAX {
                return Err(Busy(u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)));
            }
            sleep_until(next).await;
        }
        *self.next = Some(Instant::now() + GAP);
        Ok(())
    }

    /// The server wants to be left alone for so long.
    pub(super) fn rest(&mut self, secs: u32) {
        let until = Instant::now() + Duration::from_secs(u64::from(secs)).min(REST_MAX);
        *self.next = (*self.next).max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    async fn pass(gate: &Gate) -> Result<Instant, Busy> {
        let mut turn = gate.turn().await?;
        turn.begin().await?;
        Ok(Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_come_at_once_go_a_second_apart() {
        let gate = Arc::new(Gate::new());
        let passing = (0..5).map(|_| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { pass(&gate).await.expect("a turn") })
        });
        let mut times = Vec::new();
        for passed in passing.collect::<Vec<_>>() {
            times.push(passed.await.expect("an end"));
        }
        times.sort_unstable();
        for pair in times.windows(2) {
            assert!(pair[1] - pair[0] >= Duration::from_secs(1), "{times:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_wait_and_none_for_ever() {
        let gate = Arc::new(Gate::new());
        let held = gate.turn().await.expect("a turn");
        let waiting: Vec<_> = (1..WAITING_MAX)
            .map(|_| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move { pass(&gate).await.map(drop) })
            })
            .collect();
        tokio::task::yield_now().await;
        let begun = Instant::now();
        assert!(gate.turn().await.is_err(), "there is no room");
        assert_eq!(begun.elapsed(), Duration::ZERO, "which is said at once");
        for waiter in waiting {
            assert_eq!(waiter.await.expect("an end"), Err(Busy(15)));
        }
        drop(held);
        assert!(pass(&gate).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_wants_rest_gets_it() {
        let gate = Gate::new();
        let mut turn = gate.turn().await.expect("a turn");
        turn.begin().await.expect("the first");
        turn.rest(10);
        drop(turn);
        let begun = Instant::now();
        pass(&gate).await.expect("a turn");
        assert!(begun.elapsed() >= Duration::from_secs(10));
        let mut turn = gate.turn().await.expect("a turn");
        turn.rest(60);
        assert_eq!(turn.begin().await, Err(Busy(60)), "nobody waits that long");
    }
}
