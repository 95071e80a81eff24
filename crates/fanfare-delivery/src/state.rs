//! The state of a webhook: one word for programs, and a sentence for people.

use fanfare_webhook::pause::State as Sending;

use crate::health::Health;

/// The state of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Deliveries are sent, and the last attempt did not fail.
    Active,
    /// Deliveries are sent, but every attempt since the last success failed.
    Failing,
    /// Nothing is sent until one attempt finds out whether the receiver is back.
    Held,
    /// Nothing is sent until someone resumes the webhook.
    Paused,
}

impl State {
    /// All states.
    pub const ALL: [State; 4] = [State::Active, State::Failing, State::Held, State::Paused];

    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Failing => "failing",
            State::Held => "held",
            State::Paused => "paused",
        }
    }

    /// Parses a name that [`State::as_str`] returned.
    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Returns the state of a webhook that has this health, and that is on hold or not.
    pub fn of(health: &Health, is_held: bool) -> State {
        match (health.state, is_held, health.failing.failures) {
            (Sending::Paused { .. }, _, _) => State::Paused,
            (Sending::Active, true, _) => State::Held,
            (Sending::Active, false, 0) => State::Active,
            (Sending::Active, false, _) => State::Failing,
        }
    }

    /// Explains to a person why a webhook with this state and health is not active; `None` if it is.
    pub fn explanation(self, health: &Health) -> Option<String> {
        match (self, health.state) {
            (State::Active, _) => None,
            (_, Sending::Paused { reason, .. }) => Some(reason.explained().to_owned()),
            (State::Held, _) => Some(format!(
                "{}; nothing is sent until one attempt finds out whether the receiver is back",
                failures(health)
            )),
            (State::Failing | State::Paused, _) => Some(failures(health)),
        }
    }
}

fn failures(health: &Health) -> String {
    let last = health.last_failure.as_ref().map(|(_, outcome)| &**outcome);
    match (health.failing.failures, last) {
        (0 | 1, None) => "the last attempt failed".to_owned(),
        (0 | 1, Some(last)) => format!("the last attempt failed with {last}"),
        (times, None) => format!("failed {times} times in a row"),
        (times, Some(last)) => format!("failed {times} times in a row, the last time with {last}"),
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::Timestamp;
    use fanfare_webhook::outcome::{Failure, Outcome};
    use fanfare_webhook::pause::{FAILING_MAX_DEFAULT, PauseReason, State as Sending};

    use super::State;
    use crate::health::Health;

    #[test]
    fn a_state_is_read_as_it_is_written() {
        for state in State::ALL {
            assert_eq!(State::from_name(state.as_str()), Some(state));
        }
        assert_eq!(State::from_name("ok"), None);
    }

    #[test]
    fn each_state_but_the_best_says_why() {
        let now = Timestamp::from_micros(1_795_132_800_000_000);
        let down = Outcome::Failed(Failure::Timeout);
        let mut health = Health::default();
        assert_eq!(State::Active.explanation(&health), None);
        health.record(down, now, FAILING_MAX_DEFAULT);
        let once = State::Failing.explanation(&health).expect("it fails");
        assert_eq!(once, "the last attempt failed with timeout");
        health.record(down, now, FAILING_MAX_DEFAULT);
        let twice = "failed 2 times in a row, the last time with timeout";
        assert_eq!(State::Failing.explanation(&health).expect("it fails"), twice);
        assert!(State::Held.explanation(&health).expect("it is held").starts_with(twice));
        health.state = Sending::Paused { reason: PauseReason::Gone, since: now };
        assert!(State::Paused.explanation(&health).expect("it is paused").contains("410"));
    }
}
