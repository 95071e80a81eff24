//! The pace of one webhook: its rate, and its breaker.

use std::time::Duration;

use fanfare_webhook::breaker::{Admission, Breaker};
use tokio::time::Instant;

use crate::parts::Parts;

/// The limits that decide when the next delivery may be sent.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) breaker: Breaker,
    /// The time at which the next delivery may be sent, if a rate is set.
    next_slot: Instant,
}

impl Pace {
    /// Creates a pace with a closed breaker.
    pub(super) fn new() -> Pace {
        Pace { breaker: Breaker::default(), next_slot: Instant::now() }
    }

    /// Asks to send a delivery at `now`; fails with the time at which to ask again.
    pub(super) fn admit(
        &mut self,
        rate_per_second: Option<u32>,
        now: Instant,
        parts: &Parts,
    ) -> Result<(), Instant> {
        if rate_per_second.is_some() && now < self.next_slot {
            return Err(self.next_slot);
        }
        if let Admission::Wait { until } = self.breaker.admit(parts.now()) {
            return Err(parts.instant(until));
        }
        if let Some(rate) = rate_per_second {
            self.next_slot = self.next_slot.max(now) + Duration::from_secs(1) / rate;
        }
        Ok(())
    }
}
