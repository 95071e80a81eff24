//! `push_stream` and `push_webhook`: the two ways into the log.

mod listening;
mod receipt;

use std::num::NonZeroU16;
use std::sync::LazyLock;

use fanfare_core::push_body::{ExpiresIn, Members};
use fanfare_core::{Audience, Door, Invalid, Via};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::{Annotations, Tool};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::mcp::call::Call;
use crate::mcp::gateway::push::listening::Place;
use crate::mcp::gateway::{Gateway, ToolEntry, arguments, events};
use crate::mcp::toolset::Toolset;
use fanfare_delivery::service::Wait;
use fanfare_hub::publish::PushError;

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
            "data": events::any_json("Anything for programs, as JSON; at most 256 KiB"),
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
            "port": {
                "type": "integer",
                "minimum": 1,
                "maximum": 65535,
                "description": "Nearly always left out: listeners use the port that the gateway has already. Only when \
                                something must connect to another one: the gateway then listens there, too, until it \
                                stops",
            },
            "host": {
                "type": "string",
                "description": "Nearly always left out, as `port`: the address to listen on, `127.0.0.1` for this machine \
                                alone; left out, the gateway's own",
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
            "webhooks_notified": { "type": "integer", "description": "How many webhooks took it at once" },
            "repeated": { "type": "boolean", "description": "An earlier call with this idempotency key had stored it" },
            "url": { "type": "string", "description": "Where listeners connect, when `port` or `host` was given" },
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
        title: "Push to live listeners",
        description: "Push an event to everybody who listens live on a channel: browsers, dashboards, apps and other \
                      agents. Use when something is worth knowing as it happens: progress, results, alerts. Not for \
                      servers that must get it even when they are down: that is `push_webhook`. The event is stored \
                      durably before this answers (within milliseconds) and cannot be taken back; a person may see it at \
                      once, and who comes later can still read it. Leave `port` and `host` out. Example: {\"message\": \
                      \"build 812 is green\", \"channel\": \"builds.web\", \"type\": \"success\"}",
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
        title: "Push to webhooks and live listeners",
        description: "Push an event to every registered webhook that wants its channel, and to everybody who listens \
                      live. Use when other systems must act on it: start a job, open a ticket, page somebody. Not for \
                      mere progress, which only people watch: that is `push_stream`. A webhook may send it on to \
                      people and places outside of this machine, so say nothing that should stay here; it is stored \
                      durably and cannot be taken back. This answers once each webhook was tried, within ten seconds; \
                      those that fail are tried again without you. Leave `port` and `host` out. Example: {\"message\": \
                      \"deploy finished\", \"channel\": \"deploys\", \"data\": {\"version\": \"1.4.2\"}}",
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: Annotations { open_world_hint: true, ..ANNOTATIONS },
    };
    ToolEntry { tool, toolset: Toolset::Essential }
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
    port: Option<NonZeroU16>,
    host: Option<String>,
}

impl Arguments {
    /// Parts what the event is from where its listeners want to connect.
    fn parted(self) -> (Members, Option<Place>) {
        let members = Members {
            message: Some(self.message),
            channel: self.channel,
            event_type: self.event_type,
            data: self.data,
            priority: self.priority,
            key: self.key,
            idempotency_key: self.idempotency_key,
            expires_in: self.expires_in,
            audience: None,
        };
        let place = match (self.host, self.port) {
            (None, None) => None,
            (host, port) => Some(Place { host, port: port.map(NonZeroU16::get) }),
        };
        (members, place)
    }
}

impl Gateway {
    /// Appends an event for `audience`; the error is for the model.
    pub(super) async fn push(&self, call: &Call, audience: Audience, given: &str) -> Result<Outcome, String> {
        let given: Arguments = arguments::read(given, &INPUT, EXAMPLE)?;
        let (members, place) = given.parted();
        let client = &call.caller.client;
        let via = Via { door: Door::Mcp, address: client.address, agent: client.agent.clone() };
        let mut event = members.into_event(via.source(&client.principal)).map_err(refused)?;
        event.audience = audience;
        let opened = match place {
            None => None,
            Some(place) => Some(self.listen(client, &place).await?),
        };
        let wait = if audience == Audience::All { Wait::ForWebhooks } else { Wait::ForStore };
        match self.webhooks.publish(&client.principal, &via, vec![event], wait).await {
            Ok(published) => Ok(receipt::write(&published, audience, opened)),
            Err(PushError::ShuttingDown) if call.leave() => std::future::pending().await,
            Err(error) => Err(not_pushed(&error)),
        }
    }
}

/// Says what is wrong with an argument.
fn refused(invalid: Invalid) -> String {
    let name = invalid.at.trim_start_matches('/');
    format!("`{name}`: {}; {}. Nothing was pushed. Example: {EXAMPLE}", invalid.what, invalid.fix)
}

fn not_pushed(error: &PushError) -> String {
    match error {
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
