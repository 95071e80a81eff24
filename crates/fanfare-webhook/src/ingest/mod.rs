//! What other programs say in their own words, as events: the kinds of `POST /ingest/{kind}`.
//!
//! A kind checks its sender's signature, where there is one, and then says in a sentence what happened. The body
//! goes along whole, so that nothing is lost to the sentence.

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
use fanfare_core::json::Json;
use fanfare_core::limits::{DATA_LEN_MAX, TYPE_LEN_MAX};
use fanfare_core::new_event::{IdempotencyKey, NewEvent};
use fanfare_core::principal::Source;
use fanfare_core::timestamp::Timestamp;

pub use secrets::Secrets;

/// Whose words a request is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Prometheus' Alertmanager, and Grafana.
    Alertmanager,
    /// A hook of Claude Code.
    ClaudeCode,
    /// Any JSON, or text.
    Generic,
    /// GitHub, and those that sign as it does.
    GitHub,
    /// Whoever follows Standard Webhooks.
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

    /// Gives the name in the path.
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

    /// Gives the channel of events for which none was chosen: `ingest.github`.
    pub fn channel(self) -> Channel {
        format!("ingest.{}", self.as_str()).parse().expect("the names of kinds are segments")
    }
}

impl FromStr for Kind {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Kind, Invalid> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| {
            let names: Vec<_> = Kind::ALL.iter().map(|kind| format!("`{kind}`")).collect();
            Invalid::new(
                Code::NotFound,
                format!("nothing comes in as `{}`", shown(name)),
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

/// A request, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// Its headers.
    pub headers: &'a Headers<'a>,
    /// Its exact bytes: signatures are over them.
    pub body: &'a [u8],
    /// Who calls, through which door.
    pub source: &'a Source,
}

/// Checks the signature of a request that arrived at `now`, and gives its events, at least one, on the channel of the
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
    /// Gives a header that may be missing, and that is once there.
    fn header(&self, name: &'static str) -> Option<&str> {
        self.headers.once(name).ok()
    }

    /// Reads the body as JSON, into what is understood of it and what is carried.
    fn json(&self) -> Result<(Value, Json), Invalid> {
        parse(self.body)
    }
}

/// Reads JSON that is an object.
fn parse(body: &[u8]) -> Result<(Value, Json), Invalid> {
    let wrong = |what: String| {
        Invalid::new(Code::InvalidJson, what, "send the JSON object that the sender's documents describe")
    };
    let value: Value =
        serde_json::from_slice(body).map_err(|error| wrong(format!("the body is no JSON: {error}")))?;
    if !value.is_object() {
        return Err(wrong("the body is JSON, but no object".to_owned()));
    }
    Ok((value, carried(body)))
}

/// Gives a body, which is JSON, as `data`. One that is too long for an event is left out, and that is said: what
/// happened is worth more than what it was said with.
fn carried(body: &[u8]) -> Json {
    let text = std::str::from_utf8(body).unwrap_or("null").trim_ascii();
    let omitted = || Json::parse(format!("{{\"omitted_bytes\":{}}}", body.len())).expect("an object");
    if text.len() > DATA_LEN_MAX {
        return omitted();
    }
    RawValue::from_string(text.to_owned()).ok().and_then(|raw| Json::new(raw).ok()).unwrap_or_else(omitted)
}

/// Makes a type of a sender's own name for it: what a type cannot have becomes `_`.
fn event_type(prefix: &str, name: &str) -> EventType {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    let token: String = format!("{prefix}{name}").chars().map(allowed).take(TYPE_LEN_MAX).collect();
    token.parse().unwrap_or_default()
}

/// Makes an idempotency key of what a sender calls its delivery. Those of one kind do not meet those of another, nor
/// what pushers say; one that is too long counts by its digest.
fn delivered_once(kind: Kind, id: &str) -> Option<IdempotencyKey> {
    let whole: Result<IdempotencyKey, Invalid> = format!("ingest:{kind}:{id}").parse();
    whole
        .or_else(|_| {
            let digest = ring::digest::digest(&ring::digest::SHA256, id.as_bytes());
            let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            format!("ingest:{kind}:sha256:{hex}").parse()
        })
        .ok()
}

#[cfg(test)]
mod tests;
