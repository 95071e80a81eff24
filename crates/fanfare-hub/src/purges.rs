//! The purges since somebody took events from the log: what was taken before a purge must not be recorded after it.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fanfare_core::Event;
use tokio::sync::watch;

use fanfare_store::{Log, Purge, Scope};

/// Maximum purges that are remembered at once: a few megabytes. Each is forgotten when nobody holds events from before
/// it. An attempt ends within seconds, in which no client makes as many purges unless it tries to.
pub const PURGES_MAX: usize = 10_000;

/// The number of purges that had ended when its holder took events from the log. Those that ended before have left
/// nothing to take. As long as it is held, every later purge is remembered.
#[derive(Debug, Clone)]
pub struct Mark(Arc<u64>);

/// The purges that somebody may still hold events of.
///
/// Before you take events to record something about them, take the [mark](Purges::mark). When you record,
/// [hold](Purges::hold) off new purges, and leave out the events that were [purged since](Purges::has_purged). A purge then
/// finds what you recorded, or you know about the purge.
#[derive(Debug)]
pub struct Purges {
    /// Held for reading while something is recorded, and for writing while a purge begins.
    recording: tokio::sync::RwLock<()>,
    /// Guards the list; held for a look or a change.
    list: RwLock<List>,
    /// The present mark.
    mark: watch::Sender<Mark>,
}

#[derive(Debug, Default)]
struct List {
    /// The purges after the first `forgotten`, in the order in which they began.
    purges: VecDeque<Noted>,
    /// The number of purges that were forgotten.
    forgotten: u64,
    /// The marks that somebody may hold, oldest first; the last is the present one.
    marks: VecDeque<Mark>,
}

/// A purge that has begun.
#[derive(Debug)]
struct Noted {
    scope: Scope,
    has_ended: bool,
    /// Whether it removed deliveries, as far as is known.
    took_deliveries: bool,
}

/// Proof that no purge begins.
#[derive(Debug)]
pub struct Hold<'a>(#[expect(dead_code, reason = "held")] tokio::sync::RwLockReadGuard<'a, ()>);

impl Default for Purges {
    fn default() -> Purges {
        let mark = Mark(Arc::new(0));
        let list = List { marks: VecDeque::from([mark.clone()]), ..List::default() };
        Purges {
            recording: tokio::sync::RwLock::new(()),
            list: RwLock::new(list),
            mark: watch::Sender::new(mark),
        }
    }
}

impl Purges {
    /// Returns the mark of events that are taken from now on.
    pub fn mark(&self) -> Mark {
        self.mark.borrow().clone()
    }

    /// Returns the mark as a receiver that is notified when a purge has ended.
    pub fn marks(&self) -> watch::Receiver<Mark> {
        self.mark.subscribe()
    }

    /// Returns whether no purge has ended since `mark`.
    pub fn is_present(&self, mark: &Mark) -> bool {
        *self.mark.borrow().0 == *mark.0
    }

