//! What can be done with webhooks: a call for each request.

mod answer;

pub use answer::{
    Attempt, Attempts, Batch, Deliveries, Delivery, Discarded, Kept, Outcome, Receipt, Receipts, Registered,
    Replayed, Request, Rotated, Said, Times, Webhook, Webhooks,
};
use reqwest::Method;
use serde_json::Value;

use crate::answer::Answer;
use crate::api::Api;
use crate::error::Error;

impl Api {
    /// Gives all webhooks.
    pub async fn webhooks(&self) -> Result<Answer<Webhooks>, Error> {
        self.call(self.request(Method::GET, "/api/webhooks?details=true")).await
    }

    /// Gives one webhook.
    pub async fn webhook(&self, id: &str) -> Result<Answer<Webhook>, Error> {
        self.call(self.request(Method::GET, &one(id, ""))).await
    }

    /// Registers a webhook; `body` has its address and what it wants.
    pub async fn register(&self, body: &Value) -> Result<Answer<Registered>, Error> {
        self.call(self.request(Method::POST, "/api/register").json(body)).await
    }

    /// Changes what `body` names.
    pub async fn change_webhook(&self, id: &str, body: &Value) -> Result<Answer<Webhook>, Error> {
        self.call(self.request(Method::PATCH, &one(id, "")).json(body)).await
    }

    /// Forgets a webhook.
    pub async fn forget_webhook(&self, id: &str) -> Result<Answer<Registered>, Error> {
        self.call(self.request(Method::DELETE, &one(id, ""))).await
    }

    /// Sends a webhook nothing until it is resumed.
    pub async fn pause_webhook(&self, id: &str) -> Result<Answer<Webhook>, Error> {
        self.call(self.request(Method::POST, &one(id, "/pause"))).await
    }

    /// Sends to a webhook again.
    pub async fn resume_webhook(&self, id: &str) -> Result<Answer<Webhook>, Error> {
        self.call(self.request(Method::POST, &one(id, "/resume"))).await
    }

    /// Sends a webhook an event that is in no log.
    pub async fn test_webhook(&self, id: &str) -> Result<Answer<Attempt>, Error> {
        self.call(self.request(Method::POST, &one(id, "/test"))).await
    }

    /// Puts a new key in the place of one.
    pub async fn rotate_secret(&self, id: &str, body: &Value) -> Result<Answer<Rotated>, Error> {
        self.call(self.request(Method::POST, &one(id, "/secret/rotate")).json(body)).await
    }

    /// Reads a page of attempts, the newest first.
    pub async fn attempts(&self, id: &str, query: &[(&str, String)]) -> Result<Answer<Attempts>, Error> {
        self.call(self.request(Method::GET, &one(id, "/attempts")).query(query)).await
    }

    /// Gives one attempt, with what was sent and what came back.
    pub async fn attempt(&self, id: &str) -> Result<Answer<Attempt>, Error> {
        self.call(self.request(Method::GET, &format!("/api/attempts/{id}"))).await
    }

    /// Reads a page of what waits and what was given up.
    pub async fn deliveries(&self, id: &str, query: &[(&str, String)]) -> Result<Answer<Deliveries>, Error> {
        self.call(self.request(Method::GET, &one(id, "/deliveries")).query(query)).await
    }

    /// Takes a delivery out: it is not tried again.
    pub async fn discard_delivery(&self, id: &str, event: &str) -> Result<Answer<Discarded>, Error> {
        self.call(self.request(Method::DELETE, &one(id, &format!("/deliveries/{event}")))).await
    }

    /// Sends one event now, perhaps with another body.
    pub async fn resend(
        &self,
        id: &str,
        event: &str,
        body: Option<&Value>,
    ) -> Result<Answer<Attempt>, Error> {
        let request = self.request(Method::POST, &one(id, &format!("/deliveries/{event}/resend")));
        let request = match body {
            Some(body) => request.json(&serde_json::json!({ "body": body })),
            None => request,
        };
        self.call(request).await
    }

    /// Makes deliveries again.
    pub async fn replay(&self, id: &str, body: &Value) -> Result<Answer<Replayed>, Error> {
        self.call(self.request(Method::POST, &one(id, "/replay")).json(body)).await
    }

    /// Says who has an event.
    pub async fn receipts(&self, event: &str) -> Result<Answer<Receipts>, Error> {
        self.call(self.request(Method::GET, &format!("/api/events/{event}/receipts"))).await
    }
}

fn one(id: &str, rest: &str) -> String {
    format!("/api/webhooks/{id}{rest}")
}
