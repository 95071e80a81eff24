//! Memory, for tests and demos: nothing survives the process.

mod events;
mod ledger;
mod originals;
mod purging;
mod read;
mod traces;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::{Arrival, Channel, Epoch, HttpMessage, Position, SourceName, Timestamp};
use tokio::sync::{broadcast, watch};

use crate::claims::Claims;
use crate::settlement::{Made, Settlement};
use crate::{
    Append, AppendId, Appended, ArrivalClock, Batch, COMMITTED_LEN_MAX, ChannelRow, Clock, DeliveryChange,
    Engine, Error, Head, Log, Page, Purged, Read, ReaderKey, ReaderRow, Retention, Scope, SourceRow, Swept,
};
use events::Events;
use webhooks::Webhooks;

/// A log in memory.
#[derive(Debug)]
pub struct Memory {
    clock: ArrivalClock,
    retention: Retention,
    /// Everything; held for short sections only, never across an `.await`.
    state: RwLock<State>,
}

/// The fate of an append that is sent to a remote engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// It happens, and its answer is lost.
    AnswerLost,
    /// It is in flight for an unknown time: [`Memory::arrive`] ends that.
    RequestDelayed,
    /// It cannot be sent.
    Unavailable {
        /// The delay before a retry.
        retry_after: Duration,
    },
}

#[derive(Debug)]
struct State {
    log: Events,
    settlement: Settlement,
    /// The fate of the next append.
    disturbance: Option<Disturbance>,
    /// Appends that have not arrived.
    delayed: Vec<Append>,
    readers: BTreeMap<ReaderKey, ReaderRow>,
    sources: BTreeMap<SourceName, SourceRow>,
    webhooks: Webhooks,
    claims: Claims,
    /// Whether claims fail; see [`Memory::refuse_claims`].
    refuses_claims: bool,
    /// Counts the changes to the set of webhooks.
    revision: watch::Sender<u64>,
    /// Appends that changed something: here each is a commit of its own.
    commits: u64,
    head: watch::Sender<Head>,
    /// The sender of committed events; gone once the store is closed.
    committed: Option<broadcast::Sender<Batch>>,
}

impl Memory {
    /// Starts an empty log with an epoch of its own.
    pub fn new(retention: Retention) -> Arc<Memory> {
        Memory::with_clock(retention, Clock::default())
    }

    /// Starts an empty log whose events are stamped by `clock`.
    pub fn with_clock(retention: Retention, clock: Clock) -> Arc<Memory> {
        let epoch = Epoch::from_random(rand::random());
        let log = Events::new(epoch, retention);
        let state = State {
            head: watch::Sender::new(log.head()),
            log,
            settlement: Settlement::default(),
            disturbance: None,
            delayed: Vec::new(),
            readers: BTreeMap::new(),
            sources: BTreeMap::new(),
            webhooks: Webhooks::default(),
            claims: Claims::default(),
            refuses_claims: false,
            revision: watch::Sender::new(0),
            commits: 0,
            committed: Some(broadcast::Sender::new(COMMITTED_LEN_MAX)),
        };
        let clock = ArrivalClock::start(clock, None);
        Arc::new(Memory { clock, retention, state: RwLock::new(state) })
    }

    /// Disturbs the next append as a remote engine can, for tests.
    pub fn disturb(&self, disturbance: Disturbance) {
        self.state_mut().disturbance = Some(disturbance);
    }

    /// Lets the delayed appends arrive; returns their outcomes.
    pub fn arrive(&self) -> Vec<Result<Vec<Appended>, Error>> {
        let mut state = self.state_mut();
        let delayed = std::mem::take(&mut state.delayed);
        delayed.into_iter().map(|append| self.append_now(&mut state, append)).collect()
    }

    /// Lets claims and renewals fail, or no longer, as if the engine could not be reached, for tests.
    pub fn refuse_claims(&self, refuses: bool) {
        self.state_mut().refuses_claims = refuses;
    }

    /// Loses the events after `at` and goes on under a new epoch, as a replica that takes over without the last events,
    /// for tests. Returns the head of the log that is left.
    pub fn lose(&self, at: u64) -> Head {
        let mut state = self.state_mut();
        let before = state.log.head();
        state.webhooks.know(before.epoch);
        state.log.lose(at, Epoch::from_random(rand::random()));
        let head = state.log.head();
        state.settlement.lose(head.last);
        state.publish_head();
        head
    }

