//! The result of a push: a sentence for the model, and the same content for programs.

use fanfare_core::{Audience, Channel, Position, Timestamp};
use fanfare_mcp::Outcome;
use serde::Serialize;

use crate::mcp::gateway::answer::said;
use crate::net::listeners::{self, ListenAddress};
use fanfare_delivery::awaiting::Reached;
use fanfare_hub::publish::Published;

#[derive(Serialize)]
struct StructuredContent<'a> {
    id: Position,
    channel: &'a Channel,
    timestamp: Timestamp,
    stream_clients: usize,
    total_webhooks: usize,
    webhooks_notified: usize,
    repeated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// Creates the result for a push of one event to `audience`; `opened` is the address where the gateway listens because
/// of it.
pub(super) fn write(
    published: &Published,
    reached: Reached,
    audience: Audience,
    opened: Option<ListenAddress>,
) -> Outcome {
    let appended = &published.appended[0];
    let event = &appended.event;
    let url = opened.map(|opened| listeners::url(&opened.address.into()));
    let mut text = format!("Stored as {} on `{}`", event.position, event.channel);
    if appended.repeated {
        text.push_str(" by an earlier call with this `idempotency_key`; nothing was pushed again");
    }
    text.push_str(&listeners_told(published.stream_clients));
    if audience == Audience::All {
        text.push_str(&webhooks_told(reached));
    }
    if let (Some(opened), Some(url)) = (opened, &url) {
        let how = if opened.is_new {
            "The gateway now also listens there"
        } else {
            "The gateway was already listening there"
        };
        text.push_str(&format!(" {how}: live events are at {url}/stream."));
    }
    text.push_str(" Call `delivery_status` with this id to see who has it.");
    let structured = StructuredContent {
        id: event.position,
        channel: &event.channel,
        timestamp: event.timestamp,
        stream_clients: published.stream_clients,
        total_webhooks: reached.total_webhooks,
        webhooks_notified: reached.webhooks_notified,
        repeated: appended.repeated,
        url,
    };
    said(text, &structured)
}

fn listeners_told(count: usize) -> String {
    match count {
        0 => ". No one is listening right now; it can still be read later.".to_owned(),
        1 => ". 1 live subscriber gets it.".to_owned(),
        count => format!(". {count} live subscribers get it."),
    }
}

fn webhooks_told(reached: Reached) -> String {
    match (reached.webhooks_notified, reached.total_webhooks) {
        (_, 0) => " No webhook is registered.".to_owned(),
        (notified, total) => format!(
            " {notified} of {total} registered webhooks accepted it at the first attempt; any others it matches are retried."
        ),
    }
}
