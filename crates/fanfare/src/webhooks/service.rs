//! What doors do with webhooks.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::webhook::WebhookId;
use fanfare_core::webhook::breaker::OPEN_FIRST;
use fanfare_core::webhook::options::Options;
use fanfare_core::webhook::patch::Registration;
use fanfare_core::webhook::pause::FAILING_MAX_DEFAULT;
use fanfare_core::webhook::policy::Policy;
use fanfare_core::webhook::url::WebhookUrl;
use fanfare_core::{Code, Event, Invalid, NewEvent, Principal, Start};
use tokio::sync::watch;

use crate::clock;
use crate::hub::Hub;
use crate::hub::publish::PushError;
use crate::store;
use crate::store::webhooks::WebhookRow;
use crate::store::{Appended, Store};
use crate::telemetry::Metrics;
use crate::webhooks::client::ATTEMPT_MAX;
use crate::webhooks::client::dial::Dialer;
use crate::webhooks::dispatcher::{Dispatcher, Parts, Steady};
use crate::webhooks::first_attempts::{Expected, FirstAttempts};
use crate::webhooks::health::Health;
use crate::webhooks::recorder::{Recorder, Recording};
use crate::webhooks::registry::{Entry, Registry};
use crate::webhooks::rules::Rules;
use crate::webhooks::webhook::{Keys, Webhook};

/// A handle on the webhooks; cheap to clone.
#[derive(Debug, Clone)]
pub struct Webhooks {
    hub: Hub,
    store: Arc<dyn Store>,
    registry: Arc<Registry>,
    first_attempts: Arc<FirstAttempts>,
    rules: Rules,
}

/// What an operator may change.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where webhooks may be sent.
    pub policy: Policy,
    /// How long a webhook may fail without one success before it is paused; default five days.
    pub failing_max: Duration,
    /// How long an attempt may take, from the name to the end of the answer; default ten seconds.
    pub attempt_max: Duration,
    /// How long a breaker stays open the first time; default 15 seconds.
    pub open_first: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            policy: Policy::default(),
            failing_max: FAILING_MAX_DEFAULT,
            attempt_max: ATTEMPT_MAX,
            open_first: OPEN_FIRST,
        }
    }
}

/// What must run for webhooks to be sent.
#[derive(Debug)]
pub struct Work {
    /// Makes the attempts.
    pub dispatcher: Dispatcher,
    /// Writes down how far everybody is; runs longer than the dispatcher.
    pub recording: Recording,
}

/// What a pusher waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// That the events are durable.
    ForStore,
    /// That, and the first attempt at each webhook.
    ForWebhooks,
}

/// What became of a push.
#[derive(Debug, Clone)]
pub struct Published {
    /// As [`crate::hub::publish::Published::appended`].
    pub appended: Vec<Appended>,
    /// As [`crate::hub::publish::Published::stream_clients`].
    pub stream_clients: usize,
    /// How many webhooks answered the first attempt with 2xx, as far as that was waited for; of a batch, the event
    /// that has the most counts.
    pub webhooks_notified: usize,
    /// How many are registered.
    pub total_webhooks: usize,
}

/// Why nothing was registered or changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// What was said cannot be.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A registration that was accepted.
#[derive(Debug)]
pub struct Registered {
    /// The webhook.
    pub entry: Arc<Entry>,
    /// It is new: its secret is shown now, and never again.
    pub is_new: bool,
}

impl Webhooks {
    /// Takes up what the store has; nothing is sent before the work runs.
    pub async fn new(
        hub: Hub,
        store: Arc<dyn Store>,
        listeners: watch::Receiver<Vec<SocketAddr>>,
        config: Config,
        metrics: Metrics,
    ) -> anyhow::Result<(Webhooks, Work)> {
        let registry = Arc::new(Registry::new(store.webhooks().await?)?);
        let rules = Rules::new(config.policy, listeners);
        let first_attempts = Arc::new(FirstAttempts::default());
        let (recorder, recording) = Recorder::new(Arc::clone(&store), Arc::clone(&registry));
        let parts = Parts {
            hub: hub.clone(),
            store: Arc::clone(&store),
            dialer: Dialer::new(rules.clone(), config.attempt_max)?,
            recorder,
            first_attempts: Arc::clone(&first_attempts),
            metrics,
            failing_max: config.failing_max,
            open_first: config.open_first,
            steady: Steady::start(),
            ticks: watch::Sender::new(()),
        };
        let dispatcher = Dispatcher::new(Arc::new(parts), Arc::clone(&registry));
        let webhooks = Webhooks { hub, store, registry, first_attempts, rules };
        Ok((webhooks, Work { dispatcher, recording }))
    }

