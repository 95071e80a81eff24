//! Publishing: the one way into the log, and how much one caller may push.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::limits::BATCH_LEN_MAX;
use fanfare_core::{NewEvent, Principal, Via};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::Hub;
use fanfare_store as store;
use fanfare_store::{Append, AppendId, Appended};

/// How long a pusher waits to learn whether an append happened whose answer was lost.
const SETTLING_MAX: Duration = Duration::from_secs(10);

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

impl From<TooFast> for PushError {
    fn from(TooFast { events_per_second, retry_after }: TooFast) -> PushError {
        PushError::RateLimited { events_per_second, retry_after }
    }
}

impl Hub {
    /// Appends `events` (at least one), all or nothing, for `by` coming in `via`, which is written into
    /// them as their source. Returns once they are durable; no reader is waited for.
    pub async fn publish(
        &self,
        by: &Principal,
        via: &Via,
        mut events: Vec<NewEvent>,
    ) -> Result<Published, PushError> {
        if self.is_closing() {
            return Err(PushError::ShuttingDown);
        }
        let address = via.address.map(|address| address.ip());
        let caller = Caller { principal: by.name().clone(), address };
        self.admission().admit(&caller, events.len())?;
        let started = std::time::Instant::now();
        let source = via.source(by);
        events.iter_mut().for_each(|event| event.source = source.clone());
        let append = Append::new(events);
        let id = append.id;
        let appended = match self.log().append(append).await {
            Err(store::Error::Unknown { .. }) => self.settle(id).await?,
            answered => answered?,
        };
        self.counts().append_seconds.observe(started.elapsed().as_secs_f64());
        self.counts().events.inc_by(appended.iter().filter(|appended| !appended.repeated).count() as u64);
        let stream_clients = self.audience(&appended);
        Ok(Published { appended, stream_clients })
    }

    /// Finds out what an append came to whose answer was lost, for as long as somebody may wait for that.
    async fn settle(&self, id: AppendId) -> Result<Vec<Appended>, store::Error> {
        let deadline = tokio::time::Instant::now() + SETTLING_MAX;
        loop {
            match self.log().settle(id).await {
                Ok(Some(appended)) => return Ok(appended),
                // It did not happen and never will: the caller may push again.
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

/// How many events a second one caller may push when the operator says nothing: about what the store takes. It is
/// there for gateways that many share; one caller alone is slowed by the store itself.
pub const EVENTS_PER_SECOND: u32 = 500_000;

/// Who is counted together: a principal at an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The principal's name.
    pub principal: Arc<str>,
    /// Where it calls from.
    pub address: Option<IpAddr>,
}

/// The limits on pushing.
#[derive(Debug)]
pub struct Admission {
    rate: DefaultKeyedRateLimiter<Caller>,
    events_per_second: u32,
}

/// Too many events in too short a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFast {
    /// The limit.
    pub events_per_second: u32,
    /// When there is room again.
    pub retry_after: Duration,
}

impl Admission {
    /// Allows each caller so many events a second, and as many at once (a full batch at least).
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
            // The parser lets no batch through that is larger than the burst.
            Err(_) => Err(too_fast(Duration::from_secs(1))),
        }
    }

    /// Forgets callers that have not pushed for a while.
    pub fn forget_idle(&self) {
        self.rate.retain_recent();
    }
}
