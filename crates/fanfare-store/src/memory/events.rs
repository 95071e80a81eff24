//! The log itself: appending and removing events.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use fanfare_core::{Arrival, Channel, Epoch, Event, NewEvent, Position, Stamp, Timestamp};

use crate::floor::Spared;
use crate::keys::{Digest, conflict, kept_key};
use crate::memory::originals::Originals;
use crate::memory::traces::Traces;
use crate::origin::Origin;
use crate::retention::SWEEP_LEN_MAX;
use crate::{
    Append, Appended, CHANNELS_MAX, ChannelRow, Error, Fork, Head, IDEMPOTENCY_KEYS_MAX, IDEMPOTENCY_WINDOW,
    NEW_CHANNELS_MAX, PURGED_CHANNELS_MAX, Retention, Swept,
};

/// Consecutive events with the spared ones before them, and the indexes that find them.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) epoch: Epoch,
    fork: Option<Fork>,
    retention: Retention,
    /// The seq of the first in `events`.
    pub(super) first: u64,
    pub(super) events: VecDeque<Arc<Event>>,
    /// The sum of `stored_len` over `events`.
    bytes: u64,
    /// The events before `first` that the floor of retention spares, by seq.
    pub(super) spared: BTreeMap<u64, Arc<Event>>,
    /// Their extent.
    spared_extent: Spared,
    /// Number of events that were removed since the last sweep.
    removed: u64,
    /// A channel without events was purged; it stays until retention has removed its purged events.
    pub(super) channels: BTreeMap<Channel, ChannelLog>,
    /// The purged events by seq, with the bytes that each lost, which still count for retention.
    pub(super) purged: BTreeMap<u64, u64>,
    /// The requests that brought events.
    pub(super) originals: Originals,
    pub(super) traces: Traces,
    /// The place where the event of an idempotency key is, or was.
    keys: HashMap<Arc<str>, Used>,
    /// The keys with their seqs, oldest first.
    keys_by_age: VecDeque<(u64, Arrival, Arc<str>)>,
}

/// The use of an idempotency key.
#[derive(Debug, Clone, Copy)]
struct Used {
    seq: u64,
    at: Arrival,
    digest: Option<Digest>,
}

/// The state of one channel.
#[derive(Debug)]
pub(super) struct ChannelLog {
    pub(super) events: u64,
    last_seq: u64,
    last_timestamp: Timestamp,
    /// The seqs of its events that are kept, so that a sparse channel is read without looking at the rest.
    pub(super) seqs: VecDeque<u64>,
    /// Number of them that are spared: the first ones.
    spared: usize,
}

impl Events {
    pub(super) fn new(epoch: Epoch, retention: Retention) -> Events {
        Events {
            epoch,
            fork: None,
            retention,
            first: 1,
            events: VecDeque::new(),
            bytes: 0,
            spared: BTreeMap::new(),
            spared_extent: Spared::default(),
            removed: 0,
            channels: BTreeMap::new(),
            purged: BTreeMap::new(),
            originals: Originals::default(),
            traces: Traces::default(),
            keys: HashMap::new(),
            keys_by_age: VecDeque::new(),
        }
    }

    pub(super) fn head(&self) -> Head {
        let (first, last) = (self.first, self.first + self.events.len() as u64 - 1);
        let oldest = self.spared.first_key_value().map_or(first, |(seq, _)| *seq);
        Head { epoch: self.epoch, first, oldest, spared: self.spared_extent.events, last, fork: self.fork }
    }

    /// Loses the events after `at`, or all that it has if `at` is before them; goes on under `epoch`.
    pub(super) fn lose(&mut self, at: u64, epoch: Epoch) {
        let at = at.clamp(self.first - 1, self.head().last);
        self.fork = Some(Fork { from: self.epoch, at });
        self.epoch = epoch;
        while self.head().last > at {
            let Some(event) = self.events.pop_back() else { break };
            self.bytes -= self.counted_len(&event);
            if let Some(channel) = self.channels.get_mut(&event.channel) {
                channel.seqs.pop_back();
                channel.events = channel.events.saturating_sub(1);
                // Of a channel whose other events retention removed, it is not known more exactly.
                channel.last_seq = channel.seqs.back().copied().unwrap_or(self.first - 1);
            }
        }
        self.channels.retain(|_, channel| channel.events > 0 || !channel.seqs.is_empty());
        self.purged.retain(|seq, _| *seq <= at);
        self.originals.lose(at);
        for event in self.spared.values_mut().chain(&mut self.events) {
            Arc::make_mut(event).position.epoch = epoch;
        }
        self.keys.retain(|_, used| used.seq <= at);
        self.keys_by_age.retain(|(seq, ..)| *seq <= at);
    }

