//! Registering and unregistering webhooks.

use std::sync::Arc;

use fanfare_core::WebhookId;
use fanfare_core::{Code, Invalid, Start};
use fanfare_webhook::options::Options;
use fanfare_webhook::patch::Registration;
use fanfare_webhook::url::WebhookUrl;

use crate::health::Health;
use crate::registry::Entry;
use crate::service::{Refused, Webhooks};
use crate::webhook::{Keys, Webhook};
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store::webhooks::WebhookRow;

/// A registration that was accepted.
#[derive(Debug)]
pub struct Registered {
    /// The webhook.
    pub entry: Arc<Entry>,
    /// It is new: its secret is shown now, and never again.
    pub is_new: bool,
}

impl Webhooks {
    /// Registers a webhook; one with that address is changed as the registration says.
    pub async fn register(&self, registration: Registration) -> Result<Registered, Refused> {
        let Registration { url, options: patch, secret, start } = registration;
        let _one_at_a_time = self.changing.lock().await;
        self.rules.now().judge_url(&url).map_err(|refusal| Invalid::from(refusal).at("/webhook_url"))?;
        if let Some(known) = self.registry.by_url(url.normalised()) {
            let mut webhook = Webhook::clone(&known.webhook());
            webhook.options.apply(patch)?;
            self.save(webhook, 0).await?;
            return Ok(Registered { entry: known, is_new: false });
        }
        let mut options = Options::default();
        options.apply(patch)?;
        let cursor = self.cursor(start).await?;
        let webhook = Webhook {
            id: WebhookId::from_random(rand::random()),
            url,
            options,
            keys: Keys::new(secret),
            created: self.parts.wall(),
            begins_after: cursor,
        };
        let entry = self.save(webhook, cursor).await?;
        Ok(Registered { entry, is_new: true })
    }

    /// Forgets the webhook with an address; says whether there was one.
    pub async fn unregister(&self, url: &WebhookUrl) -> Result<bool, Refused> {
        let Some(entry) = self.registry.by_url(url.normalised()) else { return Ok(false) };
        self.remove(&entry.webhook().id).await
    }

    /// Forgets a webhook; says whether it was known.
    pub async fn remove(&self, id: &WebhookId) -> Result<bool, Refused> {
        reach(FailPoint::RemovalBegun);
        let was_known = self.parts.ledger.remove_webhook(id).await?;
        reach(FailPoint::RemovalWritten);
        self.registry.remove(id);
        self.parts.first_attempts.recount();
        Ok(was_known)
    }

    async fn cursor(&self, start: Option<Start>) -> Result<u64, Refused> {
        let extent = self.hub().extent();
        Ok(match start {
            None | Some(Start::Live) => extent.last,
            Some(Start::Earliest) => extent.first.saturating_sub(1),
            Some(Start::Since(moment)) => self.hub().seq_before(moment.resolve(self.parts.wall())).await?,
            Some(Start::After(position)) if position.epoch == self.hub().epoch() => {
                position.seq.min(extent.last)
            }
            Some(Start::After(_) | Start::Unreadable) => {
                return Err(Invalid::new(
                    Code::InvalidWebhook,
                    "the position is not of this log",
                    "use the id of an event that this gateway has, or `since`",
                )
                .at("/after")
                .into());
            }
        })
    }

    pub(super) async fn save(&self, webhook: Webhook, cursor: u64) -> Result<Arc<Entry>, Refused> {
        let row = WebhookRow {
            id: webhook.id.clone(),
            url: webhook.url.normalised().into(),
            settings: webhook.settings(),
            state: Health::default().to_stored(),
            cursor,
            created: webhook.created,
        };
        reach(FailPoint::WebhookBegun);
        let row = self.parts.ledger.put_webhook(row).await?;
        reach(FailPoint::WebhookWritten);
        Ok(self.registry.put(webhook, &row))
    }
}
