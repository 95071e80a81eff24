//! The budget: the bytes that clients make the gateway hold, counted where they are held.
//!
//! A client decides how large its requests are, and how slowly it reads what it asked for; without a common count, each
//! buffer would be small and all of them together more than the machine has. So whatever holds such bytes (a body, an
//! unfinished message, an answer that is not read) asks here first, and each caller has a share.
//!
//! Caches of the log have a separate part of the budget, and never cause a refusal. Rings shrink; pages read
//! for subscribers are bounded by the number of connections, each of which has at most one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanfare_core::refusal::Refusal;
use fanfare_core::{Caller, Code};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::shares::{Over, Shares, Taken};

/// Maximum bytes that all callers make the gateway hold: a fixed part of memory, however many there are.
pub const BYTES_HELD_MAX: usize = 256 * 1024 * 1024;
/// Maximum bytes for one caller: half, so that another always has room for the largest push.
const SHARE_BYTES_MAX: usize = BYTES_HELD_MAX / 2;
/// Bytes up to which something is small: a call of a tool, an acknowledgement, a push of a few events.
pub const SMALL_LEN_MAX: usize = 64 * 1024;
/// What is not small leaves this part of each limit to what is, so that acknowledgements never wait for large pushes.
const PART_LEFT_FREE: usize = 4;
/// Maximum bytes of all rings: those of thirty feeds that are full, and far more feeds than most gateways have.
pub const RING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The limit on bytes held; cheap to clone.
#[derive(Debug, Clone)]
pub struct Budget {
    callers: Shares,
    rings: Arc<AtomicUsize>,
    pages: Arc<AtomicUsize>,
    ring_bytes_max: usize,
}

/// The share of one caller; cheap to clone.
#[derive(Debug, Clone)]
pub struct Account {
    budget: Budget,
    caller: Caller,
}

/// Bytes that are held for one caller; returned to the budget on drop.
#[derive(Debug)]
pub struct BytesHeld(Taken);

/// Bytes of the log that are held in memory; returned to the budget on drop.
#[derive(Debug)]
pub struct CachedBytes {
    held: Arc<AtomicUsize>,
    len: usize,
}

/// The kind of cache that holds bytes of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// The page that a subscriber works through.
    Page,
    /// The ring of a feed.
    Ring,
}

/// The maximum number of bytes is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many bytes are in flight right now")]
pub struct Exhausted(Over);

impl From<Exhausted> for Refusal {
    fn from(Exhausted(over): Exhausted) -> Refusal {
        let (what, limit) = match over {
            Over::InAll => (
                format!(
                    "the gateway holds {BYTES_HELD_MAX} bytes of requests and unread answers, its maximum"
                ),
                "bytes_in_flight",
            ),
            Over::Share => (
                format!(
                    "your requests and unread answers are {SHARE_BYTES_MAX} bytes long, the maximum for one caller"
                ),
                "bytes_in_flight_per_caller",
            ),
        };
        Refusal::new(Code::TooManyBytesInFlight, what, "read the answers, and try again in a moment")
            .over(limit, Duration::from_secs(1))
    }
}

impl Budget {
    /// Creates a budget of `bytes` for all callers, half of it for each, and of `ring_bytes` for rings.
    pub fn new(bytes: usize, ring_bytes: usize) -> Budget {
        Budget {
            callers: Shares::new(bytes, bytes / 2),
            rings: Arc::default(),
            pages: Arc::default(),
            ring_bytes_max: ring_bytes,
        }
    }

    /// Starts to count bytes that are held for `caller`.
    pub fn hold(&self, caller: &Caller) -> BytesHeld {
        BytesHeld(self.callers.nothing(caller))
    }

    /// Returns the share of `caller`.
    pub fn account(&self, caller: &Caller) -> Account {
        Account { budget: self.clone(), caller: caller.clone() }
    }

