//! The texts that live subscribers look for. Each new event is searched for all of them once, before anybody holds the
//! lock of the feeds, so that a long message delays nobody who does not look for text.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use fanfare_core::folded::Folded;
use fanfare_core::{Caller, Event};
use fanfare_runtime::shares::{Over, Shares, Taken};

/// Maximum distinct texts of live subscribers: each costs a search of every message, some 10 µs for the longest.
pub(crate) const TEXTS_MAX: usize = 128;
/// Maximum distinct texts that one caller may add.
const TEXTS_EACH_MAX: usize = TEXTS_MAX / 2;
/// Maximum distinct texts of webhooks that are searched for. The other webhooks read the store, a little later.
const WEBHOOK_TEXTS_MAX: usize = 128;
/// Maximum bytes to search in the task that follows the log: less than a millisecond. More is searched on a thread that
/// may block.
const SHORT_SEARCH_LEN_MAX: usize = 256 * 1024;

/// A list of texts; cheap to clone.
type List = Arc<[Arc<str>]>;

/// All texts that somebody looks for.
#[derive(Debug)]
pub(crate) struct Texts {
    live: Shares,
    by_text: HashMap<Arc<str>, Text>,
    /// The texts that are searched for.
    searched: List,
}

#[derive(Debug)]
struct Text {
    subscribers: usize,
    search: Search,
}

/// Whether new events are searched for a text.
#[derive(Debug)]
enum Search {
    /// A live subscriber looks for it, in whose share it counts.
    Live { _taken: Taken },
    /// Webhooks look for it.
    Webhooks,
    /// Webhooks look for it, beyond those that are searched for.
    None,
}

/// What was found in some events.
#[derive(Debug)]
pub(crate) struct Found {
    /// By text: which of the events contain it.
    by_text: HashMap<Arc<str>, Vec<bool>>,
}

impl Default for Texts {
    fn default() -> Texts {
        Texts {
            live: Shares::new(TEXTS_MAX, TEXTS_EACH_MAX),
            by_text: HashMap::new(),
            searched: List::default(),
        }
    }
}

impl Texts {
    /// Adds a subscriber; `live` is the caller, if it is a live one.
    pub(crate) fn join(&mut self, text: &str, live: Option<&Caller>) -> Result<(), Over> {
        let known = self.by_text.get(text);
        let is_live = known.is_some_and(|text| matches!(text.search, Search::Live { .. }));
        let search = match live {
            Some(caller) if !is_live => Some(Search::Live { _taken: self.live.take(caller)? }),
            None if known.is_none() => Some(self.for_webhooks()),
            Some(_) | None => None,
        };
        match (self.by_text.entry(text.into()), search) {
            (Entry::Occupied(mut known), search) => {
                known.get_mut().subscribers += 1;
                let Some(search) = search else { return Ok(()) };
                known.get_mut().search = search;
            }
            (Entry::Vacant(new), Some(search)) => {
                new.insert(Text { subscribers: 1, search });
            }
            (Entry::Vacant(_), None) => return Ok(()),
        }
        self.list();
        Ok(())
    }

    /// Removes a subscriber. A text stays in the share of the caller who added it, until nobody looks for it.
    pub(crate) fn leave(&mut self, text: &str) {
        let Some(known) = self.by_text.get_mut(text) else { return };
        known.subscribers -= 1;
        if known.subscribers == 0 {
            self.by_text.remove(text);
            self.list();
        }
    }

    /// Returns the texts to search for.
    pub(crate) fn searched(&self) -> List {
        Arc::clone(&self.searched)
    }

    fn for_webhooks(&self) -> Search {
        let count = self.by_text.values().filter(|text| matches!(text.search, Search::Webhooks)).count();
        if count < WEBHOOK_TEXTS_MAX { Search::Webhooks } else { Search::None }
    }

    fn list(&mut self) {
        let searched = self.by_text.iter().filter(|(_, text)| !matches!(text.search, Search::None));
        self.searched = searched.map(|(text, _)| Arc::clone(text)).collect();
    }
}

impl Found {
    /// Searches `events` for `texts`, where a long search delays nobody.
    pub(crate) async fn search(texts: List, events: &[Arc<Event>]) -> Found {
        if texts.is_empty() {
            return Found { by_text: HashMap::new() };
        }
        let len: usize = events.iter().map(|event| event.message.len()).sum();
        if len.saturating_mul(texts.len()) <= SHORT_SEARCH_LEN_MAX {
            return Found::of(&texts, events);
        }
        let events = events.to_vec();
        let search = tokio::task::spawn_blocking(move || Found::of(&texts, &events));
        // Without an outcome, subscribers read the store, which finds the same.
        search.await.unwrap_or_else(|_| Found { by_text: HashMap::new() })
    }

    fn of(texts: &[Arc<str>], events: &[Arc<Event>]) -> Found {
        let mut by_text: HashMap<_, _> =
            texts.iter().map(|text| (Arc::clone(text), Vec::with_capacity(events.len()))).collect();
        for event in events {
            let message = Folded::new(&event.message);
            for (text, found) in &mut by_text {
                found.push(message.contains(text));
            }
        }
        Found { by_text }
    }

    /// Returns which events contain `text`; `None` if it was not searched for.
    pub(crate) fn get(&self, text: &str) -> Option<&[bool]> {
        self.by_text.get(text).map(Vec::as_slice)
    }

    /// Returns the number of texts.
    pub(crate) fn len(&self) -> usize {
        self.by_text.len()
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Caller, Principal};
    use fanfare_runtime::shares::Over;

    use super::{TEXTS_EACH_MAX, TEXTS_MAX, Texts, WEBHOOK_TEXTS_MAX};

    #[test]
    fn a_text_counts_once_and_webhooks_take_no_place_of_live_subscribers() {
        let caller =
            |address: &str| Caller::new(&Principal::local(), Some(address.parse().expect("an address")));
        let (one, other, third) = (caller("192.0.2.1:1"), caller("192.0.2.2:1"), caller("192.0.2.3:1"));
        let mut texts = Texts::default();
        for number in 0..2 * WEBHOOK_TEXTS_MAX {
            texts.join(&format!("webhook {number}"), None).expect("webhooks are never refused");
        }
        assert_eq!(texts.searched().len(), WEBHOOK_TEXTS_MAX);
        for (caller, name) in [(&one, "a"), (&other, "b")] {
            for number in 0..TEXTS_EACH_MAX {
                texts.join(&format!("{name} {number}"), Some(caller)).expect("room");
            }
            assert_eq!(texts.join("one too many", Some(caller)), Err(Over::Share));
            texts.join("a 0", Some(caller)).expect("it is searched for already");
        }
        assert_eq!(texts.join("webhook 0", Some(&third)), Err(Over::InAll));
        assert_eq!(texts.searched().len(), WEBHOOK_TEXTS_MAX + TEXTS_MAX);
        for _ in 0..3 {
            texts.leave("a 0");
        }
        texts.join("webhook 200", Some(&third)).expect("a place was left");
        assert!(texts.searched().iter().any(|text| &**text == "webhook 200"));
    }
}
