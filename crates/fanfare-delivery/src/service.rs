//! The service: everything that doors do with webhooks.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::refusal::Refusal;
use fanfare_core::{Code, Endpoint, WebhookId, WebhookName};
use fanfare_core::{Invalid, Principal};
use fanfare_webhook::breaker::OPEN_FIRST;
use fanfare_webhook::pause::FAILING_MAX_DEFAULT;
use fanfare_webhook::policy::{Mode, Policy};
use fanfare_webhook::url::TargetHost;
use tokio::sync::{Semaphore, watch};

use crate::claiming::TERM_DEFAULT;
use crate::client::ATTEMPT_MAX;
use crate::client::dial::Dialer;
use crate::client::resolve::Resolver;
use crate::client::sockets::{HOST_SOCKETS_MAX, SOCKETS_MAX, Sockets};
use crate::counts::Counts;
use crate::dispatcher::Dispatcher;
use crate::erasing::Erasing;
use crate::first_attempts::FirstAttempts;
use crate::following::Following;
use crate::missing::Missing;
use crate::originals::Originals;
use crate::parts::{Parts, Steady};
use crate::recorder::{Recorder, Recording};
use crate::registry::{Entry, Registry};
use crate::rendering::Rendering;
use crate::rules::Rules;
use crate::webhook::{Damaged, Webhook};
use fanfare_hub::Hub;
use fanfare_runtime::clock::Clock;
use fanfare_runtime::shutdown::Trigger;
use fanfare_runtime::telemetry::Metrics;
use fanfare_store as store;
use fanfare_store::Ledger;

/// A handle on the webhooks; cheap to clone. Each verb takes the principal who asks as its first argument.
#[derive(Debug, Clone)]
pub struct Webhooks {
    pub(super) parts: Arc<Parts>,
    pub(super) registry: Arc<Registry>,
    pub(super) rules: Rules,
    /// Held while a webhook is registered or changed: reading, changing and recording are one step.
    pub(super) changing: Arc<tokio::sync::Mutex<()>>,
    /// The purge that runs.
    pub(super) erasing: Arc<Erasing>,
    /// The permits for requests that a caller waits for.
    pub(super) trials: Arc<Semaphore>,
    /// Maximum webhooks that name one host.
    pub(super) host_webhooks_max: usize,
}

/// Maximum concurrent requests that a caller waits for: tests, and events resent by hand. Each may take a minute.
const TRIALS_MAX: usize = 16;

/// Default maximum of webhooks that name one host: enough for an application with one per user, but too few to
/// turn every webhook against one victim.
const HOST_WEBHOOKS_MAX: usize = 1_000;

/// The settings that an operator can change.
#[derive(Debug, Clone)]
pub struct Config {
    /// The policy for where webhooks may be sent.
    pub policy: Policy,
    /// The time that a webhook may fail without a success before it is paused; default five days.
    pub failing_max: Duration,
    /// Maximum duration of an attempt, from the look-up of the name to the end of the response; default ten seconds.
    pub attempt_max: Duration,
    /// The time that a breaker stays open at first; default 15 seconds.
    pub open_first: Duration,
    /// Maximum open connections to receivers, over all webhooks; default 4,096, and never more than a quarter of the
    /// descriptors that the process may open.
    pub sockets_max: usize,
    /// Maximum open connections to one host; default 256.
    pub host_sockets_max: usize,
    /// Maximum webhooks that name one host; default 1,000.
    pub host_webhooks_max: usize,
    /// The time after which another instance on the same ledger takes over the webhooks of one that has ended without a
    /// word; default 15 seconds.
    pub claim_term: Duration,
    /// The resolver of names.
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
            host_sockets_max: HOST_SOCKETS_MAX,
            host_webhooks_max: HOST_WEBHOOKS_MAX,
            claim_term: TERM_DEFAULT,
            resolver: Resolver::default(),
        }
    }
}

/// The work that must run for webhooks to be sent.
#[derive(Debug)]
pub struct Work {
    /// The dispatcher, which makes the attempts.
    pub dispatcher: Dispatcher,
    /// The work of the recorder, which saves the positions; runs longer than the dispatcher.
    pub recording: Recording,
}

