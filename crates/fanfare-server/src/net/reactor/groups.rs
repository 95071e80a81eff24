//! The streams of a reactor, grouped by feed: an append wakes the reactor once for each feed, not once for each stream.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::Waker;

use slab::Slab;

use crate::net::reactor::{FeedWaker, Inbox};
use fanfare_hub::feed::Feed;

/// The groups of one reactor.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: Slab<Group>,
    /// The group of each feed, by the feed's address: the group keeps the feed alive.
    of: HashMap<usize, usize>,
}

/// The streams of one feed.
#[derive(Debug)]
struct Group {
    feed: Arc<Feed>,
    waker: Arc<FeedWaker>,
    registered: Waker,
    /// The keys of the streams in the reactor's table.
    streams: Vec<usize>,
}

impl Groups {
    /// Adds the stream with `key` to the group of `feed`, which wakes the reactor of `inbox`. Returns the group, and
    /// the stream's place in it.
    pub(super) fn add(&mut self, feed: &Arc<Feed>, key: usize, inbox: &Arc<Inbox>) -> (usize, usize) {
        let group = self.group(feed, inbox);
        let streams = &mut self.groups[group].streams;
        streams.push(key);
        (group, streams.len() - 1)
    }

    fn group(&mut self, feed: &Arc<Feed>, inbox: &Arc<Inbox>) -> usize {
        if let Some(group) = self.of.get(&address(feed)) {
            return *group;
        }
        let entry = self.groups.vacant_entry();
        let group = entry.key();
        let waker = Arc::new(FeedWaker::new(Arc::clone(inbox), group));
        let registered = Waker::from(Arc::clone(&waker));
        feed.add_waker(registered.clone());
        entry.insert(Group { feed: Arc::clone(feed), waker, registered, streams: Vec::new() });
        self.of.insert(address(feed), group);
        group
    }

    /// Takes the streams of `group` to serve them, until [`Groups::put_back`]. Any append from here on wakes the reactor
    /// again. Returns nothing if the last stream has left.
    pub(super) fn take(&mut self, group: usize) -> Vec<usize> {
        let Some(group) = self.groups.get_mut(group) else { return Vec::new() };
        group.waker.rearm();
        std::mem::take(&mut group.streams)
    }

    /// Puts back what [`Groups::take`] took.
    pub(super) fn put_back(&mut self, group: usize, streams: Vec<usize>) {
        if let Some(group) = self.groups.get_mut(group) {
            group.streams = streams;
        }
    }

    /// Removes the stream at `place` of `group`. Returns the key of the stream that has this place now, if there is one.
    pub(super) fn remove(&mut self, (group, place): (usize, usize)) -> Option<usize> {
        let streams = &mut self.groups[group].streams;
        streams.swap_remove(place);
        let moved = streams.get(place).copied();
        if streams.is_empty() {
            let left = self.groups.remove(group);
            left.feed.remove_waker(&left.registered);
            self.of.remove(&address(&left.feed));
        }
        moved
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for (_, group) in &self.groups {
            group.feed.remove_waker(&group.registered);
        }
    }
}

fn address(feed: &Arc<Feed>) -> usize {
    Arc::as_ptr(feed).addr()
}