    /// Registers a webhook; one with that address is changed as the registration says.
    pub async fn register(&self, registration: Registration) -> Result<Registered, Refused> {
        let Registration { url, options: patch, secret, start } = registration;
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
            created: clock::now(),
        };
        let entry = self.save(webhook, cursor).await?;
        Ok(Registered { entry, is_new: true })
    }

    /// Gives the hub that they read from.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Forgets the webhook with an address; says whether there was one.
    pub async fn unregister(&self, url: &WebhookUrl) -> Result<bool, Refused> {
        let Some(entry) = self.registry.by_url(url.normalised()) else { return Ok(false) };
        self.remove(&entry.webhook().id).await
    }

    /// Forgets a webhook; says whether it was known.
    pub async fn remove(&self, id: &WebhookId) -> Result<bool, Refused> {
        let was_known = self.store.remove_webhook(id).await?;
        self.registry.remove(id);
        self.first_attempts.recount();
        Ok(was_known)
    }

    /// Gives all of them, the oldest first.
    pub fn list(&self) -> Vec<Arc<Entry>> {
        self.registry.list()
    }

    /// Counts them.
    pub fn count(&self) -> usize {
        self.registry.count()
    }

    /// Appends `events` as [`Hub::publish`] does. When it is to wait, it does so until every webhook that is sent
    /// something was tried once, for at most ten seconds. What an earlier push has appended is not sent again.
    pub async fn publish(
        &self,
        by: &Principal,
        address: Option<IpAddr>,
        events: Vec<NewEvent>,
        wait: Wait,
    ) -> Result<Published, PushError> {
        let is_waited_for = wait == Wait::ForWebhooks && self.count() > 0;
        let expected = is_waited_for.then(|| self.first_attempts.expect(self.hub.extent().last));
        let published = self.hub.publish(by, address, events).await?;
        let webhooks_notified = match expected {
            Some(expected) => self.notified(expected, &published.appended).await,
            None => 0,
        };
        Ok(Published {
            appended: published.appended,
            stream_clients: published.stream_clients,
            webhooks_notified,
            total_webhooks: self.count(),
        })
    }

    async fn notified(&self, expected: Expected<'_>, appended: &[Appended]) -> usize {
        let new = appended.iter().filter(|appended| !appended.repeated);
        let events: Vec<Arc<Event>> = new.map(|appended| Arc::clone(&appended.event)).collect();
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return 0 };
        let seqs = first.position.seq..=last.position.seq;
        expected.wait(seqs, || self.registry.audience(&events)).await
    }

    async fn cursor(&self, start: Option<Start>) -> Result<u64, Refused> {
        let extent = self.hub.extent();
        Ok(match start {
            None | Some(Start::Live) => extent.last,
            Some(Start::Earliest) => extent.first.saturating_sub(1),
            Some(Start::Since(moment)) => self.store.seq_before(moment.resolve(clock::now())).await?,
            Some(Start::After(position)) if position.epoch == self.hub.epoch() => {
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

    async fn save(&self, webhook: Webhook, cursor: u64) -> Result<Arc<Entry>, Refused> {
        let row = WebhookRow {
            id: webhook.id.clone(),
            url: webhook.url.normalised().into(),
            settings: webhook.settings(),
            state: Health::default().to_stored(),
            cursor,
            created: webhook.created,
        };
        let row = self.store.put_webhook(row).await?;
        Ok(self.registry.put(webhook, &row))
    }
}
