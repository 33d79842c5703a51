//! A circuit breaker: what keeps failing is left alone for a while, then tried once. Pure.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::wire::{Class, Fault};

/// How long a provider whose key is wrong is left alone.
const AUTH_REST: Duration = Duration::from_secs(600);
/// How long one that has nothing left to spend is left alone, when it says nothing.
const QUOTA_REST: Duration = Duration::from_secs(3_600);
/// How long one whose model is being loaded is left alone: asking costs nothing.
const LOADING_REST: Duration = Duration::from_secs(1);
/// How long one without the model is left alone.
const NO_MODEL_REST: Duration = Duration::from_secs(120);

/// How a breaker stands; the names are the API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Calls go through.
    Closed,
    /// None does.
    Open,
    /// One does, to see.
    HalfOpen,
}

impl Standing {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What a failure is to a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// So many of them in a row, and it opens.
    Counts,
    /// It opens at once, for so long.
    Opens(Duration),
    /// The provider is well.
    Nothing,
}

/// How a call went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// As one of many.
    Usual,
    /// Alone, to see.
    Probe,
}

/// When it opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Failures in a row.
    pub failures: u32,
    /// How long it stays open.
    pub cooldown: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: DateTime<Utc> },
    HalfOpen,
}

/// A breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    rules: Rules,
    state: State,
    /// What opened it last.
    why: Option<String>,
}

impl Breaker {
    /// A closed one.
    pub fn new(rules: Rules) -> Self {
        Self { rules, state: State::Closed { failures: 0 }, why: None }
    }

    /// Whether a call may go through now. When one does as a probe, no other does until it has ended.
    pub fn pass(&mut self, now: DateTime<Utc>) -> Option<Pass> {
        match self.state {
            State::Closed { .. } => Some(Pass::Usual),
            State::Open { until } if until <= now => {
                self.state = State::HalfOpen;
                Some(Pass::Probe)
            }
            State::Open { .. } | State::HalfOpen => None,
        }
    }

    /// A call was answered. One that began before it opened says nothing of how it is now.
    pub fn succeeded(&mut self, pass: Pass) {
        match (&self.state, pass) {
            (State::Closed { .. }, _) | (State::HalfOpen, Pass::Probe) => {
                self.state = State::Closed { failures: 0 };
                self.why = None;
            }
            (State::Open { .. }, _) | (State::HalfOpen, Pass::Usual) => {}
        }
    }

    /// A call failed.
    pub fn failed(&mut self, pass: Pass, fault: &Fault, now: DateTime<Utc>) {
        let cooldown = self.rules.cooldown;
        match (verdict(fault, cooldown), &self.state) {
            (Verdict::Nothing, _) => self.succeeded(pass),
            (Verdict::Opens(rest), _) => self.open(rest, fault, now),
            (Verdict::Counts, State::HalfOpen) if pass == Pass::Probe => self.open(cooldown, fault, now),
            (Verdict::Counts, State::Closed { failures }) if failures + 1 < self.rules.failures => {
                self.state = State::Closed { failures: failures + 1 };
                self.why = Some(fault.what.clone());
            }
            (Verdict::Counts, State::Closed { .. }) => self.open(cooldown, fault, now),
            // One that began before it opened; it says nothing new.
            (Verdict::Counts, State::Open { .. } | State::HalfOpen) => {}
        }
    }

    /// A call was given up before anything came of it.
    pub fn abandoned(&mut self, pass: Pass, now: DateTime<Utc>) {
        if self.state == State::HalfOpen && pass == Pass::Probe {
            self.state = State::Open { until: now };
        }
    }

    fn open(&mut self, rest: Duration, fault: &Fault, now: DateTime<Utc>) {
        let rest = TimeDelta::from_std(rest).unwrap_or(TimeDelta::MAX);
        let until = now.checked_add_signed(rest).unwrap_or(DateTime::<Utc>::MAX_UTC);
        // What asked for a longer rest before has it.
        let before = if let State::Open { until } = self.state { until } else { now };
        self.state = State::Open { until: until.max(before) };
        self.why = Some(fault.what.clone());
    }

    /// How it stands.
    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        match self.state {
            State::Closed { .. } => Standing::Closed,
            // The next call goes through to see.
            State::Open { until } if until <= now => Standing::HalfOpen,
            State::Open { .. } => Standing::Open,
            State::HalfOpen => Standing::HalfOpen,
        }
    }

    /// What failed last, while it is not well.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }
}

