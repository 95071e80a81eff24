//! A feed: the newest events that pass one filter, kept in memory and shared by every subscriber with that filter.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use fanfare_core::{Event, Filter, Position};
use tokio::sync::Notify;

use crate::audience::Audience;
use crate::item::Block;
use crate::ring::Ring;

/// The ring of one filter. An event's ordinal is its number in this feed; a cursor is the ordinal that comes next.
#[derive(Debug)]
pub struct Feed {
    /// The filter that the feed's events pass.
    pub filter: Filter,
    /// The number of subscriptions that read the feed.
    pub subscribers: AtomicUsize,
    /// Guards the count of those subscriptions that are live; only [`Feeds`], which has a lock of its own, takes it.
    audience: Mutex<Audience>,
    /// Guards the ring; held for a look-up, never while writing to a socket.
    ring: Mutex<Ring>,
    /// The ordinal that the next event will have: `ring.next_ordinal`, readable without the lock.
    end: AtomicU64,
    /// Wakes the asynchronous subscribers.
    appended: Notify,
    /// The reactors with subscribers of this feed; each is woken once per append.
    wakers: Mutex<Vec<Waker>>,
}

impl Feed {
    /// Creates a feed of the events after `head`.
    pub fn new(filter: Filter, head: Position) -> Feed {
        let Position { epoch, seq: floor } = head;
        let ring = Ring { blocks: VecDeque::new(), epoch, floor, next_ordinal: 0, len: 0, bytes: 0 };
        Feed {
            filter,
            subscribers: AtomicUsize::new(0),
            audience: Mutex::default(),
            ring: Mutex::new(ring),
            end: AtomicU64::new(0),
            appended: Notify::new(),
            wakers: Mutex::new(Vec::new()),
        }
    }

    /// Returns the bytes that the ring holds.
    pub(crate) fn bytes_held(&self) -> usize {
        self.ring().bytes_held()
    }

    /// Drops the oldest blocks until the ring holds at most `bytes_max`.
    pub(crate) fn shrink(&self, bytes_max: usize) {
        self.ring().shrink(bytes_max);
    }

    /// Appends events that pass the filter, and wakes the subscribers that wait.
    pub(crate) fn append(&self, blocks: Vec<Arc<Block>>) {
        {
            let mut ring = self.ring();
            for block in blocks {
                ring.push(block);
            }
            self.end.store(ring.next_ordinal, Ordering::Release);
        }
        self.wake();
    }

    /// Returns whether the ring holds an event for which `is_it` is true.
    pub(crate) fn has_event(&self, is_it: impl Fn(&Event) -> bool) -> bool {
        self.ring().blocks.iter().any(|(_, block)| block.events().iter().any(|event| is_it(event)))
    }

    /// Empties the ring, and continues after `head`. Every subscriber is then behind.
    pub(crate) fn replace_log(&self, head: Position) {
        {
            let mut ring = self.ring();
            ring.blocks.clear();
            (ring.len, ring.bytes) = (0, 0);
            (ring.epoch, ring.floor) = (head.epoch, head.seq);
            // Skips an ordinal, so that a subscriber at the end is also behind.
            ring.next_ordinal += 1;
            self.end.store(ring.next_ordinal, Ordering::Release);
        }
        self.wake();
    }

    /// Wakes the subscribers that wait for this feed.
    pub fn wake(&self) {
        self.appended.notify_waiters();
        for waker in self.wakers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            waker.wake_by_ref();
        }
    }

    /// Returns the ordinal that the next event will have.
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Returns the signal that wakes asynchronous subscribers.
    pub fn appended(&self) -> &Notify {
        &self.appended
    }

    /// Adds `waker`, to be woken at every append until [`Feed::remove_waker`].
    pub fn add_waker(&self, waker: Waker) {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).push(waker);
    }

    /// Removes a waker that [`Feed::add_waker`] added.
    pub fn remove_waker(&self, waker: &Waker) {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !other.will_wake(waker));
    }

    /// Returns the ordinal of the first event after `position`, if every later event is in the ring.
    pub fn ordinal_after(&self, position: Position) -> Option<u64> {
        let (ring, seq) = (self.ring(), position.seq);
        if position.epoch != ring.epoch || seq < ring.floor {
            return None;
        }
        for (first, block) in ring.blocks.iter().rev() {
            let before = block.events().partition_point(|event| event.position.seq <= seq);
            if before > 0 {
                return Some(first + before as u64);
            }
        }
        Some(ring.blocks.front().map_or(ring.next_ordinal, |(first, _)| *first))
    }

    /// Returns the blocks from `ordinal` on, at most `blocks_max`, each with the index of its first event that counts.
    /// Fails with [`Behind`] if the ring no longer holds `ordinal`.
    pub fn from(
        &self,
        ordinal: u64,
        blocks_max: usize,
        out: &mut Vec<(Arc<Block>, usize)>,
    ) -> Result<(), Behind> {
        let ring = self.ring();
        if ordinal >= ring.next_ordinal {
            return Ok(());
        }
        // Nearly every subscriber is at the newest block, so the search starts there.
        let mut index = ring.blocks.len();
        while index > 0 && ring.blocks[index - 1].0 > ordinal {
            index -= 1;
        }
        let Some(start) = index.checked_sub(1) else { return Err(Behind) };
        let skipped = (ordinal - ring.blocks[start].0) as usize;
        for (nth, (_, block)) in ring.blocks.iter().skip(start).take(blocks_max).enumerate() {
            out.push((Arc::clone(block), if nth == 0 { skipped } else { 0 }));
        }
        Ok(())
    }

    pub(crate) fn audience(&self) -> MutexGuard<'_, Audience> {
        self.audience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // A panic while the lock was held would have to come from the allocator; the ring is whole either way.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The subscriber is behind the ring and has to read from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind;
