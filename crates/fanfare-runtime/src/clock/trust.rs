//! When a time of day is believed: a step of the clock is distrusted until it has stood for some time.

use std::time::Duration;

use fanfare_core::Timestamp;

/// The largest change of the clock that counts as a correction and is taken at once: what time services correct while
/// they run. Nothing that anybody deletes, or stops delivering, depends on so little.
const CORRECTION_MAX: Duration = Duration::from_secs(2);

/// The time for which a step must stand until it is believed: longer than it takes a time service, or a person, to see
/// that the clock is wrong and to set it again.
pub const STANDS_FOR: Duration = Duration::from_secs(10 * 60);

/// What is known of a clock.
#[derive(Debug, Clone)]
pub(super) struct Trust {
    /// The last trusted time of day, and the steady time of that moment.
    trusted: (Timestamp, Duration),
    /// A step that is not trusted yet.
    step: Option<Step>,
}

/// A step of the clock.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// By how many microseconds it leads away from the trusted time.
    by: i64,
    /// The steady time at which it was first seen.
    since: Duration,
}

/// A time of day, as it was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judged {
    /// The trusted time of day.
    pub(super) now: Timestamp,
    /// What has changed since the reading before.
    pub(super) change: Option<Change>,
}

/// A change of what is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// A step has stood long enough.
    Believed,
    /// A step was undone.
    Returned,
    /// A step was seen.
    Stepped,
}

impl Trust {
    /// Starts with a time of day that is trusted, because there is none to compare it with.
    pub(super) fn start(wall: Timestamp, steady: Duration) -> Trust {
        Trust { trusted: (wall, steady), step: None }
    }

    /// Judges the time of day `wall` that was read at `steady`.
    pub(super) fn judge(&mut self, wall: Timestamp, steady: Duration) -> Judged {
        let (last, at) = self.trusted;
        let expected = last.after(steady.saturating_sub(at));
        let by = wall.as_micros() - expected.as_micros();
        if is_correction(by) {
            let change = self.step.take().map(|_| Change::Returned);
            self.trusted = (wall, steady);
            return Judged { now: wall, change };
        }
        let known = self.step.filter(|step| is_correction(by - step.by));
        match known {
            Some(step) if steady.saturating_sub(step.since) >= STANDS_FOR => {
                *self = Trust::start(wall, steady);
                Judged { now: wall, change: Some(Change::Believed) }
            }
            Some(_) => Judged { now: expected, change: None },
            None => {
                self.step = Some(Step { by, since: steady });
                Judged { now: expected, change: Some(Change::Stepped) }
            }
        }
    }
}

/// Returns whether a difference of `by` microseconds is an ordinary correction.
fn is_correction(by: i64) -> bool {
    u128::from(by.unsigned_abs()) <= CORRECTION_MAX.as_micros()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fanfare_core::Timestamp;

    use super::{CORRECTION_MAX, Change, Judged, STANDS_FOR, Trust};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const SECOND: Duration = Duration::from_secs(1);

    /// A machine whose clock can be set.
    struct Machine {
        trust: Trust,
        /// The true time since the start.
        steady: Duration,
        /// The microseconds by which the clock is wrong.
        wrong_by: i64,
    }

    impl Machine {
        fn start() -> Machine {
            Machine {
                trust: Trust::start(truth(Duration::ZERO), Duration::ZERO),
                steady: Duration::ZERO,
                wrong_by: 0,
            }
        }

        fn set(&mut self, ahead: i64) -> &mut Machine {
            self.wrong_by = ahead;
            self
        }

        /// Reads the clock when `after` has passed.
        fn read(&mut self, after: Duration) -> Judged {
            self.steady += after;
            let wall = Timestamp::from_micros(truth(self.steady).as_micros() + self.wrong_by);
            self.trust.judge(wall, self.steady)
        }
    }

    fn truth(since_start: Duration) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000).after(since_start)
    }

    fn micros(duration: Duration) -> i64 {
        duration.as_micros() as i64
    }

    #[test]
    fn a_step_that_is_undone_was_never_the_time() {
        for by in [micros(30 * DAY), -micros(30 * DAY), micros(CORRECTION_MAX) + 1] {
            let mut machine = Machine::start();
            let stepped = machine.set(by).read(SECOND);
            assert_eq!(stepped, Judged { now: truth(SECOND), change: Some(Change::Stepped) }, "{by}");
            let still = machine.read(STANDS_FOR - SECOND);
            assert_eq!(still, Judged { now: truth(STANDS_FOR), change: None }, "{by}");
            let back = machine.set(0).read(Duration::ZERO);
            assert_eq!(back, Judged { now: truth(STANDS_FOR), change: Some(Change::Returned) }, "{by}");
        }
    }

    #[test]
    fn a_step_that_stands_is_believed_and_one_that_changes_waits_again() {
        let mut machine = Machine::start();
        machine.set(micros(DAY)).read(SECOND);
        // Half of the time later, it is set to something else.
        machine.read(STANDS_FOR / 2);
        assert_eq!(machine.set(micros(2 * DAY)).read(SECOND).change, Some(Change::Stepped));
        assert_eq!(machine.read(STANDS_FOR - SECOND).change, None);
        let believed = machine.read(SECOND);
        assert_eq!(believed.change, Some(Change::Believed));
        assert_eq!(believed.now, truth(machine.steady).after(2 * DAY));
        assert_eq!(machine.read(SECOND), Judged { now: truth(machine.steady).after(2 * DAY), change: None });
    }

    #[test]
    fn a_correction_is_taken_at_once() {
        let mut machine = Machine::start();
        for by in [micros(CORRECTION_MAX), 0, -micros(CORRECTION_MAX)] {
            let judged = machine.set(by).read(SECOND);
            let wall = Timestamp::from_micros(truth(machine.steady).as_micros() + by);
            assert_eq!(judged, Judged { now: wall, change: None });
        }
    }
}
