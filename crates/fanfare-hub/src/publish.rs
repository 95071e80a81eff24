//! Publishing: the one way into the log, and the limit on each caller's rate.

use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fanfare_core::Code;
use fanfare_core::limits::BATCH_LEN_MAX;
use fanfare_core::refusal::Refusal;
use fanfare_core::{Caller, NewEvent, Principal, Received, Via};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::Hub;
use fanfare_store as store;
use fanfare_store::{Append, AppendId, Appended};

/// Maximum time that a pusher waits to learn whether an append happened whose answer was lost.
const SETTLING_MAX: Duration = Duration::from_secs(10);

/// The result of a push.
#[derive(Debug, Clone)]
pub struct Published {
    /// The events as they are stored in the log, in the order of the push; at least one.
    pub appended: Vec<Appended>,
    /// The number of live subscriptions that match and began before; for a batch, the highest number that one of its
    /// events has. A repeated event counts nobody.
    pub stream_clients: usize,
}

/// The reason why nothing was appended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PushError {
    /// The caller pushes too fast.
    #[error("this caller pushes more than {events_per_second} events per second")]
    RateLimited {
        /// The limit on the caller's events per second.
        events_per_second: u32,
        /// The time until the caller can push again.
        retry_after: Duration,
    },
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    ShuttingDown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<PushError> for Refusal {
    fn from(error: PushError) -> Refusal {
        match error {
            PushError::RateLimited { events_per_second, retry_after } => Refusal::new(
                Code::RateLimited,
                format!("this caller is over the limit of {events_per_second} events per second"),
                "push more slowly; the operator can raise `--max-events-per-second`",
            )
            .over("events_per_second", retry_after),
            PushError::ShuttingDown => Refusal::shutting_down(),
            PushError::Store(error) => error.into(),
        }
    }
}

impl From<TooFast> for PushError {
    fn from(TooFast { events_per_second, retry_after }: TooFast) -> PushError {
        PushError::RateLimited { events_per_second, retry_after }
    }
}

impl Hub {
    /// Appends `events` (at least one), all or nothing, for `by` coming in `via`, which is written into them as their
    /// source. Returns once they are durable, without waiting for subscribers.
    pub async fn publish(
        &self,
        by: &Principal,
        via: &Via,
        events: Vec<NewEvent>,
    ) -> Result<Published, PushError> {
        self.publish_received(by, via, events, None).await
    }

    /// Publishes events that a request brought, and keeps that with the first of them.
    pub async fn publish_received(
        &self,
        by: &Principal,
        via: &Via,
        mut events: Vec<NewEvent>,
        received: Option<Received>,
    ) -> Result<Published, PushError> {
        if self.shared.refusing.load(Ordering::Acquire) {
            return Err(PushError::ShuttingDown);
        }
        self.admission().admit(&Caller::new(by, via.address), events.len())?;
        let started = std::time::Instant::now();
        let source = via.source(by);
        events.iter_mut().for_each(|event| event.source = source.clone());
        let append = Append::new(events).received_as(received);
        let id = append.id;
        let appended = match self.log().append(append).await {
            Err(store::Error::Unknown { .. }) => self.settle(id).await?,
            answered => answered?,
        };
        self.counts().append_seconds.observe(started.elapsed().as_secs_f64());
        self.counts().events.inc_by(appended.iter().filter(|appended| !appended.repeated).count() as u64);
        Ok(Published { stream_clients: self.audience(&appended).await, appended })
    }

    /// Finds the outcome of an append whose answer was lost, for as long as a pusher may wait for it.
    async fn settle(&self, id: AppendId) -> Result<Vec<Appended>, store::Error> {
        let deadline = tokio::time::Instant::now() + SETTLING_MAX;
        loop {
            match self.log().settle(id).await {
                Ok(Some(appended)) => return Ok(appended),
                // The append did not happen and never will: the caller may push again.
                Ok(None) => return Err(store::Error::Unavailable { retry_after: Duration::from_secs(1) }),
                Err(store::Error::Unavailable { retry_after })
                    if tokio::time::Instant::now() + retry_after < deadline =>
                {
                    tokio::time::sleep(retry_after).await;
                }
                Err(store::Error::Unavailable { .. }) => return Err(store::Error::Unknown { id }),
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the highest number of live subscribers that one of the new events has.
    async fn audience(&self, appended: &[Appended]) -> usize {
        if let [Appended { event, repeated: false }] = appended {
            let texts = self.feeds().texts().live();
            let found = self.search(texts, std::slice::from_ref(event)).await;
            return self.feeds().audience_of_event(event, &found);
        }
        let feeds = self.feeds();
        let mut most = 0;
        let mut last = None;
        for Appended { event, .. } in appended.iter().filter(|appended| !appended.repeated) {
            // The events of a batch are usually on one channel.
            if last != Some(&event.channel) {
                most = most.max(feeds.audience_before(&event.channel, event.position));
                last = Some(&event.channel);
            }
        }
        most
    }
}

/// Maximum events per second that one caller may push by default: about what the store can handle. The limit protects
/// gateways that many callers share; a single caller is slowed down by the store itself.
pub const EVENTS_PER_SECOND: u32 = 500_000;

/// The limits on each caller's rate of pushing.
#[derive(Debug)]
pub struct Admission {
    rate: DefaultKeyedRateLimiter<Caller>,
    events_per_second: u32,
}

/// A push that exceeded the caller's rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFast {
    /// The limit on the caller's events per second.
    pub events_per_second: u32,
    /// The time until the caller can push again.
    pub retry_after: Duration,
}

impl Admission {
    /// Allows each caller `events_per_second`, and bursts of as many (at least a full batch).
    pub fn new(events_per_second: u32) -> Admission {
        let rate = NonZeroU32::new(events_per_second).unwrap_or(NonZeroU32::MIN);
        let batch = NonZeroU32::new(BATCH_LEN_MAX as u32).unwrap_or(NonZeroU32::MIN);
        Admission {
            rate: RateLimiter::keyed(Quota::per_second(rate).allow_burst(rate.max(batch))),
            events_per_second: rate.get(),
        }
    }

    /// Counts `events` of `caller`, or refuses all of them.
    pub fn admit(&self, caller: &Caller, events: usize) -> Result<(), TooFast> {
        let Some(count) = u32::try_from(events).ok().and_then(NonZeroU32::new) else { return Ok(()) };
        let too_fast = |retry_after| TooFast { events_per_second: self.events_per_second, retry_after };
        match self.rate.check_key_n(caller, count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(too_fast(until.wait_time_from(DefaultClock::default().now()))),
            // The parser rejects batches that are larger than the burst.
            Err(_) => Err(too_fast(Duration::from_secs(1))),
        }
    }

    /// Removes callers that have not pushed for a while.
    pub fn forget_idle(&self) {
        self.rate.retain_recent();
    }
}
