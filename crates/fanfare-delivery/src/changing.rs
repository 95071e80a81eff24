//! Changing webhooks: their settings, whether they are paused, and their signing keys.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Invalid, Principal, Timestamp, WebhookId};
use fanfare_webhook::patch::Change;
use fanfare_webhook::pause::{Failing, PauseReason, State};
use fanfare_webhook::policy::{Mode, Refusal};
use fanfare_webhook::rotation::Rotation;
use fanfare_webhook::secret::{Secret, SigningKey};
use fanfare_webhook::url::WebhookUrl;

use crate::health::Health;
use crate::registry::Entry;
use crate::service::{WebhookError, Webhooks};
use crate::webhook::Webhook;
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store as store;
use fanfare_store::webhooks::DeliveryChange;

/// Maximum time that a caller waits for a change to be recorded: longer than any commit takes, unless the disk is full.
const WRITING_MAX: Duration = Duration::from_secs(10);

/// A new key.
#[derive(Debug)]
pub enum NewKey {
    /// A shared secret; a random one if none is given.
    Secret(Option<Secret>),
    /// An ed25519 key pair.
    Ed25519,
}

/// The state in which a caller expects the webhook that it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Any state.
    Any,
    /// One of these revisions.
    OneOf(Vec<u64>),
}

impl Expected {
    /// Refuses a webhook that is in another state.
    pub(super) fn check(&self, webhook: &Webhook) -> Result<(), WebhookError> {
        let is_expected = match self {
            Expected::Any => true,
            Expected::OneOf(revisions) => revisions.contains(&webhook.revision),
        };
        match is_expected {
            true => Ok(()),
            false => Err(WebhookError::Changed { what: format!("webhook `{}`", webhook.id) }),
        }
    }
}

impl Webhooks {
    /// Changes the settings, the name or the URL of a webhook, if it is in the expected state. If the caller is not
    /// trusted with the webhook's current or new URL, nothing changes. Afterwards, the webhook is trusted no
    /// more than the caller.
    pub async fn change(
        &self,
        by: &Principal,
        mode: Mode,
        id: &WebhookId,
        change: Change,
        expected: &Expected,
    ) -> Result<Arc<Entry>, WebhookError> {
        let _one_at_a_time = self.changing.lock().await;
        let at_url = |refusal: Refusal| Invalid::from(refusal).at("/webhook_url");
        // Asked each time that the webhook is read: the revision that is judged is the one that the store compares.
        let change = |webhook: &mut Webhook| {
            expected.check(webhook)?;
            if let Some(name) = &change.name {
                webhook.name = name.clone();
            }
            // Who sends back a masked URL has not chosen it.
            let is_as_shown = |url: &WebhookUrl| url.is_masked() && url.reveal() == webhook.url.shown();
            match change.url.as_ref().filter(|url| !is_as_shown(url)) {
                Some(url) => {
                    if url.host() != webhook.url.host() {
                        self.check_room(url)?;
                    }
                    webhook.url =
                        WebhookUrl::parse_whole(url.reveal()).map_err(|error| error.at("/webhook_url"))?;
                    webhook.mode = self.rules.mode(mode);
                    self.rules.now(mode).judge_url(url).map_err(at_url)?;
                }
                None => self.admit(mode, webhook).map_err(at_url)?,
            }
            Ok(webhook.apply(change.options.clone())?)
        };
        self.alter(by, id, change).await
    }

