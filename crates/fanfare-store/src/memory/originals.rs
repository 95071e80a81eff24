//! The requests that brought events.

use std::collections::BTreeMap;

use fanfare_core::{HttpMessage, Original};

/// The originals by the seq of the event that each is kept with.
#[derive(Debug, Default)]
pub(super) struct Originals(BTreeMap<u64, Entry>);

/// One original.
#[derive(Debug)]
struct Entry {
    /// Bytes that count for retention, also after a purge.
    len: u64,
    /// The request; `None` once it was purged.
    message: Option<HttpMessage>,
}

impl Originals {
    /// Keeps a request with the event at `seq`.
    pub(super) fn put(&mut self, seq: u64, message: Option<HttpMessage>) {
        let Some(message) = message else { return };
        self.0.insert(seq, Entry { len: message.as_bytes().len() as u64, message: Some(message) });
    }

    /// Removes the original of the event at `seq`.
    pub(super) fn remove(&mut self, seq: u64) {
        self.0.remove(&seq);
    }

    /// Removes those of the events after `at`.
    pub(super) fn lose(&mut self, at: u64) {
        self.0.retain(|seq, _| *seq <= at);
    }

    /// Erases the original that an event names.
    pub(super) fn erase(&mut self, original: Option<Original>) {
        if let Some(Original::With(seq)) = original
            && let Some(entry) = self.0.get_mut(&seq)
        {
            entry.message = None;
        }
    }

    /// Returns the original that an event names, unless it was erased.
    pub(super) fn find(&self, original: Original) -> Option<HttpMessage> {
        match original {
            Original::With(seq) => self.0.get(&seq)?.message.clone(),
            Original::TooLong => None,
        }
    }

    /// Returns the bytes that the original of the event at `seq` counts for retention.
    pub(super) fn counted_len(&self, seq: u64) -> u64 {
        self.0.get(&seq).map_or(0, |entry| entry.len)
    }
}