    pub(super) fn append(&mut self, append: Append, now: Stamp) -> Result<Vec<Appended>, Error> {
        self.check_channels(&append)?;
        self.check_keys(&append, now.arrival)?;
        let events = append.events.into_iter().zip(append.digests);
        let mut origin = Origin::new(append.received);
        let answer = events.map(|(event, digest)| self.append_one(event, digest, &mut origin, now)).collect();
        self.cut(now.arrival);
        self.forget_keys(now.arrival);
        Ok(answer)
    }

    /// Fails if there would be too many channels.
    fn check_channels(&self, append: &Append) -> Result<(), Error> {
        let has_events = |channel: &Channel| self.channels.get(channel).is_some_and(|log| log.events > 0);
        let channels = append.events.iter().map(|event| &event.channel);
        let new: HashSet<_> = channels.filter(|channel| !has_events(channel)).collect();
        let known = self.channels.values().filter(|log| log.events > 0).count();
        let purged = self.channels.len() - known;
        if known + new.len() > CHANNELS_MAX {
            return Err(Error::TooManyChannels { max: CHANNELS_MAX });
        }
        if !new.is_empty() && purged > PURGED_CHANNELS_MAX {
            return Err(Error::TooManyPurgedChannels { max: PURGED_CHANNELS_MAX });
        }
        match new.len() > NEW_CHANNELS_MAX {
            true => Err(Error::TooManyNewChannels { max: NEW_CHANNELS_MAX }),
            false => Ok(()),
        }
    }

    /// Fails if one of the events has the idempotency key of another.
    fn check_keys(&self, append: &Append, now: Arrival) -> Result<(), Error> {
        let known = |key: &str| {
            let used = self.keys.get(key).filter(|used| remembered(used.at, now));
            Ok(used.map(|used| used.digest))
        };
        conflict(append, known).and_then(|conflict| conflict.map_or(Ok(()), Err))
    }

    fn append_one(
        &mut self,
        event: NewEvent,
        digest: Option<Digest>,
        origin: &mut Origin,
        now: Stamp,
    ) -> Appended {
        let seq = self.first + self.events.len() as u64;
        if let Some(key) = kept_key(&event) {
            if let Some(&Used { seq, at: arrival, .. }) = self.keys.get(&*key)
                && remembered(arrival, now.arrival)
            {
                let position = Position { epoch: self.epoch, seq };
                let event = self
                    .find(seq)
                    .unwrap_or_else(|| Arc::new(event.into_event(position, now.back_to(arrival))));
                return Appended { event, repeated: true };
            }
            let key: Arc<str> = Arc::from(&*key);
            self.keys.insert(key.clone(), Used { seq, at: now.arrival, digest });
            self.keys_by_age.push_back((seq, now.arrival, key));
        }
        let (original, message) = origin.place(seq);
        let event = event.into_event(Position { epoch: self.epoch, seq }, now);
        let event = Arc::new(Event { original, ..event });
        self.originals.put(seq, message);
        let floor = self.retention.floor as usize;
        let channel = self.channels.entry(event.channel.clone()).or_insert_with(|| ChannelLog {
            events: 0,
            last_seq: 0,
            last_timestamp: now.timestamp,
            seqs: VecDeque::new(),
            spared: 0,
        });
        channel.events += 1;
        channel.last_seq = seq;
        channel.last_timestamp = now.timestamp;
        channel.seqs.push_back(seq);
        let surplus = (channel.spared > 0 && channel.seqs.len() > floor).then(|| channel.seqs[0]);
        self.bytes += self.counted_len(&event);
        self.events.push_back(event.clone());
        if let Some(seq) = surplus {
            self.remove_spared(seq, now.arrival);
        }
        Appended { event, repeated: false }
    }

    /// Returns the event at `seq`, while it is kept and unless it was purged.
    pub(super) fn find(&self, seq: u64) -> Option<Arc<Event>> {
        self.at(seq).filter(|_| !self.purged.contains_key(&seq)).cloned()
    }

    /// Returns the event at `seq`, while it is kept.
    pub(super) fn at(&self, seq: u64) -> Option<&Arc<Event>> {
        match seq.checked_sub(self.first) {
            Some(index) => self.events.get(index as usize),
            None => self.spared.get(&seq),
        }
    }

    /// Removes events beyond the limits of count and bytes.
    fn cut(&mut self, now: Arrival) {
        loop {
            let (count, bytes) = self.retention.left_by(self.spared_extent);
            if self.events.len() as u64 <= count && self.bytes <= bytes || self.events.is_empty() {
                break;
            }
            self.pass_first(now);
        }
        while self.retention.is_exceeded_by(self.spared_extent)
            && let Some(seq) = self.spared.keys().next().copied()
        {
            self.remove_spared(seq, now);
        }
    }

    /// Returns the bytes that an event counts for retention, with its original: those that it had before it was purged.
    fn counted_len(&self, event: &Event) -> u64 {
        let seq = event.position.seq;
        let lost = self.purged.get(&seq).copied().unwrap_or_default();
        event.stored_len() + lost + self.originals.counted_len(seq)
    }

