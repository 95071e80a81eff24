//! Webhooks, deliveries and attempts to test with.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Event, Principal, WebhookId};
use fanfare_store::{
    AttemptFilter, AttemptRow, DeliveryChange, DeliveryRow, DeliveryStatus, Order, Read, ReadAttempts,
    ReadDeliveries, WebhookRow,
};

use crate::harness::Log;

pub fn id(number: usize) -> WebhookId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&(number as u64).to_be_bytes());
    WebhookId::from_random(random)
}

pub fn hook(log: &Log, number: usize) -> WebhookRow {
    WebhookRow {
        id: id(number),
        owner: Principal::local().owner(),
        name: None,
        url: format!("http://127.0.0.1/{number}").into(),
        settings: format!("{{\"number\":{number}}}").into(),
        state: "{}".into(),
        revision: 1,
        cursor: log.at(0),
        created: log.clock.now(),
    }
}

/// Reads an event of the log.
pub async fn event_of(log: &Log, seq: u64) -> Arc<Event> {
    let read = Read { after: seq - 1, until: seq, order: Order::Oldest, ..log.read() };
    log.page(read).await.events.pop().expect("it is kept")
}

/// Creates the change that lets an event wait for its next attempt.
pub async fn waiting(log: &Log, webhook: usize, seq: u64) -> DeliveryChange {
    let at = log.clock.now().after(Duration::from_secs(30));
    put(log, webhook, seq, DeliveryStatus::Waiting(at)).await
}

/// Creates the change that gives an event up now.
pub async fn failed(log: &Log, webhook: usize, seq: u64) -> DeliveryChange {
    put(log, webhook, seq, DeliveryStatus::Failed(log.clock.now())).await
}

async fn put(log: &Log, webhook: usize, seq: u64, status: DeliveryStatus) -> DeliveryChange {
    DeliveryChange::Put(DeliveryRow {
        webhook: id(webhook),
        event: event_of(log, seq).await,
        attempts: 1,
        status,
        failure: "timeout".into(),
        batch: None,
    })
}

pub fn remove(log: &Log, webhook: usize, seq: u64) -> DeliveryChange {
    DeliveryChange::Remove { webhook: id(webhook), position: log.at(seq) }
}

pub fn cursor(log: &Log, webhook: usize, seq: u64) -> DeliveryChange {
    DeliveryChange::Cursor { webhook: id(webhook), position: log.at(seq) }
}

pub fn attempt(log: &Log, webhook: usize, seq: u64, is_delivered: bool) -> DeliveryChange {
    DeliveryChange::Attempt(AttemptRow {
        id: 0,
        webhook: id(webhook),
        position: log.at(seq),
        last_seq: seq,
        number: 1,
        at: log.clock.now(),
        is_delivered,
        status: is_delivered.then_some(200),
        outcome: if is_delivered { "delivered" } else { "timeout" }.into(),
        detail: format!("{{\"seq\":{seq}}}").into(),
    })
}

pub fn of(webhook: usize) -> ReadDeliveries {
    ReadDeliveries { webhook: id(webhook), failed: None, after: None, limit: 1_000 }
}

pub fn all_attempts() -> ReadAttempts {
    ReadAttempts { webhook: None, seq: None, filter: AttemptFilter::default(), before: None, limit: 1_000 }
}

/// Returns the seqs of a page of delivery rows.
pub async fn seqs_of(log: &Log, read: ReadDeliveries) -> Vec<u64> {
    let rows = log.store.ledger.deliveries(read).await.expect("rows");
    rows.iter().map(|row| row.event.position.seq).collect()
}

/// Returns the ids of a page of attempts.
pub async fn ids_of(log: &Log, read: ReadAttempts) -> Vec<u64> {
    log.store.ledger.attempts(read).await.expect("rows").iter().map(|row| row.id).collect()
}

/// Returns the number of waiting and of failed deliveries.
pub async fn counts(log: &Log, webhook: usize) -> (u64, u64) {
    let counts = log.store.ledger.delivery_counts().await.expect("counts");
    let one = counts.iter().find(|one| one.webhook == id(webhook)).expect("it is registered");
    (one.waiting, one.failed)
}
