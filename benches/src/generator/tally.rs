//! The exact record of deliveries, for each pair of subscriber and event.

use serde::Serialize;

use crate::{
    generator::Observer,
    histogram::Histogram,
    wire::{message, sse::Frame},
};

/// One bit for each pair.
struct Bits {
    words: Vec<u64>,
}

impl Bits {
    fn new(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)] }
    }

    /// Sets a bit and returns whether it was set before.
    fn set(&mut self, index: usize) -> bool {
        let mask = 1 << (index % 64);
        let was = self.words[index / 64] & mask != 0;
        self.words[index / 64] |= mask;
        was
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Faults {
    /// Pairs of subscriber and event that never met.
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    /// A frame whose seq is not above the one before it on the same stream.
    pub(crate) out_of_order: u64,
    /// An event that arrived with different seqs: the order was not the same for all.
    pub(crate) renumbered: u64,
    /// Unexpected frames: gaps, resets, events of others.
    pub(crate) unexpected: u64,
}

impl Faults {
    pub(crate) fn total(&self) -> u64 {
        self.lost + self.duplicated + self.out_of_order + self.renumbered + self.unexpected
    }
}

pub(crate) struct Tally {
    events: usize,
    subscribers: usize,
    seen: Bits,
    /// By event.
    sent_at_ns: Vec<u64>,
    seq: Vec<u64>,
    receivers: Vec<u32>,
    /// By subscriber.
    last_seq: Vec<u64>,
    /// Number of events that everyone has.
    complete: usize,
    pub(crate) delivered: u64,
    pub(crate) last_delivery_at_ns: u64,
    pub(crate) latency: Histogram,
    faults: Faults,
}

impl Tally {
    pub(crate) fn new(subscribers: usize, events: usize) -> Self {
        Self {
            events,
            subscribers,
            seen: Bits::new(subscribers * events),
            sent_at_ns: vec![0; events],
            seq: vec![0; events],
            receivers: vec![0; events],
            last_seq: vec![0; subscribers],
            complete: 0,
            delivered: 0,
            last_delivery_at_ns: 0,
            latency: Histogram::new(),
            faults: Faults::default(),
        }
    }

    /// Records the time at which an event was sent, or was due.
    pub(crate) fn sent(&mut self, event: usize, at_ns: u64) {
        self.sent_at_ns[event] = at_ns;
    }

    pub(crate) fn complete(&self) -> usize {
        self.complete
    }

    pub(crate) fn faults(&self) -> Faults {
        let expected = (self.subscribers * self.events) as u64;
        Faults { lost: expected - self.delivered, ..self.faults }
    }

    /// Records that `subscriber` got the event `number` with `seq`.
    pub(crate) fn delivery(&mut self, subscriber: usize, number: usize, seq: u64, at_ns: u64) {
        if number >= self.events {
            self.faults.unexpected += 1;
            return;
        }
        self.faults.out_of_order += u64::from(seq <= self.last_seq[subscriber]);
        self.last_seq[subscriber] = seq;
        if self.seq[number] == 0 {
            self.seq[number] = seq;
        }
        self.faults.renumbered += u64::from(self.seq[number] != seq);
        if self.seen.set(number * self.subscribers + subscriber) {
            self.faults.duplicated += 1;
            return;
        }
        self.delivered += 1;
        self.last_delivery_at_ns = at_ns;
        self.latency.record(at_ns.saturating_sub(self.sent_at_ns[number]));
        self.receivers[number] += 1;
        self.complete += usize::from(self.receivers[number] as usize == self.subscribers);
    }
}

impl Observer for Tally {
    fn frame(&mut self, subscriber: usize, frame: Frame<'_>, at_ns: u64) {
        match (message::number_in(frame.data), frame.seq()) {
            (Some(number), Some(seq)) => self.delivery(subscriber, number as usize, seq, at_ns),
            (_, _) => self.faults.unexpected += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Faults, Tally};

    #[test]
    fn everything_once_in_order_is_faultless() {
        let mut tally = Tally::new(2, 3);
        for subscriber in 0..2 {
            // Events get their seq where the log orders them, not where they were numbered.
            for (number, seq) in [(1, 10), (0, 11), (2, 12)] {
                tally.delivery(subscriber, number, seq, 5);
            }
        }
        assert_eq!((tally.faults(), tally.complete(), tally.delivered), (Faults::default(), 3, 6));
    }

    #[test]
    fn each_fault_is_counted_as_what_it_is() {
        let mut tally = Tally::new(2, 3);
        for (subscriber, number, seq) in
            [(0, 0, 10), (0, 1, 11), (0, 1, 11), (1, 1, 11), (1, 0, 10), (1, 2, 13)]
        {
            tally.delivery(subscriber, number, seq, 5);
        }
        tally.delivery(0, 2, 12, 5);
        tally.delivery(0, 9, 14, 5);
        let faults = tally.faults();
        assert_eq!(faults, Faults { lost: 0, duplicated: 1, out_of_order: 2, renumbered: 1, unexpected: 1 });

        let mut tally = Tally::new(2, 1);
        tally.delivery(1, 0, 1, 5);
        assert_eq!((tally.faults().lost, tally.complete()), (1, 0));
    }
}
