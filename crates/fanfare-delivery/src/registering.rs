//! Registering and unregistering webhooks.

use std::sync::Arc;

use fanfare_core::{Code, Invalid, Position, Principal, Start, WebhookId, WebhookName};
use fanfare_webhook::options::Options;
use fanfare_webhook::patch::Registration;
use fanfare_webhook::policy::Mode;
use fanfare_webhook::url::WebhookUrl;

use crate::changing::Expected;
use crate::health::Health;
use crate::registry::Entry;
use crate::service::{WebhookError, Webhooks};
use crate::webhook::{Keys, Webhook};
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store as store;
use fanfare_store::webhooks::WebhookRow;

/// A registration that was accepted.
#[derive(Debug)]
pub struct Registered {
    /// The webhook.
    pub entry: Arc<Entry>,
    /// The members that the registration changed; `None` if the webhook is new: only then is its secret shown, and only
    /// once.
    pub changed: Option<Vec<&'static str>>,
}

impl Webhooks {
    /// Creates a webhook that belongs to `by`, under rules at least as strict as `mode`. Fails if `by` already has one
    /// with its name or, without a name, with the same URL.
    pub async fn create(
        &self,
        by: &Principal,
        mode: Mode,
        wanted: Registration,
    ) -> Result<Arc<Entry>, WebhookError> {
        let _one_at_a_time = self.changing.lock().await;
        self.judge(mode, &wanted.url)?;
        let taken = match wanted.name.clone() {
            Some(name) => self.registry.by_name(by.owner(), name.clone()).map(|entry| {
                let webhook = entry.webhook().id.clone();
                store::Error::NameTaken { webhook, name }
            }),
            None => {
                let there = self.registry.at_url(by.owner(), wanted.url.normalised());
                there.first().map(|entry| store::Error::UrlTaken { webhook: entry.webhook().id.clone() })
            }
        };
        match taken {
            Some(taken) => Err(taken.into()),
            None => self.insert(by, mode, wanted).await,
        }
    }

    /// Registers a webhook that belongs to `by`, under rules at least as strict as `mode`. If `by` has the
    /// webhook that the name or the URL means, changes it to match the registration; fails if that would need another
    /// secret or position.
    pub async fn register(
        &self,
        by: &Principal,
        mode: Mode,
        registration: Registration,
    ) -> Result<Registered, WebhookError> {
        let _one_at_a_time = self.changing.lock().await;
        self.judge(mode, &registration.url)?;
        let Some(known) = self.meant(by, &registration.url, registration.name.as_ref())? else {
            return Ok(Registered { entry: self.insert(by, mode, registration).await?, changed: None });
        };
        let Registration { options: patch, secret, start, .. } = registration;
        let mut changed = Vec::new();
        let change = |webhook: &mut Webhook| {
            let before = webhook.clone();
            let fixed = |member| WebhookError::Fixed { webhook: before.id.clone(), member };
            if secret.as_ref().is_some_and(|secret| secret != webhook.keys.secrets.current()) {
                return Err(fixed("secret"));
            }
            match start {
                None => {}
                Some(Start::After(_) | Start::Unreadable) => return Err(fixed("after")),
                Some(Start::Live | Start::Earliest | Start::Since(_)) => return Err(fixed("since")),
            }
            webhook.mode = self.rules.mode(mode);
            webhook.apply(patch.clone())?;
            changed = webhook.options.differences(&before.options);
            if webhook.mode != before.mode {
                changed.push("locked");
            }
            Ok(())
        };
        let entry = self.alter(by, &known.webhook().id, change).await?;
        Ok(Registered { entry, changed: Some(changed) })
    }

    /// Fails if the rules refuse the URL to a caller who is trusted no more than `mode`.
    fn judge(&self, mode: Mode, url: &WebhookUrl) -> Result<(), Invalid> {
        self.rules.now(mode).judge_url(url).map_err(|refusal| Invalid::from(refusal).at("/webhook_url"))
    }

    /// Stores a new webhook; the caller holds `changing`.
    async fn insert(
        &self,
        by: &Principal,
        mode: Mode,
        wanted: Registration,
    ) -> Result<Arc<Entry>, WebhookError> {
        let Registration { url, name, options: patch, secret, start } = wanted;
        self.check_room(&url)?;
        let mut options = Options::default();
        options.apply(patch)?;
        options.check_secret(secret.as_ref())?;
        options.check_url(&url)?;
        let cursor = self.cursor(by, start).await?;
        let webhook = Webhook {
            id: WebhookId::from_random(rand::random()),
            owner: by.owner(),
            name,
            url,
            mode: self.rules.mode(mode),
            options,
            keys: Keys::new(secret),
            created: self.parts.wall(),
            begins_after: cursor,
            revision: 0,
        };
        reach(FailPoint::WebhookBegun);
        let row = self.parts.ledger.insert_webhook(row(&webhook)).await?;
        reach(FailPoint::WebhookWritten);
        let webhook = Webhook { revision: row.revision, ..webhook };
        Ok(self.registry.put(webhook, &row))
    }

