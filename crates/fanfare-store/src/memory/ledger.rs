//! The ledger: durable readers, sources, webhooks, and who sends them.

use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::{Filter, Position, SourceName, WebhookId};
use tokio::sync::watch;

use crate::memory::{Memory, State};
use crate::retention::FORGET_LEN_MAX;
use crate::{
    AttemptRow, Claim, DeliveryChange, DeliveryCounts, DeliveryRow, Error, InstanceId, Lease, Ledger, Purged,
    READERS_MAX, ReadAttempts, ReadDeliveries, ReaderKey, ReaderRow, SOURCES_MAX, Scope, SourceRow, Swept,
    WebhookRow,
};

#[async_trait]
impl Ledger for Memory {
    async fn open_reader(
        &self,
        reader: &ReaderKey,
        filter: &Filter,
        start: Position,
    ) -> Result<ReaderRow, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let acknowledged = state.log.head().clamp(start)?;
        if state.readers.len() >= READERS_MAX && !state.readers.contains_key(reader) {
            return Err(Error::TooManyReaders { max: READERS_MAX });
        }
        let row = state.readers.entry(reader.clone()).or_insert_with(|| ReaderRow {
            key: reader.clone(),
            acknowledged,
            filter: filter.clone(),
            updated: self.clock.time_of_day(),
        });
        row.updated = self.clock.time_of_day();
        Ok(row.clone())
    }

    async fn put_reader(
        &self,
        reader: &ReaderKey,
        filter: &Filter,
        position: Option<Position>,
    ) -> Result<(ReaderRow, bool), Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let head = state.log.head();
        let position = position.map(|position| head.clamp(position)).transpose()?;
        let known = state.readers.get(reader);
        if state.readers.len() >= READERS_MAX && known.is_none() {
            return Err(Error::TooManyReaders { max: READERS_MAX });
        }
        let is_new = known.is_none();
        let kept = known.map_or(head.position(), |known| known.acknowledged);
        let row = ReaderRow {
            key: reader.clone(),
            acknowledged: position.unwrap_or(kept),
            filter: filter.clone(),
            updated: self.clock.time_of_day(),
        };
        state.readers.insert(reader.clone(), row.clone());
        Ok((row, is_new))
    }

    async fn acknowledge(&self, reader: &ReaderKey, position: Position) -> Result<Option<ReaderRow>, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let head = state.log.head();
        let position = head.clamp(position)?;
        Ok(state.readers.get_mut(reader).map(|row| {
            if head.is_progress(row.acknowledged, position) {
                row.acknowledged = position;
                row.updated = self.clock.time_of_day();
            }
            row.clone()
        }))
    }

    async fn use_readers(&self, readers: Vec<ReaderKey>) -> Result<(), Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let now = self.clock.time_of_day();
        for key in readers {
            if let Some(row) = state.readers.get_mut(&key) {
                row.updated = now;
            }
        }
        Ok(())
    }

    async fn readers(&self) -> Result<Vec<ReaderRow>, Error> {
        let state = self.state();
        state.check_open()?;
        Ok(state.readers.values().cloned().collect())
    }

    async fn remove_reader(&self, reader: &ReaderKey) -> Result<Option<ReaderRow>, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        Ok(state.readers.remove(reader))
    }

    async fn sources(&self) -> Result<Vec<SourceRow>, Error> {
        let state = self.state();
        state.check_open()?;
        Ok(state.sources.values().cloned().collect())
    }

    async fn source(&self, name: &SourceName) -> Result<Option<SourceRow>, Error> {
        let state = self.state();
        state.check_open()?;
        Ok(state.sources.get(name).cloned())
    }

    async fn put_source(&self, source: SourceRow) -> Result<bool, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        if state.sources.len() >= SOURCES_MAX && !state.sources.contains_key(&source.name) {
            return Err(Error::TooManySources { max: SOURCES_MAX });
        }
        Ok(state.sources.insert(source.name.clone(), source).is_none())
    }

    async fn remove_source(&self, name: &SourceName) -> Result<bool, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        Ok(state.sources.remove(name).is_some())
    }

    async fn webhooks(&self) -> Result<Vec<WebhookRow>, Error> {
        let state = self.state();
        state.check_open()?;
        Ok(state.webhooks.rows())
    }

    fn revision(&self) -> watch::Receiver<u64> {
        self.state().revision.subscribe()
    }

    async fn insert_webhook(&self, webhook: WebhookRow) -> Result<WebhookRow, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let head = state.log.head();
        let row = state.webhooks.insert(webhook, head)?;
        state.count_revision();
        Ok(row)
    }

    async fn update_webhook(&self, webhook: WebhookRow, expected: u64) -> Result<WebhookRow, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let row = state.webhooks.update(&webhook, expected)?;
        state.count_revision();
        Ok(row)
    }

    async fn remove_webhook(&self, id: &WebhookId) -> Result<bool, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let is_known = state.webhooks.remove(id);
        if is_known {
            state.count_revision();
        }
        Ok(is_known)
    }

    async fn claim(
        &self,
        instance: InstanceId,
        wanted: Vec<WebhookId>,
        term: Duration,
    ) -> Result<Vec<Claim>, Error> {
        let mut state = self.state_mut();
        state.check_claims()?;
        let State { claims, webhooks, .. } = &mut *state;
        Ok(claims.claim(webhooks.registry(), instance, &wanted, term, self.clock.time_of_day()))
    }

    async fn renew(&self, leases: Vec<Lease>, term: Duration) -> Result<Vec<Lease>, Error> {
        let mut state = self.state_mut();
        state.check_claims()?;
        let State { claims, webhooks, .. } = &mut *state;
        Ok(claims.renew(webhooks.registry(), leases, term, self.clock.time_of_day()))
    }

    async fn release(&self, leases: Vec<Lease>) -> Result<(), Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let State { claims, webhooks, .. } = &mut *state;
        claims.release(webhooks.registry(), &leases);
        Ok(())
    }

    async fn record(&self, leases: Vec<Lease>, changes: Vec<DeliveryChange>) -> Result<(), Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        state.claims.check(state.webhooks.registry(), &leases)?;
        let head = state.log.head();
        for change in changes {
            if !state.is_of_purged(&change) {
                state.webhooks.change(change, head);
            }
        }
        Ok(())
    }

    async fn deliveries(&self, read: ReadDeliveries) -> Result<Vec<DeliveryRow>, Error> {
        let state = self.state();
        state.check_open()?;
        state.webhooks.deliveries(&read, state.log.head())
    }

    async fn delivery(&self, webhook: &WebhookId, event: Position) -> Result<Option<DeliveryRow>, Error> {
        let state = self.state();
        state.check_open()?;
        Ok(state.webhooks.delivery(webhook, event))
    }

    async fn delivery_counts(&self) -> Result<Vec<DeliveryCounts>, Error> {
        let state = self.state();
        state.check_open()?;
        Ok(state.webhooks.counts())
    }

    async fn attempts(&self, read: ReadAttempts) -> Result<Vec<AttemptRow>, Error> {
        let state = self.state();
        state.check_open()?;
        Ok(state.webhooks.attempts(&read))
    }

    async fn attempt(&self, id: u64) -> Result<Option<AttemptRow>, Error> {
        let state = self.state();
        state.check_open()?;
        Ok(state.webhooks.attempt(id))
    }

    async fn purge(&self, scope: &Scope) -> Result<Purged, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let events = state.log.purged_of(&scope.purge);
        Ok(state.webhooks.purge(scope, events))
    }

    async fn sweep(&self) -> Result<Swept, Error> {
        let mut state = self.state_mut();
        state.check_open()?;
        let now = self.clock.for_deleting().timestamp;
        let oldest = now.before(self.retention.readers);
        let mut idle: Vec<_> = state.readers.values().filter(|row| row.updated < oldest).collect();
        let has_more = idle.len() as u64 > FORGET_LEN_MAX;
        idle.truncate(FORGET_LEN_MAX as usize);
        let idle: Vec<_> = idle.into_iter().map(|row| row.key.clone()).collect();
        for key in &idle {
            state.readers.remove(key);
        }
        let mut swept = state.webhooks.sweep(self.retention, now);
        swept += Swept { readers: idle.len() as u64, has_more, ..Swept::default() };
        Ok(swept)
    }
}
