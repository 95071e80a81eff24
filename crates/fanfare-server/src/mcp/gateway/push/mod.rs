//! `push_stream` and `push_webhook`: the two ways into the log.

mod listening;
mod receipt;

use std::sync::LazyLock;
use std::time::Duration;

use fanfare_core::members::Members;
use fanfare_core::new_event::Draft;
use fanfare_core::refusal::Refusal;
use fanfare_core::{Audience, Door, Invalid, NewEvent, Via};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::{Annotations, Tool};
use serde_json::{Value, json};

use crate::mcp::call::Call;
use crate::mcp::gateway::answer::{explained, integer, output, text, truth};
use crate::mcp::gateway::push::listening::Place;
use crate::mcp::gateway::{Gateway, ToolEntry, arguments};
use crate::mcp::toolset::Toolset;
use fanfare_delivery::first_attempts::WAIT_DEFAULT;
use fanfare_hub::publish::{Published, PushError};

/// The name of the tool that reaches live subscribers.
pub(super) const STREAM: &str = "push_stream";
/// The name of the tool that reaches webhooks as well.
pub(super) const WEBHOOK: &str = "push_webhook";

const EXAMPLE: &str = r#"{"message": "build 812 is green", "channel": "builds.web", "type": "success"}"#;

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "message": { "type": "string", "description": "Text for people" },
            "channel": { "type": "string", "description": "Such as `builds.web`; default `default`" },
            "type": {
                "type": "string",
                "description": "`info` (default), `success`, `warning`, `error`, or your own word",
            },
            "data": { "type": "object", "additionalProperties": true, "description": "JSON for programs" },
            "priority": {
                "type": "string",
                "enum": ["min", "low", "default", "high", "max"],
                "description": "Importance",
            },
            "key": { "type": "string", "description": "Who lags gets only the newest with this key" },
            "idempotency_key": { "type": "string", "description": "Makes a retry within a day safe" },
            "expires_in": arguments::time("Delivered for this long, such as `10m`"),
            "port": { "type": "integer", "description": "Omit; another port to listen on" },
            "host": { "type": "string", "description": "Omit; the address for it" },
        },
        "required": ["message"],
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    let properties = json!({
        "id": text(),
        "channel": text(),
        "timestamp": text(),
        "stream_clients": integer(),
        "total_webhooks": integer(),
        "webhooks_notified": integer(),
        "repeated": truth(),
        "url": text(),
        "reachable_from": text(),
    });
    output(properties)
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
        name: STREAM.into(),
        title: "Push to live subscribers".into(),
        description: "Push an event to everyone listening live on a channel: browsers, apps, other agents. Use when \
                      something is worth knowing as it happens: progress, results, alerts. Not for systems that must \
                      get it even if they are down; use `push_webhook`. Stored durably; cannot be undone. Example: \
                      {\"message\": \"build 812 is green\", \"channel\": \"builds.web\", \"type\": \"success\"}".into(),
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: ANNOTATIONS,
    };
    ToolEntry { tool, toolset: Toolset::Essential }
}

/// Describes `push_webhook`.
pub(super) fn webhook() -> ToolEntry {
    let tool = Tool {
        name: WEBHOOK.into(),
        title: "Push to webhooks and live subscribers".into(),
        description: "Push an event to the webhooks that match its channel, and to live subscribers. Use when \
                      another system must act on it: start a job, open a ticket, page someone. Not for progress that \
                      people only watch; use `push_stream`. It may leave this machine and cannot be undone. Takes up \
                      to ten seconds; failures are retried for you. Example: {\"message\": \"deploy finished\", \
                      \"channel\": \"deploys\", \"data\": {\"version\": \"1.4.2\"}}".into(),
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
        let published = self.append(call, event).await?;
        let reached = awaited.reached(&published.appended, call.crowded_out()).await;
        Ok(receipt::write(&published, reached, audience, opened))
    }

    /// Appends an event; the error is for the model.
    pub(super) async fn append(&self, call: &Call, event: NewEvent) -> Result<Published, String> {
        let client = &call.caller.client;
        let via = Via { door: Door::Mcp, address: client.address, agent: client.agent.clone() };
        match self.hub.publish(&client.principal, &via, vec![event]).await {
            Ok(published) => Ok(published),
            Err(PushError::ShuttingDown) if call.leave() => std::future::pending().await,
            Err(error) => {
                let refusal = Refusal::from(error).in_event("");
                self.hub.count_refused_push(refusal.code);
                Err(explained(refusal))
            }
        }
    }
}
