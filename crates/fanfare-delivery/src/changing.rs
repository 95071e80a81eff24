//! Changing webhooks: what each wants, whether it is sent to, what it signs with.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Invalid, Principal, Timestamp, WebhookId};
use fanfare_webhook::patch::Change;
use fanfare_webhook::pause::{Failing, PauseReason, State};
use fanfare_webhook::rotation::Rotation;
use fanfare_webhook::secret::{Secret, SigningKey};

use crate::health::Health;
use crate::registry::Entry;
use crate::service::{Refused, Webhooks};
use crate::webhook::Webhook;
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store as store;
use fanfare_store::webhooks::DeliveryChange;

/// How long somebody waits for a change to be written down: longer than any commit takes, unless the disk is full.
const WRITING_MAX: Duration = Duration::from_secs(10);

/// A new key.
#[derive(Debug)]
pub enum NewKey {
    /// The secret that is shared; a random one when none is given.
    Secret(Option<Secret>),
    /// The ed25519 pair.
    Ed25519,
}

impl Webhooks {
    /// Changes what a webhook wants, or where it is called.
    pub async fn change(
        &self,
        by: &Principal,
        id: &WebhookId,
        change: Change,
    ) -> Result<Arc<Entry>, Refused> {
        let _one_at_a_time = self.changing.lock().await;
        if let Some(url) = &change.url {
            self.rules.now().judge_url(url).map_err(|refusal| Invalid::from(refusal).at("/webhook_url"))?;
        }
        let change = |webhook: &mut Webhook| {
            if let Some(url) = &change.url {
                webhook.url = url.clone();
            }
            Ok(webhook.options.apply(change.options.clone())?)
        };
        self.alter(by, id, change).await
    }

    /// Puts a new key in the place of one; that signs beside it for `overlap`. Without overlap, it and all before it
    /// sign nothing any more: one of them has leaked.
    pub async fn rotate(
        &self,
        by: &Principal,
        id: &WebhookId,
        key: NewKey,
        overlap: Duration,
    ) -> Result<Arc<Entry>, Refused> {
        let _one_at_a_time = self.changing.lock().await;
        // Receivers are told until when, and signing asks this clock, too.
        let now = self.parts.wall();
        reach(FailPoint::RotationBegun);
        // The key is made before: a change that is made again is the same change.
        let entry = match key {
            NewKey::Secret(secret) => {
                let secret = secret.unwrap_or_else(|| Secret::from_random(rand::random()));
                self.alter(by, id, |webhook| replace(&mut webhook.keys.secrets, secret.clone(), overlap, now))
                    .await?
            }
            NewKey::Ed25519 => {
                let key = SigningKey::from_seed(rand::random());
                self.alter(by, id, |webhook| replace(&mut webhook.keys.ed25519, key.clone(), overlap, now))
                    .await?
            }
        };
        reach(FailPoint::RotationWritten);
        Ok(entry)
    }

    /// Sends nothing to a webhook until it is resumed. One that is paused keeps its reason.
    pub async fn pause(&self, by: &Principal, id: &WebhookId) -> Result<Arc<Entry>, Refused> {
        let now = self.parts.now();
        let entry = self.find(by, id)?;
        let pause = |health: &mut Health| {
            if !health.is_paused() {
                health.state = State::Paused { reason: PauseReason::ByHand, since: now };
            }
        };
        self.set_health(id, &entry, pause).await?;
        entry.set_held(true);
        self.parts.first_attempts.recount();
        entry.nudge();
        Ok(entry)
    }

    /// Sends to a webhook again, as if it had not failed before.
    pub async fn resume(&self, by: &Principal, id: &WebhookId) -> Result<Arc<Entry>, Refused> {
        let entry = self.find(by, id)?;
        let resume = |health: &mut Health| {
            health.state = State::Active;
            health.failing = Failing::default();
        };
        self.set_health(id, &entry, resume).await?;
        entry.set_held(false);
        // Its worker takes the definition anew, and with that a breaker that is closed.
        entry.definition.send_modify(|_| {});
        entry.nudge();
        Ok(entry)
    }

    async fn set_health(
        &self,
        id: &WebhookId,
        entry: &Entry,
        change: impl FnOnce(&mut Health),
    ) -> Result<(), Refused> {
        entry.change_health(change);
        self.in_time(self.parts.recorder.put_health(id.clone())).await
    }

    /// Has changes written down, after those of the workers that were made before.
    pub(super) async fn write(&self, changes: Vec<DeliveryChange>) -> Result<(), Refused> {
        let putting = async {
            for change in changes {
                self.parts.recorder.put(change).await;
            }
        };
        self.in_time(putting).await
    }

    async fn in_time(&self, putting: impl Future<Output = ()>) -> Result<(), Refused> {
        let writing = async {
            putting.await;
            self.parts.recorder.flushed().await;
        };
        tokio::time::timeout(WRITING_MAX, writing).await.map_err(|_| {
            let problem = "a change of a webhook is not written down yet".to_owned();
            Refused::Store(store::Error::Other { problem })
        })
    }
}

/// Signs with `key` from now on, and beside it for `overlap` with those before it.
fn replace<K>(keys: &mut Rotation<K>, key: K, overlap: Duration, now: Timestamp) -> Result<(), Refused> {
    keys.rotate(key, overlap, now)?;
    if overlap.is_zero() {
        keys.revoke_previous();
    }
    Ok(())
}
