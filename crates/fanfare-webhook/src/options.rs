//! The settings of a webhook: which events, in which format, at which rate, with which signatures.

use std::time::Duration;

use crate::auth::Auth;
use crate::authorities::Authorities;
use crate::headers::CustomHeaders;
use crate::limits::{BATCH_EVENTS_DEFAULT, BATCH_WAIT_DEFAULT, CONCURRENCY_DEFAULT};
use crate::retry::RetrySchedule;
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

    /// Returns the body of an event that is sent alone: with batches, a list of one.
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