fn verdict(fault: &Fault, cooldown: Duration) -> Verdict {
    match (fault.class, fault.after) {
        (Class::Rate | Class::Overload, Some(after)) => Verdict::Opens(after),
        (Class::Quota, after) => Verdict::Opens(after.unwrap_or(QUOTA_REST)),
        // Whoever waited so long once is not to wait so long again.
        (Class::Rate, None) | (Class::Late, _) => Verdict::Opens(cooldown),
        (Class::Loading, _) => Verdict::Opens(LOADING_REST),
        (Class::Auth, _) => Verdict::Opens(AUTH_REST),
        (Class::NoModel, _) => Verdict::Opens(NO_MODEL_REST),
        (Class::Refused, _) | (Class::Overload, None) => Verdict::Counts,
        (Class::BadRequest | Class::BadOutput, _) => Verdict::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { failures: 3, cooldown: Duration::from_secs(30) };

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + secs, 0).expect("a time")
    }

    /// Whether a call goes through.
    fn passes(breaker: &mut Breaker, secs: i64) -> bool {
        breaker.pass(at(secs)).is_some()
    }

    fn fault(class: Class) -> Fault {
        Fault::new(class, "it failed")
    }

    #[test]
    fn it_opens_after_so_many_failures_and_lets_one_call_see() {
        let mut breaker = Breaker::new(RULES);
        for _ in 0..2 {
            assert!(passes(&mut breaker, 0));
            breaker.failed(Pass::Usual, &fault(Class::Refused), at(0));
        }
        assert_eq!(breaker.standing(at(0)), Standing::Closed);
        breaker.succeeded(Pass::Usual);
        for n in 0..3 {
            assert!(passes(&mut breaker, 0), "{n}");
            breaker.failed(Pass::Usual, &fault(Class::Overload), at(0));
        }
        assert_eq!((breaker.standing(at(0)), passes(&mut breaker, 29)), (Standing::Open, false));
        assert!(passes(&mut breaker, 30), "the probe");
        assert!(!passes(&mut breaker, 30), "one only");
        assert_eq!(breaker.standing(at(30)), Standing::HalfOpen);
        breaker.failed(Pass::Probe, &fault(Class::Refused), at(31));
        assert!(!passes(&mut breaker, 60), "one failed probe is enough");
        assert!(passes(&mut breaker, 61));
        breaker.succeeded(Pass::Probe);
        assert_eq!((breaker.standing(at(61)), breaker.why()), (Standing::Closed, None));
    }

    #[test]
    fn every_class_has_its_reaction() {
        let after = |class, secs| Fault { after: Some(Duration::from_secs(secs)), ..fault(class) };
        for (fault, opens_for) in [
            (fault(Class::Refused), None),
            (fault(Class::Overload), None),
            (after(Class::Overload, 7), Some(7)),
            (fault(Class::Late), Some(30)),
            (fault(Class::Rate), Some(30)),
            (after(Class::Rate, 12), Some(12)),
            (fault(Class::Quota), Some(3_600)),
            (after(Class::Quota, 60), Some(60)),
            (fault(Class::Auth), Some(600)),
            (fault(Class::NoModel), Some(120)),
            (fault(Class::BadRequest), None),
            (fault(Class::BadOutput), None),
        ] {
            let mut breaker = Breaker::new(RULES);
            breaker.failed(Pass::Usual, &fault, at(0));
            match opens_for {
                None => assert_eq!(breaker.standing(at(0)), Standing::Closed, "{fault:?}"),
                Some(secs) => {
                    assert!(!passes(&mut breaker, secs - 1), "{fault:?}");
                    assert!(passes(&mut breaker, secs), "{fault:?}");
                }
            }
        }
    }

    #[test]
    fn a_bad_answer_is_an_answer() {
        let mut breaker = Breaker::new(RULES);
        breaker.failed(Pass::Usual, &fault(Class::Late), at(0));
        assert!(passes(&mut breaker, 30));
        breaker.failed(Pass::Probe, &fault(Class::BadOutput), at(31));
        assert_eq!(breaker.standing(at(31)), Standing::Closed);
    }

    #[test]
    fn a_probe_that_is_given_up_leaves_room_for_another() {
        let mut breaker = Breaker::new(RULES);
        breaker.failed(Pass::Usual, &fault(Class::Late), at(0));
        assert!(passes(&mut breaker, 30));
        breaker.abandoned(Pass::Probe, at(31));
        assert!(passes(&mut breaker, 31));
    }

    #[test]
    fn a_late_failure_does_not_shorten_a_long_rest() {
        let mut breaker = Breaker::new(RULES);
        breaker.failed(Pass::Usual, &Fault { after: Some(Duration::from_secs(300)), ..fault(Class::Rate) }, at(0));
        breaker.failed(Pass::Usual, &fault(Class::Late), at(1));
        assert!(!passes(&mut breaker, 299));
        assert!(passes(&mut breaker, 300));
    }

    #[test]
    fn a_call_that_began_before_it_opened_does_not_close_it() {
        let mut breaker = Breaker::new(RULES);
        let early = breaker.pass(at(0)).expect("closed");
        breaker.failed(Pass::Usual, &Fault { after: Some(Duration::from_secs(60)), ..fault(Class::Rate) }, at(1));
        breaker.succeeded(early);
        breaker.failed(early, &fault(Class::BadOutput), at(2));
        assert!(!passes(&mut breaker, 59), "the other side asked for a minute");
        assert_eq!(breaker.pass(at(61)), Some(Pass::Probe));
        breaker.succeeded(early);
        breaker.abandoned(early, at(62));
        assert!(!passes(&mut breaker, 62), "the probe is still out");
    }
}
