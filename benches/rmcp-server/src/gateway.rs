//! The tool, with Fanfare's arguments and Fanfare's answer.

use std::sync::Arc;

use rmcp::{
    ErrorData, ServerHandler,
    handler::server::{router::tool::ToolRouter, wrapper::Parameters},
    model::{CallToolResult, ContentBlock, Implementation, ServerCapabilities, ServerConfig},
    schemars::{self, JsonSchema},
    tool, tool_handler, tool_router,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::log::{Event, Log};

#[derive(Deserialize, JsonSchema)]
struct Push {
    /// The text.
    message: String,
    /// The channel to push to.
    channel: Option<String>,
    /// The event's type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Anything else.
    data: Option<Value>,
    /// The event's priority.
    priority: Option<String>,
    /// The key: a reader that lags gets only the newest event of each key.
    key: Option<String>,
    /// A listener that is opened too; not here.
    #[expect(dead_code, reason = "an argument of the tool that the load does not give")]
    port: Option<u16>,
    /// The address of that listener.
    #[expect(dead_code, reason = "an argument of the tool that the load does not give")]
    host: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Pushed<'a> {
    id: &'a str,
    channel: &'a str,
    timestamp: &'a str,
    stream_clients: usize,
    total_webhooks: usize,
    webhooks_notified: usize,
    repeated: bool,
}

#[derive(Clone)]
pub struct Gateway {
    log: Arc<Log>,
    /// Made once; unless it is told otherwise, the macro makes one for each call.
    router: Arc<ToolRouter<Self>>,
}

#[tool_router]
impl Gateway {
    pub fn new() -> Self {
        Self { log: Arc::new(Log::new()), router: Arc::new(Self::tool_router()) }
    }

    #[tool(
        name = "push_stream",
        description = "Push an event to everyone who listens",
        output_schema = rmcp::handler::server::tool::schema_for_output::<Pushed<'static>>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = false, open_world_hint = false)
    )]
    async fn push_stream(&self, Parameters(push): Parameters<Push>) -> Result<CallToolResult, ErrorData> {
        let (event, stream_clients) = self.log.append(|id, timestamp| Event {
            id,
            channel: push.channel.unwrap_or_else(|| "default".to_owned()),
            kind: push.kind.unwrap_or_else(|| "info".to_owned()),
            message: push.message,
            data: push.data,
            priority: push.priority.unwrap_or_else(|| "default".to_owned()),
            key: push.key,
            timestamp,
        });
        let pushed = Pushed {
            id: &event.id,
            channel: &event.channel,
            timestamp: &event.timestamp,
            stream_clients,
            total_webhooks: 0,
            webhooks_notified: 0,
            repeated: false,
        };
        // A sentence for the model, as Fanfare gives one, and not the structure once more as text, which costs more.
        let sentence = format!(
            "Stored as {} on `{}`. It went to {stream_clients} live listeners; whoever comes later can still read it.",
            event.id, event.channel
        );
        let structure = serde_json::to_value(pushed)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let mut result = CallToolResult::success(vec![ContentBlock::text(sentence)]);
        result.structured_content = Some(structure);
        Ok(result)
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Gateway {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("rmcp-server", env!("CARGO_PKG_VERSION")))
            .with_instructions("Use push_stream to tell everyone who listens.")
    }
}
