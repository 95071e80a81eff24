//! Awaiting webhooks: a pusher can wait until each webhook that matches was tried once.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Event, WebhookId};
use fanfare_store::Appended;

use crate::first_attempts::Expected;
use crate::service::Webhooks;

/// The wait of one pusher, which begins before the push.
#[derive(Debug)]
pub struct Awaited<'a> {
    webhooks: &'a Webhooks,
    /// The first attempts and the time to wait for them; `None` if the pusher does not wait.
    expected: Option<(Expected<'a>, Duration)>,
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
    /// Starts to count first attempts, which the pusher waits for at most for `wait`; must be called before the push.
    pub fn expect(&self, wait: Duration) -> Awaited<'_> {
        let is_waited_for = !wait.is_zero() && self.count() > 0;
        let expected =
            is_waited_for.then(|| (self.parts.first_attempts.expect(self.hub().extent().last), wait));
        Awaited { webhooks: self, expected }
    }
}

impl Awaited<'_> {
    /// Waits until every matching webhook has been tried once with its event, the time is over, `enough` resolves,
    /// or the gateway stops. Events that an earlier push has appended are not sent again.
    pub async fn reached(self, appended: &[Appended], enough: impl Future<Output = ()>) -> Reached {
        let Awaited { webhooks, expected } = self;
        let webhooks_notified = match expected {
            Some((expected, time)) => notified(webhooks, expected, appended, time, enough).await,
            None => 0,
        };
        Reached { webhooks_notified, total_webhooks: webhooks.count() }
    }
}

async fn notified(
    webhooks: &Webhooks,
    expected: Expected<'_>,
    appended: &[Appended],
    time: Duration,
    enough: impl Future<Output = ()>,
) -> usize {
    let new = appended.iter().filter(|appended| !appended.repeated);
    let events: Vec<Arc<Event>> = new.map(|appended| Arc::clone(&appended.event)).collect();
    let is_sent = |id: &WebhookId| {
        webhooks.registry.get(id).is_some_and(|entry| !entry.is_held() && !entry.sender.is_elsewhere())
    };
    let mut stop = webhooks.parts.finished.clone();
    let enough = async {
        tokio::select! {
            // No attempts are made once the last worker has ended.
            () = stop.asked() => {}
            () = tokio::time::sleep(time) => {}
            () = enough => {}
        }
    };
    expected.wait(&webhooks.registry.audience(&events), is_sent, enough).await
}
