//! The result of a push: a sentence for the model, and the same content for programs.

use std::net::SocketAddr;

use fanfare_core::{Audience, Channel, Position, Timestamp};
use fanfare_mcp::Outcome;
use serde::Serialize;

use crate::mcp::gateway::answer::said;
use crate::mcp::gateway::push::listening::Opened;
use crate::net::listeners;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    reachable_from: Option<Reach>,
}

/// Who can connect to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Reach {
    /// Other machines, as far as the network lets them.
    OtherMachines,
    /// Programs on the gateway's own machine.
    ThisMachine,
}

impl Reach {
    fn of(address: SocketAddr) -> Reach {
        if address.ip().to_canonical().is_loopback() { Reach::ThisMachine } else { Reach::OtherMachines }
    }

    fn told(self) -> &'static str {
        match self {
            Reach::OtherMachines => "which other machines can reach, too",
            Reach::ThisMachine => "which only programs on the gateway's own machine can reach",
        }
    }
}

/// Creates the result for a push of one event to `audience`; `opened` is the address where the gateway listens because
/// of it.
pub(super) fn write(
    published: &Published,
    reached: Reached,
    audience: Audience,
    opened: Option<Opened>,
) -> Outcome {
    let appended = &published.appended[0];
    let event = &appended.event;
    let mut text = format!("Stored as {} on `{}`", event.position, event.channel);
    if appended.repeated {
        text.push_str(" by an earlier call with this `idempotency_key`; nothing was pushed again");
    }
    text.push_str(&listeners_told(published.stream_clients));
    if audience == Audience::All {
        text.push_str(&webhooks_told(reached));
    }
    let (mut url, mut reachable_from) = (None, None);
    if let Some(opened) = opened {
        let (how, address) = match opened {
            Opened::New(address) => ("The gateway now also listens there".to_owned(), Some(address)),
            Opened::Known(address) => ("The gateway was already listening there".to_owned(), Some(address)),
            Opened::Nowhere(why) => (format!("`port` and `host` changed nothing: {why}"), None),
        };
        text.push_str(&format!(" {how}"));
        if let Some(address) = address {
            let (at, reach) = (listeners::url(&address.into()), Reach::of(address));
            text.push_str(&format!(": live events are at {at}/stream, {}", reach.told()));
            (url, reachable_from) = (Some(at), Some(reach));
        }
        text.push('.');
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
        reachable_from,
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
