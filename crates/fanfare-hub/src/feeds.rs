//! Feeds: the newest events that pass one filter, in memory, shared by every reader with that filter; and the index
//! that says which of them an event goes to.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use fanfare_core::{Channel, Event, Filter};
use tokio::sync::Notify;

use crate::item::Block;

/// All feeds that have readers, and the head: the last seq that they were given.
#[derive(Debug, Default)]
pub struct Feeds {
    by_filter: HashMap<Filter, Arc<Feed>>,
    /// Feeds whose patterns are all exact, by channel: found without looking at the others.
    exact: HashMap<Box<str>, Vec<Arc<Feed>>>,
    /// The others; each is asked for every event.
    wide: Vec<Arc<Feed>>,
    head: u64,
}

impl Feeds {
    /// Starts after `head`.
    pub fn new(head: u64) -> Feeds {
        Feeds { head, ..Feeds::default() }
    }

    /// Gives the last seq that the feeds were given.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Gives the feed of `filter` with one more subscriber.
    pub fn join(&mut self, filter: &Filter, is_live: bool) -> Arc<Feed> {
        let feed = self.feed(filter);
        feed.subscribers.fetch_add(1, Ordering::Relaxed);
        feed.listeners.fetch_add(usize::from(is_live), Ordering::Relaxed);
        feed
    }

    fn feed(&mut self, filter: &Filter) -> Arc<Feed> {
        if let Some(feed) = self.by_filter.get(filter) {
            return Arc::clone(feed);
        }
        let feed = Arc::new(Feed::new(filter.clone(), self.head));
        self.by_filter.insert(filter.clone(), Arc::clone(&feed));
        match exact_channels(filter) {
            Some(channels) => {
                for channel in channels {
                    self.exact.entry(channel.into()).or_default().push(Arc::clone(&feed));
                }
            }
            None => self.wide.push(Arc::clone(&feed)),
        }
        feed
    }

    /// Takes one subscriber away; a feed without any is dropped.
    pub fn leave(&mut self, feed: &Arc<Feed>, is_live: bool) {
        feed.listeners.fetch_sub(usize::from(is_live), Ordering::Relaxed);
        if feed.subscribers.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        self.by_filter.remove(&feed.filter);
        self.wide.retain(|other| !Arc::ptr_eq(other, feed));
        for channel in exact_channels(&feed.filter).into_iter().flatten() {
            if let Some(feeds) = self.exact.get_mut(channel) {
                feeds.retain(|other| !Arc::ptr_eq(other, feed));
                if feeds.is_empty() {
                    self.exact.remove(channel);
                }
            }
        }
    }

    /// Hands consecutive events to the feeds that want them: one append and one wake-up per feed.
    pub fn deliver(&mut self, events: &[Arc<Event>]) {
        let Some(last) = events.last() else { return };
        for feed in &self.wide {
            if feed.filter.is_all() {
                feed.append(events);
                continue;
            }
            let wanted: Vec<_> = events.iter().filter(|event| feed.filter.matches(event)).cloned().collect();
            if !wanted.is_empty() {
                feed.append(&wanted);
            }
        }
        if !self.exact.is_empty() {
            self.deliver_exact(events);
        }
        self.head = last.position.seq;
    }

    fn deliver_exact(&self, events: &[Arc<Event>]) {
        let mut wanted: Vec<(&Arc<Feed>, Vec<Arc<Event>>)> = Vec::new();
        let mut place: HashMap<*const Feed, usize> = HashMap::new();
        for event in events {
            for feed in self.exact.get(event.channel.as_str()).into_iter().flatten() {
                if feed.filter.matches(event) {
                    let place = *place.entry(Arc::as_ptr(feed)).or_insert_with(|| {
                        wanted.push((feed, Vec::new()));
                        wanted.len() - 1
                    });
                    wanted[place].1.push(Arc::clone(event));
                }
            }
        }
        for (feed, events) in wanted {
            feed.append(&events);
        }
    }

    /// Counts those who listen live and whom `event` is for.
    pub fn audience(&self, event: &Event) -> usize {
        let exact = self.exact.get(event.channel.as_str()).into_iter().flatten();
        exact.chain(&self.wide).filter(|feed| feed.filter.matches(event)).map(listeners).sum()
    }

    /// Counts those who listen live and whose patterns match `channel`.
    pub fn audience_of(&self, channel: &Channel) -> usize {
        let exact = self.exact.get(channel.as_str()).into_iter().flatten();
        exact.chain(&self.wide).filter(|feed| feed.filter.matches_channel(channel)).map(listeners).sum()
    }

    /// Wakes every reader of every feed.
    pub fn wake_all(&self) {
        for feed in self.by_filter.values() {
            feed.wake();
        }
    }
}

fn listeners(feed: &Arc<Feed>) -> usize {
    feed.listeners.load(Ordering::Relaxed)
}

