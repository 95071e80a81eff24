//! The activity of a connection. At the limit on connections, an inactive one makes room for another.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// The moment that idle times are counted from.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The activity of one connection.
#[derive(Debug)]
pub struct Activity {
    /// The requests that are not answered yet.
    running: AtomicUsize,
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
        Arc::new(Activity {
            running: AtomicUsize::new(0),
            since: AtomicU64::new(now()),
            leave: Notify::new(),
        })
    }

    /// Records that a request has begun.
    pub(super) fn begin(self: &Arc<Activity>) -> Running {
        self.running.fetch_add(1, Ordering::AcqRel);
        Running(Arc::clone(self))
    }

    /// Returns when the connection was last active, as the time since `ORIGIN`; `None` during a request.
    pub(super) fn idle_since(&self) -> Option<Duration> {
        let since = Duration::from_micros(self.since.load(Ordering::Acquire));
        (self.running.load(Ordering::Acquire) == 0).then_some(since)
    }

    /// Asks the connection to end.
    pub(super) fn ask_to_leave(&self) {
        self.leave.notify_one();
    }

    /// Waits until the connection should end, because others need its place. One task can wait for this.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.since.store(now(), Ordering::Release);
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

fn now() -> u64 {
    u64::try_from(ORIGIN.elapsed().as_micros()).unwrap_or(u64::MAX)
}
