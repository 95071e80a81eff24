//! The settings of a webhook: which events, in which format, at which rate, with which signatures.

use std::time::Duration;

use crate::auth::Auth;
use crate::authorities::Authorities;
use crate::headers::CustomHeaders;
use crate::limits::{BATCH_EVENTS_DEFAULT, BATCH_WAIT_DEFAULT, CONCURRENCY_DEFAULT};
use crate::method::{ContentType, Method};
use crate::retry::RetrySchedule;
use crate::secret::Secret;
use crate::selector::Selector;
use crate::template::Template;
use crate::url::WebhookUrl;
use fanfare_core::code::Code;
use fanfare_core::event::Event;
use fanfare_core::filter::Filter;
use fanfare_core::invalid::{Invalid, shown};
use fanfare_core::wire::payload::{Batch, Payload};

/// The settings of a webhook. `Debug` shows no header value, password or token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The filter that the events must pass.
    pub filter: Filter,
    /// The format of the body.
    pub payload: Payload,
    /// The headers to add.
    pub headers: CustomHeaders,
    /// The credentials to send.
    pub auth: Option<Auth>,
    /// Maximum concurrent deliveries, 1 to [`CONCURRENCY_MAX`](crate::limits::CONCURRENCY_MAX); see
    /// [`Options::in_flight_max`].
    pub concurrency: u32,
    /// Maximum deliveries per second, 1 to [`RATE_PER_SECOND_MAX`](crate::limits::RATE_PER_SECOND_MAX).
    pub rate_per_second: Option<u32>,
    /// Whether each delivery waits until the one before it has arrived or failed.
    pub ordered: bool,
    /// The authorities to trust for the receiver's certificate; `None` for those that the machine trusts.
    pub authorities: Option<Authorities>,
    /// Whether any certificate is accepted.
    pub insecure_skip_verify: bool,
    /// Maximum duration of an attempt, in [`TIMEOUT`](crate::limits::TIMEOUT); `None` for the gateway's.
    pub timeout: Option<Duration>,
    /// The method of requests.
    pub method: Method,
    /// The content type of requests; `None` for that of the payload.
    pub content_type: Option<ContentType>,
    /// The template of the body, in the place of `payload`.
    pub template: Option<Template>,
    /// The settings of batches, if events are sent several at a time.
    pub batch: Option<BatchOptions>,
    /// The description for people: at most [`DESCRIPTION_LEN_MAX`](crate::limits::DESCRIPTION_LEN_MAX) bytes.
    pub description: Option<Box<str>>,
    /// The retry schedule.
    pub retry: RetrySchedule,
    /// The signatures besides `v1`.
    pub signatures: Signatures,
}

/// The settings of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchOptions {
    /// Maximum events, 1 to [`BATCH_EVENTS_MAX`](crate::limits::BATCH_EVENTS_MAX).
    pub max_events: u32,
    /// Maximum time that the first event waits, up to [`BATCH_WAIT_MAX`](crate::limits::BATCH_WAIT_MAX).
    pub max_wait: Duration,
}

/// The signatures of deliveries besides `v1`, which all deliveries have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Signatures {
    /// Whether to sign with `v1a`, ed25519.
    pub ed25519: bool,
    /// Whether to send `X-Hub-Signature-256`.
    pub hub: bool,
}

impl Default for Options {
    /// Returns the settings of a webhook that is registered with only its URL.
    fn default() -> Options {
        Options {
            filter: Filter::all(),
            payload: Payload::default(),
            headers: CustomHeaders::default(),
            auth: None,
            concurrency: CONCURRENCY_DEFAULT,
            rate_per_second: None,
            ordered: false,
            authorities: None,
            insecure_skip_verify: false,
            timeout: None,
            method: Method::default(),
            content_type: None,
            template: None,
            batch: None,
            description: None,
            retry: RetrySchedule::default(),
            signatures: Signatures::default(),
        }
    }
}

impl Default for BatchOptions {
    fn default() -> BatchOptions {
        BatchOptions { max_events: BATCH_EVENTS_DEFAULT, max_wait: BATCH_WAIT_DEFAULT }
    }
}

