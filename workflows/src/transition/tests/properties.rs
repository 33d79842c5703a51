//! What holds whatever happens in whatever order.

use proptest::prelude::*;

use super::*;
use crate::ports::planner::{Intent, Proposal};

#[derive(Debug, Clone)]
enum Move {
    Answer(usize, bool),
    Outcome(usize, u8),
    Cancel,
    Undo,
    Replan,
    Due(u32),
    Crash,
    Stale(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        6 => (0_usize..4, any::<bool>()).prop_map(|(n, yes)| Move::Answer(n, yes)),
        6 => (0_usize..4, 0_u8..7).prop_map(|(n, kind)| Move::Outcome(n, kind)),
        1 => Just(Move::Cancel),
        1 => Just(Move::Undo),
        2 => Just(Move::Replan),
        2 => (0_u32..200_000).prop_map(Move::Due),
        2 => Just(Move::Crash),
        1 => (0_usize..6).prop_map(Move::Stale),
    ];
    proptest::collection::vec(one, 0..40)
}

fn rich_plan() -> Value {
    let own = json!({"id": "own", "type": "execution", "action": "own.add", "params": {"to": ["{{ slots.date }}"]}});
    plan(json!([
        {"id": "q", "type": "clarification", "question": "?", "answer": "text"},
        {"id": "pick", "type": "multi_select", "question": "?", "options": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]},
        own,
        {"id": "par", "type": "parallel", "stages": [
            {"id": "each", "type": "execution", "action": "mail.send", "for_each": "pick", "params": {"to": ["{{ item.id }}@x"], "text": "{{ q }}"}},
            {"id": "asked", "type": "execution", "action": "mail.asked", "params": {"to": ["c@x"]}, "on_failure": [
                {"id": "plan_b", "type": "execution", "action": "mail.send", "params": {"to": ["d@x"]}}]}]},
        {"id": "w", "type": "wait", "for": "PT1H", "then": [mail("last", "e@x")]}]))
}

