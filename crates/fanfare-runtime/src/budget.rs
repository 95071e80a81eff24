//! The budget: the bytes that clients make the gateway hold, counted where they are held.
//!
//! A client decides how large its requests are, and how slowly it reads what it asked for; without a common count, each
//! buffer would be small and all of them together more than the machine has. So whatever holds such bytes (a body, an
//! unfinished message, an answer that is not read) asks here first, and each caller has a share.
//!
//! Caches of the log have separate parts of the budget, and never cause a refusal. Rings shrink. A page that was read
//! for a subscriber is dropped when the subscriber does not take it and its caller has too many: it is read again.

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

/// Maximum bytes of the pages of subscribers that wait: those of sixty pages, with what is encoded of them.
const ALL_PAGES_BYTES_MAX: usize = 128 * 1024 * 1024;

/// The limit on bytes held; cheap to clone.
#[derive(Debug, Clone)]
pub struct Budget {
    callers: Shares,
    /// Those of pages; half for each caller.
    pages: Shares,
    rings: Arc<AtomicUsize>,
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
    _held: Held,
}

#[derive(Debug)]
enum Held {
    Page { _taken: Taken },
    Ring { _counted: InRing },
}

/// Bytes that count in all rings together.
#[derive(Debug)]
struct InRing {
    all: Arc<AtomicUsize>,
    len: usize,
}

/// A cache that holds bytes of the log.
#[derive(Debug, Clone)]
pub enum Cache {
    /// The page that a subscriber works through, on the account of its caller.
    Page(Account),
    /// The ring of a feed.
    Ring(Budget),
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
            pages: Shares::new(ALL_PAGES_BYTES_MAX, ALL_PAGES_BYTES_MAX / 2),
            rings: Arc::default(),
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

    /// Returns whether the caller's pages, or those of all callers, have more bytes than they should: a subscriber that
    /// waits must not keep its page then.
    pub fn has_too_many_pages(&self) -> bool {
        self.budget.pages.is_over(&self.caller)
    }
}

impl Cache {
    /// Counts `len` bytes. They always fit: [`Budget::rings_over`] tells the rings to make room, and
    /// [`Account::has_too_many_pages`] subscribers that wait.
    pub fn hold(&self, len: usize) -> CachedBytes {
        let held = match self {
            Cache::Page(account) => {
                let mut taken = account.budget.pages.nothing(&account.caller);
                taken.add_anyway(len);
                Held::Page { _taken: taken }
            }
            Cache::Ring(budget) => {
                budget.rings.fetch_add(len, Ordering::Relaxed);
                Held::Ring { _counted: InRing { all: Arc::clone(&budget.rings), len } }
            }
        };
        CachedBytes { _held: held }
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

impl Drop for InRing {
    fn drop(&mut self) {
        self.all.fetch_sub(self.len, Ordering::Relaxed);
    }
}

impl Collector for Budget {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let help =
            "Bytes that are held for callers, in the rings of live subscribers, and in pages read for them.";
        let mut held = encoder.encode_descriptor("bytes_held", help, None, MetricType::Gauge)?;
        for (holder, bytes) in [
            ("callers", self.callers.held()),
            ("pages", self.pages.held()),
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

    use super::{ALL_PAGES_BYTES_MAX, Budget, Cache, SMALL_LEN_MAX};

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
        let ring = Cache::Ring(budget.clone());
        let (held, more) = (ring.hold(10), ring.hold(3));
        let page = Cache::Page(budget.account(&caller("192.0.2.1:1"))).hold(100);
        assert_eq!(budget.rings_over(), 3, "a page is none of theirs");
        drop(page);
        drop(held);
        assert_eq!(budget.rings_over(), 0);
        drop(more);
    }

    #[test]
    fn a_caller_with_too_many_pages_is_told_and_others_are_not() {
        let budget = Budget::default();
        let account = |address| budget.account(&caller(address));
        let (one, other) = (account("192.0.2.1:1"), account("192.0.2.2:1"));
        let hold = |account: &super::Account, len| Cache::Page(account.clone()).hold(len);
        let full = hold(&one, ALL_PAGES_BYTES_MAX / 2);
        assert!(!one.has_too_many_pages());
        let more = hold(&one, 1);
        assert!(one.has_too_many_pages() && !other.has_too_many_pages());
        // Nothing is refused, so there can be more of all than there should be.
        let others = hold(&other, ALL_PAGES_BYTES_MAX / 2);
        assert!(other.has_too_many_pages());
        drop((full, more));
        assert!(!one.has_too_many_pages() && !other.has_too_many_pages());
        drop(others);
        assert_eq!(budget.pages.held(), 0);
    }
}
