//! The ledger: changes go to the writer, and share its commits with appends.

use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::{Filter, Position, SourceName, WebhookId};
use tokio::sync::watch;

use crate::group::{Group, Size};
use crate::{Embedded, attempts, deliveries, webhooks};
use fanfare_store::{
    AttemptRow, Claim, DeliveryChange, DeliveryCounts, DeliveryRow, Error, InstanceId, Lease, Ledger, Purged,
    ReadAttempts, ReadDeliveries, ReaderKey, ReaderRow, Scope, SourceRow, Swept, WebhookRow,
};

#[async_trait]
impl Ledger for Embedded {
    async fn open_reader(
        &self,
        reader: &ReaderKey,
        filter: &Filter,
        start: Position,
    ) -> Result<ReaderRow, Error> {
        let (reader, filter) = (reader.clone(), filter.clone());
        self.writer.change(Size::ROW, move |group| Ok(group.open_reader(reader, filter, start))).await
    }

    async fn put_reader(
        &self,
        reader: &ReaderKey,
        filter: &Filter,
        position: Option<Position>,
    ) -> Result<(ReaderRow, bool), Error> {
        let (reader, filter) = (reader.clone(), filter.clone());
        self.writer.change(Size::ROW, move |group| Ok(group.put_reader(reader, filter, position))).await
    }

    async fn acknowledge(&self, reader: &ReaderKey, position: Position) -> Result<Option<ReaderRow>, Error> {
        let reader = reader.clone();
        self.writer.change(Size::ROW, move |group| Ok(group.acknowledge(reader, position))).await
    }

    async fn use_readers(&self, readers: Vec<ReaderKey>) -> Result<(), Error> {
        let note = move |group: &mut Group<'_>| {
            group.use_readers(readers);
            Ok(Ok(()))
        };
        self.writer.change(Size::ROW, note).await
    }

    async fn readers(&self) -> Result<Vec<ReaderRow>, Error> {
        self.shared.check_usable()?;
        Ok(self.shared.readers().values().cloned().collect())
    }

    async fn remove_reader(&self, reader: &ReaderKey) -> Result<Option<ReaderRow>, Error> {
        let reader = reader.clone();
        self.writer.change(Size::ROW, move |group| Ok(Ok(group.remove_reader(reader)))).await
    }

    async fn sources(&self) -> Result<Vec<SourceRow>, Error> {
        self.shared.check_usable()?;
        Ok(self.shared.sources().values().cloned().collect())
    }

    async fn source(&self, name: &SourceName) -> Result<Option<SourceRow>, Error> {
        self.shared.check_usable()?;
        Ok(self.shared.sources().get(name).cloned())
    }

    async fn put_source(&self, source: SourceRow) -> Result<bool, Error> {
        let size = Size { bytes: source.settings.len(), ..Size::ROW };
        self.writer.change(size, move |group| group.put_source(source)).await
    }

    async fn remove_source(&self, name: &SourceName) -> Result<bool, Error> {
        let name = name.clone();
        self.writer.change(Size::ROW, move |group| group.remove_source(name).map(Ok)).await
    }

    async fn webhooks(&self) -> Result<Vec<WebhookRow>, Error> {
        self.shared.check_usable()?;
        Ok(self.shared.webhooks().rows())
    }

    fn revision(&self) -> watch::Receiver<u64> {
        self.shared.watch_revision()
    }

    async fn insert_webhook(&self, row: WebhookRow) -> Result<WebhookRow, Error> {
        self.writer.change(webhooks::size(&row), move |group| group.insert_webhook(row)).await
    }

    async fn update_webhook(&self, row: WebhookRow, expected: u64) -> Result<WebhookRow, Error> {
        self.writer.change(webhooks::size(&row), move |group| group.update_webhook(&row, expected)).await
    }

    async fn remove_webhook(&self, id: &WebhookId) -> Result<bool, Error> {
        let id = id.clone();
        self.writer.change(Size::ROW, move |group| group.remove_webhook(&id).map(Ok)).await
    }

    async fn claim(
        &self,
        instance: InstanceId,
        wanted: Vec<WebhookId>,
        term: Duration,
    ) -> Result<Vec<Claim>, Error> {
        self.writer
            .between(move |state| {
                let now = state.shared.clock.time_of_day();
                state.volatile.claims.claim(&state.ahead.webhooks, instance, &wanted, term, now)
            })
            .await
    }

    async fn renew(&self, leases: Vec<Lease>, term: Duration) -> Result<Vec<Lease>, Error> {
        self.writer
            .between(move |state| {
                let now = state.shared.clock.time_of_day();
                state.volatile.claims.renew(&state.ahead.webhooks, leases, term, now)
            })
            .await
    }

    async fn release(&self, leases: Vec<Lease>) -> Result<(), Error> {
        self.writer.between(move |state| state.volatile.claims.release(&state.ahead.webhooks, &leases)).await
    }

    async fn record(&self, leases: Vec<Lease>, changes: Vec<DeliveryChange>) -> Result<(), Error> {
        self.writer
            .change(webhooks::size_of_changes(&changes), move |group| group.record(&leases, changes))
            .await
    }

    async fn deliveries(&self, read: ReadDeliveries) -> Result<Vec<DeliveryRow>, Error> {
        if let Some(position) = read.after
            && self.shared.epochs.number(position.epoch).is_none()
        {
            return Err(Error::EpochChanged { position, epoch: self.shared.epoch });
        }
        self.deliveries_page(read).await
    }

    async fn delivery(&self, webhook: &WebhookId, event: Position) -> Result<Option<DeliveryRow>, Error> {
        let Some(before) = event.seq.checked_sub(1) else { return Ok(None) };
        let after = Some(Position { seq: before, ..event });
        let read = ReadDeliveries { webhook: webhook.clone(), failed: None, after, limit: 1 };
        match self.deliveries(read).await {
            Ok(mut rows) => Ok(rows.pop().filter(|row| row.event.position == event)),
            Err(Error::EpochChanged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn delivery_counts(&self) -> Result<Vec<DeliveryCounts>, Error> {
        self.shared.check_usable()?;
        Ok(self.shared.webhooks().counts())
    }

    async fn attempts(&self, read: ReadAttempts) -> Result<Vec<AttemptRow>, Error> {
        self.with_reader(move |shared, conn| attempts::page(shared, conn, &read)).await
    }

    async fn attempt(&self, id: u64) -> Result<Option<AttemptRow>, Error> {
        self.with_reader(move |shared, conn| attempts::find(shared, conn, id)).await
    }

    async fn purge(&self, scope: &Scope) -> Result<Purged, Error> {
        self.purge_kept(scope).await
    }

    async fn sweep(&self) -> Result<Swept, Error> {
        self.writer.forget().await
    }
}

impl Embedded {
    /// Reads a page of deliveries, and removes deliveries whose events are damaged.
    async fn deliveries_page(&self, read: ReadDeliveries) -> Result<Vec<DeliveryRow>, Error> {
        let webhook = read.webhook.clone();
        let page = self.with_reader(move |shared, conn| deliveries::page(shared, conn, &read)).await?;
        if !page.damaged.is_empty() {
            for event in &page.damaged {
                tracing::error!(%webhook, %event, "a delivery is given up, because its event is damaged");
            }
            let remove = |position| DeliveryChange::Remove { webhook: webhook.clone(), position };
            self.record(Vec::new(), page.damaged.into_iter().map(remove).collect()).await?;
        }
        Ok(page.rows)
    }
}
