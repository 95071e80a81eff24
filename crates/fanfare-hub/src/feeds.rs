//! The feeds that have subscribers, and the index that finds those of an event.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fanfare_core::{Caller, Channel, Event, Filter, Position};
use fanfare_runtime::budget::Budget;
use fanfare_runtime::shares::Over;

use crate::cutting::Blocks;
use crate::feed::Feed;
use crate::parts;
use crate::texts::{Found, Texts};

/// All feeds that have subscribers, and the head: the last position that was delivered to them.
#[derive(Debug)]
pub struct Feeds {
    by_filter: HashMap<Filter, Arc<Feed>>,
    /// The feeds whose patterns are all exact, by channel: an event finds them without looking at the others.
    exact: HashMap<Box<str>, Vec<Arc<Feed>>>,
    /// The other feeds; each is asked about every event.
    wide: Vec<Arc<Feed>>,
    /// The texts that filters look for.
    texts: Texts,
    head: Position,
    budget: Budget,
}

impl Feeds {
    /// Creates an empty index that starts after `head`.
    pub fn new(head: Position, budget: Budget) -> Feeds {
        Feeds {
            by_filter: HashMap::new(),
            exact: HashMap::new(),
            wide: Vec::new(),
            texts: Texts::default(),
            head,
            budget,
        }
    }

    /// Returns the last position that was delivered to the feeds.
    pub fn head(&self) -> Position {
        self.head
    }

    /// Empties every feed, and continues after `head` in the log that replaced the one before. Every subscriber is
    /// behind then.
    pub fn replace_log(&mut self, head: Position) {
        self.head = head;
        for feed in self.by_filter.values() {
            feed.replace_log(head);
        }
    }

    /// Adds one subscriber to the feed of `filter` when the log ends at `end`, and returns the feed; `live` is the
    /// caller, if it is a live one. Fails if it looks for one text too many.
    pub fn join(&mut self, filter: &Filter, end: Position, live: Option<&Caller>) -> Result<Arc<Feed>, Over> {
        if let Some(text) = filter.text() {
            self.texts.join(text, live)?;
        }
        let feed = self.feed(filter);
        feed.subscribers.fetch_add(1, Ordering::Relaxed);
        if live.is_some() {
            feed.audience().join(end);
        }
        Ok(feed)
    }

    /// Fails if `live` cannot subscribe to `filter` now, because it would exceed a limit on texts.
    pub(crate) fn admits(&self, filter: &Filter, live: &Caller) -> Result<(), Over> {
        filter.text().map_or(Ok(()), |text| self.texts.admits(text, live))
    }

    /// Returns the texts that subscribers look for.
    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
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

