//! Awaiting webhooks: a pusher can wait until each webhook that matches was tried once.

use std::sync::Arc;

use fanfare_core::{Event, WebhookId};
use fanfare_store::Appended;

use crate::first_attempts::Expected;
use crate::service::Webhooks;

/// The condition that a pusher waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The events are durable.
    ForStore,
    /// The events are durable, and each webhook was tried once.
    ForWebhooks,
}

/// The wait of one pusher, which begins before the push.
#[derive(Debug)]
pub struct Awaited<'a> {
    webhooks: &'a Webhooks,
    /// `None` if the pusher does not wait.
    expected: Option<Expected<'a>>,
}

/// What a pusher learns of the webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The number of webhooks that responded to the first attempt with 2xx, as far as the push waited for them; for a
    /// batch, the last event that is for each one counts.
    pub webhooks_notified: usize,
    /// The number of registered webhooks.
    pub total_webhooks: usize,
}

impl Webhooks {
    /// Starts to count first attempts if `wait` asks for it; must be called before the push.
    pub fn expect(&self, wait: Wait) -> Awaited<'_> {
        let is_waited_for = wait == Wait::ForWebhooks && self.count() > 0;
        let expected = is_waited_for.then(|| self.parts.first_attempts.expect(self.hub().extent().last));
        Awaited { webhooks: self, expected }
    }
}

impl Awaited<'_> {
    /// Waits until every webhook that matches was tried once with its event, for at most ten seconds. Events that an
    /// earlier push has appended are not sent again.
    pub async fn reached(self, appended: &[Appended]) -> Reached {
        let Awaited { webhooks, expected } = self;
        let webhooks_notified = match expected {
            Some(expected) => notified(webhooks, expected, appended).await,
            None => 0,
        };
        Reached { webhooks_notified, total_webhooks: webhooks.count() }
    }
}

async fn notified(webhooks: &Webhooks, expected: Expected<'_>, appended: &[Appended]) -> usize {
    let new = appended.iter().filter(|appended| !appended.repeated);
    let events: Vec<Arc<Event>> = new.map(|appended| Arc::clone(&appended.event)).collect();
    let is_sent = |id: &WebhookId| {
        webhooks.registry.get(id).is_some_and(|entry| !entry.is_held() && !entry.sender.is_elsewhere())
    };
    expected.wait(&webhooks.registry.audience(&events), is_sent).await
}
