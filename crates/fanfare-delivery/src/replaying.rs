//! Replaying and discarding deliveries.

use std::sync::Arc;

use fanfare_core::WebhookId;
use fanfare_core::{Arrival, Event, Filter, Pattern, Position, Principal};

use crate::missing::Missing;
use crate::registry::Entry;
use crate::service::{WebhookError, Webhooks};
use fanfare_hub::purges::Mark;
use fanfare_store::webhooks::{DeliveryChange, DeliveryRow, DeliveryStatus, ReadDeliveries};
use fanfare_store::{Order, Read};
use fanfare_webhook::selector::Selector;

/// Maximum deliveries that one call replays: as many as a worker keeps track of.
pub const REPLAY_MAX: usize = 10_000;
/// Maximum deliveries that are read, and recorded in one transaction.
const PAGE_LEN: usize = 500;
/// Maximum pages of the log that one call reads: a filter that matches little must not take long.
const PAGES_MAX: usize = 200;
/// The outcome of a delivery that is replayed by hand, until it is attempted.
const REPLAYED: &str = "replayed";

/// The deliveries to replay.
#[derive(Debug, Clone)]
pub enum Selection {
    /// The deliveries of these events, which were taken at this mark.
    Events(Mark, Vec<Arc<Event>>),
    /// The deliveries that failed.
    Failed(Range),
    /// The deliveries of events in the log that match the webhook.
    Log(Range),
}

/// A part of the log.
#[derive(Debug, Clone)]
pub struct Range {
    /// Only events after this position.
    pub after: Option<Position>,
    /// Only events that arrived at this time or later.
    pub since: Option<Arrival>,
    /// Only events that arrived before this time.
    pub until: Option<Arrival>,
    /// Only channels that match one of these; empty means all.
    pub patterns: Vec<Pattern>,
}

/// The result of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The number of deliveries that are replayed.
    pub count: usize,
    /// The number of those that were already waiting, and are only due sooner.
    pub waiting: usize,
    /// The position to continue after, if there is more.
    pub next: Option<Position>,
}

impl Range {
    fn contains(&self, event: &Event) -> bool {
        self.since.is_none_or(|since| event.arrival >= since)
            && self.until.is_none_or(|until| event.arrival < until)
            && (self.patterns.is_empty()
                || self.patterns.iter().any(|pattern| pattern.matches(&event.channel)))
    }
}

impl Webhooks {
    /// Replays deliveries, or only counts them if `is_dry`. Events that have not been sent for the first time yet are
    /// left alone. Each replayed delivery restarts its retry schedule.
    pub async fn replay(
        &self,
        by: &Principal,
        id: &WebhookId,
        selection: Selection,
        is_dry: bool,
    ) -> Result<Replayed, WebhookError> {
        let entry = self.find(by, id)?;
        // Wait until the worker's latest results are recorded.
        self.write(Vec::new()).await?;
        let replayed = match selection {
            Selection::Events(mark, mut events) => {
                events.sort_by_key(|event| event.position);
                let mut replayed = Replayed::default();
                let mut selector = Selector::new(entry.webhook().options.payload);
                self.put_again(&entry, &mark, events, &mut selector, is_dry, &mut replayed).await?;
                replayed
            }
            Selection::Failed(range) => self.replay_failed(&entry, range, is_dry).await?,
            Selection::Log(range) => self.replay_log(by, &entry, range, is_dry).await?,
        };
        if !is_dry {
            entry.nudge();
        }
        Ok(replayed)
    }

    /// Discards a delivery, which is then neither retried nor listed, and returns it as it was.
    pub async fn discard(
        &self,
        by: &Principal,
        id: &WebhookId,
        event: Position,
    ) -> Result<DeliveryRow, WebhookError> {
        let entry = self.find(by, id)?;
        self.write(Vec::new()).await?;
        let row = self.parts.ledger.delivery(id, event).await?;
        let row = row.ok_or(WebhookError::NotFound(Missing::Delivery(event)))?;
        self.write(vec![DeliveryChange::Remove { webhook: id.clone(), position: event }]).await?;
        entry.nudge();
        Ok(row)
    }

    async fn replay_failed(
        &self,
        entry: &Entry,
        range: Range,
        is_dry: bool,
    ) -> Result<Replayed, WebhookError> {
        let (mut replayed, mut after) = (Replayed::default(), range.after);
        for _ in 0..PAGES_MAX {
            let mark = self.hub().purges().mark();
            let room = REPLAY_MAX - replayed.count;
            let read = ReadDeliveries {
                webhook: entry.webhook().id.clone(),
                failed: Some(true),
                after,
                limit: PAGE_LEN.min(room),
            };
            let page = self.parts.ledger.deliveries(read).await?;
            let Some(last) = page.last() else { return Ok(replayed) };
            after = Some(last.event.position);
            let rows: Vec<DeliveryRow> = page.into_iter().filter(|row| range.contains(&row.event)).collect();
            self.put(&mark, rows, is_dry, &mut replayed).await?;
            if replayed.count == REPLAY_MAX {
                break;
            }
        }
        replayed.next = after;
        Ok(replayed)
    }

