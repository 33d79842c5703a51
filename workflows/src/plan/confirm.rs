//! Inserting the confirmations a plan forgot: every act on the world is covered by one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Confirmation, OnFailure, Plan, Stage, StageKind, refs, validate};
use crate::action::{Catalog, Reach};
use crate::ids::StageId;

/// Puts a confirmation before every group of acts on the world that none covers.
///
/// Acts that follow each other share one, as long as what they do is known when it is shown.
/// Parameters that are still templates count as filled, so the answer errs towards asking; acts
/// that turn out to reach the world only when they run are stopped there by the engine.
pub fn with_confirmations(mut plan: Plan, catalog: &Catalog) -> Plan {
    let mut covered = BTreeSet::new();
    for stage in plan.all() {
        if let StageKind::Confirmation(c) = &stage.kind {
            for inner in c.covers.iter().filter_map(|id| plan.find(id)) {
                covered.extend(validate::executions_in(inner).into_iter().map(|s| s.id.clone()));
            }
        }
    }
    let taken = plan.all().into_iter().map(|s| s.id.clone()).collect();
    let mut insertion = Insertion { catalog, covered, taken, ended: refs::ended_before(&plan), made: 0 };
    let stages = std::mem::take(&mut plan.stages);
    plan.stages = insertion.list(&stages);
    plan
}

struct Insertion<'a> {
    catalog: &'a Catalog,
    covered: BTreeSet<StageId>,
    taken: BTreeSet<StageId>,
    /// What has ended when each stage of the plan begins.
    ended: BTreeMap<StageId, BTreeSet<StageId>>,
    made: u32,
}

impl Insertion<'_> {
    fn list(&mut self, list: &[Stage]) -> Vec<Stage> {
        let mut out: Vec<Stage> = Vec::with_capacity(list.len() + 1);
        for n in 0..list.len() {
            let mut stage = list[n].clone();
            let covers = if self.is_open(&stage) { self.group(&list[n..]) } else { Vec::new() };
            if !covers.is_empty() {
                self.covered.extend(covers.iter().cloned());
                let id = self.fresh_id();
                let needs = stage.needs.replace(vec![id.clone()]);
                let kind = StageKind::Confirmation(Confirmation { question: None, covers, expires_in: None });
                out.push(Stage { id, title: None, needs, kind });
            }
            stage.kind = self.inside(stage.kind);
            out.push(stage);
        }
        out
    }

    /// The lists in a stage that run later than the stage begins; `parallel` is covered as a whole,
    /// but what its children run later is not.
    fn inside(&mut self, kind: StageKind) -> StageKind {
        match kind {
            StageKind::Execution(mut e) => {
                if let OnFailure::Stages(stages) = e.on_failure {
                    e.on_failure = OnFailure::Stages(self.list(&stages));
                }
                StageKind::Execution(e)
            }
            StageKind::Parallel(mut p) => {
                for stage in &mut p.stages {
                    let kind = std::mem::replace(&mut stage.kind, StageKind::Wait(super::Wait::default()));
                    stage.kind = self.inside(kind);
                }
                StageKind::Parallel(p)
            }
            StageKind::Conditional(mut c) => {
                c.then = self.list(&c.then);
                c.otherwise = self.list(&c.otherwise);
                StageKind::Conditional(c)
            }
            StageKind::Wait(mut w) => {
                w.then = self.list(&w.then);
                w.on_timeout = self.list(&w.on_timeout);
                StageKind::Wait(w)
            }
            StageKind::Clarification(_)
            | StageKind::Selection(_)
            | StageKind::MultiSelect(_)
            | StageKind::Confirmation(_) => kind,
        }
    }

    /// The executions to cover together, from the first of these stages on: those that begin after
    /// the first one's confirmation, with what is known when it is shown.
    fn group(&self, rest: &[Stage]) -> Vec<StageId> {
        let Some(known) = rest.first().and_then(|first| self.ended.get(&first.id)) else { return Vec::new() };
        let mut covers = Vec::new();
        let mut after: BTreeSet<StageId> = BTreeSet::new();
        for (n, stage) in rest.iter().enumerate() {
            if !matches!(stage.kind, StageKind::Execution(_) | StageKind::Parallel(_)) {
                break;
            }
            if n == 0 || refs::needs_of(rest, n, false).iter().any(|need| after.contains(need)) {
                after.insert(stage.id.clone());
                self.open_at_once(stage, known, &mut covers);
            }
        }
        covers
    }

    /// The acts on the world that begin with this stage, use only what is known and are covered by
    /// nothing: itself, or the children of `parallel`.
    fn open_at_once(&self, stage: &Stage, known: &BTreeSet<StageId>, found: &mut Vec<StageId>) {
        match &stage.kind {
            StageKind::Execution(_) if self.is_open(stage) && self.uses_only(stage, known) => {
                found.push(stage.id.clone());
            }
            StageKind::Parallel(p) => p.stages.iter().for_each(|s| self.open_at_once(s, known, found)),
            StageKind::Execution(_)
            | StageKind::Clarification(_)
            | StageKind::Selection(_)
            | StageKind::MultiSelect(_)
            | StageKind::Confirmation(_)
            | StageKind::Conditional(_)
            | StageKind::Wait(_) => {}
        }
    }

    fn uses_only(&self, stage: &Stage, known: &BTreeSet<StageId>) -> bool {
        let names = refs::uses(stage).into_iter().flat_map(|found| found.names.unwrap_or_default());
        names
            .map(|name| StageId::from(refs::root(&name)))
            .all(|id| !self.ended.contains_key(&id) || known.contains(&id))
    }

    /// Whether an act on the world that begins with this stage is covered by nothing.
    fn is_open(&self, stage: &Stage) -> bool {
        match &stage.kind {
            StageKind::Execution(e) => {
                !self.covered.contains(&stage.id)
                    && self.catalog.get(&e.action).is_none_or(|spec| spec.reach(&e.params) == Reach::World)
            }
            StageKind::Parallel(p) => p.stages.iter().any(|s| self.is_open(s)),
            StageKind::Clarification(_)
            | StageKind::Selection(_)
            | StageKind::MultiSelect(_)
            | StageKind::Confirmation(_)
            | StageKind::Conditional(_)
            | StageKind::Wait(_) => false,
        }
    }

    fn fresh_id(&mut self) -> StageId {
        loop {
            self.made += 1;
            let id = StageId(format!("confirm_{}", self.made));
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}
