//! The activity of a connection. At the limit on connections, an inactive one makes room for another.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// The moment that idle times are counted from.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The bit of [`Activity::state`] that says that the connection has given up its place.
const LEAVING: usize = 1 << (usize::BITS - 1);

/// The activity of one connection.
#[derive(Debug)]
pub struct Activity {
    /// The requests that are not answered yet, and [`LEAVING`]. Both are in one number, so that either a request comes
    /// first and the connection keeps its place, or the request knows that the place is gone.
    state: AtomicUsize,
    /// When it last did something, in microseconds since [`ORIGIN`].
    since: AtomicU64,
    /// Notified once the connection should end.
    leave: Notify,
}

/// A request that is not answered yet; dropping it ends the request.
#[derive(Debug)]
pub struct Running(Arc<Activity>);

impl Activity {
    /// Describes a connection that has just been accepted.
    pub(super) fn new() -> Arc<Activity> {
        Arc::new(Activity { state: AtomicUsize::new(0), since: AtomicU64::new(now()), leave: Notify::new() })
    }

    /// Records that a request has begun. Also returns whether the connection had given up its place before.
    pub(super) fn begin(self: &Arc<Activity>) -> (Running, bool) {
        let before = self.state.fetch_add(1, Ordering::AcqRel);
        (Running(Arc::clone(self)), before & LEAVING != 0)
    }

    /// Returns when the connection was last active, as the time since `ORIGIN`; `None` during a request, and once the
    /// connection has given up its place.
    pub(super) fn idle_since(&self) -> Option<Duration> {
        let since = Duration::from_micros(self.since.load(Ordering::Acquire));
        (self.state.load(Ordering::Acquire) == 0).then_some(since)
    }

    /// Returns whether every request has been answered.
    pub(super) fn is_idle(&self) -> bool {
        self.state.load(Ordering::Acquire) & !LEAVING == 0
    }

    /// Asks the connection to end and frees its place, unless there is a request. Returns whether it did.
    pub(super) fn give_up(&self) -> bool {
        let is_idle = self.state.compare_exchange(0, LEAVING, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if is_idle {
            self.leave.notify_one();
        }
        is_idle
    }

    /// Records that the connection has a place again, for a request that began after it had given up its place. The
    /// connection still ends, after the answer.
    pub(super) fn stay(&self) {
        self.state.fetch_and(!LEAVING, Ordering::AcqRel);
    }

    /// Waits until the connection should end, because others need its place. One task can wait for this.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.since.store(now(), Ordering::Release);
        self.0.state.fetch_sub(1, Ordering::AcqRel);
    }
}

fn now() -> u64 {
    u64::try_from(ORIGIN.elapsed().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Activity;

    #[test]
    fn either_a_request_comes_first_or_it_knows_that_the_place_is_gone() {
        let activity = Activity::new();
        let (running, is_leaving) = activity.begin();
        assert!(!is_leaving && !activity.give_up(), "a request keeps the place");
        drop(running);
        assert!(activity.idle_since().is_some() && activity.give_up());
        assert!(activity.idle_since().is_none() && !activity.give_up(), "the place is gone already");
        let (first, is_leaving) = activity.begin();
        assert!(is_leaving && !activity.is_idle());
        activity.stay();
        let (second, is_leaving) = activity.begin();
        assert!(!is_leaving && !activity.give_up());
        drop((first, second));
        assert!(activity.is_idle() && activity.give_up(), "it can give up its place again");
    }
}
