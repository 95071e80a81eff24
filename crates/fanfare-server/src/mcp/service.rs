//! A service: tools, resources and prompts. The gateway is one service; the one for the conformance suite is another.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use fanfare_mcp::lifecycle::Identity;
use fanfare_mcp::listen::{Change, Interests};
use fanfare_mcp::prompts::{Complete, Get, Prompt};
use fanfare_mcp::resources::{Resource, ResourceRequest, Template};
use fanfare_mcp::tools::Call as ToolCall;
use fanfare_mcp::{Error, Outcome};
use futures_util::stream::BoxStream;

use crate::mcp::call::Call;
use crate::mcp::caller::Caller;
use crate::mcp::pace::Pace;
use crate::mcp::toolset::{ToolList, Toolset};

/// A service. Every method can be called at any time, also concurrently.
#[async_trait]
pub trait Service: fmt::Debug + Send + Sync + 'static {
    /// Returns the identity of the server.
    fn identity(&self) -> &Identity;

    /// Returns the tools of a set.
    fn tools(&self, toolset: Toolset) -> Arc<ToolList>;

    /// Returns how long a tool takes.
    fn pace(&self, tool: &str) -> Pace;

    /// Calls a tool, which is in the caller's set. A failure of the tool is an answer, not an error.
    async fn call(&self, call: &Call, tool: ToolCall<'_>) -> Result<Outcome, Error>;

    /// Returns the prompts.
    fn prompts(&self) -> Vec<Prompt>;

    /// Returns the text of a prompt.
    async fn prompt(&self, call: &Call, wanted: Get) -> Result<Outcome, Error>;

    /// Returns a page of the resources, and the cursor of the next page.
    async fn resources(
        &self,
        caller: &Caller,
        cursor: Option<&str>,
    ) -> Result<(Vec<Resource>, Option<String>), Error>;

    /// Returns the templates of resources.
    fn templates(&self) -> Vec<Template>;

    /// Reads a resource.
    async fn read(&self, call: &Call, wanted: ResourceRequest) -> Result<Outcome, Error>;

    /// Suggests values for an argument: all that match, the likeliest first.
    async fn complete(&self, caller: &Caller, wanted: &Complete) -> Result<Vec<String>, Error>;

    /// Follows changes from now on. Returns the part of `wanted` that it will report, and the changes. They can arrive
    /// late, once for several, and end only if an operator disconnects the caller.
    async fn watch(
        &self,
        caller: &Caller,
        wanted: &Interests,
    ) -> Result<(Interests, BoxStream<'static, Change>), Error>;
}
