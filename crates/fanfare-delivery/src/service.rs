//! What doors do with webhooks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::WebhookId;
use fanfare_core::{Event, Invalid, NewEvent, Principal, Via};
use fanfare_webhook::breaker::OPEN_FIRST;
use fanfare_webhook::pause::FAILING_MAX_DEFAULT;
use fanfare_webhook::policy::Policy;
use tokio::sync::{Semaphore, watch};

use crate::client::ATTEMPT_MAX;
use crate::client::dial::Dialer;
use crate::client::resolve::Resolver;
use crate::client::sockets::{SOCKETS_MAX, Sockets};
use crate::counts::Counts;
use crate::dispatcher::Dispatcher;
use crate::first_attempts::{Expected, FirstAttempts};
use crate::parts::{Parts, Steady};
use crate::recorder::{Recorder, Recording};
use crate::registry::{Entry, Registry};
use crate::rules::Rules;
use crate::webhook::Damaged;
use fanfare_hub::Hub;
use fanfare_hub::publish::PushError;
use fanfare_runtime::clock::Clock;
use fanfare_runtime::telemetry::Metrics;
use fanfare_store as store;
use fanfare_store::{Appended, Ledger};

/// A handle on the webhooks; cheap to clone. Each verb takes the principal who asks as its first argument.
#[derive(Debug, Clone)]
pub struct Webhooks {
    pub(super) parts: Arc<Parts>,
    pub(super) registry: Arc<Registry>,
    pub(super) rules: Rules,
    /// Held while a webhook is registered or changed: what is read, changed and written is one step.
    pub(super) changing: Arc<tokio::sync::Mutex<()>>,
    /// Permits for requests that somebody waits for.
    pub(super) trials: Arc<Semaphore>,
}

/// Most requests at a time that somebody waits for: tests, and events sent again by hand. Each may take ten seconds.
const TRIALS_MAX: usize = 16;

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
    /// Most connections to receivers that are open at a time, over all webhooks; default 4,096, and never more than a
    /// quarter of the descriptors that the process may open.
    pub sockets_max: usize,
    /// The clock on the wall.
    pub clock: Clock,
    /// Who is asked for the addresses of names.
    pub resolver: Resolver,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            policy: Policy::default(),
            failing_max: FAILING_MAX_DEFAULT,
            attempt_max: ATTEMPT_MAX,
            open_first: OPEN_FIRST,
            sockets_max: SOCKETS_MAX,
            clock: Clock::default(),
            resolver: Resolver::default(),
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
    /// As [`fanfare_hub::publish::Published::appended`].
    pub appended: Vec<Appended>,
    /// As [`fanfare_hub::publish::Published::stream_clients`].
    pub stream_clients: usize,
    /// How many webhooks answered the first attempt with 2xx, as far as that was waited for; of a batch, the last
    /// event that is for each counts.
    pub webhooks_notified: usize,
    /// How many are registered.
    pub total_webhooks: usize,
}

/// Why nothing was registered, changed or sent.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// As many requests as may be are being made because somebody asked.
    #[error("too many tests are under way")]
    Busy,
    /// It is not known, or not kept any more.
    #[error("there is no {what}")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// What was said cannot be.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why webhooks cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The certificates that this machine trusts cannot be loaded.
    #[error("the certificates that this machine trusts cannot be loaded: {0}")]
    Certificates(#[from] rustls::Error),
    /// A webhook of the store cannot be read.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Webhooks {
    /// Takes up what the store has; nothing is sent before the work runs.
    pub async fn new(
        hub: Hub,
        ledger: Arc<dyn Ledger>,
        listeners: watch::Receiver<Vec<SocketAddr>>,
        config: Config,
        metrics: &Metrics,
    ) -> Result<(Webhooks, Work), StartError> {
        let registry = Arc::new(Registry::new(ledger.webhooks().await?)?);
        let rules = Rules::new(config.policy, listeners);
        let first_attempts = Arc::new(FirstAttempts::default());
        let (recorder, recording) = Recorder::new(Arc::clone(&ledger), Arc::clone(&registry));
        let parts = Parts {
            hub: hub.clone(),
            ledger,
            dialer: Dialer::new(
                rules.clone(),
                config.resolver,
                config.attempt_max,
                Sockets::new(config.sockets_max),
            )?,
            recorder,
            first_attempts,
            counts: Counts::new(metrics),
            failing_max: config.failing_max,
            open_first: config.open_first,
            steady: Steady::start(config.clock.now()),
            clock: config.clock,
            ticks: watch::Sender::new(()),
        };
        let parts = Arc::new(parts);
        let dispatcher = Dispatcher::new(Arc::clone(&parts), Arc::clone(&registry));
        let webhooks = Webhooks {
            parts,
            registry,
            rules,
            changing: Arc::default(),
            trials: Arc::new(Semaphore::new(TRIALS_MAX)),
        };
        Ok((webhooks, Work { dispatcher, recording }))
    }

    /// Gives the hub that they read from.
    pub fn hub(&self) -> &Hub {
        &self.parts.hub
    }

    /// Returns a webhook of `by`.
    pub fn find(&self, by: &Principal, id: &WebhookId) -> Result<Arc<Entry>, Refused> {
        let found = self.registry.get(id).filter(|entry| self.is_own(by, entry));
        found.ok_or_else(|| Refused::NotFound { what: format!("webhook `{id}`") })
    }

    /// Returns the webhooks of `by`, the oldest first.
    pub fn list(&self, by: &Principal) -> Vec<Arc<Entry>> {
        let mut list = self.registry.list();
        list.retain(|entry| self.is_own(by, entry));
        list
    }

    fn is_own(&self, by: &Principal, entry: &Entry) -> bool {
        self.hub().owns(by, &entry.webhook().owner)
    }

    /// Counts all that are registered.
    pub fn count(&self) -> usize {
        self.registry.count()
    }

    /// Appends `events` as [`Hub::publish`] does. When it is to wait, it does so until every webhook that is sent
    /// something was tried once, for at most ten seconds. What an earlier push has appended is not sent again.
    pub async fn publish(
        &self,
        by: &Principal,
        via: &Via,
        events: Vec<NewEvent>,
        wait: Wait,
    ) -> Result<Published, PushError> {
        let is_waited_for = wait == Wait::ForWebhooks && self.count() > 0;
        let expected = is_waited_for.then(|| self.parts.first_attempts.expect(self.hub().extent().last));
        let published = self.hub().publish(by, via, events).await?;
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
        let is_sent = |id: &WebhookId| self.registry.get(id).is_some_and(|entry| !entry.is_held());
        expected.wait(&self.registry.audience(&events), is_sent).await
    }
}