    /// Keeps purges from beginning, for as long as what it returns is held.
    pub async fn hold(&self) -> Hold<'_> {
        Hold(self.recording.read().await)
    }

    /// Returns whether an event that was taken at `mark` is, or was, part of a purge that has begun.
    pub fn has_purged(&self, mark: &Mark, event: &Event) -> bool {
        self.list().since(mark).any(|noted| noted.scope.selects(event))
    }

    /// Returns the same for any of several events.
    pub fn has_purged_any(&self, mark: &Mark, events: &[Arc<Event>]) -> bool {
        let list = self.list();
        let mut since = list.since(mark);
        since.any(|noted| events.iter().any(|event| noted.scope.selects(event)))
    }

    /// Returns whether a purge since `mark` may have removed deliveries.
    pub fn took_deliveries(&self, mark: &Mark) -> bool {
        self.list().since(mark).any(|noted| noted.took_deliveries)
    }

    /// Notes that a purge of `log` begins; returns its number and its scope. Returns nothing if too many have to be
    /// remembered.
    pub(super) async fn begin(&self, purge: &Purge, log: &dyn Log) -> Option<(u64, Scope)> {
        let _nothing_is_recorded = self.recording.write().await;
        let mut list = self.list_mut();
        list.forget();
        if list.purges.len() >= PURGES_MAX {
            return None;
        }
        let scope = Scope::new(purge.clone(), log);
        list.purges.push_back(Noted { scope: scope.clone(), has_ended: false, took_deliveries: false });
        Some((list.forgotten + list.purges.len() as u64, scope))
    }

    /// Notes that a purge has ended: nobody can take its events any more.
    pub(super) fn end(&self, number: u64, took_deliveries: bool) {
        let mut list = self.list_mut();
        let index = (number - list.forgotten - 1) as usize;
        if let Some(noted) = list.purges.get_mut(index) {
            (noted.has_ended, noted.took_deliveries) = (true, took_deliveries);
        }
        let ended = list.purges.iter().take_while(|noted| noted.has_ended).count() as u64;
        let mark = Mark(Arc::new(list.forgotten + ended));
        list.marks.push_back(mark.clone());
        self.mark.send_replace(mark);
    }

    fn list(&self) -> RwLockReadGuard<'_, List> {
        // No section can panic halfway through a change.
        self.list.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn list_mut(&self) -> RwLockWriteGuard<'_, List> {
        self.list.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    /// Returns the purges that had not ended at `mark`.
    fn since(&self, mark: &Mark) -> impl Iterator<Item = &Noted> {
        self.purges.iter().skip(mark.0.saturating_sub(self.forgotten) as usize)
    }

    /// Forgets the purges that had ended at the oldest mark that somebody holds.
    fn forget(&mut self) {
        // The sender holds the present one.
        while self.marks.front().is_some_and(|mark| Arc::strong_count(&mark.0) == 1) {
            self.marks.pop_front();
        }
        if let Some(oldest) = self.marks.front().map(|mark| *mark.0) {
            self.purges.drain(..(oldest - self.forgotten) as usize);
            self.forgotten = oldest;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanfare_core::{Door, Epoch, Event, NewEvent, Position, Source, Stamp, Timestamp};
    use fanfare_store::memory::Memory;
    use fanfare_store::{Append, Log, Purge, Retention};

    use super::{PURGES_MAX, Purges};

    fn new(channel: &str) -> NewEvent {
        let source = Source { principal: "local".into(), door: Door::Http, agent: None };
        NewEvent {
            channel: channel.parse().expect("a channel"),
            ..NewEvent::new("x", source).expect("short")
        }
    }

    /// Returns a log of nine events, all on one channel.
    async fn log() -> Arc<Memory> {
        let memory = Memory::new(Retention::default());
        memory.append(Append::new(vec![new("leak"); 9])).await.expect("appended");
        memory
    }

    fn at(log: &Memory, seq: u64) -> Position {
        Position { seq, ..log.head().borrow().position() }
    }

    fn event(log: &Memory, channel: &str, seq: u64) -> Event {
        new(channel).into_event(at(log, seq), Stamp::from(Timestamp::from_micros(0)))
    }

    async fn begin(purges: &Purges, log: &Memory, purge: &Purge) -> u64 {
        purges.begin(purge, log).await.expect("there is room").0
    }

    #[tokio::test]
    async fn what_was_taken_before_a_purge_ended_is_part_of_it() {
        let (purges, log) = (Purges::default(), log().await);
        let has = |mark, channel: &str, seq| purges.has_purged(mark, &event(&log, channel, seq));
        let leak = Purge::Channel("leak".parse().expect("a channel"));
        let before = purges.mark();
        let first = begin(&purges, &log, &leak).await;
        let during = purges.mark();
        for mark in [&before, &during] {
            assert!(has(mark, "leak", 9) && has(mark, "leak", 1));
            assert!(!has(mark, "leak", 10), "it came later");
            assert!(!has(mark, "fine", 5));
        }
        // Another begins before it has ended, and ends first.
        let second = begin(&purges, &log, &Purge::Event(at(&log, 5))).await;
        purges.end(second, true);
        let between = purges.mark();
        assert!(has(&between, "leak", 9) && has(&between, "fine", 5));
        assert!(purges.took_deliveries(&before));
        purges.end(first, false);
        let after = purges.mark();
        assert!(purges.is_present(&after) && !purges.is_present(&before));
        assert!(!has(&after, "leak", 9) && !has(&after, "fine", 5) && !purges.took_deliveries(&after));
    }

    #[tokio::test]
    async fn an_id_of_another_log_names_nothing_of_this_one() {
        let (purges, log) = (Purges::default(), log().await);
        let before = purges.mark();
        let foreign = Position { epoch: Epoch::from_random(7), seq: 5 };
        begin(&purges, &log, &Purge::Event(foreign)).await;
        assert!(!purges.has_purged(&before, &event(&log, "leak", 5)));
    }

    #[tokio::test]
    async fn a_purge_is_remembered_while_somebody_holds_what_was_there_before() {
        let (purges, log) = (Purges::default(), log().await);
        let purge = Purge::Event(at(&log, 5));
        let held = purges.mark();
        for _ in 0..PURGES_MAX {
            purges.end(begin(&purges, &log, &purge).await, false);
        }
        assert!(purges.has_purged(&held, &event(&log, "leak", 5)));
        assert!(purges.begin(&purge, &*log).await.is_none(), "there are too many");
        drop(held);
        begin(&purges, &log, &purge).await;
        assert_eq!(purges.list().purges.len(), 1);
        assert!(purges.has_purged(&purges.mark(), &event(&log, "leak", 5)));
    }

    #[tokio::test]
    async fn a_purge_waits_for_what_is_being_recorded() {
        let (purges, log) = (Purges::default(), log().await);
        let purge = Purge::Event(at(&log, 5));
        let hold = purges.hold().await;
        let mut beginning = Box::pin(purges.begin(&purge, &*log));
        tokio::select! {
            biased;
            _ = &mut beginning => panic!("it began"),
            () = std::future::ready(()) => {}
        }
        assert!(!purges.has_purged(&purges.mark(), &event(&log, "leak", 5)));
        drop(hold);
        assert!(beginning.await.is_some());
        assert!(purges.has_purged(&purges.mark(), &event(&log, "leak", 5)));
    }
}
