//! Conflation: of the events with one key, a subscriber that lags receives only the newest.

use std::collections::HashSet;

use crate::channel::Channel;
use crate::event::Event;

/// Marks the events to keep, oldest first: those without a key, and the last one for each key in its channel.
pub fn keep<'a>(events: impl DoubleEndedIterator<Item = &'a Event>) -> Vec<bool> {
    let mut seen: HashSet<(&Channel, &str)> = HashSet::new();
    let mut kept: Vec<bool> = events
        .rev()
        .map(|event| event.key.as_ref().is_none_or(|key| seen.insert((&event.channel, key.as_str()))))
        .collect();
    kept.reverse();
    kept
}
