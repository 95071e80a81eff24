//! `push_stream` and `push_webhook`: the two ways into the log.

mod listening;
mod receipt;

use std::sync::LazyLock;
use std::time::Duration;

use fanfare_core::members::Members;
use fanfare_core::new_event::Draft;
use fanfare_core::refusal::Refusal;
use fanfare_core::{Audience, Door, Invalid, Via};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::{Annotations, Tool};
use serde_json::{Value, json};

use crate::mcp::call::Call;
use crate::mcp::gateway::answer::explained;
use crate::mcp::gateway::push::listening::Place;
use crate::mcp::gateway::{Gateway, ToolEntry, arguments, events};
use crate::mcp::toolset::Toolset;
use fanfare_delivery::first_attempts::WAIT_DEFAULT;
use fanfare_hub::publish::PushError;

/// The name of the tool that reaches live subscribers.
pub(super) const STREAM: &str = "push_stream";
/// The name of the tool that reaches webhooks as well.
pub(super) const WEBHOOK: &str = "push_webhook";

const EXAMPLE: &str = r#"{"message": "build 812 is green", "channel": "builds.web", "type": "success"}"#;

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "message": { "type": "string", "description": "Text for people; at most 256 KiB" },
            "channel": {
                "type": "string",
                "description": "Channel to push to: segments of letters, digits, `_` and `-`, joined by dots, such as `builds.web`",
                "default": "default",
            },
            "type": {
                "type": "string",
                "description": "Event type: `info`, `success`, `warning`, `error`, or your own word",
                "default": "info",
            },
            "data": events::any_json("Any JSON, for programs; at most 256 KiB"),
            "priority": {
                "type": "string",
                "enum": ["min", "low", "default", "high", "max"],
                "description": "Importance",
                "default": "default",
            },
            "key": {
                "type": "string",
                "description": "Subscribers that lag get only the newest event with this key, such as `progress`",
            },
            "idempotency_key": {
                "type": "string",
                "description": "Makes retries safe: stored once per key within a day",
            },
            "expires_in": arguments::text_or_seconds("Stop delivering it after this long: `10m`, or a number of seconds"),
            "port": {
                "type": "integer",
                "minimum": 1,
                "maximum": 65535,
                "description": "Almost always omit: subscribers use the gateway's own port. Set only if something must \
                                connect to another; the gateway then also listens there until it stops",
            },
            "host": {
                "type": "string",
                "description": "Almost always omit. Address to listen on, `127.0.0.1` for this machine only; default: \
                                the gateway's own",
            },
        },
        "required": ["message"],
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "id": { "type": "string", "description": "The event's position in the log" },
            "channel": { "type": "string" },
            "timestamp": { "type": "string", "description": "When it was stored, ISO 8601" },
            "stream_clients": { "type": "integer", "description": "Live subscribers that get it" },
            "total_webhooks": { "type": "integer", "description": "Registered webhooks" },
            "webhooks_notified": { "type": "integer", "description": "Webhooks that accepted it at the first attempt" },
            "repeated": { "type": "boolean", "description": "Already stored by an earlier call with this `idempotency_key`" },
            "url": { "type": "string", "description": "Where subscribers connect, if `port` or `host` was given" },
        },
        "required": ["id", "channel", "timestamp", "stream_clients", "total_webhooks", "webhooks_notified", "repeated"],
        "additionalProperties": false,
    })
});

const ANNOTATIONS: Annotations = Annotations {
    read_only_hint: false,
    destructive_hint: false,
    idempotent_hint: false,
    open_world_hint: false,
};

/// Describes `push_stream`.
pub(super) fn stream() -> ToolEntry {
    let tool = Tool {
        name: STREAM,
        title: "Push to live subscribers",
        description: "Push an event to everyone listening live on a channel: browsers, dashboards, apps, other agents. \
                      Use when something is worth knowing as it happens: progress, results, alerts. Not for systems \
                      that must get it even if they are down; use `push_webhook`. Stored durably before it returns \
                      (milliseconds); cannot be undone: people may see it at once and can read it later. Leave `port` \
                      and `host` out. Example: {\"message\": \"build 812 is green\", \"channel\": \"builds.web\", \
                      \"type\": \"success\"}",
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: ANNOTATIONS,
    };
    ToolEntry { tool, toolset: Toolset::Essential }
}

/// Describes `push_webhook`.
pub(super) fn webhook() -> ToolEntry {
    let tool = Tool {
        name: WEBHOOK,
        title: "Push to webhooks and live subscribers",
        description: "Push an event to every webhook that matches its channel, and to live subscribers. Use when \
                      another system must act on it: start a job, open a ticket, page someone. Not for progress that \
                      people only watch; use `push_stream`. Webhooks may forward it beyond this machine, so include \
                      nothing that must stay here; it is stored durably and cannot be undone. Returns once each \
                      webhook was tried, within ten seconds; failures are retried for you. Leave `port` and `host` \
                      out. Example: {\"message\": \"deploy finished\", \"channel\": \"deploys\", \"data\": \
                      {\"version\": \"1.4.2\"}}",
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: Annotations { open_world_hint: true, ..ANNOTATIONS },
    };
    ToolEntry { tool, toolset: Toolset::Essential }
}

/// Takes the event, and the address to listen on.
fn take(members: &mut Members<'_>) -> Result<(Draft, Option<Place>), Invalid> {
    let draft = Draft::take(members)?;
    let port = members.number("port", 1, u16::MAX.into())?.flatten();
    let place = Place { host: members.text("host")?.flatten(), port: port.map(|port| port as u16) };
    Ok((draft, (place.host.is_some() || place.port.is_some()).then_some(place)))
}

impl Gateway {
    /// Appends an event for `audience`; the error is for the model.
    pub(super) async fn push(&self, call: &Call, audience: Audience, given: &str) -> Result<Outcome, String> {
        let count = |code| self.hub.count_refused_push(code);
        let refused = |invalid: Invalid| {
            count(invalid.code);
            arguments::refused(&invalid, EXAMPLE)
        };
        let (draft, place) = arguments::read(given, take).map_err(refused)?;
        let client = &call.caller.client;
        let via = Via { door: Door::Mcp, address: client.address, agent: client.agent.clone() };
        let event = draft.into_event(via.source(&client.principal));
        let mut event = event.map_err(refused)?;
        event.audience = audience;
        let opened = match place {
            None => None,
            Some(place) => Some(self.listen(client, &place).await?),
        };
        let wait = if audience == Audience::All { WAIT_DEFAULT } else { Duration::ZERO };
        let awaited = self.webhooks.expect(wait);
        match self.hub.publish(&client.principal, &via, vec![event]).await {
            Ok(published) => {
                let reached = awaited.reached(&published.appended, call.crowded_out()).await;
                Ok(receipt::write(&published, reached, audience, opened))
            }
            Err(PushError::ShuttingDown) if call.leave() => std::future::pending().await,
            Err(error) => {
                let refusal = Refusal::from(error).in_event("");
                count(refusal.code);
                Err(explained(refusal))
            }
        }
    }
}
