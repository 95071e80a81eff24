//! The hub: everything that doors do with the log. Doors never see the store.

mod audience;
mod backlog;
pub mod channels;
pub mod client;
mod counts;
mod cutting;
pub mod denials;
pub mod disconnecting;
pub mod feed;
pub mod feeds;
pub mod follower;
pub mod forgetting;
pub mod history;
pub mod idle_callers;
pub mod item;
pub mod lag;
mod measuring;
mod own;
mod parts;
pub mod publish;
pub mod purges;
pub mod purging;
pub mod readers;
pub mod readers_in_use;
mod ring;
pub mod session;
mod sources;
pub mod subscribe;
pub mod subscription;
pub mod tallying;
mod texts;
pub mod values;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fanfare_core::{Code, Epoch, Position, Principal};
use tokio::sync::{broadcast, watch};

use crate::channels::Channels;
use crate::client::{Client, Clients};
use crate::counts::Counts;
use crate::denials::Denials;
use crate::feeds::Feeds;
use crate::follower::{Follow, Follower};
use crate::publish::Admission;
use crate::purges::Purges;
use crate::readers::AckSignal;
use fanfare_runtime::budget::Budget;
use fanfare_runtime::bulk::Bulk;
use fanfare_runtime::clock;
use fanfare_runtime::telemetry::Metrics;
use fanfare_store as store;
use fanfare_store::{ChannelRow, Head, Ledger, Log, Store};

/// The settings that an operator can change.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Maximum events per second that one caller may push; default 500,000.
    pub events_per_second: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config { events_per_second: publish::EVENTS_PER_SECOND }
    }
}

/// A handle on the hub; cheap to clone.
///
/// Each verb takes the principal who asks as its first argument. The log itself has no owner: every caller
/// reads all of it, and its verbs take the principal for the day when that is decided. What a principal owns is
/// nobody else's: [`Hub::owns`].
#[derive(Debug, Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    /// The bytes that blocks of events hold.
    budget: Budget,
    /// The places for work that takes the processor for long.
    bulk: Bulk,
    /// The ends of the log, at hand for every call.
    ends: watch::Receiver<Head>,
    /// Guards the index of feeds; held while a batch is put into the rings, never while anything is sent.
    feeds: Mutex<Feeds>,
    /// The last position that was delivered to the feeds.
    head: watch::Sender<Position>,
    clients: Clients,
    /// The clients that may not return yet.
    denials: Denials,
    /// Guards the counts of channels; held for a batch or a copy.
    channels: Mutex<Channels>,
    /// The number of channels.
    channel_count: watch::Sender<usize>,
    admission: Admission,
    counts: Counts,
    /// The purges that somebody may still hold events of.
    purges: Arc<Purges>,
    closing: AtomicBool,
    refusing: AtomicBool,
    started: Instant,
    /// Announces acknowledgements.
    acknowledgements: broadcast::Sender<AckSignal>,
}

impl Hub {
    /// Creates the hub over `store`, whose blocks count in `budget`, and the follower that must run for anything to be delivered.
    pub async fn new(
        store: Store,
        config: Config,
        budget: &Budget,
        metrics: &Metrics,
    ) -> Result<(Hub, Follower), store::Error> {
        let follow = Follow::new(&*store.log, None);
        let head = follow.position();
        let channels = Channels::new(store.log.channels().await?);
        let channel_count = watch::Sender::new(channels.count());
        let counts = Counts::new(metrics, &store);
        let shared = Shared {
            ends: store.log.head(),
            store,
            budget: budget.clone(),
            bulk: Bulk::default(),
            feeds: Mutex::new(Feeds::new(head, budget.clone())),
            head: watch::Sender::new(head),
            clients: Clients::default(),
            denials: Denials::default(),
            channels: Mutex::new(channels),
            channel_count,
            admission: Admission::new(config.events_per_second),
            counts,
            purges: Arc::default(),
            closing: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            started: Instant::now(),
            acknowledgements: broadcast::Sender::new(readers::ACKNOWLEDGEMENTS_MAX),
        };
        let hub = Hub { shared: Arc::new(shared) };
        let follower = Follower::new(hub.clone(), follow);
        Ok((hub, follower))
    }

    /// Returns the identity of the log.
    pub fn epoch(&self) -> Epoch {
        self.extent().epoch
    }

    /// Returns the extent of the events that are kept.
    pub fn extent(&self) -> Head {
        *self.shared.ends.borrow()
    }

    /// Returns what is wrong with the store, although it works.
    pub fn store_health(&self) -> store::Health {
        self.shared.store.engine.health()
    }