    fn append_now(&self, state: &mut State, append: Append) -> Result<Vec<Appended>, Error> {
        let committed = state.committed.clone().ok_or(Error::Closed)?;
        if state.settlement.is_given_up(append.id) {
            return Err(Error::Settled { id: append.id });
        }
        let id = append.id;
        let answer = state.log.append(append, self.clock.stamp())?;
        state.settlement.note(Made::new(id, &answer));
        let batch: Vec<_> = answer
            .iter()
            .filter(|appended| !appended.repeated)
            .map(|appended| appended.event.clone())
            .collect();
        if !batch.is_empty() {
            state.commits += 1;
            state.publish_head();
            // Sent under the lock, so that batches go out in log order. There may be no followers.
            let _ = committed.send(batch.into());
        }
        Ok(answer)
    }

    /// Returns the state for reading. No section can panic halfway through a change, so poison is no news.
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check_open(&self) -> Result<(), Error> {
        self.committed.as_ref().map(|_| ()).ok_or(Error::Closed)
    }

    /// Fails while claims cannot be made.
    fn check_claims(&self) -> Result<(), Error> {
        self.check_open()?;
        match self.refuses_claims {
            true => Err(Error::Unavailable { retry_after: Duration::from_secs(1) }),
            false => Ok(()),
        }
    }

    /// Returns whether the change is the row of an event that the log has, but that was purged.
    fn is_of_purged(&self, change: &DeliveryChange) -> bool {
        matches!(change, DeliveryChange::Put(row) if self.log.is_purged(row.event.position))
    }

    /// Reports that the set of webhooks has changed.
    fn count_revision(&self) {
        self.revision.send_modify(|revision| *revision += 1);
    }

    /// Publishes the ends of the log.
    fn publish_head(&self) {
        let head = self.log.head();
        self.head.send_if_modified(|known| std::mem::replace(known, head) != head);
    }
}

#[async_trait]
impl Log for Memory {
    fn head(&self) -> watch::Receiver<Head> {
        self.state().head.subscribe()
    }

    fn committed(&self) -> broadcast::Receiver<Batch> {
        // A closed store returns a queue that ends at once.
        let committed = self.state().committed.clone().unwrap_or_else(|| broadcast::Sender::new(1));
        committed.subscribe()
    }

    async fn append(&self, append: Append) -> Result<Vec<Appended>, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let id = append.id;
        match state.disturbance.take() {
            None => self.append_now(&mut state, append),
            Some(Disturbance::Unavailable { retry_after }) => Err(Error::Unavailable { retry_after }),
            Some(Disturbance::AnswerLost) => {
                self.append_now(&mut state, append)?;
                Err(Error::Unknown { id })
            }
            Some(Disturbance::RequestDelayed) => {
                state.delayed.push(append);
                Err(Error::Unknown { id })
            }
        }
    }

    async fn settle(&self, id: AppendId) -> Result<Option<Vec<Appended>>, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let Some(made) = state.settlement.find(id) else {
            state.settlement.give_up(id);
            return Ok(None);
        };
        let found = made.events.iter().map(|(seq, repeated)| {
            let event = state.log.find(*seq)?;
            Some(Appended { event, repeated: *repeated })
        });
        found.collect::<Option<_>>().map(Some).ok_or_else(|| Error::removed(id))
    }

    async fn read(&self, read: Read) -> Result<Page, Error> {
        let state = self.state();
        state.check_open()?;
        state.log.head().clamp(read.start())?;
        Ok(state.log.read(&read, self.clock.now()))
    }

    async fn original(&self, event: Position) -> Result<Option<HttpMessage>, Error> {
        let state = self.state();
        state.check_open()?;
        Ok(state.log.original(event))
    }

    fn now(&self) -> Arrival {
        self.clock.now()
    }

    fn at(&self, moment: Timestamp) -> Arrival {
        self.clock.at(moment)
    }

    async fn seq_before(&self, moment: Arrival) -> Result<u64, Error> {
        let state = self.state();
        state.check_open()?;
        Ok(state.log.seq_before(moment))
    }

    async fn channels(&self) -> Result<Vec<ChannelRow>, Error> {
        let state = self.state();
        state.check_open()?;
        Ok(state.log.channels())
    }

    async fn forget_channels(&self, channels: Vec<Channel>) -> Result<Vec<Channel>, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        Ok(state.log.forget_channels(channels))
    }

    fn names(&self, event: Position) -> Vec<Position> {
        // A log in memory keeps its epoch for as long as it lives, except in tests: [`Memory::lose`].
        vec![event]
    }

    async fn purge(&self, scope: &Scope) -> Result<Option<Purged>, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        Ok(state.log.purge(scope))
    }

    async fn sweep(&self) -> Result<Swept, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let swept = state.log.sweep(self.clock.for_deleting().arrival, self.clock.now());
        state.publish_head();
        Ok(swept)
    }
}

#[async_trait]
impl Engine for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn commits(&self) -> u64 {
        self.state().commits
    }

    async fn failed(&self) -> Error {
        // Memory cannot fail with an unknown outcome.
        std::future::pending().await
    }

    async fn close(&self) {
        self.state_mut().committed = None;
    }
}
