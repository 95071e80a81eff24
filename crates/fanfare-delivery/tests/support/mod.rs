//! Instances that share a store, and a receiver.

mod frozen;
mod receiver;

use std::time::Duration;

use fanfare_core::{Door, Principal, Via, WebhookId};
use fanfare_delivery::service::{Config, Webhooks, Work};
use fanfare_hub::Hub;
use fanfare_hub::publish::Published;
use fanfare_runtime::budget::Budget;
use fanfare_runtime::shutdown::Trigger;
use fanfare_runtime::telemetry::Metrics;
use fanfare_store::{Clock, Store};
use fanfare_store_suite::harness::{event, soon};
use fanfare_webhook::patch::{Patch, Registration};
use fanfare_webhook::policy::Mode;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) use frozen::Frozen;
pub(crate) use receiver::{Answer, Receiver};

/// The term of the claims: short, so that a claim is attempted each second.
pub(crate) const TERM: Duration = Duration::from_secs(3);

pub(crate) const VIA: Via = Via { door: Door::Http, address: None, agent: None };

/// A gateway without doors. It dies when it is dropped.
pub(crate) struct Instance {
    pub(crate) webhooks: Webhooks,
    hub: Hub,
    deliveries: Trigger,
    background: Trigger,
    /// The dispatcher.
    sending: JoinSet<()>,
    /// The follower and the recorder.
    others: JoinSet<()>,
}

impl Instance {
    pub(crate) async fn start(store: &Store) -> Instance {
        let metrics = Metrics::new();
        let (hub, follower) =
            Hub::new(store.clone(), fanfare_hub::Config::default(), &Budget::default(), &metrics)
                .await
                .expect("a hub");
        let (_, listeners) = watch::channel(Vec::new());
        let config = Config { claim_term: TERM, ..Config::default() };
        let (webhooks, Work { dispatcher, recording }) =
            Webhooks::new(hub.clone(), store.ledger.clone(), listeners, config, Clock::default(), &metrics)
                .await
                .expect("webhooks");
        let ((deliveries, stop), (background, end)) = (Trigger::new(), Trigger::new());
        let (mut sending, mut others) = (JoinSet::new(), JoinSet::new());
        sending.spawn(async move { dispatcher.run(stop).await.expect("it ends in order") });
        let stop = end.clone();
        others.spawn(async move { follower.run(stop).await.expect("it ends in order") });
        others.spawn(async move { recording.run(end).await.expect("it ends in order") });
        Instance { webhooks, hub, deliveries, background, sending, others }
    }

    /// Registers a receiver, which gets one event after the other.
    pub(crate) async fn register(&self, receiver: &Receiver) {
        let registration = Registration {
            name: None,
            url: receiver.url().parse().expect("a URL"),
            options: Patch::parse(b"{\"ordered\":true}").expect("a patch"),
            secret: None,
            start: None,
        };
        self.webhooks.register(&Principal::local(), Mode::Local, registration).await.expect("registered");
    }

    /// Waits until exactly these receivers are registered, as far as this instance knows.
    pub(crate) async fn knows(&self, receivers: &[&Receiver]) {
        let expected: Vec<String> = receivers.iter().map(|receiver| receiver.url()).collect();
        let urls = || {
            self.webhooks.list(&Principal::local()).into_iter().map(|entry| entry.webhook().url.to_string())
        };
        soon(async {
            while urls().collect::<Vec<_>>() != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// Returns the id of the only webhook.
    pub(crate) fn only_webhook(&self) -> WebhookId {
        self.webhooks.list(&Principal::local())[0].webhook().id.clone()
    }

    pub(crate) async fn push(&self, message: &str) -> Published {
        self.hub.publish(&Principal::local(), &VIA, vec![event(message)]).await.expect("pushed")
    }

    /// Stops in the order in which the gateway does.
    pub(crate) async fn stop(self) {
        self.deliveries.pull();
        self.sending.join_all().await;
        self.background.pull();
        self.others.join_all().await;
    }
}
