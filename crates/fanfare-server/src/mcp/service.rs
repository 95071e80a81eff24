//! What a server serves: tools, resources and prompts. The gateway is one service; what the conformance suite wants to
//! see is another.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use fanfare_mcp::headers::{self, ParamHeader};
use fanfare_mcp::lifecycle::Identity;
use fanfare_mcp::listen::{Change, Wanted};
use fanfare_mcp::outcome::{Cache, Scope};
use fanfare_mcp::prompts::{Complete, Get, Prompt};
use fanfare_mcp::resources::{Named, Resource, Template};
use fanfare_mcp::tools::{Call as ToolCall, Tool};
use fanfare_mcp::{Error, Outcome};
use futures_util::stream::BoxStream;
use serde_json::json;

use crate::mcp::call::Call;
use crate::mcp::caller::Caller;

/// Which tools a caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Toolset {
    /// Those that change nothing.
    ReadOnly,
    /// Those that a model should have at hand; at most seven.
    #[default]
    Essential,
    /// Every one.
    All,
}

impl Toolset {
    /// All of them, the narrowest first.
    pub const ALL: [Toolset; 3] = [Toolset::ReadOnly, Toolset::Essential, Toolset::All];

    /// Gives the name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Toolset::ReadOnly => "readonly",
            Toolset::Essential => "essential",
            Toolset::All => "all",
        }
    }

    /// Reads what [`Toolset::as_str`] wrote.
    pub fn from_name(name: &str) -> Option<Toolset> {
        Toolset::ALL.into_iter().find(|toolset| toolset.as_str() == name)
    }
}

/// The tools of one set, with their list as it is sent.
#[derive(Debug)]
pub struct ToolList {
    outcome: Outcome,
    headers: HashMap<&'static str, Vec<ParamHeader>>,
}

impl ToolList {
    /// Encodes the list once.
    pub fn new(tools: &[Tool]) -> ToolList {
        /// Tools change when another version is installed, or the operator chooses another set.
        const CACHE: Cache = Cache { ttl_ms: 300_000, scope: Scope::Public };
        ToolList {
            outcome: Outcome::complete(&json!({ "tools": tools })).cached(CACHE),
            headers: tools.iter().map(|tool| (tool.name, headers::annotated(&tool.input_schema))).collect(),
        }
    }

    /// Gives the answer to `tools/list`.
    pub fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }

    /// Says whether any tool has arguments that are repeated in headers.
    pub fn has_headers(&self) -> bool {
        self.headers.values().any(|headers| !headers.is_empty())
    }

    /// Gives the arguments of `tool` that are repeated in headers; nothing, when it is not in the set.
    pub fn headers(&self, tool: &str) -> Option<&[ParamHeader]> {
        self.headers.get(tool).map(Vec::as_slice)
    }
}

/// What a server serves. Every method may be called at any time, by many at once.
#[async_trait]
pub trait Service: fmt::Debug + Send + Sync + 'static {
    /// Says what it is.
    fn identity(&self) -> &Identity;

    /// Gives the tools of a set.
    fn tools(&self, toolset: Toolset) -> &ToolList;

    /// Calls a tool, which is in the caller's set. What it could not do is an answer, not an error.
    async fn call(&self, call: &Call, tool: ToolCall<'_>) -> Result<Outcome, Error>;

    /// Gives the prompts.
    fn prompts(&self) -> Vec<Prompt>;

    /// Gives what a prompt says.
    async fn prompt(&self, call: &Call, wanted: Get) -> Result<Outcome, Error>;

    /// Gives a page of the resources, and where the next one begins.
    async fn resources(
        &self,
        caller: &Caller,
        cursor: Option<&str>,
    ) -> Result<(Vec<Resource>, Option<String>), Error>;

    /// Gives the families of resources.
    fn templates(&self) -> Vec<Template>;

    /// Reads a resource.
    async fn read(&self, call: &Call, wanted: Named) -> Result<Outcome, Error>;

    /// Suggests values for an argument: all that fit, the likeliest first.
    async fn complete(&self, caller: &Caller, wanted: &Complete) -> Result<Vec<String>, Error>;

    /// Follows changes, from now on. Gives what of `wanted` it will tell, and the changes; they may be told late and
    /// then once for several, and never end.
    async fn watch(
        &self,
        caller: &Caller,
        wanted: &Wanted,
    ) -> Result<(Wanted, BoxStream<'static, Change>), Error>;
}