    /// Replaces a key of a webhook. The previous key keeps signing beside the new one for `overlap`. If
    /// `overlap` is zero, no earlier key signs any more, because one of them has leaked. If the webhook is not
    /// in the expected state, or the caller is not trusted with its URL, the keys stay. Afterwards, the webhook
    /// is trusted no more than the caller.
    pub async fn rotate(
        &self,
        by: &Principal,
        mode: Mode,
        id: &WebhookId,
        key: NewKey,
        overlap: Duration,
        expected: &Expected,
    ) -> Result<Arc<Entry>, WebhookError> {
        let _one_at_a_time = self.changing.lock().await;
        // Receivers are told this time, and signing also compares with this clock.
        let now = self.parts.wall();
        reach(FailPoint::RotationBegun);
        // The key is created before the loop: a change that is repeated must stay the same change.
        let entry = match key {
            NewKey::Secret(secret) => {
                let own = secret.clone();
                let secret = secret.unwrap_or_else(|| Secret::from_random(rand::random()));
                let replace_secret = |webhook: &mut Webhook| {
                    expected.check(webhook)?;
                    self.admit(mode, webhook).map_err(Invalid::from)?;
                    webhook.options.check_secret(own.as_ref())?;
                    replace(&mut webhook.keys.secrets, secret.clone(), overlap, now)
                };
                self.alter(by, id, replace_secret).await?
            }
            NewKey::Ed25519 => {
                let key = SigningKey::from_seed(rand::random());
                let replace_pair = |webhook: &mut Webhook| {
                    expected.check(webhook)?;
                    self.admit(mode, webhook).map_err(Invalid::from)?;
                    replace(&mut webhook.keys.ed25519, key.clone(), overlap, now)
                };
                self.alter(by, id, replace_pair).await?
            }
        };
        reach(FailPoint::RotationWritten);
        Ok(entry)
    }

    /// Admits a change of a webhook that keeps its URL. A caller under the strict rules can change only a
    /// webhook whose URL those rules allow; the rules then apply to the webhook too.
    fn admit(&self, mode: Mode, webhook: &mut Webhook) -> Result<(), Refusal> {
        webhook.mode = webhook.mode.max(mode);
        match mode {
            Mode::Local => Ok(()),
            Mode::Locked => self.rules.now(mode).judge_url(&webhook.url),
        }
    }

    /// Pauses a webhook until it is resumed, if it is in the expected state. A webhook that is already paused keeps its
    /// reason.
    pub async fn pause(
        &self,
        by: &Principal,
        id: &WebhookId,
        expected: &Expected,
    ) -> Result<Arc<Entry>, WebhookError> {
        let _one_at_a_time = self.changing.lock().await;
        let now = self.parts.now();
        let entry = self.find(by, id)?;
        expected.check(&entry.webhook())?;
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

    /// Resumes a webhook, as if it had not failed before, if it is in the expected state.
    pub async fn resume(
        &self,
        by: &Principal,
        id: &WebhookId,
        expected: &Expected,
    ) -> Result<Arc<Entry>, WebhookError> {
        let _one_at_a_time = self.changing.lock().await;
        let entry = self.find(by, id)?;
        expected.check(&entry.webhook())?;
        let resume = |health: &mut Health| {
            health.state = State::Active;
            health.failing = Failing::default();
        };
        self.set_health(id, &entry, resume).await?;
        entry.set_held(false);
        // The worker reloads the definition, and with it starts with a closed breaker.
        entry.definition.send_modify(|_| {});
        entry.nudge();
        Ok(entry)
    }

    async fn set_health(
        &self,
        id: &WebhookId,
        entry: &Entry,
        change: impl FnOnce(&mut Health),
    ) -> Result<(), WebhookError> {
        entry.change_health(change);
        self.in_time(self.parts.recorder.put_health(id.clone())).await
    }

    /// Waits until `changes` are recorded, after the earlier changes of the workers.
    pub(super) async fn write(&self, changes: Vec<DeliveryChange>) -> Result<(), WebhookError> {
        let putting = async {
            for change in changes {
                self.parts.recorder.put(change).await;
            }
        };
        self.in_time(putting).await
    }

    async fn in_time(&self, putting: impl Future<Output = ()>) -> Result<(), WebhookError> {
        let writing = async {
            putting.await;
            self.parts.recorder.flushed().await;
        };
        tokio::time::timeout(WRITING_MAX, writing).await.map_err(|_| {
            let problem = "a webhook change has not been recorded yet".to_owned();
            WebhookError::Store(store::Error::Other { problem })
        })
    }
}

/// Makes `key` the current key; the previous keys sign beside it for `overlap`.
fn replace<K>(keys: &mut Rotation<K>, key: K, overlap: Duration, now: Timestamp) -> Result<(), WebhookError> {
    keys.rotate(key, overlap, now)?;
    if overlap.is_zero() {
        keys.revoke_previous();
    }
    Ok(())
}
