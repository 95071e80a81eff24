//! The texts that live subscribers look for. New events are searched for all of them together, before the lock
//! of the feeds is taken. A long search runs on a blocking thread; one that would take too long is left to the
//! subscribers, which read the store.

use std::collections::HashMap;
use std::sync::Arc;

use fanfare_core::folded::Folded;
use fanfare_core::{Caller, Event};
use fanfare_runtime::bulk;
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
/// Maximum bytes to search before events are delivered, over all texts: about 10 ms, during which every
/// subscriber waits. It is enough to search any single event for all texts.
const SEARCH_LEN_MAX: usize = 64 * 1024 * 1024;

/// A list of texts; cheap to clone.
pub(crate) type List = Arc<[Arc<str>]>;

/// All texts that somebody looks for.
#[derive(Debug)]
pub(crate) struct Texts {
    shares: Shares,
    by_text: HashMap<Arc<str>, Text>,
    /// Number of texts that are searched for on behalf of webhooks.
    for_webhooks: usize,
    /// The texts that are searched for.
    searched: List,
    /// The texts that live subscribers look for.
    live: List,
}

/// Who looks for a text.
#[derive(Debug, Default)]
struct Text {
    live: usize,
    webhooks: usize,
    /// The text's place in the share of the live subscriber that added it, as long as there are live ones.
    taken: Option<Taken>,
    /// Whether it is one of the texts that are searched for on behalf of webhooks.
    is_for_webhooks: bool,
}

impl Text {
    fn is_searched(&self) -> bool {
        self.taken.is_some() || self.is_for_webhooks
    }
}

/// What was found in some events.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By text: which of the events contain it.
    by_text: Arc<HashMap<Arc<str>, Vec<bool>>>,
    /// The first of the events that count.
    from: usize,
}

impl Default for Texts {
    fn default() -> Texts {
        Texts {
            shares: Shares::new(TEXTS_MAX, TEXTS_EACH_MAX),
            by_text: HashMap::new(),
            for_webhooks: 0,
            searched: List::default(),
            live: List::default(),
        }
    }
}

impl Texts {
    /// Fails if `caller` cannot look for `text` now.
    pub(crate) fn admits(&self, text: &str, caller: &Caller) -> Result<(), Over> {
        let is_known = self.by_text.get(text).is_some_and(|text| text.live > 0);
        if is_known { Ok(()) } else { self.shares.take(caller).map(drop) }
    }

    /// Adds a subscriber; `live` is the caller, if it is a live one.
    pub(crate) fn join(&mut self, text: &str, live: Option<&Caller>) -> Result<(), Over> {
        let is_first = self.by_text.get(text).is_none_or(|text| text.live == 0);
        let taken = live.filter(|_| is_first).map(|caller| self.shares.take(caller)).transpose()?;
        let known = self.by_text.entry(text.into()).or_default();
        let before = (known.is_searched(), known.taken.is_some());
        if live.is_some() {
            known.live += 1;
            known.taken = taken.or(known.taken.take());
        } else {
            known.webhooks += 1;
            if known.webhooks == 1 && self.for_webhooks < WEBHOOK_TEXTS_MAX {
                known.is_for_webhooks = true;
                self.for_webhooks += 1;
            }
        }
        if (known.is_searched(), known.taken.is_some()) != before {
            self.list();
        }
        Ok(())
    }

    /// Removes a subscriber.
    pub(crate) fn leave(&mut self, text: &str, is_live: bool) {
        let Some(known) = self.by_text.get_mut(text) else { return };
        let before = (known.is_searched(), known.taken.is_some());
        if is_live {
            known.live -= 1;
            if known.live == 0 {
                known.taken = None;
            }
        } else {
            known.webhooks -= 1;
            if known.webhooks == 0 && std::mem::take(&mut known.is_for_webhooks) {
                self.for_webhooks -= 1;
            }
        }
        let after = (known.is_searched(), known.taken.is_some());
        if known.live + known.webhooks == 0 {
            self.by_text.remove(text);
        }
        if after != before {
            self.list();
        }
    }

    /// Returns the texts to search for.
    pub(crate) fn searched(&self) -> List {
        Arc::clone(&self.searched)
    }

    /// Returns the texts that live subscribers look for.
    pub(crate) fn live(&self) -> List {
        Arc::clone(&self.live)
    }

    fn list(&mut self) {
        let those = |wanted: fn(&Text) -> bool| {
            self.by_text.iter().filter(|(_, text)| wanted(text)).map(|(text, _)| Arc::clone(text)).collect()
        };
        (self.searched, self.live) = (those(Text::is_searched), those(|text| text.taken.is_some()));
    }
}

impl Found {
    /// Searches `events` for `texts`, where a long search delays nobody.
    pub(crate) async fn search(texts: List, events: &[Arc<Event>]) -> Found {
        let len: usize = events.iter().map(|event| event.message.len()).sum();
        let len = len.saturating_mul(texts.len());
        if len <= SHORT_SEARCH_LEN_MAX {
            return Found::of(&texts, events);
        }
        if len > SEARCH_LEN_MAX {
            return Found::default();
        }
        let events = events.to_vec();
        let search = bulk::spawn(move || Found::of(&texts, &events));
        // Without an outcome, subscribers read the store, which finds the same.
        search.await.unwrap_or_else(|_| Found::default())
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
        Found { by_text: Arc::new(by_text), from: 0 }
    }

    /// Returns which events contain `text`; `None` if it was not searched for.
    pub(crate) fn get(&self, text: &str) -> Option<&[bool]> {
        self.by_text.get(text).map(|found| &found[self.from..])
    }

    /// Returns what was found after the first `count` events.
    pub(crate) fn after(&self, count: usize) -> Found {
        Found { by_text: Arc::clone(&self.by_text), from: self.from + count }
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
        texts.leave("a 0", true);
        assert_eq!(texts.admits("new", &third), Err(Over::InAll), "two others look for it");
        for _ in 0..2 {
            texts.leave("a 0", true);
        }
        texts.join("webhook 200", Some(&third)).expect("a place was left");
        assert!(texts.searched().iter().any(|text| &**text == "webhook 200"));
        assert_eq!(texts.admits("new", &third), Err(Over::InAll));
        // The webhook still looks for it, and it counts in nobody's share.
        texts.leave("webhook 200", true);
        texts.admits("new", &third).expect("the place is free again");
        assert!(texts.searched().iter().all(|text| &**text != "webhook 200"));
        texts.leave("webhook 0", false);
        texts.join("webhook new", None).expect("webhooks are never refused");
        assert!(texts.searched().iter().any(|text| &**text == "webhook new"), "the next has its place");
    }
}