    /// Fails if no further webhook can name the host of `url`; the caller holds `changing`.
    pub(super) fn check_room(&self, url: &WebhookUrl) -> Result<(), WebhookError> {
        let (host, max) = (url.host(), self.host_webhooks_max);
        match self.registry.count_at(host) >= max {
            true => Err(WebhookError::HostTaken { host: host.clone(), max }),
            false => Ok(()),
        }
    }

    /// Removes the webhook of `by` that a URL means, and a name if there is one; returns whether it existed.
    pub async fn unregister(
        &self,
        by: &Principal,
        url: &WebhookUrl,
        name: Option<&WebhookName>,
    ) -> Result<bool, WebhookError> {
        let Some(entry) = self.meant(by, url, name)? else { return Ok(false) };
        self.remove(by, &entry.webhook().id, &Expected::Any).await
    }

    /// Removes a webhook, if it is in the expected state; returns whether `by` had it.
    pub async fn remove(
        &self,
        by: &Principal,
        id: &WebhookId,
        expected: &Expected,
    ) -> Result<bool, WebhookError> {
        let _one_at_a_time = self.changing.lock().await;
        let Ok(entry) = self.find(by, id) else { return Ok(false) };
        expected.check(&entry.webhook())?;
        reach(FailPoint::RemovalBegun);
        let was_known = self.parts.ledger.remove_webhook(id).await?;
        reach(FailPoint::RemovalWritten);
        self.registry.remove(id);
        self.parts.first_attempts.recount();
        Ok(was_known)
    }

    async fn cursor(&self, by: &Principal, start: Option<Start>) -> Result<Position, WebhookError> {
        let extent = self.hub().extent();
        let seq = match start {
            None | Some(Start::Live) => extent.last,
            Some(Start::Earliest) => extent.before_oldest(),
            Some(Start::Since(moment)) => self.hub().seq_before(by, self.hub().arrival(moment)).await?,
            Some(Start::After(position)) if position.epoch == extent.epoch => position.seq.min(extent.last),
            Some(Start::After(_) | Start::Unreadable) => {
                return Err(Invalid::new(
                    Code::InvalidWebhook,
                    "the position does not belong to this log",
                    "use the id of an event that this gateway has, or `since`",
                )
                .at("/after")
                .into());
            }
        };
        Ok(Position { epoch: extent.epoch, seq })
    }

    /// Applies `change` to a webhook; the caller holds `changing`. If another instance has changed the webhook since it
    /// was read, it is read again and the change is applied to that: neither change undoes the other.
    pub(super) async fn alter(
        &self,
        by: &Principal,
        id: &WebhookId,
        mut change: impl FnMut(&mut Webhook) -> Result<(), WebhookError>,
    ) -> Result<Arc<Entry>, WebhookError> {
        loop {
            let mut webhook = Webhook::clone(&*self.find(by, id)?.webhook());
            change(&mut webhook)?;
            reach(FailPoint::WebhookBegun);
            let updated = self.parts.ledger.update_webhook(row(&webhook), webhook.revision).await;
            match updated {
                Ok(row) => {
                    reach(FailPoint::WebhookWritten);
                    let webhook = Webhook { revision: row.revision, ..webhook };
                    return Ok(self.registry.put(webhook, &row));
                }
                // Another instance made progress, so the loop ends.
                Err(store::Error::WebhookChanged { .. }) => self.read_again(id).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Replaces the entry of a webhook with what the store has.
    async fn read_again(&self, id: &WebhookId) -> Result<(), WebhookError> {
        let rows = self.parts.ledger.webhooks().await?;
        match rows.iter().find(|row| row.id == *id) {
            Some(row) => {
                let webhook = Webhook::from_row(row);
                let webhook =
                    webhook.map_err(|damaged| store::Error::Other { problem: damaged.to_string() })?;
                self.registry.put(webhook, row);
            }
            None => {
                self.registry.remove(id);
            }
        }
        Ok(())
    }
}

/// Creates the row of a webhook, which has just been registered if it is new.
fn row(webhook: &Webhook) -> WebhookRow {
    WebhookRow {
        id: webhook.id.clone(),
        owner: webhook.owner.clone(),
        name: webhook.name.clone(),
        url: webhook.url.normalised().into(),
        settings: webhook.settings(),
        state: Health::default().to_stored(),
        revision: webhook.revision,
        cursor: webhook.begins_after,
        created: webhook.created,
    }
}