/// Gives the channels of a filter whose patterns are all exact.
fn exact_channels(filter: &Filter) -> Option<Vec<&str>> {
    filter.patterns().iter().map(|pattern| pattern.exact()).collect()
}

/// Most events in a feed's ring. A reader that is further behind reads from the store.
pub const RING_LEN_MAX: u64 = 4_096;
/// Most bytes (`Event::stored_len`) in a feed's ring; the newest block stays whatever its size.
pub const RING_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// Most events in one block: a push of 10,000 must not pin them all for the sake of one reader.
pub const BLOCK_LEN_MAX: usize = 512;

/// The ring of one filter. An event's ordinal is its number in this feed; a cursor is the ordinal that comes
/// next.
#[derive(Debug)]
pub struct Feed {
    /// Which events.
    pub filter: Filter,
    /// How many subscriptions read it.
    pub subscribers: AtomicUsize,
    /// How many of them listen live.
    pub listeners: AtomicUsize,
    /// Guards the ring; held for a look-up, never while writing to a socket.
    ring: Mutex<Ring>,
    /// The ordinal that the next event will have: `ring.next_ordinal`, readable without the lock.
    end: AtomicU64,
    /// Wakes the asynchronous readers.
    appended: Notify,
    /// Wakes the reactors that have readers here, each once per append.
    wakers: Mutex<Vec<Waker>>,
}

#[derive(Debug)]
struct Ring {
    /// Oldest first, each with the ordinal of its first event.
    blocks: VecDeque<(u64, Arc<Block>)>,
    /// Every event after this seq (up to the hub's head) that passes the filter is in the ring.
    floor: u64,
    next_ordinal: u64,
    len: u64,
    bytes: u64,
}

impl Feed {
    /// Makes a feed of the events after `head`.
    pub fn new(filter: Filter, head: u64) -> Feed {
        let ring = Ring { blocks: VecDeque::new(), floor: head, next_ordinal: 0, len: 0, bytes: 0 };
        Feed {
            filter,
            subscribers: AtomicUsize::new(0),
            listeners: AtomicUsize::new(0),
            ring: Mutex::new(ring),
            end: AtomicU64::new(0),
            appended: Notify::new(),
            wakers: Mutex::new(Vec::new()),
        }
    }

    /// Appends events that pass the filter, and wakes whoever waits.
    pub fn append(&self, events: &[Arc<Event>]) {
        {
            let mut ring = self.ring();
            for chunk in events.chunks(BLOCK_LEN_MAX) {
                ring.push(Block::new(chunk.to_vec()));
            }
            self.end.store(ring.next_ordinal, Ordering::Release);
        }
        self.wake();
    }

    /// Wakes whoever waits for this feed.
    pub fn wake(&self) {
        self.appended.notify_waiters();
        for waker in self.wakers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            waker.wake_by_ref();
        }
    }

    /// Gives the ordinal that the next event will have.
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Gives what wakes asynchronous readers.
    pub fn appended(&self) -> &Notify {
        &self.appended
    }

    /// Has `waker` woken at every append, until [`Feed::remove_waker`].
    pub fn add_waker(&self, waker: Waker) {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).push(waker);
    }

    /// Takes back [`Feed::add_waker`].
    pub fn remove_waker(&self, waker: &Waker) {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !other.will_wake(waker));
    }

    /// Gives the ordinal of the first event after `seq`, when every later event is in the ring.
    pub fn ordinal_after(&self, seq: u64) -> Option<u64> {
        let ring = self.ring();
        if seq < ring.floor {
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

    /// Gives the blocks from `ordinal` on, each with the index of its first event that counts, up to
    /// `blocks_max`; or the seq of the last event that is no longer there, when the reader is behind the ring.
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
        // Nearly every reader is at the newest block, so the search begins there.
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

    fn ring(&self) -> std::sync::MutexGuard<'_, Ring> {
        // A panic while the lock was held would have to come from the allocator; the ring is whole either way.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reader is behind the ring and reads from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind;

impl Ring {
    fn push(&mut self, block: Block) {
        self.len += block.events().len() as u64;
        self.bytes += bytes(&block);
        let first = self.next_ordinal;
        self.next_ordinal += block.events().len() as u64;
        self.blocks.push_back((first, Arc::new(block)));
        while self.blocks.len() > 1 && (self.len > RING_LEN_MAX || self.bytes > RING_BYTES_MAX) {
            if let Some((_, oldest)) = self.blocks.pop_front() {
                self.len -= oldest.events().len() as u64;
                self.bytes -= bytes(&oldest);
                self.floor = oldest.last_seq();
            }
        }
    }
}

fn bytes(block: &Block) -> u64 {
    block.events().iter().map(|event| event.stored_len()).sum()
}
