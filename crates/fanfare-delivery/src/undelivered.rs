//! Waiting and failed deliveries of all webhooks, page by page.

use std::sync::Arc;

use fanfare_core::{Position, Principal, WebhookId};

use crate::listing::{Place, RowPlace};
use crate::registry::Entry;
use crate::service::{WebhookError, Webhooks};
use fanfare_store::read::PAGE_BYTES_MAX;
use fanfare_store::webhooks::{DeliveryCounts, DeliveryRow, ReadDeliveries};

/// Maximum pages of the store that one call reads. Each has at least one row, unless the call is about one event.
const READS_MAX: usize = 200;

/// The deliveries to return: webhook by webhook, the oldest registration first, and those of each in log order.
#[derive(Debug, Clone, Default)]
pub struct DeliveryQuery {
    /// Only those of this webhook.
    pub webhook: Option<WebhookId>,
    /// Only failed ones (`true`), or only waiting ones (`false`).
    pub failed: Option<bool>,
    /// Only those of this event.
    pub event: Option<Position>,
    /// Only those after this place.
    pub after: Option<RowPlace<Position>>,
    /// Maximum deliveries to return.
    pub limit: usize,
}

impl Webhooks {
    /// Returns a page of the deliveries that wait or failed, and the place after which the next page starts. The page
    /// can be short, even empty, and have more behind it: one call reads only so much.
    pub async fn undelivered(
        &self,
        by: &Principal,
        wanted: DeliveryQuery,
    ) -> Result<(Vec<DeliveryRow>, Option<RowPlace<Position>>), WebhookError> {
        let mut webhooks = match &wanted.webhook {
            Some(id) => vec![self.find(by, id)?],
            None => self.list(by),
        };
        let counts = self.delivery_counts(by).await?;
        webhooks.retain(|entry| {
            let is_reached = wanted.after.as_ref().is_none_or(|after| Place::of(entry) >= after.webhook);
            is_reached && counts.get(&entry.webhook().id).is_some_and(|counts| has_any(counts, wanted.failed))
        });
        let mut found = Found { rows: Vec::new(), bytes: 0, reads: 0, last: wanted.after.clone() };
        for entry in &webhooks {
            if !self.read_on(entry, &wanted, &mut found).await? {
                return Ok((found.rows, found.last));
            }
        }
        Ok((found.rows, None))
    }

    /// Adds the deliveries of one webhook. Returns whether these were all: if not, the page is at its end.
    async fn read_on(
        &self,
        entry: &Arc<Entry>,
        wanted: &DeliveryQuery,
        found: &mut Found,
    ) -> Result<bool, WebhookError> {
        let (id, webhook) = (entry.webhook().id.clone(), Place::of(entry));
        let mut after = wanted.event.map(|event| Position { seq: event.seq.saturating_sub(1), ..event });
        if let Some(last) = wanted.after.as_ref().filter(|last| last.webhook == webhook) {
            let Some(event) = last.row.filter(|_| wanted.event.is_none()) else { return Ok(true) };
            after = Some(event);
        }
        loop {
            // A page that is full asks only whether there is more.
            let is_full = found.rows.len() >= wanted.limit || found.bytes >= PAGE_BYTES_MAX;
            if found.reads == READS_MAX {
                return Ok(false);
            }
            let limit = if is_full || wanted.event.is_some() { 1 } else { wanted.limit - found.rows.len() };
            let read = ReadDeliveries { webhook: id.clone(), failed: wanted.failed, after, limit };
            let mut rows = self.parts.ledger.deliveries(read).await?;
            found.reads += 1;
            if let Some(event) = wanted.event {
                rows.retain(|row| row.event.position == event);
            }
            let Some(last) = rows.last().map(|row| row.event.position) else {
                found.last = Some(RowPlace { webhook, row: None });
                return Ok(true);
            };
            if is_full {
                return Ok(false);
            }
            after = Some(last);
            found.bytes += rows.iter().map(|row| row.event.stored_len()).sum::<u64>();
            found.rows.append(&mut rows);
            let is_one = wanted.event.is_some();
            found.last = Some(RowPlace { webhook: webhook.clone(), row: Some(last).filter(|_| !is_one) });
            if is_one {
                return Ok(true);
            }
        }
    }
}

/// The page so far.
struct Found {
    rows: Vec<DeliveryRow>,
    bytes: u64,
    reads: usize,
    /// The place up to which everything was read.
    last: Option<RowPlace<Position>>,
}

fn has_any(counts: &DeliveryCounts, failed: Option<bool>) -> bool {
    match failed {
        None => counts.waiting + counts.failed > 0,
        Some(true) => counts.failed > 0,
        Some(false) => counts.waiting > 0,
    }
}
