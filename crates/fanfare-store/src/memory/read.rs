//! Reading a page.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use fanfare_core::notice::GapReason;
use fanfare_core::{Arrival, Channel, Filter, HttpMessage, Position};

use crate::memory::events::Events;
use crate::page::{Collector, Range};
use crate::{Order, Page, Read};

/// Maximum channels whose seqs are merged; with more of them, the log itself is read.
const MERGE_LEN_MAX: usize = 64;

impl Events {
    /// Reads a page, without events that have expired `now`.
    pub(super) fn read(&self, read: &Read, now: Arrival) -> Page {
        let head = self.head();
        let range = Range::new(read, head.oldest, head.last);
        let mut page = Collector::new(read, range, head.removed());
        if read.order == Order::Oldest {
            page.note_removed(self.traces.missed(read, head), head.removed());
        }
        if range.is_empty() {
            return page.finish(self.first);
        }
        let spared = range.low.min(self.first)..self.first.min(range.high + 1);
        let spared = self.spared.range(spared).map(|(seq, _)| *seq);
        let run = range.low.max(self.first)..=range.high;
        match (self.matching_channels(&read.filter), read.order) {
            (Some(channels), order) => self.collect(read, now, page, merge(&channels, range, order)),
            (None, Order::Oldest) => self.collect(read, now, page, spared.chain(run)),
            (None, Order::Newest) => self.collect(read, now, page, run.rev().chain(spared.rev())),
        }
    }

    /// Returns the request that brought an event; see [`Log::original`](crate::Log::original).
    pub(super) fn original(&self, event: Position) -> Option<HttpMessage> {
        let found = self.find(event.seq).filter(|found| found.position == event)?;
        self.originals.find(found.original?)
    }

    fn collect(
        &self,
        read: &Read,
        now: Arrival,
        mut page: Collector,
        seqs: impl Iterator<Item = u64>,
    ) -> Page {
        for seq in seqs {
            if !page.look() {
                return page.stop(self.first);
            }
            let Some(event) = self.at(seq) else { continue };
            if read.filter.reads_content() {
                page.search(event.stored_len());
            }
            if self.purged.contains_key(&seq) {
                let is_wanted = read.filter.matches_but_text(event) && !event.is_expired(now);
                if !is_wanted {
                    page.pass(seq);
                } else if !page.lose(seq, GapReason::Purged) {
                    return page.stop(self.first);
                }
            } else if !read.filter.matches(event) || event.is_expired(now) {
                page.pass(seq);
            } else if !page.take(event.clone()) {
                return page.stop(self.first);
            }
        }
        page.finish(self.first)
    }

    /// Returns the seqs of each channel that the filter matches; `None` if there are too many.
    fn matching_channels(&self, filter: &Filter) -> Option<Vec<&VecDeque<u64>>> {
        let exact: Option<Vec<Channel>> = filter
            .patterns()
            .iter()
            .map(|pattern| pattern.exact().and_then(|name| name.parse().ok()))
            .collect();
        let channels: Vec<_> = match exact {
            Some(names) => names.iter().filter_map(|name| self.channels.get(name)).collect(),
            None => {
                let wanted = self.channels.iter().filter(|(channel, _)| filter.matches_channel(channel));
                wanted.map(|(_, log)| log).take(MERGE_LEN_MAX + 1).collect()
            }
        };
        let is_few = channels.len() <= MERGE_LEN_MAX;
        is_few.then(|| channels.into_iter().map(|channel| &channel.seqs).collect())
    }
}

/// Iterates over the seqs of several channels in order.
fn merge<'a>(
    channels: &[&'a VecDeque<u64>],
    range: Range,
    order: Order,
) -> Box<dyn Iterator<Item = u64> + 'a> {
    let runs = channels.iter().map(|seqs| {
        let start = seqs.partition_point(|seq| *seq < range.low);
        let end = seqs.partition_point(|seq| *seq <= range.high);
        seqs.range(start..end).copied()
    });
    match order {
        // The heap returns the largest first.
        Order::Oldest => {
            let mut heap: BinaryHeap<_> = BinaryHeap::new();
            let mut runs: Vec<_> = runs.collect();
            for (index, run) in runs.iter_mut().enumerate() {
                heap.extend(run.next().map(|seq| (Reverse(seq), index)));
            }
            Box::new(std::iter::from_fn(move || {
                let (Reverse(seq), index) = heap.pop()?;
                heap.extend(runs[index].next().map(|seq| (Reverse(seq), index)));
                Some(seq)
            }))
        }
        Order::Newest => {
            let mut heap: BinaryHeap<_> = BinaryHeap::new();
            let mut runs: Vec<_> = runs.map(Iterator::rev).collect();
            for (index, run) in runs.iter_mut().enumerate() {
                heap.extend(run.next().map(|seq| (seq, index)));
            }
            Box::new(std::iter::from_fn(move || {
                let (seq, index) = heap.pop()?;
                heap.extend(runs[index].next().map(|seq| (seq, index)));
                Some(seq)
            }))
        }
    }
}
