//! Streams on which nothing moves: a silent one gets a comment, and one that accepts nothing is closed in the end.

use std::time::{Duration, Instant};

use crate::net::reactor::stream::{Flow, Stream};
use crate::net::reactor::{Reactor, TICK};

/// Number of parts in which the table is searched for silent streams, one part per tick.
const SWEEP_PARTS: usize = 5;
/// Time in which the whole table is searched.
const SWEEP: Duration = Duration::from_secs(TICK.as_secs() * SWEEP_PARTS as u64);
/// Time without progress after which a stream drops the page that was read from the store for it: those that read, if
/// slowly, should have the room.
const PAGE_KEPT: Duration = Duration::from_secs(1);

impl Reactor {
    /// Sends a comment to silent streams, and closes those that accept nothing for too long.
    pub(super) fn tick(&mut self) {
        let now = Instant::now();
        let part = self.ticks % SWEEP_PARTS;
        self.ticks += 1;
        let mut gone = Vec::new();
        for (key, stream) in self.streams.iter_mut().filter(|(key, _)| key % SWEEP_PARTS == part) {
            if !is_brisk(stream)
                && is_silent(stream, now, SWEEP)
                && self.pump.keep_alive(stream) == Flow::Gone
            {
                gone.push(key);
            }
        }
        let (streams, pump) = (&mut self.streams, &mut self.pump);
        // A later stream can have the key of one that has ended.
        self.brisk.sort_unstable();
        self.brisk.dedup();
        self.brisk.retain(|key| {
            let Some(stream) = streams.get_mut(*key).filter(|stream| is_brisk(stream)) else { return false };
            if is_silent(stream, now, TICK) && pump.keep_alive(stream) == Flow::Gone {
                gone.push(*key);
            }
            true
        });
        let stall_timeout = self.config.stall_timeout;
        let counts = &self.counts;
        self.stalled.retain(|key| {
            let Some(stream) = streams.get_mut(*key) else { return false };
            let Some(since) = stream.stalled_since() else { return false };
            let stalled_for = now.duration_since(since);
            if stalled_for >= stall_timeout {
                counts.stalled.inc();
                gone.push(*key);
            } else if stalled_for >= PAGE_KEPT {
                stream.forget_page();
            }
            stalled_for < stall_timeout
        });
        self.stalled.sort_unstable();
        self.stalled.dedup();
        for key in gone {
            self.close(key);
        }
    }
}

/// Returns whether a stream has keepalives so often that the search of the table would find it too late, or twice as
/// often as it has to.
pub(super) fn is_brisk(stream: &Stream) -> bool {
    stream.keepalive() < SWEEP * 2
}

/// Returns whether nothing was written to a stream for so long that a keepalive is due before the next look, in
/// `pause`: silence is ended a little early rather than late.
fn is_silent(stream: &Stream, now: Instant, pause: Duration) -> bool {
    now.duration_since(stream.last_write()) + pause > stream.keepalive()
}