fn play(bench: &mut Bench, step: &Move) -> Result<(), Refusal> {
    bench.now += Duration::seconds(1);
    match step {
        Move::Answer(n, yes) => {
            let open: Vec<Prompt> = bench.run().open_prompts().cloned().collect();
            let Some(prompt) = open.get(n % open.len().max(1)) else { return Ok(()) };
            let answer = match &prompt.kind {
                PromptKind::Text { .. } => Answer::Text("new@x.org".to_owned()),
                PromptKind::One { options } => Answer::Options(vec![options[n % options.len()].id.clone()]),
                PromptKind::Many { options, .. } => Answer::Options(options.iter().map(|o| o.id.clone()).collect()),
                PromptKind::Confirm { items } if *n == 3 => Answer::Reject(items.first().cloned()),
                PromptKind::Confirm { .. } if *yes => Answer::Approve(None),
                PromptKind::Confirm { .. } => Answer::Reject(None),
            };
            bench.send(Event::Answer { prompt_id: prompt.id.clone(), answer })
        }
        Move::Outcome(n, kind) => {
            let started = bench.started();
            let Some(item) = started.get(n % started.len().max(1)) else { return Ok(()) };
            let effect_id = item.id.clone();
            if matches!(item.phase, ItemPhase::LookingUp { .. }) {
                let answer = match kind {
                    0 => LookUp::Absent,
                    1 => LookUp::CannotTell("?".to_owned()),
                    _ => LookUp::Done(done("found").expect("an outcome")),
                };
                return bench.send(Event::LookedUp { effect_id, answer });
            }
            let result = match kind {
                0 => Err(ActionError::fail("no")),
                1 => Err(ActionError::retry("later")),
                2 => Err(ActionError::unknown("lost")),
                3 => Err(offering(&["one@x"])),
                4 => Err(offering(&["one@x", "two@x"])),
                _ => done("ok"),
            };
            bench.send(Event::Outcome { effect_id, result })
        }
        Move::Cancel => bench.send(Event::Cancel),
        Move::Undo => bench.send(Event::Undo),
        Move::Replan if matches!(bench.state, TaskState::Planning(_)) => {
            let plan: Plan = serde_json::from_value(rich_plan()).expect("a plan");
            let proposal = Proposal::Plan { plan: Box::new(plan), intent: Intent::default() };
            let answer = Ok(Planned { by: "test".to_owned(), proposal, notes: Vec::new() });
            bench.send(Event::Planned { amendments: bench.state.request().amendments.len(), answer })
        }
        Move::Replan => bench.send(Event::Revise { text: "otherwise".to_owned() }),
        Move::Due(secs) => {
            bench.now += Duration::seconds(i64::from(*secs));
            bench.send(Event::Due)
        }
        Move::Crash => {
            bench.epoch += 1;
            bench.send(Event::Due)
        }
        Move::Stale(n) => {
            let Some(prompt) = bench.run().prompts.get(*n).filter(|p| !p.is_open()).cloned() else { return Ok(()) };
            let before = bench.state.clone();
            let refused = bench.send(Event::Answer { prompt_id: prompt.id, answer: Answer::Approve(None) });
            assert!(refused.is_err(), "a decided question takes no answer");
            assert_eq!(bench.state, before);
            refused
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    /// What you saw is what runs: whatever becomes of any argument after the yes, nothing starts.
    #[test]
    fn after_the_yes_a_changed_argument_starts_nothing(name in "to|text|bcc|[a-z]{1,6}", value in any_json()) {
        let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
        let TaskState::Running(run) = &mut bench.state else { panic!("running") };
        let shown = run.items[0].clone();
        run.items[0].approval = Some(crate::state::Approval { by: PersonId::from("ann"), at: bench.now, hash: shown.hash() });
        run.items[0].args.insert(name, value);
        run.items[0].phase = ItemPhase::Ready;
        let changed = run.items[0].args != shown.args;
        bench.send(Event::Due).expect("due");
        prop_assert_eq!(bench.effects.is_empty(), changed);
    }
}

/// Notes which acts may have happened, and since when: a later start needs a later yes.
fn note_losses(
    bench: &Bench,
    before: &TaskState,
    step: &Move,
    lost_at: &mut std::collections::BTreeMap<EffectId, DateTime<Utc>>,
) {
    let crashed = matches!(step, Move::Crash);
    for item in before.run().into_iter().flat_map(|run| &run.items) {
        if crashed && matches!(item.phase, ItemPhase::Started { .. }) {
            lost_at.insert(item.id.clone(), bench.now);
        }
        if matches!(item.phase, ItemPhase::Done { .. }) {
            lost_at.insert(item.id.clone(), DateTime::<Utc>::MAX_UTC);
        }
        if matches!(item.phase, ItemPhase::LookingUp { .. }) && matches!(step, Move::Outcome(_, 0)) {
            // The other side said that it certainly was not done.
            lost_at.remove(&item.id);
        }
    }
    for item in &bench.run().items {
        if matches!(item.phase, ItemPhase::Unknown { .. }) {
            lost_at.entry(item.id.clone()).or_insert(bench.now);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order: no panic, no way out of an ended task but an undo, no
    /// act on the world without a yes to exactly its arguments, no second start of an act unless
    /// it is idempotent, certainly had not happened or a new yes was given, and progress never falls.
    #[test]
    fn whatever_happens_no_act_is_done_twice_or_unasked(moves in moves()) {
        let mut bench = Bench::new(rich_plan());
        let TaskState::Running(run) = &mut bench.state else { panic!("running") };
        run.request.text = "please".to_owned();
        let mut lost_at: std::collections::BTreeMap<EffectId, DateTime<Utc>> = std::collections::BTreeMap::new();
        for step in &moves {
            let (before, progress, effects) = (bench.state.clone(), bench.run().progress, bench.effects.len());
            let moved = play(&mut bench, step);
            if moved.is_err() {
                prop_assert_eq!(&bench.state, &before, "a refusal changes nothing");
            }
            if before.status().is_terminal() && !matches!(step, Move::Undo) {
                prop_assert!(bench.status() == before.status());
            }
            prop_assert!(bench.run().progress >= progress);
            note_losses(&bench, &before, step, &mut lost_at);
            for effect in &bench.effects[effects..] {
                let Effect::Run(id) = effect else { continue };
                let item = bench.run().item(id).cloned().expect("a started act exists");
                if item.reach == Reach::World && item.undoes.is_none() {
                    let approval = item.approval.clone().filter(|a| a.hash == item.hash());
                    prop_assert!(approval.is_some(), "started unasked: {:?}", item);
                    // Begun again, what is idempotent is the same act.
                    let allowed = item.idempotent || lost_at.get(id).is_none_or(|lost| approval.is_some_and(|a| a.at >= *lost));
                    prop_assert!(allowed, "started again though it may have happened: {:?}", item);
                }
            }
        }
    }
}
