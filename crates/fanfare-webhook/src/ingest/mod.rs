//! Turns what other programs send in their own formats into events: the kinds of `POST /ingest/{kind}`.
//!
//! A kind checks its sender's signature, if there is one, and then sums up the body in a sentence. The whole body is
//! kept as `data`, so that the sentence loses nothing.

mod alertmanager;
mod claude_code;
mod generic;
mod github;
mod secrets;
mod standard_webhooks;
mod stripe;
mod words;

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::verify::Headers;
use fanfare_core::channel::Channel;
use fanfare_core::code::Code;
use fanfare_core::event::EventType;
use fanfare_core::invalid::{Invalid, shown};
use fanfare_core::json::{Json, check_depth};
use fanfare_core::limits::{DATA_LEN_MAX, TYPE_LEN_MAX};
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

    /// Returns the default channel for events of this kind: `ingest.github`.
    pub fn channel(self) -> Channel {
        format!("ingest.{}", self.as_str()).parse().expect("the name of a kind is a segment")
    }
}

impl FromStr for Kind {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Kind, Invalid> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| {
            let names: Vec<_> = Kind::ALL.iter().map(|kind| format!("`{kind}`")).collect();
            Invalid::new(
                Code::NotFound,
                format!("there is no ingest kind `{}`", shown(name)),
                format!("use one of {}; `generic` takes any JSON, or text", names.join(", ")),
            )
        })
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
    /// The headers.
    pub headers: &'a Headers<'a>,
    /// The exact bytes of the body: signatures are over them.
    pub body: &'a [u8],
    /// The caller, and the door that it uses.
    pub source: &'a Source,
}

/// Checks the signature of a request that arrived at `now`, and returns its events, at least one, on the channel of the
/// kind.
pub fn read(
    kind: Kind,
    incoming: Incoming<'_>,
    secrets: &Secrets,
    now: Timestamp,
) -> Result<Vec<NewEvent>, Invalid> {
    secrets.has(kind)?;
    let events = match kind {
        Kind::Alertmanager => alertmanager::read(incoming)?,
        Kind::ClaudeCode => vec![claude_code::read(incoming)?],
        Kind::Generic => vec![generic::read(incoming)?],
        Kind::GitHub => vec![github::read(incoming, secrets)?],
        Kind::StandardWebhooks => vec![standard_webhooks::read(incoming, secrets, now)?],
        Kind::Stripe => vec![stripe::read(incoming, secrets, now)?],
    };
    let channel = kind.channel();
    let place = |event: NewEvent| NewEvent { channel: channel.clone(), ..event };
    Ok(events.into_iter().map(place).collect())
}

impl Incoming<'_> {
    /// Returns a header that appears once, if it does.
    fn header(&self, name: &'static str) -> Option<&str> {
        self.headers.once(name).ok()
    }

    /// Parses the body as JSON, into the value to interpret and the text to pass on.
    fn json(&self) -> Result<(Value, Json), Invalid> {
        parse(self.body)
    }
}

/// Parses JSON that is an object.
fn parse(body: &[u8]) -> Result<(Value, Json), Invalid> {
    let wrong = |what: String| {
        Invalid::new(
            Code::InvalidJson,
            what,
            "send the JSON object that the sender's documentation describes",
        )
    };
    check_depth(&String::from_utf8_lossy(body), "the body")?;
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| wrong(format!("the body is not valid JSON: {error}")))?;
    if !value.is_object() {
        return Err(wrong("the body is JSON, but not an object".to_owned()));
    }
    Ok((value, carried(body)))
}

/// Returns a body, which is JSON, as `data`. One that is too long for an event is replaced by a note: the event matters
/// more than its details.
fn carried(body: &[u8]) -> Json {
    let text = std::str::from_utf8(body).unwrap_or("null").trim_ascii();
    let omitted = || Json::parse(format!("{{\"omitted_bytes\":{}}}", body.len())).expect("an object");
    if text.len() > DATA_LEN_MAX {
        return omitted();
    }
    RawValue::from_string(text.to_owned()).ok().and_then(|raw| Json::new(raw).ok()).unwrap_or_else(omitted)
}

/// Creates an event type from a sender's own name for it; characters that a type cannot have become `_`. A
/// name that belongs to the gateway becomes the default: the sender cannot choose another.
fn event_type(prefix: &str, name: &str) -> EventType {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    let token: String = format!("{prefix}{name}").chars().map(allowed).take(TYPE_LEN_MAX).collect();
    EventType::of_push(&token).unwrap_or_default()
}

/// Creates an idempotency key from a sender's id of a delivery. The keys of one kind never collide with those of
/// another, nor with those of pushers; an id that is too long is replaced by its digest.
fn delivered_once(kind: Kind, id: &str) -> Option<IdempotencyKey> {
    let kind = kind.to_string();
    IdempotencyKey::of_delivery(&kind, id)
        .or_else(|_| {
            let digest = ring::digest::digest(&ring::digest::SHA256, id.as_bytes());
            let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            IdempotencyKey::of_delivery(&kind, &format!("sha256:{hex}"))
        })
        .ok()
}

#[cfg(test)]
mod tests;
