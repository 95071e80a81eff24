//! The requests for webhooks: a call for each.

use fanfare_api::history::Receipts;
use fanfare_api::webhooks::attempts::{Attempt, AttemptsPage};
use fanfare_api::webhooks::deliveries::{DeliveriesPage, Delivery};
use fanfare_api::webhooks::preview::{Preview, PreviewRequest};
use fanfare_api::webhooks::registration::{Change, Registered, Registration};
use fanfare_api::webhooks::replay::{Replay, Replayed};
use fanfare_api::webhooks::sample::{Sample, TrialRequest};
use fanfare_api::webhooks::secrets::{Rotated, Rotation};
use fanfare_api::webhooks::stats::WebhookStats;
use fanfare_api::webhooks::webhook::{NewWebhook, Webhook};
use fanfare_core::{Position, WebhookId};
use reqwest::Method;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::api::Api;
use crate::error::Error;

impl Api {
    /// Returns one webhook.
    pub async fn webhook(&self, id: &WebhookId) -> Result<Answer<Webhook>, Error> {
        self.call(self.request(Method::GET, &one(id, ""))).await
    }

    /// Returns the statistics of one webhook.
    pub async fn webhook_stats(&self, id: &WebhookId) -> Result<Answer<WebhookStats>, Error> {
        self.call(self.request(Method::GET, &one(id, "/stats"))).await
    }

    /// Creates a webhook. Fails if there is one with the same URL.
    pub async fn create_webhook(&self, wanted: &Registration) -> Result<Answer<NewWebhook>, Error> {
        self.call(self.request(Method::POST, "/api/webhooks").json(wanted)).await
    }

    /// Registers a webhook, or updates an existing one.
    pub async fn register(&self, registration: &Registration) -> Result<Answer<Registered>, Error> {
        self.call(self.request(Method::POST, "/api/register").json(registration)).await
    }

    /// Returns the id of the registered webhook; every gateway sends one.
    pub fn id_of(&self, registered: &Registered) -> Result<WebhookId, Error> {
        registered.id.clone().ok_or_else(|| Error::NotFanfare {
            url: self.server().to_owned(),
            problem: "it registered a webhook but returned no id".to_owned(),
        })
    }

    /// Changes the members that are present.
    pub async fn change_webhook(&self, id: &WebhookId, change: &Change) -> Result<Answer<Webhook>, Error> {
        self.call(self.request(Method::PATCH, &one(id, "")).json(change)).await
    }

    /// Deletes a webhook.
    pub async fn forget_webhook(&self, id: &WebhookId) -> Result<Answer<Webhook>, Error> {
        self.call(self.request(Method::DELETE, &one(id, ""))).await
    }

    /// Pauses a webhook until it is resumed.
    pub async fn pause_webhook(&self, id: &WebhookId) -> Result<Answer<Webhook>, Error> {
        self.call(self.request(Method::POST, &one(id, "/pause"))).await
    }

    /// Resumes a webhook.
    pub async fn resume_webhook(&self, id: &WebhookId) -> Result<Answer<Webhook>, Error> {
        self.call(self.request(Method::POST, &one(id, "/resume"))).await
    }

    /// Sends a webhook a test event, which is not stored in the log.
    pub async fn test_webhook(&self, id: &WebhookId, sample: &Sample) -> Result<Answer<Attempt>, Error> {
        self.call(self.request(Method::POST, &one(id, "/test")).json(sample)).await
    }

    /// Returns the body that a webhook would send.
    pub async fn preview_webhook(
        &self,
        id: &WebhookId,
        wanted: &PreviewRequest,
    ) -> Result<Answer<Preview>, Error> {
        self.call(self.request(Method::POST, &one(id, "/preview")).json(wanted)).await
    }

    /// Returns the body that a webhook would send if it were registered.
    pub async fn preview(&self, wanted: &TrialRequest) -> Result<Answer<Preview>, Error> {
        self.call(self.request(Method::POST, "/api/webhooks/preview").json(wanted)).await
    }

    /// Rotates a signing key.
    pub async fn rotate_secret(&self, id: &WebhookId, rotation: &Rotation) -> Result<Answer<Rotated>, Error> {
        self.call(self.request(Method::POST, &one(id, "/secret/rotate")).json(rotation)).await
    }

    /// Reads a page of attempts, newest first.
    pub async fn attempts(
        &self,
        id: &WebhookId,
        query: &[(&str, String)],
    ) -> Result<Answer<AttemptsPage<Box<RawValue>>>, Error> {
        self.call(self.request(Method::GET, &one(id, "/attempts")).query(query)).await
    }

    /// Returns one attempt, with the request and the response.
    pub async fn attempt(&self, id: &str) -> Result<Answer<Attempt>, Error> {
        self.call(self.request(Method::GET, &format!("/api/attempts/{id}"))).await
    }

    /// Returns a page of waiting and failed deliveries.
    pub async fn deliveries(
        &self,
        id: &WebhookId,
        query: &[(&str, String)],
    ) -> Result<Answer<DeliveriesPage<Box<RawValue>>>, Error> {
        self.call(self.request(Method::GET, &one(id, "/deliveries")).query(query)).await
    }

    /// Returns a page of waiting and failed deliveries of all webhooks.
    pub async fn all_deliveries(
        &self,
        query: &[(&str, String)],
    ) -> Result<Answer<DeliveriesPage<Box<RawValue>>>, Error> {
        self.call(self.request(Method::GET, "/api/deliveries").query(query)).await
    }

    /// Discards a delivery: it is not retried.
    pub async fn discard_delivery(&self, id: &WebhookId, event: Position) -> Result<Answer<Delivery>, Error> {
        self.call(self.request(Method::DELETE, &one(id, &format!("/deliveries/{event}")))).await
    }

    /// Sends one event now, optionally with another body.
    pub async fn resend(
        &self,
        id: &WebhookId,
        event: Position,
        body: Option<&Value>,
    ) -> Result<Answer<Attempt>, Error> {
        let request = self.request(Method::POST, &one(id, &format!("/deliveries/{event}/resend")));
        let request = match body {
            Some(body) => request.json(&serde_json::json!({ "body": body })),
            None => request,
        };
        self.call(request).await
    }

    /// Replays deliveries.
    pub async fn replay(&self, id: &WebhookId, replay: &Replay) -> Result<Answer<Replayed>, Error> {
        self.call(self.request(Method::POST, &one(id, "/replay")).json(replay)).await
    }

    /// Returns the recipients of an event.
    pub async fn receipts(&self, event: Position) -> Result<Answer<Receipts>, Error> {
        self.call(self.request(Method::GET, &format!("/api/events/{event}/receipts"))).await
    }
}

fn one(id: &WebhookId, rest: &str) -> String {
    format!("/api/webhooks/{id}{rest}")
}