    /// Counts `len` bytes in a cache. They always fit: [`Budget::rings_over`] tells the rings to make room.
    pub fn hold_cached(&self, cache: Cache, len: usize) -> CachedBytes {
        let held = match cache {
            Cache::Page => &self.pages,
            Cache::Ring => &self.rings,
        };
        held.fetch_add(len, Ordering::Relaxed);
        CachedBytes { held: Arc::clone(held), len }
    }

    /// Returns the bytes by which all rings together are over their limit.
    pub fn rings_over(&self) -> usize {
        self.rings.load(Ordering::Relaxed).saturating_sub(self.ring_bytes_max)
    }

    /// Returns the limit for all rings together.
    pub fn ring_bytes_max(&self) -> usize {
        self.ring_bytes_max
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::new(BYTES_HELD_MAX, RING_BYTES_MAX)
    }
}

impl Account {
    /// Starts to count bytes that are held for the caller.
    pub fn hold(&self) -> BytesHeld {
        self.budget.hold(&self.caller)
    }
}

impl BytesHeld {
    /// Counts `len` more bytes; fails if the budget is exhausted.
    pub fn add(&mut self, len: usize) -> Result<(), Exhausted> {
        let is_small = self.0.count().saturating_add(len) <= SMALL_LEN_MAX;
        self.0.add(len, if is_small { 0 } else { PART_LEFT_FREE }).map_err(Exhausted)
    }

    /// Returns `len` bytes to the budget.
    pub fn give_back(&mut self, len: usize) {
        self.0.give_back(len);
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.0.count()
    }

    /// Returns whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for CachedBytes {
    fn drop(&mut self) {
        self.held.fetch_sub(self.len, Ordering::Relaxed);
    }
}

impl Collector for Budget {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let help =
            "Bytes that are held for callers, in the rings of live subscribers, and in pages read for them.";
        let mut held = encoder.encode_descriptor("bytes_held", help, None, MetricType::Gauge)?;
        for (holder, bytes) in [
            ("callers", self.callers.held()),
            ("pages", self.pages.load(Ordering::Relaxed)),
            ("rings", self.rings.load(Ordering::Relaxed)),
        ] {
            ConstGauge::new(bytes as i64).encode(held.encode_family(&[("by", holder)])?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Caller, Principal};

    use super::{Budget, Cache, SMALL_LEN_MAX};

    fn caller(address: &str) -> Caller {
        Caller::new(&Principal::local(), Some(address.parse().expect("an address")))
    }

    #[test]
    fn bytes_count_until_what_holds_them_is_dropped() {
        let budget = Budget::new(16 * SMALL_LEN_MAX, 10);
        let hold = |address| budget.hold(&caller(address));
        let (mut one, mut other) = (hold("192.0.2.1:1"), hold("192.0.2.2:1"));
        // Half for each caller, and of that a quarter for what is small.
        assert!(one.add(6 * SMALL_LEN_MAX).is_ok() && one.add(1).is_err());
        let mut small = hold("192.0.2.1:2");
        assert!(small.add(SMALL_LEN_MAX).is_ok() && small.add(1).is_err());
        assert!(other.add(6 * SMALL_LEN_MAX).is_err(), "three quarters of all of it are taken");
        one.give_back(SMALL_LEN_MAX);
        drop(small);
        assert!(other.add(6 * SMALL_LEN_MAX).is_ok() && other.add(usize::MAX).is_err());
        drop((one, other));
        assert_eq!(budget.callers.held(), 0);
    }

    #[test]
    fn rings_are_told_to_shrink() {
        let budget = Budget::new(1, 10);
        let held = budget.hold_cached(Cache::Ring, 10);
        let more = budget.hold_cached(Cache::Ring, 3);
        let page = budget.hold_cached(Cache::Page, 100);
        assert_eq!(budget.rings_over(), 3, "a page is none of theirs");
        drop(page);
        drop(held);
        assert_eq!(budget.rings_over(), 0);
        drop(more);
    }
}
