//! The plans that are being made in this process: one for each task at most. One that nobody wants any
//! more, because the request was changed or called off, is given up at once; what it would have cost is not
//! spent, and what it would have said is not heard.
//!
//! What came later is told by the task's version, not by who comes here first.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::ids::TaskId;

/// The plans that are being made.
#[derive(Default)]
pub(crate) struct Plans(Mutex<HashMap<TaskId, Making>>);

/// A plan for a task as it was at a version; it is wanted as long as this lives.
struct Making {
    ver: u64,
    wanted: oneshot::Sender<()>,
}

/// Whether a plan is still wanted.
pub(crate) struct Wanted(oneshot::Receiver<()>);

impl Plans {
    fn all(&self) -> MutexGuard<'_, HashMap<TaskId, Making>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A plan is wanted for a task of this version, and none for an older one.
    pub(crate) fn begin(&self, id: &TaskId, ver: u64) -> Wanted {
        let (wanted, unwanted) = oneshot::channel();
        let mut all = self.all();
        // Those that have been made.
        all.retain(|_, making| !making.wanted.is_closed());
        if all.get(id).is_none_or(|other| other.ver <= ver) {
            all.insert(id.clone(), Making { ver, wanted });
        }
        Wanted(unwanted)
    }

    /// The task has moved on to this version: no plan for an older one is wanted.
    pub(crate) fn moved(&self, id: &TaskId, ver: u64) {
        let mut all = self.all();
        if all.get(id).is_some_and(|making| making.ver < ver) {
            all.remove(id);
        }
    }
}

impl Wanted {
    /// Runs a planner as long as its plan is wanted; `None` when it was given up.
    pub(crate) async fn make<T>(self, plan: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.0 => None,
            made = plan => Some(made),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn id() -> TaskId {
        TaskId::from("t")
    }

    #[tokio::test]
    async fn the_plan_for_the_newest_version_alone_is_made_whoever_comes_first() {
        for order in [[1, 2], [2, 1]] {
            let plans = Plans::default();
            let [first, second] = order.map(|ver| (ver, plans.begin(&id(), ver)));
            for (ver, wanted) in [first, second] {
                let made = wanted.make(ready(ver)).await;
                assert_eq!(made, (ver == 2).then_some(2), "{order:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_task_that_moved_on_wants_no_older_plan() {
        let plans = Plans::default();
        let (older, other) = (plans.begin(&id(), 3), plans.begin(&TaskId::from("u"), 1));
        plans.moved(&id(), 4);
        assert_eq!(older.make(pending::<u8>()).await, None);
        assert_eq!(other.make(ready(7)).await, Some(7), "another task's goes on");
        let newer = plans.begin(&id(), 5);
        plans.moved(&id(), 4);
        plans.moved(&id(), 5);
        assert_eq!(newer.make(ready(8)).await, Some(8), "an older move comes late");
        plans.moved(&id(), 6);
        plans.moved(&TaskId::from("u"), 2);
        assert!(plans.all().is_empty(), "nothing is left of them");
    }
}
