//! Requests that a caller waits for: tests, and events that are resent by hand.

use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::WebhookId;
use fanfare_core::{Audience, Code, Door, Event, Invalid, Position, Principal, Source, Stamp};
use fanfare_webhook::message_id::MessageId;
use fanfare_webhook::options::Options;
use fanfare_webhook::patch::Registration;
use fanfare_webhook::policy::Mode;
use fanfare_webhook::sample::Sample;

use crate::attempt::{self, Attempt, ByHand, Job};
use crate::recorder::Taken;
use crate::service::{WebhookError, Webhooks};
use crate::target::Target;
use crate::webhook::{Keys, Webhook};
use fanfare_hub::purges::Mark;
use fanfare_store::webhooks::DeliveryChange;

/// The message of a test event.
const TEST_MESSAGE: &str = "This is a test: your webhook is registered, and this is what events look like.";
/// The type of a test event: a name of the gateway, so that nobody can push an event that looks like a test.
const TEST_TYPE: &str = "fanfare.test";

impl Webhooks {
    /// Sends an event that is not in the log, even to a webhook that is paused; the outcome changes nothing. The rules
    /// are at least as strict as `mode`.
    pub async fn test(
        &self,
        by: &Principal,
        mode: Mode,
        id: &WebhookId,
        sample: Sample,
    ) -> Result<Arc<Attempt>, WebhookError> {
        let webhook = self.find(by, id)?.webhook();
        self.attempt_test(by, mode, &webhook, sample).await
    }

    /// Sends the same event to a URL that is not registered, as if it were, under rules at least as strict as `mode`.
    /// Nothing is kept.
    pub async fn try_out(
        &self,
        by: &Principal,
        mode: Mode,
        registration: Registration,
        sample: Sample,
    ) -> Result<Arc<Attempt>, WebhookError> {
        let Registration { url, name: _, options: patch, secret, start: _ } = registration;
        self.rules.now(mode).judge_url(&url).map_err(|refusal| Invalid::from(refusal).at("/webhook_url"))?;
        let mut options = Options::default();
        options.apply(patch)?;
        options.check_secret(secret.as_ref())?;
        options.check_url(&url)?;
        let webhook = Webhook {
            id: WebhookId::from_random(rand::random()),
            owner: by.owner(),
            name: None,
            url,
            mode: self.rules.mode(mode),
            options,
            keys: Keys::new(secret),
            created: self.parts.wall(),
            begins_after: self.hub().position(0),
            revision: 0,
        };
        self.attempt_test(by, mode, &webhook, sample).await
    }

    async fn attempt_test(
        &self,
        by: &Principal,
        mode: Mode,
        webhook: &Webhook,
        sample: Sample,
    ) -> Result<Arc<Attempt>, WebhookError> {
        let event = self.test_event(by, &sample)?;
        let by_hand = ByHand::Test(message_id("test")?);
        let mark = self.hub().purges().mark();
        let body = sample.body.map(|body| Bytes::from(body.as_str().to_owned()));
        self.attempt(mode, webhook, mark, Arc::new(event), body, by_hand).await
    }

    /// Creates the event of a test, which is not in the log.
    pub(super) fn test_event(&self, by: &Principal, sample: &Sample) -> Result<Event, Invalid> {
        let Sample { channel, event_type, message, data, priority, body: _ } = sample.clone();
        let Stamp { timestamp, arrival } = self.parts.wall().into();
        Ok(Event {
            position: self.hub().position(0),
            timestamp,
            arrival,
            channel: channel.unwrap_or_default(),
            event_type: event_type.map_or_else(|| TEST_TYPE.parse(), Ok)?,
            message: message.map_or_else(|| TEST_MESSAGE.into(), String::into_boxed_str),
            data,
            priority: priority.unwrap_or_default(),
            key: None,
            source: Source { principal: Arc::clone(by.name()), door: Door::Http, agent: None },
            audience: Audience::All,
            expires: None,
            original: None,
        })
    }

    /// Sends one event now, whether it was delivered before or not. With its own body it is the same delivery to the
    /// receiver, and once delivered it no longer waits. With another body it is a different message. Refuses an event
    /// with the audience `stream`. The rules are at least as strict as `mode`.
    pub async fn resend(
        &self,
        by: &Principal,
        mode: Mode,
        id: &WebhookId,
        position: Position,
        body: Option<Bytes>,
    ) -> Result<Arc<Attempt>, WebhookError> {
        let webhook = self.find(by, id)?.webhook();
        let mark = self.hub().purges().mark();
        // From the log, or from its delivery: one that waits is kept even if the log has lost its event.
        let event = self.event(by, id, position).await?;
        if event.audience == Audience::Stream {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                format!("event `{position}` has the audience `stream`, which keeps it from webhooks"),
                "push it again with the audience `all`",
            )
            .at("/event_id")
            .into());
        }
        let by_hand = match body {
            Some(_) => ByHand::Edited(message_id("edited")?),
            None => ByHand::Resend,
        };
        let is_same = by_hand == ByHand::Resend;
        let attempt = self.attempt(mode, &webhook, mark, event, body, by_hand).await?;
        if is_same && attempt.is_delivered() {
            self.write(vec![DeliveryChange::Remove { webhook: id.clone(), position }]).await?;
        }
        Ok(attempt)
    }

    /// Sends content chosen by a caller who is trusted no more than `mode`, under the stricter of the caller's
    /// and the webhook's rules.
    async fn attempt(
        &self,
        mode: Mode,
        webhook: &Webhook,
        mark: Mark,
        event: Arc<Event>,
        body: Option<Bytes>,
        by_hand: ByHand,
    ) -> Result<Arc<Attempt>, WebhookError> {
        let _permit = self.trials.try_acquire().map_err(|_| WebhookError::Busy)?;
        let target = Target::new(webhook, &self.hub().epoch().to_string()).under(mode);
        self.rules.now(target.mode).judge_url(&webhook.url).map_err(Invalid::from)?;
        let options = &webhook.options;
        let is_given = body.is_some();
        let job = Job {
            body: body.unwrap_or_else(|| options.body(&event).into()),
            unsendable: None,
            events: vec![Arc::clone(&event)],
            batch: None,
            number: 1,
            content_type: options.payload.content_type(options.batch.is_some()),
            original: None,
            by_hand: Some(by_hand),
            mark,
        };
        let job = if is_given { job } else { self.parts.filled(job, webhook).await? };
        let (dialer, now) = (&self.parts.dialer, self.parts.wall());
        let id = webhook.id.clone();
        let keys = webhook.signing_keys();
        let making = attempt::make(dialer, id, Arc::new(target), &keys, job, None, now);
        let mut stop = self.parts.finished.clone();
        let made = tokio::select! {
            made = making => made,
            () = stop.asked() => return Err(WebhookError::Stopping),
        };
        let attempt = made.attempt;
        self.parts.counts.attempt(&attempt);
        // The webhook may have been removed meanwhile.
        if let Some(entry) = self.registry.get(&webhook.id) {
            let (job, purges) = (&made.job, self.hub().purges());
            entry.remember(Arc::clone(&attempt), || purges.has_purged_any(&job.mark, &job.events));
            let row = DeliveryChange::Attempt(attempt.to_row());
            self.parts.recorder.put_attempt(Taken::from(job), row).await;
        }
        Ok(attempt)
    }
}

/// Creates an id that no receiver has seen.
fn message_id(kind: &str) -> Result<MessageId, Invalid> {
    format!("{kind}_{:016x}", rand::random::<u64>()).parse()
}
