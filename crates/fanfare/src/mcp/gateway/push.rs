//! `push_stream` and `push_webhook`: the two ways into the log.

use std::sync::LazyLock;

use fanfare_core::push_body::{ExpiresIn, Members};
use fanfare_core::{Audience, Door, Invalid, Source};
use fanfare_mcp::tools::{Annotations, Answer, Tool};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::hub::publish::PushError;
use crate::mcp::call::Call;
use crate::mcp::gateway::{Described, Gateway, arguments};
use crate::mcp::service::Toolset;

/// The name of the tool that reaches whoever listens now.
pub(super) const STREAM: &str = "push_stream";
/// The name of the tool that reaches webhooks as well.
pub(super) const WEBHOOK: &str = "push_webhook";

const EXAMPLE: &str = r#"{"message": "build 812 is green", "channel": "builds.web", "type": "success"}"#;

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "message": { "type": "string", "description": "The text, for people; at most 256 KiB" },
            "channel": {
                "type": "string",
                "description": "Where to: letters, digits, `_` and `-`, in segments joined by dots, such as `builds.web`",
                "default": "default",
            },
            "type": {
                "type": "string",
                "description": "What kind: `info`, `success`, `warning`, `error`, or a word of your own",
                "default": "info",
            },
            "data": { "description": "Anything for programs, as JSON; at most 256 KiB" },
            "priority": {
                "type": "string",
                "enum": ["min", "low", "default", "high", "max"],
                "description": "How much it matters",
                "default": "default",
            },
            "key": {
                "type": "string",
                "description": "A later event with the same key replaces this one for listeners that lag, such as `progress`",
            },
            "idempotency_key": {
                "type": "string",
                "description": "Makes a repeated call harmless: within a day the same key is stored once",
            },
            "expires_in": {
                "type": "string",
                "description": "After so long it is not delivered any more, such as `10m`",
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
            "stream_clients": { "type": "integer", "description": "How many listen live to it" },
            "total_webhooks": { "type": "integer", "description": "How many webhooks are registered" },
            "webhooks_notified": { "type": "integer", "description": "How many webhooks took it" },
            "repeated": { "type": "boolean", "description": "An earlier call with this idempotency key had stored it" },
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
pub(super) fn stream() -> Described {
    let tool = Tool {
        name: STREAM,
        title: "Push to live listeners",
        description: "Push an event to everybody who listens live on a channel: browsers, dashboards, apps and other \
                      agents. Use it for progress, results and alerts as they happen. Not for servers that must get \
                      it even when they are down: that is `push_webhook`. The event is stored durably before this \
                      answers (milliseconds), so late listeners can still read it. Example: \
                      {\"message\": \"build 812 is green\", \"channel\": \"builds.web\", \"type\": \"success\"}",
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: ANNOTATIONS,
    };
    Described { tool, toolset: Toolset::Essential }
}

/// Describes `push_webhook`.
pub(super) fn webhook() -> Described {
    let tool = Tool {
        name: WEBHOOK,
        title: "Push to webhooks and live listeners",
        description: "Push an event to every registered webhook, and to everybody who listens live. Use it when other \
                      systems must act on it: start a job, open a ticket, page somebody. A webhook may send it on to \
                      people and places outside of this machine, so say nothing that should stay here. Example: \
                      {\"message\": \"deploy finished\", \"channel\": \"deploys\", \"data\": {\"version\": \"1.4.2\"}}",
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: Annotations { open_world_hint: true, ..ANNOTATIONS },
    };
    Described { tool, toolset: Toolset::Essential }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    message: String,
    channel: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    data: Option<Box<RawValue>>,
    priority: Option<String>,
    key: Option<String>,
    idempotency_key: Option<String>,
    expires_in: Option<ExpiresIn>,
}

impl Gateway {
    /// Appends an event for `audience`; the error is for the model.
    pub(super) async fn push(&self, call: &Call, audience: Audience, given: &str) -> Result<Answer, String> {
        let given: Arguments = arguments::read(given, &INPUT, EXAMPLE)?;
        let members = Members {
            message: Some(given.message),
            channel: given.channel,
            event_type: given.event_type,
            data: given.data,
            priority: given.priority,
            key: given.key,
            idempotency_key: given.idempotency_key,
            expires_in: given.expires_in,
            audience: None,
        };
        let client = &call.caller.client;
        let source = Source { principal: client.principal.name.clone(), door: Door::Mcp };
        let mut event = members.into_event(source).map_err(said)?;
        event.audience = audience;
        let address = client.address.map(|address| address.ip());
        let published = match self.hub.publish(&client.principal, address, vec![event]).await {
            Ok(published) => published,
            Err(PushError::ShuttingDown) if call.leave() => std::future::pending().await,
            Err(error) => return Err(not_pushed(&error)),
        };
        let appended = &published.appended[0];
        let event = &appended.event;
        let listeners = published.stream_clients;
        let text = format!(
            "Stored as {} on `{}`. {}",
            event.position,
            event.channel,
            match listeners {
                0 => "Nobody listens live at the moment; whoever comes later can still read it.".to_owned(),
                1 => "1 live listener has it.".to_owned(),
                many => format!("{many} live listeners have it."),
            }
        );
        let structured = json!({
            "id": event.position,
            "channel": event.channel,
            "timestamp": event.timestamp,
            "stream_clients": listeners,
            "total_webhooks": 0,
            "webhooks_notified": 0,
            "repeated": appended.repeated,
        });
        Ok(Answer::new(text, structured))
    }
}

/// Says what is wrong with an argument.
fn said(invalid: Invalid) -> String {
    let name = invalid.at.trim_start_matches('/');
    format!("`{name}`: {}; {}. Nothing was pushed", invalid.what, invalid.fix)
}

fn not_pushed(error: &PushError) -> String {
    match error {
        PushError::BytesInFlight => {
            "too much is being pushed at the moment; try again in a second".to_owned()
        }
        PushError::RateLimited { events_per_second, .. } => {
            format!(
                "you push more than {events_per_second} events per second; push less often, or fewer at once"
            )
        }
        PushError::ShuttingDown => {
            "the gateway is stopping; nothing was pushed; try again in a moment".to_owned()
        }
        PushError::Store(error) => {
            tracing::error!(%error, "the store failed");
            "the log could not be written; nothing was pushed; the gateway's own log says why".to_owned()
        }
    }
}
