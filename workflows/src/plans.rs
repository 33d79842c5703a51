//! The plans that are being made in this process: one for each task at most. One that nobody wants any
//! more, because the request was changed or called off, is given up at once; what it would have cost is not
//! spent, and what it would have said is not heard.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::ids::TaskId;

/// The plans that are being made.
#[derive(Default)]
pub(crate) struct Plans(Mutex<HashMap<TaskId, oneshot::Sender<()>>>);

impl Plans {
    fn all(&self) -> MutexGuard<'_, HashMap<TaskId, oneshot::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a planner for a task, and gives up the one that ran for it before; `None` when it was given up
    /// itself.
    pub(crate) async fn make<T>(&self, id: &TaskId, plan: impl Future<Output = T>) -> Option<T> {
        let (wanted, unwanted) = oneshot::channel();
        self.all().insert(id.clone(), wanted);
        let made = tokio::select! {
            biased;
            _ = unwanted => return None,
            made = plan => made,
        };
        // Should another one run by now, its own end is still open.
        self.all().retain(|_, wanted| !wanted.is_closed());
        Some(made)
    }

    /// Gives up the one that runs for a task.
    pub(crate) fn give_up(&self, id: &TaskId) {
        self.all().remove(id);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn the_newest_plan_alone_is_made() {
        let (plans, id) = (Plans::default(), TaskId::from("t"));
        let newest = async {
            tokio::task::yield_now().await;
            plans.make(&id, async { 2 }).await
        };
        let (first, second) = tokio::join!(plans.make(&id, pending::<u8>()), newest);
        assert_eq!((first, second), (None, Some(2)));
        assert!(plans.all().is_empty(), "nothing is left of them");
    }

    #[tokio::test]
    async fn one_that_is_given_up_ends_and_others_go_on() {
        let (plans, id, other) = (Plans::default(), TaskId::from("t"), TaskId::from("u"));
        let give_up = async {
            tokio::task::yield_now().await;
            plans.give_up(&id);
        };
        let goes_on = async {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            3
        };
        let (ended, made, ()) = tokio::join!(plans.make(&id, pending::<u8>()), plans.make(&other, goes_on), give_up);
        assert_eq!((ended, made), (None, Some(3)));
        assert!(plans.all().is_empty());
    }
}
