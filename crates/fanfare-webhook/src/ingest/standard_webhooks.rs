//! `standard-webhooks`: senders that sign with `webhook-id`, `webhook-timestamp` and `webhook-signature`, another
//! Fanfare included.

use crate::ingest::document::Document;
use crate::ingest::words::{first, passage, text};
use crate::ingest::{Answer, Incoming, Read, challenge, delivered_once, event_type, generic};
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;

/// The places where such bodies put the readable text: the standard asks for `type` and `data`.
const MESSAGES: &[&str] = &["/message", "/data/message", "/data/text", "/data/title", "/data/summary"];

pub(super) fn read(incoming: Incoming<'_>) -> Result<Read, Invalid> {
    let Document { value, data } = incoming.object()?;
    if let Some(challenge) = challenge::in_body(&value) {
        return Ok(Read::Challenge(challenge));
    }
    let kind = text(&value, "/type");
    let message = match (first(&value, MESSAGES), kind) {
        (Some(message), _) => passage(message),
        (None, Some(kind)) => super::words::line(kind),
        (None, None) => generic::message(&value),
    };
    // Older senders have another name for it.
    let id = incoming.header("webhook-id").or_else(|| incoming.header("svix-id"));
    let mut event = NewEvent::new(message, incoming.source.clone())?;
    event.data = Some(data);
    event.event_type = kind.map(|kind| event_type("", kind)).unwrap_or_default();
    event.priority = text(&value, "/priority").and_then(|name| name.parse().ok()).unwrap_or_default();
    event.idempotency_key = id.and_then(|id| delivered_once(incoming.name, id));
    Ok(Read::Events(vec![event], Answer::One))
}
