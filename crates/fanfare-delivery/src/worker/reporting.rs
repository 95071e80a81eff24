//! Logs the state of a webhook: one line when it changes, not one for each attempt.

use std::time::Duration;

use fanfare_webhook::pause::{PauseReason, State as Sending};
use tokio::time::Instant;

use crate::health::Health;
use crate::registry::Entry;
use crate::state::State;
use crate::webhook::Webhook;

/// Maximum lines in a row: enough for a receiver that fails, is held, and comes back twice.
const LINES_MAX: u32 = 6;
/// Interval at which another line is allowed: a receiver that fails every other time changes state with each attempt.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// The last logged state of a webhook.
#[derive(Debug)]
pub(super) struct Reporting {
    told: State,
    /// Lines that are allowed at present.
    lines: u32,
    /// When `lines` last grew.
    grown: Instant,
}

impl Reporting {
    /// Starts with the current state of the webhook, which is not logged.
    pub(super) fn new(health: &Health) -> Reporting {
        Reporting { told: State::of(health, false), lines: LINES_MAX, grown: Instant::now() }
    }

    /// Logs the state if it differs from the last one logged. `is_tripped` says whether the webhook's breaker
    /// holds it.
    pub(super) fn report(&mut self, webhook: &Webhook, entry: &Entry, is_tripped: bool) {
        // The worker asks at each turn, and there is rarely anything to log: only then is the health copied.
        let news = entry.change_health(|health| {
            let state = State::of(health, is_tripped);
            (state != self.told && self.is_told(health)).then(|| (state, health.clone()))
        });
        if let Some((state, health)) = news {
            let before = std::mem::replace(&mut self.told, state);
            say(webhook, &health, before, state);
        }
    }

    /// Returns whether a change to this health is logged: always if the webhook has paused itself, because it stays
    /// paused.
    fn is_told(&mut self, health: &Health) -> bool {
        let is_self_paused =
            matches!(health.state, Sending::Paused { reason, .. } if reason != PauseReason::ByHand);
        is_self_paused || self.may_tell()
    }

    /// Takes one of the allowed lines, if one is left.
    fn may_tell(&mut self) -> bool {
        let since = self.grown.elapsed();
        let more = u32::try_from(since.as_secs() / LINE_EVERY.as_secs()).unwrap_or(LINES_MAX);
        if more > 0 {
            self.lines = self.lines.saturating_add(more).min(LINES_MAX);
            self.grown = Instant::now();
        }
        let is_allowed = self.lines > 0;
        self.lines = self.lines.saturating_sub(1);
        is_allowed
    }
}

/// Logs that a webhook has changed its state. The line names only the host of the URL, because the rest can
/// contain a secret.
fn say(webhook: &Webhook, health: &Health, before: State, state: State) {
    let (id, host, failures) = (&webhook.id, webhook.url.authority(), health.failing.failures);
    let last_failure = health.last_failure.as_ref().map(|(_, outcome)| &**outcome);
    match (state, health.state) {
        (State::Active, _) if before == State::Paused => {
            tracing::info!(webhook = %id, host, "a webhook was resumed");
        }
        (State::Active, _) => tracing::info!(webhook = %id, host, last_failure, "a webhook has recovered"),
        (State::Failing, _) => {
            tracing::warn!(webhook = %id, host, failures, last_failure, "a webhook is failing");
        }
        (State::Held, _) => tracing::warn!(
            webhook = %id, host, failures, last_failure,
            "a webhook is held: nothing is sent until one attempt finds out whether the receiver is back"
        ),
        (State::Paused, Sending::Paused { reason: PauseReason::ByHand, .. }) => {
            tracing::info!(webhook = %id, host, failures, last_failure, "a webhook was paused by hand");
        }
        (State::Paused, Sending::Paused { reason, .. }) => tracing::warn!(
            webhook = %id, host, failures, last_failure,
            "a webhook is paused: {}", reason.explained()
        ),
        // Only a paused webhook has this state.
        (State::Paused, Sending::Active) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{LINE_EVERY, LINES_MAX, Reporting};
    use crate::health::Health;

    #[tokio::test(start_paused = true)]
    async fn lines_are_few_however_often_the_state_changes() {
        let mut reporting = Reporting::new(&Health::default());
        let mut told = |times: u32| (0..times).filter(|_| reporting.may_tell()).count();
        assert_eq!(told(1_000), LINES_MAX as usize);
        tokio::time::advance(LINE_EVERY).await;
        assert_eq!(told(1_000), 1);
        tokio::time::advance(LINE_EVERY * 100).await;
        assert_eq!(told(1_000), LINES_MAX as usize);
    }
}
