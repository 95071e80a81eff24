//! Purging: events lose their content and keep their places.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use fanfare_core::{Event, Position, Source};

use crate::memory::events::Events;
use crate::{Purge, Purged, Scope};

impl Events {
    /// Erases the content of the events that `scope` selects; returns `None` if the log has none.
    pub(super) fn purge(&mut self, scope: &Scope) -> Option<Purged> {
        let mut purged = Purged::default();
        let seqs: Vec<u64> = match &scope.purge {
            Purge::Event(position) if position.epoch != self.epoch => return None,
            Purge::Event(Position { seq, .. }) => vec![*seq],
            Purge::Channel(channel) => {
                let log = self.channels.get_mut(channel)?;
                let later = log.seqs.len() - log.seqs.partition_point(|seq| *seq <= scope.end.seq);
                purged.uncounted = log.events.checked_sub(later as u64).filter(|count| *count > 0)?;
                log.events = later as u64;
                let seqs: Vec<_> = log.seqs.iter().take(log.seqs.len() - later).copied().collect();
                if log.seqs.is_empty() {
                    // Retention has removed everything that readers had to be told about.
                    self.channels.remove(channel);
                }
                seqs
            }
        };
        for seq in seqs {
            let event = match seq.checked_sub(self.first) {
                Some(index) => self.events.get_mut(index as usize)?,
                None => self.spared.get_mut(&seq)?,
            };
            if let Entry::Vacant(entry) = self.purged.entry(seq) {
                let len = event.stored_len();
                self.originals.erase(event.original);
                let emptied =
                    Event { message: "".into(), data: None, key: None, original: None, ..(**event).clone() };
                let source = Source { agent: None, ..emptied.source.clone() };
                *event = Arc::new(Event { source, ..emptied });
                entry.insert(len - event.stored_len());
                purged.events += 1;
            }
        }
        Some(purged)
    }

    /// Returns the purged events that `purge` selects.
    pub(super) fn purged_of(&self, purge: &Purge) -> BTreeSet<Position> {
        match purge {
            Purge::Event(position) => BTreeSet::from([*position]),
            Purge::Channel(channel) => {
                let seqs = self.channels.get(channel).into_iter().flat_map(|log| &log.seqs);
                let purged = seqs.filter(|seq| self.purged.contains_key(seq));
                purged.map(|seq| Position { epoch: self.epoch, seq: *seq }).collect()
            }
        }
    }

    /// Returns whether an event is in this log and was purged.
    pub(super) fn is_purged(&self, event: Position) -> bool {
        event.epoch == self.epoch && self.purged.contains_key(&event.seq)
    }
}
