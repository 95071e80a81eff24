//! Publishing: the one way into the log.

use std::net::IpAddr;
use std::time::Duration;

use fanfare_core::{NewEvent, Principal};

use crate::Hub;
use crate::admission::{Caller, Refused};
use fanfare_store as store;
use fanfare_store::Appended;

/// What became of a push.
#[derive(Debug, Clone)]
pub struct Published {
    /// The events as they stand in the log, in the order of the push; at least one.
    pub appended: Vec<Appended>,
    /// How many live subscriptions match; of a batch, the most that an event of it has.
    pub stream_clients: usize,
}

/// Why nothing was appended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PushError {
    /// Too many bytes are being accepted at the moment.
    #[error("too many bytes of pushes are being accepted at the moment")]
    BytesInFlight,
    /// The caller pushes too fast.
    #[error("this caller pushes more than {events_per_second} events per second")]
    RateLimited {
        /// The limit.
        events_per_second: u32,
        /// When there is room again.
        retry_after: Duration,
    },
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    ShuttingDown,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Refused> for PushError {
    fn from(refused: Refused) -> PushError {
        match refused {
            Refused::Bytes => PushError::BytesInFlight,
            Refused::Rate { events_per_second, retry_after } => {
                PushError::RateLimited { events_per_second, retry_after }
            }
        }
    }
}

impl Hub {
    /// Appends `events` (at least one), all or nothing, for `by` calling from `address`. Returns once they are
    /// durable; no reader is waited for.
    pub async fn publish(
        &self,
        by: &Principal,
        address: Option<IpAddr>,
        events: Vec<NewEvent>,
    ) -> Result<Published, PushError> {
        if self.is_closing() {
            return Err(PushError::ShuttingDown);
        }
        let caller = Caller { principal: by.name.clone(), address };
        self.admission().admit(&caller, events.len())?;
        let started = std::time::Instant::now();
        let appended = self.store().append(events).await?;
        self.metrics().append_seconds.observe(started.elapsed().as_secs_f64());
        self.metrics().events.inc_by(appended.iter().filter(|appended| !appended.repeated).count() as u64);
        let stream_clients = self.audience(&appended);
        Ok(Published { appended, stream_clients })
    }

    fn audience(&self, appended: &[Appended]) -> usize {
        let feeds = self.feeds();
        match appended {
            [one] => feeds.audience(&one.event),
            batch => {
                let mut most = 0;
                let mut last = None;
                for Appended { event, .. } in batch {
                    // A batch mostly stays on one channel.
                    if last != Some(&event.channel) {
                        most = most.max(feeds.audience_of(&event.channel));
                        last = Some(&event.channel);
                    }
                }
                most
            }
        }
    }
}