impl Options {
    /// Returns the maximum number of deliveries in flight: one if they are ordered.
    pub fn in_flight_max(&self) -> u32 {
        if self.ordered { 1 } else { self.concurrency }
    }

    /// Returns whether the important events are sent first while the webhook is behind. Not if it wants their order, and
    /// not in batches: the id of a batch names its first and its last event, and stands for all between them.
    pub fn goes_by_priority(&self) -> bool {
        !self.ordered && self.batch.is_none()
    }

    /// Returns an error if the owner's `secret` cannot sign deliveries with these settings.
    pub fn check_secret(&self, secret: Option<&Secret>) -> Result<(), Invalid> {
        match secret.filter(|_| !self.signatures.hub) {
            None => Ok(()),
            Some(secret) => secret.check_standard().map_err(|error| error.at("/secret")),
        }
    }

    /// Returns an error if deliveries to `url` cannot be made with these settings.
    pub fn check_url(&self, url: &WebhookUrl) -> Result<(), Invalid> {
        match self.template.as_ref().and_then(Template::preset) {
            Some(preset) => preset.check_url(url),
            None => Ok(()),
        }
    }

    /// Returns whether an event is for a webhook with these settings.
    pub fn wants(&self, event: &Event) -> bool {
        Selector::new(self.payload).takes(event) && self.filter.matches(event)
    }

    /// Returns an error if the settings of the body contradict each other.
    pub(crate) fn check_original(&self) -> Result<(), Invalid> {
        let others = [
            ("template", self.template.is_some()),
            ("batch", self.batch.is_some()),
            ("content_type", self.content_type.is_some()),
        ];
        match others.into_iter().find(|(_, is_set)| *is_set && self.payload == Payload::Original) {
            Some((other, _)) => Err(Invalid::new(
                Code::InvalidWebhook,
                format!("`payload` `original` cannot be combined with `{other}`: it sends each request as it was received"),
                format!("leave `{other}` out, or set it to `null`; or choose another `payload`"),
            )
            .at("/payload")),
            None => Ok(()),
        }
    }

    /// Returns what the owner has to know about these settings.
    pub fn warnings(&self) -> Vec<&'static str> {
        let original = (self.payload == Payload::Original).then_some(
            "`payload` `original`: only what arrives at `/ingest` is sent; events that came in another way are skipped",
        );
        let insecure = self.insecure_skip_verify.then_some(
            "`insecure_skip_verify`: the receiver's certificate is not verified; others on the way can read and change \
             what is sent, so set `ca` instead",
        );
        insecure.into_iter().chain(original).collect()
    }

    /// Returns the body of an event that is sent alone without a template: with batches, a list of one.
    pub fn body(&self, event: &Event) -> Vec<u8> {
        match self.batch {
            None => self.payload.body(event),
            Some(_) => {
                let mut batch = Batch::new(self.payload, 1);
                batch.push(event);
                batch.finish()
            }
        }
    }
}

impl Signatures {
    /// Returns the names of all signatures of a delivery, `v1` first.
    pub fn kinds(self) -> impl Iterator<Item = &'static str> {
        let kinds = [("v1", true), ("v1a", self.ed25519), ("hub", self.hub)];
        kinds.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name)
    }

    /// Reads names in any order; an error has the index of the name that is unknown.
    pub(crate) fn of<'a>(kinds: impl Iterator<Item = &'a str>) -> Result<Signatures, (usize, Invalid)> {
        let mut signatures = Signatures::default();
        for (index, kind) in kinds.enumerate() {
            match kind {
                "v1" => {}
                "v1a" => signatures.ed25519 = true,
                "hub" => signatures.hub = true,
                _ => {
                    let what = format!("unknown signature scheme `{}`", shown(kind));
                    let fix =
                        "use `v1`, which is always there, `v1a` for ed25519, `hub` for `X-Hub-Signature-256`";
                    return Err((index, Invalid::new(Code::InvalidWebhook, what, fix)));
                }
            }
        }
        Ok(signatures)
    }
}
