//! The duration of a wait, and progress reports while it lasts.

use std::convert::Infallible;
use std::time::Duration;

use fanfare_core::duration;
use tokio::time::Instant;

use crate::mcp::call::Call;

/// Interval between progress reports.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// The time limit of a wait, and the call that receives progress reports.
pub(in crate::mcp::gateway) struct Patience<'a> {
    call: &'a Call,
    begun: Instant,
    wait: Duration,
    /// A description of the wait, in words.
    what: String,
}

impl<'a> Patience<'a> {
    pub(in crate::mcp::gateway) fn new(call: &'a Call, wait: Duration, what: String) -> Patience<'a> {
        Patience { call, begun: Instant::now(), wait, what }
    }

    /// Waits for `wanted`; returns `None` if it takes too long, or if the client's input ends before.
    pub(in crate::mcp::gateway) async fn until<T>(&self, wanted: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            got = wanted => Some(got),
            () = tokio::time::sleep_until(self.begun + self.wait) => None,
            () = self.call.input_ended() => None,
            never = self.tell() => match never {},
        }
    }

    /// Describes how long it was waited in vain: `within 30s`.
    pub(in crate::mcp::gateway) fn lasted(&self) -> String {
        match self.begun.elapsed() >= self.wait {
            true => format!("within {}", duration::show(self.wait)),
            false => "before your input ended".to_owned(),
        }
    }

    /// Reports the time that has passed. A client that does not read the report delays nothing else.
    async fn tell(&self) -> Infallible {
        if self.call.wants_progress() {
            let mut ticks = tokio::time::interval_at(self.begun + PROGRESS_INTERVAL, PROGRESS_INTERVAL);
            loop {
                ticks.tick().await;
                let waited = self.begun.elapsed().as_secs_f64().round();
                let told = self.call.progress(waited, Some(self.wait.as_secs_f64()), &self.what).await;
                if told.is_err() {
                    // The client does not receive the report, but may still receive the answer.
                    break;
                }
            }
        }
        std::future::pending().await
    }
}
