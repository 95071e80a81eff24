//! What a webhook wants: which events, in which form, how fast, how signed.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::auth::Auth;
use crate::headers::CustomHeaders;
use crate::limits::{BATCH_EVENTS_DEFAULT, BATCH_WAIT_DEFAULT, CONCURRENCY_DEFAULT};
use crate::retry::RetrySchedule;
use fanfare_core::duration;
use fanfare_core::event::Event;
use fanfare_core::filter::Filter;
use fanfare_core::wire::payload::{Batch, Payload};

/// What a webhook wants. As JSON it is what callers see: no header's value, password or token is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Options {
    /// Which events.
    #[serde(flatten)]
    pub filter: Filter,
    /// In which form.
    pub payload: Payload,
    /// Headers to add; shown by name.
    pub headers: CustomHeaders,
    /// How to say who is sending; shown by kind.
    pub auth: Option<Auth>,
    /// Deliveries on their way at a time, 1 to [`CONCURRENCY_MAX`](crate::limits::CONCURRENCY_MAX); see [`Options::in_flight_max`].
    pub concurrency: u32,
    /// Deliveries per second, 1 to [`RATE_PER_SECOND_MAX`](crate::limits::RATE_PER_SECOND_MAX).
    pub rate_per_second: Option<u32>,
    /// Whether each delivery waits until the one before it has arrived or was given up.
    pub ordered: bool,
    /// Whether events are sent several at a time.
    pub batch: Option<BatchOptions>,
    /// For people: at most [`DESCRIPTION_LEN_MAX`](crate::limits::DESCRIPTION_LEN_MAX) bytes.
    pub description: Option<Box<str>>,
    /// When to try again.
    pub retry: RetrySchedule,
    /// What is signed with besides `v1`.
    pub signatures: Signatures,
}

/// How events are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchOptions {
    /// Most events, 1 to [`BATCH_EVENTS_MAX`](crate::limits::BATCH_EVENTS_MAX).
    pub max_events: u32,
    /// Longest that the first of them waits, up to [`BATCH_WAIT_MAX`](crate::limits::BATCH_WAIT_MAX).
    pub max_wait: Duration,
}

/// What deliveries are signed with besides `v1`, which all are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Signatures {
    /// `v1a`, ed25519.
    pub ed25519: bool,
    /// `X-Hub-Signature-256`.
    pub hub: bool,
}

impl Default for Options {
    /// Gives what a webhook has that is registered with its address alone.
    fn default() -> Options {
        Options {
            filter: Filter::all(),
            payload: Payload::default(),
            headers: CustomHeaders::default(),
            auth: None,
            concurrency: CONCURRENCY_DEFAULT,
            rate_per_second: None,
            ordered: false,
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
    /// Gives how many deliveries may be on their way: one when they are ordered.
    pub fn in_flight_max(&self) -> u32 {
        if self.ordered { 1 } else { self.concurrency }
    }

    /// Gives what is sent for an event that goes out alone: where events are sent several at a time, a list of one.
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

impl Serialize for BatchOptions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({ "max_events": self.max_events, "max_wait": duration::show(self.max_wait) })
            .serialize(serializer)
    }
}

impl Serialize for Signatures {
    /// Shows the list that is read, `v1` first.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kinds = [("v1", true), ("v1a", self.ed25519), ("hub", self.hub)];
        serializer.collect_seq(kinds.into_iter().filter(|(_, on)| *on).map(|(name, _)| name))
    }
}