    /// Moves the start of the log past the first event, which is spared or removed.
    fn pass_first(&mut self, now: Arrival) {
        let floor = self.retention.floor as usize;
        let Some(event) = self.events.front() else { return };
        let len = self.counted_len(event);
        let channel = self.channels.get_mut(&event.channel);
        let Some(channel) = channel.filter(|channel| channel.seqs.len() - channel.spared <= floor) else {
            return self.remove_first(now);
        };
        channel.spared += 1;
        self.spared_extent.channels += usize::from(channel.spared == 1);
        self.spared_extent.events += 1;
        self.spared_extent.bytes += len;
        self.bytes -= len;
        self.spared.extend(self.events.pop_front().map(|event| (event.position.seq, event)));
        self.first += 1;
    }

    /// Removes the first event; those of its channel that are older are removed already.
    fn remove_first(&mut self, now: Arrival) {
        let Some(event) = self.events.pop_front() else { return };
        self.first += 1;
        self.bytes -= self.counted_len(&event);
        self.forget(&event, now);
    }

    /// Removes the spared event at `seq`: the oldest of its channel.
    fn remove_spared(&mut self, seq: u64, now: Arrival) {
        let Some(event) = self.spared.remove(&seq) else { return };
        self.spared_extent.events -= 1;
        self.spared_extent.bytes -= self.counted_len(&event);
        if let Some(channel) = self.channels.get_mut(&event.channel) {
            channel.spared -= 1;
            self.spared_extent.channels -= usize::from(channel.spared == 0);
        }
        self.forget(&event, now);
    }

    /// Records that an event was removed, the oldest of its channel.
    fn forget(&mut self, event: &Event, now: Arrival) {
        self.removed += 1;
        self.purged.remove(&event.position.seq);
        self.originals.remove(event.position.seq);
        // An expired event would not have been sent to anyone.
        if !event.is_expired(now) {
            self.traces.note(event, self.head().removed());
        }
        if let Some(channel) = self.channels.get_mut(&event.channel) {
            channel.seqs.pop_front();
            if channel.events == 0 && channel.seqs.is_empty() {
                self.channels.remove(&event.channel);
            }
        }
    }

    /// Forgets those of these channels that have no events; returns them.
    pub(super) fn forget_channels(&mut self, mut channels: Vec<Channel>) -> Vec<Channel> {
        channels.retain(|channel| {
            let is_empty = self.channels.get(channel).is_some_and(|log| log.seqs.is_empty());
            is_empty && self.channels.remove(channel).is_some()
        });
        channels
    }

    fn forget_keys(&mut self, now: Arrival) {
        while let Some((seq, arrival, _)) = self.keys_by_age.front()
            && (self.keys_by_age.len() > IDEMPOTENCY_KEYS_MAX || !remembered(*arrival, now))
        {
            let seq = *seq;
            if let Some((_, _, key)) = self.keys_by_age.pop_front()
                && self.keys.get(&key).is_some_and(|newest| newest.seq == seq)
            {
                self.keys.remove(&key);
            }
        }
    }

    /// Removes some of the events that are too old by the time `for_deleting`; also reports those that were removed since
    /// the last sweep.
    pub(super) fn sweep(&mut self, for_deleting: Arrival, now: Arrival) -> Swept {
        self.forget_keys(for_deleting);
        let oldest_kept = for_deleting.before(self.retention.age);
        let too_old =
            |log: &Events| log.at(log.head().oldest).is_some_and(|event| event.arrival < oldest_kept);
        for _ in 0..SWEEP_LEN_MAX {
            if !too_old(self) {
                break;
            }
            match self.spared.keys().next().copied() {
                Some(seq) => self.remove_spared(seq, now),
                None => self.remove_first(now),
            }
        }
        Swept { events: std::mem::take(&mut self.removed), has_more: too_old(self), ..Swept::default() }
    }

    pub(super) fn seq_before(&self, moment: Arrival) -> u64 {
        if let Some((seq, _)) = self.spared.iter().find(|(_, event)| event.arrival >= moment) {
            return seq - 1;
        }
        self.first - 1 + self.events.partition_point(|event| event.arrival < moment) as u64
    }

    pub(super) fn channels(&self) -> Vec<ChannelRow> {
        let row = |(channel, log): (&Channel, &ChannelLog)| ChannelRow {
            channel: channel.clone(),
            events: log.events,
            last_seq: log.last_seq,
            last_timestamp: log.last_timestamp,
        };
        self.channels.iter().filter(|(_, log)| log.events > 0).map(row).collect()
    }
}

/// Returns whether the idempotency key of an event of that age still counts.
fn remembered(arrival: Arrival, now: Arrival) -> bool {
    now < arrival.after(IDEMPOTENCY_WINDOW)
}
