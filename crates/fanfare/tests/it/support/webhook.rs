//! Webhooks of a gateway: registering them, and examining their deliveries.

use std::sync::Arc;

use fanfare_core::{Principal, WebhookId};
use fanfare_delivery::attempt::Attempt;
use fanfare_delivery::changing::Expected;
use fanfare_delivery::registry::Entry;
use fanfare_store::{AttemptFilter, AttemptRow, DeliveryRow, ReadAttempts, ReadDeliveries};
use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::receiver::Receiver;
use crate::support::until;

/// A webhook that was registered.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) id: WebhookId,
    pub(crate) secret: String,
}

impl Gateway {
    /// Registers a receiver, with members besides its address.
    pub(crate) async fn register(&self, receiver: &Receiver, options: Value) -> Hook {
        self.register_url(&receiver.url(), options).await
    }

    pub(crate) async fn register_url(&self, url: &str, mut options: Value) -> Hook {
        options["webhook_url"] = json!(url);
        let answer = self.post_json("/api/register", &options).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = answer.json();
        Hook {
            id: answer["id"].as_str().expect("an id").parse().expect("an id"),
            secret: answer["secret"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// Pushes without waiting for webhooks, and returns the event's id.
    pub(crate) async fn push_only(&self, channel: &str, message: &str) -> String {
        let body = json!({ "channel": channel, "message": message });
        let answer = self.post_json("/api/push?wait=0s", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Pushes events whose messages are the numbers from 0 on, in one batch.
    pub(crate) async fn push_numbers(&self, count: usize) {
        let events = (0..count).map(|number| json!({ "message": number.to_string() })).collect();
        let answer = self.post_json("/api/push?wait=0s", &Value::Array(events)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Removes a webhook that is registered.
    pub(crate) async fn remove(&self, hook: &Hook) {
        let was_known = self.webhooks.remove(&Principal::local(), &hook.id, &Expected::Any).await;
        assert!(was_known.expect("removed"));
    }

    pub(crate) fn entry(&self, hook: &Hook) -> Arc<Entry> {
        let found =
            self.webhooks.list(&Principal::local()).into_iter().find(|entry| entry.webhook().id == hook.id);
        found.expect("a webhook that is registered")
    }

    /// Waits until everything up to the log's end is done for a webhook, or waits to be tried again.
    pub(crate) async fn is_done(&self, hook: &Hook) {
        let entry = self.entry(hook);
        until("the webhook's cursor", async || (entry.cursor.get() == self.hub.last()).then_some(())).await;
    }

    /// Returns the newest attempts, the newest last.
    pub(crate) fn recent(&self, hook: &Hook) -> Vec<Arc<Attempt>> {
        self.entry(hook).recent().into_iter().rev().collect()
    }

    /// Waits until this many attempts have ended, and returns their categories.
    pub(crate) async fn outcomes(&self, hook: &Hook, count: usize) -> Vec<&'static str> {
        until("attempts", async || {
            let recent = self.recent(hook);
            (recent.len() >= count).then(|| recent.iter().map(|one| one.outcome.as_str()).collect())
        })
        .await
    }

    /// Returns the undelivered events of a webhook, according to the store.
    pub(crate) async fn rows(&self, hook: &Hook) -> Vec<DeliveryRow> {
        let read = ReadDeliveries { webhook: hook.id.clone(), failed: None, after: None, limit: 1_000 };
        self.store.ledger.deliveries(read).await.expect("rows")
    }

    /// Waits until the store has this many failed deliveries of a webhook and nothing that waits, and returns them.
    pub(crate) async fn failed_deliveries(&self, hook: &Hook, count: usize) -> Vec<DeliveryRow> {
        until("failed deliveries", async || {
            let rows = self.rows(hook).await;
            (rows.len() == count && rows.iter().all(|row| row.status.is_failed())).then_some(rows)
        })
        .await
    }

    /// Returns the failed attempts in the store, oldest first.
    pub(crate) async fn failed_attempts(&self, hook: &Hook) -> Vec<AttemptRow> {
        let webhook = Some(hook.id.clone());
        let read =
            ReadAttempts { webhook, seq: None, filter: AttemptFilter::default(), before: None, limit: 1_000 };
        let mut rows = self.store.ledger.attempts(read).await.expect("attempts");
        rows.reverse();
        rows
    }
}
