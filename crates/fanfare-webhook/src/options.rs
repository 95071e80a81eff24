//! What a webhook wants: which events, in which form, how fast, how signed.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::auth::Auth;
use crate::headers::CustomHeaders;
use crate::patch::Patch;
use crate::retry::RetrySchedule;
use fanfare_core::code::Code;
use fanfare_core::duration;
use fanfare_core::event::Event;
use fanfare_core::filter::Filter;
use fanfare_core::invalid::Invalid;
use fanfare_core::wire::payload::{Batch, Payload};

/// Most deliveries on their way to one receiver at a time.
pub const CONCURRENCY_MAX: u32 = 128;
/// Deliveries on their way to one receiver when nothing is said: enough that a receiver which takes 100 ms gets 160 a
/// second.
pub const CONCURRENCY_DEFAULT: u32 = 16;
/// Highest rate that is worth saying, in deliveries per second.
pub const RATE_PER_SECOND_MAX: u32 = 10_000;
/// Most events of a batch.
pub const BATCH_EVENTS_MAX: u32 = 1_000;
/// Events of a batch when nothing is said.
pub const BATCH_EVENTS_DEFAULT: u32 = 100;
/// Longest that an event waits for others.
pub const BATCH_WAIT_MAX: Duration = Duration::from_secs(60);
/// How long an event waits for others when nothing is said.
pub const BATCH_WAIT_DEFAULT: Duration = Duration::from_secs(1);
/// Longest description, in bytes.
pub const DESCRIPTION_LEN_MAX: usize = 256;

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
    /// Deliveries on their way at a time, 1 to [`CONCURRENCY_MAX`]; see [`Options::in_flight_max`].
    pub concurrency: u32,
    /// Deliveries per second, 1 to [`RATE_PER_SECOND_MAX`].
    pub rate_per_second: Option<u32>,
    /// Whether each delivery waits until the one before it has arrived or was given up.
    pub ordered: bool,
    /// Whether events are sent several at a time.
    pub batch: Option<BatchOptions>,
    /// For people: at most [`DESCRIPTION_LEN_MAX`] bytes.
    pub description: Option<Box<str>>,
    /// When to try again.
    pub retry: RetrySchedule,
    /// What is signed with besides `v1`.
    pub signatures: Signatures,
}

/// How events are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchOptions {
    /// Most events, 1 to [`BATCH_EVENTS_MAX`].
    pub max_events: u32,
    /// Longest that the first of them waits, up to [`BATCH_WAIT_MAX`].
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

    /// Changes what `patch` names. Fails when the whole contradicts itself; nothing is changed then.
    pub fn apply(&mut self, patch: Patch) -> Result<(), Invalid> {
        let filter = Filter::new(
            patch.patterns.unwrap_or_else(|| self.filter.patterns().to_vec()),
            patch.types.unwrap_or_else(|| self.filter.types().to_vec()),
            patch.min_priority.unwrap_or(self.filter.min_priority()),
            patch.text.as_ref().map_or(self.filter.text(), Option::as_deref),
        )?;
        let headers = patch.headers.unwrap_or_else(|| self.headers.clone());
        let auth = patch.auth.unwrap_or_else(|| self.auth.clone());
        if auth.is_some() && headers.names().any(|name| name.eq_ignore_ascii_case("authorization")) {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                "`auth` and the header `Authorization` contradict each other",
                "give one of them",
            )
            .at("/auth"));
        }
        *self = Options {
            filter,
            payload: patch.payload.unwrap_or(self.payload),
            headers,
            auth,
            concurrency: patch.concurrency.unwrap_or(self.concurrency),
            rate_per_second: patch.rate_per_second.unwrap_or(self.rate_per_second),
            ordered: patch.ordered.unwrap_or(self.ordered),
            batch: patch.batch.unwrap_or(self.batch),
            description: patch.description.unwrap_or_else(|| self.description.take()),
            retry: patch.retry.unwrap_or_else(|| self.retry.clone()),
            signatures: patch.signatures.unwrap_or(self.signatures),
        };
        Ok(())
    }

    /// Gives what the store keeps: JSON that [`Options::from_stored`] reads, with passwords, tokens and values of
    /// headers in it.
    pub fn to_stored(&self) -> String {
        let mut members = match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            Ok(_) | Err(_) => Map::new(),
        };
        let headers: Map<String, Value> =
            self.headers.reveal().map(|(name, value)| (name.to_owned(), value.into())).collect();
        members.insert("headers".to_owned(), Value::Object(headers));
        members.insert("auth".to_owned(), self.auth.as_ref().map_or(Value::Null, Auth::to_stored));
        Value::Object(members).to_string()
    }

    /// Reads what [`Options::to_stored`] gave.
    pub fn from_stored(text: &str) -> Result<Options, Invalid> {
        let mut options = Options::default();
        options.apply(Patch::parse(text.as_bytes())?)?;
        Ok(options)
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

#[cfg(test)]
mod tests;
