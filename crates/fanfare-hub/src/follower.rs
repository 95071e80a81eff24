//! The follower: one per process; it reads the log in order and hands committed events to the feeds.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use fanfare_core::{Epoch, Event, Filter, Position};
use tokio::sync::{broadcast, watch};

use crate::Hub;
use crate::channels::Channels;
use crate::texts::{Found, List};
use fanfare_runtime::shutdown::Shutdown;
use fanfare_store as store;
use fanfare_store::{Batch, Head, Log, Order, Read};

/// The time that the engine has to hand over a commit before the follower reads it from the log.
const HINT_MAX: Duration = Duration::from_millis(5);
/// Maximum events read at once.
const READ_LEN: usize = 4_096;

/// Hands committed events to the feeds.
#[derive(Debug)]
pub struct Follower {
    hub: Hub,
    follow: Follow,
}

impl Follower {
    pub(super) fn new(hub: Hub, follow: Follow) -> Follower {
        Follower { hub, follow }
    }

    /// Runs until `stop` turns true, or the store cannot be read.
    pub async fn run(mut self, mut stop: Shutdown) -> Result<(), store::Error> {
        loop {
            let followed = tokio::select! {
                followed = self.follow.next(self.hub.log()) => followed,
                () = stop.asked() => return Ok(()),
            };
            match followed {
                Ok(Followed::Events(batch)) => self.hub.deliver(&batch).await,
                Ok(Followed::Nothing(position)) => self.hub.pass(position),
                Err(store::Error::EpochChanged { .. }) => self.follow = self.hub.replace_log().await?,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Hub {
    /// Hands consecutive events to the feeds.
    async fn deliver(&self, events: &[Arc<Event>]) {
        let texts = self.feeds().texts().searched();
        let found = self.search(texts, events).await;
        let channel_count = {
            let mut channels = self.shared.channels.lock().unwrap_or_else(PoisonError::into_inner);
            channels.note(events);
            channels.count()
        };
        // Before the head moves: a subscriber that has waited for an event knows its channel.
        self.tell_channels(channel_count);
        let parts = self.feeds().parts(events);
        let mut index = 0;
        for part in parts {
            if index > 0 {
                tokio::task::yield_now().await;
            }
            let head = {
                let mut feeds = self.feeds();
                feeds.deliver(part, &found.after(index));
                feeds.head()
            };
            self.shared.head.send_replace(head);
            index += part.len();
        }
    }

    /// Continues after `position`, up to which there is nothing to hand over. Each subscription reads from the
    /// store which events are gone.
    fn pass(&self, position: Position) {
        self.feeds().replace_log(position);
        self.shared.head.send_replace(position);
    }

    /// Searches new events for texts.
    pub(super) async fn search(&self, texts: List, events: &[Arc<Event>]) -> Found {
        let found = Found::search(texts, events).await;
        self.counts().text_searches.inc_by((found.len() * events.len()) as u64);
        found
    }

    /// Goes on at the end of the log that replaced the one before; each subscription finds its own place in it. Returns
    /// the cursor that follows it.
    async fn replace_log(&self) -> Result<Follow, store::Error> {
        let follow = Follow::new(self.log(), None);
        let position = follow.position();
        tracing::warn!(%position, "the log was replaced: its epoch has changed");
        let channels = Channels::new(self.log().channels().await?);
        let channel_count = channels.count();
        *self.shared.channels.lock().unwrap_or_else(PoisonError::into_inner) = channels;
        self.feeds().replace_log(position);
        self.shared.head.send_replace(position);
        self.tell_channels(channel_count);
        Ok(follow)
    }

    pub(super) fn tell_channels(&self, count: usize) {
        self.shared.channel_count.send_if_modified(|known| std::mem::replace(known, count) != count);
    }
}

/// A cursor on the log that waits for new events. Events arrive in order, each once.
#[derive(Debug)]
pub struct Follow {
    head: watch::Receiver<Head>,
    /// The batches that the engine committed. They are a hint: the cursor decides which events are new.
    committed: broadcast::Receiver<Batch>,
    /// The log that is followed.
    epoch: Epoch,
    /// The seq up to which every event was returned.
    after: u64,
}

/// The next part of the log.
#[derive(Debug)]
pub enum Followed {
    /// These events.
    Events(Batch),
    /// No event up to this position: they expired, were purged, or cannot be read.
    Nothing(Position),
}

impl Follow {
    /// Creates a cursor after `after`, or at the current end of the log.
    pub fn new(log: &dyn Log, after: Option<u64>) -> Follow {
        // In this order: an event that is committed in between comes after the end that `head` shows.
        let committed = log.committed();
        let head = log.head();
        let Position { epoch, seq } = head.borrow().position();
        Follow { head, committed, epoch, after: after.unwrap_or(seq) }
    }

    /// Returns the position up to which every event was returned.
    pub fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.after }
    }

    /// Returns the seq up to which every event was returned.
    pub fn after(&self) -> u64 {
        self.after
    }

    /// Waits for the next events. Fails if the log cannot be read or was closed, and with
    /// [`EpochChanged`](store::Error::EpochChanged) if it was replaced. Cancelling loses nothing.
    pub async fn next(&mut self, log: &dyn Log) -> Result<Followed, store::Error> {
        loop {
            let head = *self.head.borrow_and_update();
            head.clamp(self.position())?;
            let is_behind = head.last > self.after;
            let is_hint_lost = tokio::select! {
                biased;
                committed = self.committed.recv() => match committed {
                    // The head shows the epoch before the first batch of it.
                    Ok(batch) if batch[0].position.epoch != self.epoch => continue,
                    Ok(batch) => {
                        let (first, last) = (batch[0].position.seq, batch[batch.len() - 1].position.seq);
                        if first == self.after + 1 {
                            self.after = last;
                            return Ok(Followed::Events(batch));
                        }
                        last > self.after
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => true,
                    Err(broadcast::error::RecvError::Closed) => return Err(store::Error::Closed),
                },
                () = tokio::time::sleep(HINT_MAX), if is_behind => true,
                moved = self.head.changed(), if !is_behind => {
                    moved.map_err(|_| store::Error::Closed)?;
                    false
                }
            };
            if is_hint_lost && let Some(followed) = self.read(log).await? {
                return Ok(followed);
            }
        }
    }

    /// Reads events that were not handed over. Events that retention removed meanwhile are skipped: each subscription
    /// finds the gap itself, from its own cursor.
    async fn read(&mut self, log: &dyn Log) -> Result<Option<Followed>, store::Error> {
        let read = Read {
            epoch: self.epoch,
            after: self.after,
            until: self.head.borrow().last,
            filter: Filter::all(),
            order: Order::Oldest,
            limit: READ_LEN,
            told: 0,
        };
        let page = log.read(read).await?;
        if page.scanned <= self.after {
            return Ok(None);
        }
        self.after = page.scanned;
        Ok(Some(match page.events.is_empty() {
            true => Followed::Nothing(self.position()),
            false => Followed::Events(page.events.into()),
        }))
    }
}
