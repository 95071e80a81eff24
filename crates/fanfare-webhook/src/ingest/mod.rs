//! Turns what other programs send in their own formats into events: the kinds of `POST /ingest/{kind}`.
//!
//! A kind checks its sender's signature, if there is one, and then sums up the body in a sentence. The whole body is
//! kept as `data`, so that the sentence loses nothing.

mod alertmanager;
mod bounded;
pub mod challenge;
mod claude_code;
mod cloud_events;
mod document;
mod forms;
mod generic;
mod github;
mod mended;
pub mod original;
pub mod proof;
mod secrets;
mod senders;
pub mod source;
pub mod spellings;
mod standard_webhooks;
mod stripe;
mod summary;
mod told;
pub mod verifier;
mod words;

use std::fmt;

use crate::ingest::challenge::Challenge;
use crate::ingest::document::Document;
use crate::ingest::verifier::Verifier;
use crate::verify::Headers;
use fanfare_core::channel::Channel;
use fanfare_core::event::EventType;
use fanfare_core::invalid::Invalid;
use fanfare_core::limits::TYPE_LEN_MAX;
use fanfare_core::new_event::{IdempotencyKey, NewEvent};
use fanfare_core::principal::Source;
use fanfare_core::timestamp::Timestamp;

pub use secrets::Secrets;

/// The sender's format of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Prometheus' Alertmanager, and Grafana.
    Alertmanager,
    /// A Claude Code hook.
    ClaudeCode,
    /// Any JSON, or text.
    Generic,
    /// GitHub, and senders that sign as it does.
    GitHub,
    /// Senders that follow Standard Webhooks.
    StandardWebhooks,
    /// Stripe.
    Stripe,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 6] = [
        Kind::Alertmanager,
        Kind::ClaudeCode,
        Kind::Generic,
        Kind::GitHub,
        Kind::StandardWebhooks,
        Kind::Stripe,
    ];

    /// Returns the kind with this name in the path.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Returns the name in the path.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Alertmanager => "alertmanager",
            Kind::ClaudeCode => "claude-code",
            Kind::Generic => "generic",
            Kind::GitHub => "github",
            Kind::StandardWebhooks => "standard-webhooks",
            Kind::Stripe => "stripe",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request, as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The last part of the address that it was sent to: the name of its channel, and of the senders whose ids of
    /// deliveries are unique.
    pub name: &'a str,
    /// The headers.
    pub headers: &'a Headers<'a>,
    /// The exact bytes of the body: signatures are over them.
    pub body: &'a [u8],
    /// The caller, and the door that it uses.
    pub source: &'a Source,
}

/// What a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Events, at least one, and the form of the answer.
    Events(Vec<NewEvent>, Answer),
    /// A question that the gateway answers without appending an event.
    Challenge(Challenge),
}

/// The form of the answer to events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// That of a batch.
    Batch,
    /// An object without members.
    Nothing,
    /// That of one event.
    One,
}

/// Checks the proof of a request that arrived at `now`, and returns its events, on the channel of its address.
pub fn read(
    kind: Kind,
    incoming: Incoming<'_>,
    verifier: &Verifier,
    now: Timestamp,
) -> Result<Read, Invalid> {
    verifier.check(incoming.headers, incoming.body, now)?;
    let one = |event| Read::Events(vec![event], Answer::One);
    let read = match kind {
        Kind::Alertmanager => Read::Events(alertmanager::read(incoming)?, Answer::Batch),
        // The response to a hook is an instruction to the agent, so this one is empty.
        Kind::ClaudeCode => Read::Events(vec![claude_code::read(incoming)?], Answer::Nothing),
        Kind::Generic => generic::read(incoming)?,
        Kind::GitHub => one(github::read(incoming)?),
        Kind::StandardWebhooks => standard_webhooks::read(incoming)?,
        Kind::Stripe => one(stripe::read(incoming)?),
    };
    let Read::Events(mut events, answer) = read else { return Ok(read) };
    let channel = channel(incoming.name);
    for event in &mut events {
        event.channel = channel.clone();
    }
    Ok(Read::Events(events, answer))
}

/// Returns the default channel for what is sent to `/ingest/` and `name`: `ingest.github`.
fn channel(name: &str) -> Channel {
    format!("ingest.{name}").parse().expect("the name of an address is a segment")
}

impl Incoming<'_> {
    /// Returns a header that appears once, if it does.
    fn header(&self, name: &'static str) -> Option<&str> {
        self.headers.once(name).ok()
    }

    /// Returns the media type of the body, in lowercase and without parameters; empty if the sender does not say it.
    fn media_type(&self) -> String {
        let content_type = self.header("content-type").unwrap_or_default();
        content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Reads the body, which must be a JSON object.
    fn object(&self) -> Result<Document, Invalid> {
        Document::object(self.body)
    }
}

/// Creates an event type from a sender's own name for it; characters that a type cannot have become `_`. A
/// name that belongs to the gateway becomes the default: the sender cannot choose another.
fn event_type(prefix: &str, name: &str) -> EventType {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    let token: String = format!("{prefix}{name}").chars().map(allowed).take(TYPE_LEN_MAX).collect();
    EventType::of_push(&token).unwrap_or_default()
}

/// Creates an idempotency key from a sender's id of a delivery. The keys of one address never collide with those of
/// another, nor with those of pushers; an id that is too long is replaced by its digest.
fn delivered_once(name: &str, id: &str) -> Option<IdempotencyKey> {
    IdempotencyKey::of_delivery(name, id)
        .or_else(|_| {
            let digest = ring::digest::digest(&ring::digest::SHA256, id.as_bytes());
            let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            IdempotencyKey::of_delivery(name, &format!("sha256:{hex}"))
        })
        .ok()
}

#[cfg(test)]
mod tests;