    /// Removes one subscriber, which joined at `end`, from `feed`; a feed without subscribers is dropped.
    pub fn leave(&mut self, feed: &Arc<Feed>, end: Position, is_live: bool) {
        if is_live {
            feed.audience().leave(end);
        }
        if let Some(text) = feed.filter.text() {
            self.texts.leave(text, is_live);
        }
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

    /// Cuts consecutive events into parts, each of which is delivered without a long pause for others.
    pub(crate) fn parts<'a>(&self, events: &'a [Arc<Event>]) -> Vec<&'a [Arc<Event>]> {
        parts::of(events, |event| {
            self.wide.len() + self.exact.get(event.channel.as_str()).map_or(0, Vec::len)
        })
    }

    /// Hands consecutive events, in which `found` was searched for, to the feeds that match: one append and one wake-up
    /// per feed. A feed whose text was not searched for is behind afterwards: its subscribers read the store.
    pub(crate) fn deliver(&mut self, events: &[Arc<Event>], found: &Found) {
        let Some(last) = events.last() else { return };
        let budget = self.budget.clone();
        let mut blocks = Blocks::new(&budget);
        for feed in &self.wide {
            if feed.filter.is_all() {
                feed.append(blocks.cut(events));
                continue;
            }
            let Some(wants) = wants(&feed.filter, found) else {
                feed.replace_log(last.position);
                continue;
            };
            let wanted: Vec<_> = (0..)
                .zip(events)
                .filter(|(index, event)| wants(*index, event))
                .map(|(_, event)| Arc::clone(event))
                .collect();
            if !wanted.is_empty() {
                feed.append(blocks.cut(&wanted));
            }
        }
        if !self.exact.is_empty() {
            self.deliver_exact(events, found, &mut blocks);
        }
        self.head = last.position;
        drop(blocks);
        self.make_room();
    }

    /// Shrinks the rings if they hold too much together: each feed keeps an equal part.
    fn make_room(&self) {
        let max = self.budget.ring_bytes_max();
        // Bytes that only sockets still hold have left the rings, which cannot free them.
        if self.budget.rings_over() > 0
            && self.by_filter.values().map(|feed| feed.bytes_held()).sum::<usize>() > max
        {
            let each_max = (max / 2 / self.by_filter.len().max(1)).max(RING_BYTES_MIN);
            for feed in self.by_filter.values() {
                feed.shrink(each_max);
            }
        }
    }

    fn deliver_exact(&self, events: &[Arc<Event>], found: &Found, blocks: &mut Blocks<'_>) {
        /// The events for one feed; `None` if its text was not searched for.
        type Wanted<'a> = (&'a Arc<Feed>, Option<Vec<Arc<Event>>>);
        let mut wanted: Vec<Wanted<'_>> = Vec::new();
        let mut place: HashMap<*const Feed, usize> = HashMap::new();
        for (index, event) in events.iter().enumerate() {
            for feed in self.exact.get(event.channel.as_str()).into_iter().flatten() {
                let wants = wants(&feed.filter, found);
                if wants.as_ref().is_none_or(|wants| wants(index, event)) {
                    let place = *place.entry(Arc::as_ptr(feed)).or_insert_with(|| {
                        wanted.push((feed, wants.is_some().then(Vec::new)));
                        wanted.len() - 1
                    });
                    if let Some(events) = &mut wanted[place].1 {
                        events.push(Arc::clone(event));
                    }
                }
            }
        }
        let last = events[events.len() - 1].position;
        for (feed, events) in wanted {
            match events {
                Some(events) => feed.append(blocks.cut(&events)),
                None => feed.replace_log(last),
            }
        }
    }

    /// Returns the number of live subscribers that get `event`, a new one in which `found` was searched for: those that
    /// joined before it.
    pub(crate) fn audience_of_event(&self, event: &Event, found: &Found) -> usize {
        // A text that was not searched for is that of a subscriber who joined since.
        let is_wanted = |feed: &&Arc<Feed>| wants(&feed.filter, found).is_some_and(|wants| wants(0, event));
        self.that_may_match(&event.channel)
            .filter(is_wanted)
            .map(|feed| feed.audience().before(event.position))
            .sum()
    }

    /// Returns the number of live subscribers whose patterns match `channel` and that joined before `event`.
    pub fn audience_before(&self, channel: &Channel, event: Position) -> usize {
        let feeds = self.that_may_match(channel).filter(|feed| feed.filter.matches_channel(channel));
        feeds.map(|feed| feed.audience().before(event)).sum()
    }

    /// Returns the number of live subscribers whose patterns match `channel`.
    pub fn audience_of(&self, channel: &Channel) -> usize {
        let feeds = self.that_may_match(channel).filter(|feed| feed.filter.matches_channel(channel));
        feeds.map(|feed| feed.audience().total()).sum()
    }

    fn that_may_match(&self, channel: &Channel) -> impl Iterator<Item = &Arc<Feed>> {
        self.exact.get(channel.as_str()).into_iter().flatten().chain(&self.wide)
    }

    /// Returns the channels that subscribers' filters name.
    pub(crate) fn named(&self) -> HashSet<Box<str>> {
        let patterns = self.by_filter.keys().flat_map(Filter::patterns);
        patterns.filter_map(|pattern| pattern.exact().map(Into::into)).collect()
    }

    /// Empties every feed that holds an event for which `is_gone` is true; its subscribers read the store
    /// instead.
    pub(crate) fn drop_events(&self, is_gone: impl Fn(&Event) -> bool) {
        for feed in self.by_filter.values().filter(|feed| feed.has_event(&is_gone)) {
            feed.replace_log(self.head);
        }
    }

    /// Wakes every subscriber of every feed.
    pub fn wake_all(&self) {
        for feed in self.by_filter.values() {
            feed.wake();
        }
    }
}

/// Returns whether an event, by its index among those that were searched, passes a filter; `None` if its text was not
/// searched for.
fn wants<'a>(filter: &'a Filter, found: &'a Found) -> Option<impl Fn(usize, &Event) -> bool + 'a> {
    let contain = match filter.text() {
        None => None,
        Some(text) => Some(found.get(text)?),
    };
    Some(move |index: usize, event: &Event| {
        contain.is_none_or(|contain| contain[index]) && filter.matches_but_text(event)
    })
}

/// Returns the channels of a filter whose patterns are all exact.
fn exact_channels(filter: &Filter) -> Option<Vec<&str>> {
    filter.patterns().iter().map(|pattern| pattern.exact()).collect()
}

/// Minimum bytes that a ring may keep, however many feeds share what there is for all rings: some short events.
const RING_BYTES_MIN: usize = 4 * 1024;