    /// Returns the name of the store's engine.
    pub fn engine(&self) -> &'static str {
        self.shared.store.engine.name()
    }

    /// Returns the places for work that takes the processor for long.
    pub fn bulk(&self) -> &Bulk {
        &self.shared.bulk
    }

    /// Returns the last position of the log.
    pub fn last(&self) -> Position {
        self.extent().position()
    }

    /// Returns the position with `seq`.
    pub fn position(&self, seq: u64) -> Position {
        Position { epoch: self.epoch(), seq }
    }

    /// Returns the moment at which the hub started.
    pub fn started(&self) -> Instant {
        self.shared.started
    }

    /// Returns every channel with its rate in events per second and the number of live subscriptions that match it.
    pub fn channels(&self, by: &Principal) -> Vec<(ChannelRow, f64, usize)> {
        let rows = self.channel_rows(by);
        let feeds = self.feeds();
        rows.into_iter()
            .map(|(row, rate)| {
                let audience = feeds.audience_of(&row.channel);
                (row, rate, audience)
            })
            .collect()
    }

    /// Returns every channel with its rate in events per second, ordered by name.
    pub fn channel_rows(&self, _by: &Principal) -> Vec<(ChannelRow, f64)> {
        self.shared.channels.lock().unwrap_or_else(PoisonError::into_inner).list(clock::now())
    }

    /// Returns the number of channels as a receiver that is notified when a channel is added.
    pub fn channel_count(&self) -> watch::Receiver<usize> {
        self.shared.channel_count.subscribe()
    }

    /// Returns the last position that subscribers can have, as a receiver that is notified when it moves.
    pub fn moves(&self) -> watch::Receiver<Position> {
        self.shared.head.subscribe()
    }

    /// Returns the connections that `by` opened, oldest first.
    pub fn clients(&self, by: &Principal) -> Vec<Arc<Client>> {
        let mut clients = self.shared.clients.list();
        clients.retain(|client| self.owns(by, &client.principal.owner()));
        clients
    }

    /// Returns the number of connected clients.
    pub fn client_count(&self) -> usize {
        self.shared.clients.count()
    }

    /// Removes the rate limits of callers that have not pushed for a while.
    pub fn forget_idle_callers(&self) {
        self.shared.admission.forget_idle();
    }

    /// Tells every subscriber to come back later. A push in progress still completes; its events are read after
    /// the restart.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
        self.feeds().wake_all();
        // An error means that nobody is waiting.
        let _ = self.shared.acknowledgements.send(AckSignal::Closing);
    }

    /// Refuses pushes from now on: the log is about to close.
    pub fn refuse_pushes(&self) {
        self.shared.refusing.store(true, Ordering::Release);
    }

    /// Returns `true` if the hub is closing.
    pub fn is_closing(&self) -> bool {
        self.shared.closing.load(Ordering::Acquire)
    }

    /// Draws the delay after which a subscriber should come back, in milliseconds: spread out, so that they do not all
    /// come at once.
    pub fn retry_ms(&self) -> u64 {
        const SOONEST_MS: u64 = 500;
        // Ten thousand subscribers over two seconds are 5,000 per second, which one core can handle.
        const SPREAD_MS: u64 = 2_000;
        SOONEST_MS + rand::random_range(0..SPREAD_MS)
    }

    /// Counts a push that was refused because of `code`.
    pub fn count_refused_push(&self, code: Code) {
        self.counts().refused_push(code);
    }

    fn log(&self) -> &dyn Log {
        &*self.shared.store.log
    }

    fn ledger(&self) -> &dyn Ledger {
        &*self.shared.store.ledger
    }

    fn feeds(&self) -> MutexGuard<'_, Feeds> {
        // A panic could only leave behind a feed that lacks an event, which its subscribers find in the store.
        self.shared.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn head(&self) -> Position {
        *self.shared.head.borrow()
    }

    /// Waits until the feeds have everything that the log has at the time of the call, or have gone on in the log that
    /// replaced it. Returns the head of the log that the feeds are in.
    async fn caught_up(&self) -> Result<Head, store::Error> {
        let mut feeds = self.shared.head.subscribe();
        let mut wanted = self.extent();
        let is_there = |at: &Position| {
            let head = self.extent();
            if head.epoch != wanted.epoch {
                wanted = head;
            }
            at.epoch == wanted.epoch && at.seq >= wanted.last
        };
        feeds.wait_for(is_there).await.map_err(|_| store::Error::Closed)?;
        Ok(wanted)
    }

    fn budget(&self) -> &Budget {
        &self.shared.budget
    }

    fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    fn admission(&self) -> &Admission {
        &self.shared.admission
    }

    fn leave(&self, client: &Client) {
        self.shared.clients.remove(client.id);
        self.feeds().leave(&client.feed, client.joined_at, client.transport.is_live());
        self.counts().subscribers(client.transport).dec();
    }
}