    async fn replay_log(
        &self,
        by: &Principal,
        entry: &Entry,
        range: Range,
        is_dry: bool,
    ) -> Result<Replayed, WebhookError> {
        let webhook = entry.webhook();
        let extent = self.hub().extent();
        // Past the cursor there are events that were sent before others.
        let early =
            entry.health().early.last().filter(|early| early.epoch == extent.epoch).map(|early| early.seq);
        let mut read = Read {
            epoch: extent.epoch,
            after: range.after.map_or(0, |after| extent.resume(after)).max(extent.before_oldest()),
            until: early.into_iter().fold(extent.resume(entry.cursor.get()), u64::max),
            filter: narrowed(&webhook.options.filter, &range.patterns),
            order: Order::Oldest,
            limit: PAGE_LEN,
            told: extent.removed(),
        };
        if let Some(since) = range.since {
            read.after = read.after.max(self.hub().seq_before(by, since).await?);
        }
        if let Some(until) = range.until {
            read.until = read.until.min(self.hub().seq_before(by, until).await?);
        }
        let (mut replayed, mut selector) = (Replayed::default(), Selector::new(webhook.options.payload));
        for _ in 0..PAGES_MAX {
            if read.after >= read.until {
                return Ok(replayed);
            }
            read.limit = PAGE_LEN.min(REPLAY_MAX - replayed.count);
            let mark = self.hub().purges().mark();
            let page = self.hub().history(by, read.clone()).await?;
            read.after = page.scanned;
            let wanted = |event: &Arc<Event>| entry.wants(event) && range.contains(event);
            let events = page.events.into_iter().filter(wanted).collect();
            self.put_again(entry, &mark, events, &mut selector, is_dry, &mut replayed).await?;
            if replayed.count == REPLAY_MAX {
                break;
            }
        }
        replayed.next =
            (read.after < read.until).then_some(Position { epoch: extent.epoch, seq: read.after });
        Ok(replayed)
    }

    /// Makes the deliveries of `events` due now, as far as these were sent: in the order of the log, and after those that
    /// passed `selector`.
    async fn put_again(
        &self,
        entry: &Entry,
        mark: &Mark,
        events: Vec<Arc<Event>>,
        selector: &mut Selector,
        is_dry: bool,
        replayed: &mut Replayed,
    ) -> Result<(), WebhookError> {
        let (webhook, cursor, health) = (entry.webhook(), entry.cursor.get(), entry.health());
        let (id, payload) = (webhook.id.clone(), webhook.options.payload);
        let mut rows = Vec::with_capacity(events.len());
        let is_sent = |event: &Arc<Event>| {
            let Position { epoch, seq } = event.position;
            epoch != cursor.epoch || seq <= cursor.seq || health.has_early(event, payload)
        };
        for event in events.into_iter().filter(is_sent) {
            let is_repeated = selector.repeats(&event);
            selector.pass(&event);
            if is_repeated {
                continue;
            }
            let row = self.parts.ledger.delivery(&id, event.position).await?;
            rows.push(row.unwrap_or_else(|| DeliveryRow {
                webhook: id.clone(),
                event,
                batch: None,
                attempts: 1,
                status: DeliveryStatus::Failed(self.parts.now()),
                failure: REPLAYED.into(),
            }));
        }
        self.put(mark, rows, is_dry, replayed).await
    }

    /// Makes the deliveries of `rows`, which were taken at `mark`, due now.
    async fn put(
        &self,
        mark: &Mark,
        rows: Vec<DeliveryRow>,
        is_dry: bool,
        replayed: &mut Replayed,
    ) -> Result<(), WebhookError> {
        replayed.count += rows.len();
        replayed.waiting += rows.iter().filter(|row| !row.status.is_failed()).count();
        if is_dry {
            return Ok(());
        }
        let now = self.parts.now();
        let due = |row: DeliveryRow| {
            // Count one attempt: with none, the delivery would count as one that has no row.
            let attempts = if row.status.is_failed() { 1 } else { row.attempts };
            DeliveryChange::Put(DeliveryRow {
                attempts,
                status: DeliveryStatus::Waiting(now),
                batch: None,
                ..row
            })
        };
        let purges = self.hub().purges();
        for chunk in rows.chunks(PAGE_LEN) {
            let _no_purge_begins = purges.hold().await;
            let left = chunk.iter().filter(|row| !purges.has_purged(mark, &row.event));
            let changes = left.cloned().map(due).collect();
            self.parts.ledger.record(Vec::new(), changes).await?;
        }
        Ok(())
    }
}

/// Returns the filter that the store reads with, narrowed to `patterns`. It may match more than both filters together;
/// each event is checked again.
fn narrowed(filter: &Filter, patterns: &[Pattern]) -> Filter {
    if patterns.is_empty() {
        return filter.clone();
    }
    Filter::new(patterns.to_vec(), filter.types().to_vec(), filter.min_priority(), filter.text())
        .unwrap_or_else(|_| filter.clone())
}
