//! The fixtures as a service.

use std::sync::Arc;

use async_trait::async_trait;
use fanfare_mcp::lifecycle::Identity;
use fanfare_mcp::listen::{Change, Interests};
use fanfare_mcp::prompts::{Complete, Get, Prompt};
use fanfare_mcp::resources::{Resource, ResourceRequest, Template};
use fanfare_mcp::tools::Call as ToolCall;
use fanfare_mcp::{Error, Outcome};
use fanfare_server::mcp::call::Call;
use fanfare_server::mcp::caller::Caller;
use fanfare_server::mcp::pace::Pace;
use fanfare_server::mcp::service::Service;
use fanfare_server::mcp::toolset::{ToolList, Toolset};
use futures_util::stream::BoxStream;
use serde_json::json;

use crate::changes::Changes;
use crate::sealed::Seal;
use crate::{prompts, resources, tools};

/// The fixtures, and their shared state.
#[derive(Debug)]
pub(crate) struct Suite {
    identity: Identity,
    tools: Arc<ToolList>,
    /// The changes that tools report.
    pub(crate) changes: Changes,
    /// The seal that keeps clients from changing the state that they carry for us.
    pub(crate) seal: Seal,
}

impl Suite {
    /// Creates the fixtures; draws the key of the seal.
    pub(crate) fn new() -> anyhow::Result<Suite> {
        let tools = Arc::new(ToolList::new(&tools::all()));
        Ok(Suite { identity: identity(), tools, changes: Changes::new(), seal: Seal::new()? })
    }
}

fn identity() -> Identity {
    let capabilities = json!({
        "tools": { "listChanged": true },
        "prompts": { "listChanged": true },
        "resources": { "subscribe": true, "listChanged": true },
        "completions": {},
        "logging": {},
    });
    Identity {
        name: "fanfare-conformance".to_owned(),
        title: "Fanfare, under test".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instructions: "Fixtures for the conformance suite; nothing here does anything useful.".to_owned(),
        legacy_capabilities: capabilities.clone(),
        modern_capabilities: capabilities,
    }
}

#[async_trait]
impl Service for Suite {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn tools(&self, _: Toolset) -> Arc<ToolList> {
        Arc::clone(&self.tools)
    }

    fn pace(&self, _: &str) -> Pace {
        Pace::Working
    }

    async fn call(&self, call: &Call, tool: ToolCall<'_>) -> Result<Outcome, Error> {
        tools::call(self, call, tool).await
    }

    fn prompts(&self) -> Vec<Prompt> {
        prompts::all()
    }

    async fn prompt(&self, call: &Call, wanted: Get) -> Result<Outcome, Error> {
        prompts::get(call, &wanted)
    }

    async fn resources(&self, _: &Caller, _: Option<&str>) -> Result<(Vec<Resource>, Option<String>), Error> {
        Ok((resources::all(), None))
    }

    fn templates(&self) -> Vec<Template> {
        resources::templates()
    }

    async fn read(&self, call: &Call, wanted: ResourceRequest) -> Result<Outcome, Error> {
        resources::read(&wanted.uri, call.era())
    }

    async fn complete(&self, _: &Caller, wanted: &Complete) -> Result<Vec<String>, Error> {
        prompts::complete(wanted)
    }

    async fn watch(
        &self,
        caller: &Caller,
        wanted: &Interests,
    ) -> Result<(Interests, BoxStream<'static, Change>), Error> {
        let mut honoured = wanted.clone();
        honoured.resource_subscriptions.retain(|uri| resources::read(uri, caller.version.era()).is_ok());
        let changes = self.changes.follow(honoured.clone());
        Ok((honoured, changes))
    }
}
