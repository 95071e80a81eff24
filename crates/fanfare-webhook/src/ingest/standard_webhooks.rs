//! `standard-webhooks`: senders that sign with `webhook-id`, `webhook-timestamp` and `webhook-signature`, another
//! Fanfare included.

use crate::ingest::words::{first, passage, text};
use crate::ingest::{Incoming, Kind, Secrets, delivered_once, event_type, generic};
use crate::verify::verify;
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;
use fanfare_core::timestamp::Timestamp;

/// The places where such bodies put the readable text: the standard asks for `type` and `data`.
const MESSAGES: &[&str] = &["/message", "/data/message", "/data/text", "/data/title", "/data/summary"];

pub(super) fn read(incoming: Incoming<'_>, secrets: &Secrets, now: Timestamp) -> Result<NewEvent, Invalid> {
    let verified = verify(incoming.headers, incoming.body, &secrets.standard_webhooks, now)?;
    let (value, data) = incoming.json()?;
    let kind = text(&value, "/type");
    let message = match (first(&value, MESSAGES), kind) {
        (Some(message), _) => passage(message),
        (None, Some(kind)) => super::words::line(kind),
        (None, None) => generic::message(&value),
    };
    let mut event = NewEvent::new(message, incoming.source.clone())?;
    event.data = Some(data);
    event.event_type = kind.map(|kind| event_type("", kind)).unwrap_or_default();
    event.priority = text(&value, "/priority").and_then(|name| name.parse().ok()).unwrap_or_default();
    event.idempotency_key = delivered_once(Kind::StandardWebhooks, verified.id);
    Ok(event)
}