/// The reason why nothing was registered, changed or sent.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The maximum number of requests made by hand is already running.
    #[error("the maximum number of webhook tests is already running")]
    Busy,
    /// The named thing does not exist, or is no longer kept.
    #[error("there is no {0}")]
    NotFound(Missing),
    /// Several webhooks have the URL, and each has a name.
    #[error("{} webhooks have this URL", .names.len())]
    Ambiguous {
        /// Their names.
        names: Vec<WebhookName>,
    },
    /// A registration cannot change this of a webhook that exists.
    #[error("a registration does not change `{member}` of webhook `{webhook}`")]
    Fixed {
        /// The webhook.
        webhook: WebhookId,
        /// The member of the registration: `secret`, `since` or `after`.
        member: &'static str,
    },
    /// The webhook is no longer in the state that the caller names.
    #[error("{what} has changed")]
    Changed {
        /// The thing to change.
        what: String,
    },
    /// Too many webhooks name one host.
    #[error("{max} webhooks already point to `{host}`")]
    HostTaken {
        /// The host.
        host: TargetHost,
        /// The maximum.
        max: usize,
    },
    /// The request is not valid.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The gateway is stopping and cut the request off.
    #[error("the gateway is stopping")]
    Stopping,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<WebhookError> for Refusal {
    fn from(refused: WebhookError) -> Refusal {
        /// Time after which most of the running tests have ended: by default, each may take ten seconds.
        const LATER: Duration = Duration::from_secs(10);
        match refused {
            WebhookError::Busy => Refusal::new(
                Code::RateLimited,
                "the maximum number of on-demand webhook requests is already in progress",
                "wait for one of them to finish",
            )
            .over("webhook_tests", LATER),
            WebhookError::Ambiguous { names } => Refusal::new(
                Code::WebhookExists,
                format!("{} webhooks have this URL: {}", names.len(), shown_names(&names)),
                format!("name the one you mean, such as `\"name\": \"{}\"`", names[0]),
            )
            .at("/name"),
            WebhookError::Fixed { webhook, member: "secret" } => Refusal::new(
                Code::WebhookExists,
                format!("webhook `{webhook}` is registered with another secret, which a registration does not replace"),
                format!("leave `secret` out, or replace it with `POST /api/webhooks/{webhook}/secret/rotate`"),
            )
            .at("/secret")
            .because_of(webhook),
            WebhookError::Fixed { webhook, member } => Refusal::new(
                Code::WebhookExists,
                format!("webhook `{webhook}` is registered and continues from its position; `{member}` does not move it"),
                format!("leave `{member}` out; `POST /api/webhooks/{webhook}/replay` sends earlier events"),
            )
            .at(format!("/{member}"))
            .because_of(webhook),
            WebhookError::Changed { what } => Refusal::new(
                Code::PreconditionFailed,
                format!("{what} has changed since the `ETag` in `If-Match`; nothing was changed"),
                "read it again, then send the change with the new `ETag`",
            )
            .at("If-Match:"),
            WebhookError::HostTaken { host, max } => Refusal::new(
                Code::TooManyWebhooks,
                format!("{max} webhooks already point to `{host}`, the maximum for one host"),
                "unregister some, or filter what one webhook gets; the operator can raise `--max-webhooks-per-host`",
            )
            .at("/webhook_url"),
            WebhookError::Invalid(invalid) => invalid.into(),
            WebhookError::Stopping => Refusal::shutting_down(),
            WebhookError::NotFound(missing) => {
                Refusal::new(Code::NotFound, format!("there is no {missing}"), missing.fix())
            }
            WebhookError::Store(error) => error.into(),
        }
    }
}

/// Returns the first names of a list, as text.
fn shown_names(names: &[WebhookName]) -> String {
    const SHOWN_MAX: usize = 5;
    let shown: Vec<String> = names.iter().take(SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN_MAX { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// The reason why webhooks cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A webhook in the store cannot be read.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Webhooks {
    /// Loads the webhooks from the store; nothing is sent before the work runs.
    pub async fn new(
        hub: Hub,
        ledger: Arc<dyn Ledger>,
        listeners: watch::Receiver<Vec<Endpoint>>,
        config: Config,
        clock: Clock,
        metrics: &Metrics,
    ) -> Result<(Webhooks, Work), StartError> {
        // Before the list is read, so that no later change is missed.
        let revision = ledger.revision();
        let registry = Arc::new(Registry::new(ledger.webhooks().await?)?);
        let rules = Rules::new(config.policy, listeners);
        let first_attempts = Arc::new(FirstAttempts::default());
        let purges = Arc::clone(hub.purges());
        let (recorder, recording) = Recorder::new(Arc::clone(&ledger), Arc::clone(&registry), purges);
        let (finish, finished) = Trigger::new();
        let parts = Parts {
            hub: hub.clone(),
            ledger,
            dialer: Dialer::new(
                rules.clone(),
                config.resolver,
                config.attempt_max,
                Sockets::new(config.sockets_max, config.host_sockets_max),
            ),
            recorder,
            first_attempts,
            counts: Counts::new(metrics),
            rendering: Rendering::default(),
            originals: Originals::default(),
            failing_max: config.failing_max,
            open_first: config.open_first,
            steady: Steady::start(clock.wall()),
            clock,
            ticks: watch::Sender::new(()),
            finish,
            finished,
        };
        let parts = Arc::new(parts);
        let changing = Arc::default();
        let following = Following {
            parts: Arc::clone(&parts),
            registry: Arc::clone(&registry),
            changing: Arc::clone(&changing),
            revision,
        };
        let dispatcher = Dispatcher::new(following, config.claim_term);
        let trials = Arc::new(Semaphore::new(TRIALS_MAX));
        let host_webhooks_max = config.host_webhooks_max;
        let erasing = Arc::default();
        let webhooks = Webhooks { parts, registry, rules, changing, erasing, trials, host_webhooks_max };
        Ok((webhooks, Work { dispatcher, recording }))
    }

    /// Returns the hub that the webhooks read from.
    pub fn hub(&self) -> &Hub {
        &self.parts.hub
    }

    /// Returns a webhook of `by`.
    pub fn find(&self, by: &Principal, id: &WebhookId) -> Result<Arc<Entry>, WebhookError> {
        let found = self.registry.get(id).filter(|entry| self.is_own(by, entry));
        found.ok_or_else(|| WebhookError::NotFound(Missing::Webhook(id.clone())))
    }

    /// Returns the webhooks of `by`, oldest first.
    pub fn list(&self, by: &Principal) -> Vec<Arc<Entry>> {
        let mut list = self.registry.list();
        list.retain(|entry| self.is_own(by, entry));
        list
    }

    fn is_own(&self, by: &Principal, entry: &Entry) -> bool {
        self.hub().owns(by, &entry.webhook().owner)
    }

    /// Returns the rules that hold for all webhooks.
    pub fn mode(&self) -> Mode {
        self.rules.mode(Mode::Local)
    }

    /// Returns the rules that hold for a webhook: those of the gateway, or the stricter ones of its row.
    pub fn mode_of(&self, webhook: &Webhook) -> Mode {
        self.rules.mode(webhook.mode)
    }

    /// Returns the number of registered webhooks.
    pub fn count(&self) -> usize {
        self.registry.count()
    }
}
