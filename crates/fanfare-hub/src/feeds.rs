//! The index of feeds: which of them an event goes to.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fanfare_core::{Channel, Event, Filter};

use crate::feed::Feed;

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
