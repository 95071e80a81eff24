//! How long a wait lasts, and who hears of it meanwhile.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::Instant;

use crate::mcp::call::Call;

/// How often somebody who wants to hear of progress does.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// How long to wait, and who hears of it meanwhile.
pub(super) struct Patience<'a> {
    call: &'a Call,
    begun: Instant,
    pub(super) seconds: u64,
    /// What is waited for, in words.
    what: String,
}

impl<'a> Patience<'a> {
    pub(super) fn new(call: &'a Call, seconds: u64, what: String) -> Patience<'a> {
        Patience { call, begun: Instant::now(), seconds, what }
    }

    /// Waits for `wanted`; nothing, when that takes too long.
    pub(super) async fn until<T>(&self, wanted: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            got = wanted => Some(got),
            () = tokio::time::sleep_until(self.begun + Duration::from_secs(self.seconds)) => None,
            never = self.tell() => match never {},
        }
    }

    /// Tells how long it has been. A client that does not take that holds up nothing else.
    async fn tell(&self) -> Infallible {
        if self.call.wants_progress() {
            let mut ticks = tokio::time::interval_at(self.begun + PROGRESS_INTERVAL, PROGRESS_INTERVAL);
            loop {
                ticks.tick().await;
                let waited = self.begun.elapsed().as_secs_f64().round();
                let told = self.call.progress(waited, Some(self.seconds as f64), &self.what).await;
                if told.is_err() {
                    // Nobody hears it; the answer may still be taken.
                    break;
                }
            }
        }
        std::future::pending().await
    }
}
