//! Retries: the payload of an attempt that is not the first, with the same events under the same id.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanfare_core::wire::payload::{Batch, Payload};
use fanfare_core::{Event, Position, WebhookId};
use fanfare_webhook::limits::BATCH_EVENTS_MAX;

use crate::worker::retries::Parcel;
use fanfare_store as store;
use fanfare_store::Ledger;
use fanfare_store::webhooks::{DeliveryRow, ReadDeliveries};

/// Reads the deliveries of `parcel` that wait; empty if none do any more.
pub(super) async fn rows(
    ledger: &dyn Ledger,
    webhook: &WebhookId,
    parcel: Parcel,
) -> Result<Vec<DeliveryRow>, store::Error> {
    let first = parcel.first();
    let Some(batch) = parcel.batch() else {
        let row = ledger.delivery(webhook, first).await?;
        return Ok(row
            .into_iter()
            .filter(|row| !row.status.is_failed() && Parcel::from(row) == parcel)
            .collect());
    };
    let limit = BATCH_EVENTS_MAX as usize;
    let (mut rows, mut after) = (Vec::new(), Position { seq: first.seq.saturating_sub(1), ..first });
    loop {
        let read =
            ReadDeliveries { webhook: webhook.clone(), failed: Some(false), after: Some(after), limit };
        let page = ledger.deliveries(read).await?;
        let Some(last) = page.last() else { return Ok(rows) };
        after = last.event.position;
        rows.extend(page.into_iter().filter(|row| Parcel::from(row) == parcel));
        if after.epoch != first.epoch || after.seq >= batch.last {
            return Ok(rows);
        }
    }
}

/// Maximum rows that are read at once.
const PAGE_LEN: usize = 1_000;

/// Returns the seqs after `cursor` that have a row in the store: they were tried before the gateway ended without
/// saving that the cursor had passed them, and wait or failed. If they were sent from the log, the receiver
/// would get them twice.
pub(super) async fn settled(
    ledger: &dyn Ledger,
    webhook: &WebhookId,
    cursor: Position,
) -> Result<BTreeSet<u64>, store::Error> {
    let (mut settled, mut after) = (BTreeSet::new(), Some(cursor));
    loop {
        let read = ReadDeliveries { webhook: webhook.clone(), failed: None, after, limit: PAGE_LEN };
        let page = ledger.deliveries(read).await?;
        let Some(last) = page.last() else { return Ok(settled) };
        after = Some(last.event.position);
        let positions = page.iter().map(|row| row.event.position);
        settled
            .extend(positions.filter(|position| position.epoch == cursor.epoch).map(|position| position.seq));
    }
}

/// Creates the body.
pub(super) fn body(payload: Payload, is_batch: bool, events: &[Arc<Event>]) -> Vec<u8> {
    if let ([event], false) = (events, is_batch) {
        return payload.body(event);
    }
    let mut batch = Batch::new(payload, events.len());
    for event in events {
        // All of them fit the first time.
        batch.push(event);
    }
    batch.finish()
}
