//! What a server serves: tools, resources and prompts. The gateway is one service; what the conformance suite wants to
//! see is another.

use std::fmt;

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
use crate::mcp::toolset::{ToolList, Toolset};

/// What a server serves. Every method may be called at any time, by many at once.
#[async_trait]
pub trait Service: fmt::Debug + Send + Sync + 'static {
    /// Says what it is.
    fn identity(&self) -> &Identity;

    /// Returns the tools of a set.
    fn tools(&self, toolset: Toolset) -> &ToolList;

    /// Returns whether a tool ends only when something happens: nobody waits for it any more when the client has gone.
    fn waits(&self, tool: &str) -> bool;

    /// Calls a tool, which is in the caller's set. What it could not do is an answer, not an error.
    async fn call(&self, call: &Call, tool: ToolCall<'_>) -> Result<Outcome, Error>;

    /// Returns the prompts.
    fn prompts(&self) -> Vec<Prompt>;

    /// Returns what a prompt says.
    async fn prompt(&self, call: &Call, wanted: Get) -> Result<Outcome, Error>;

    /// Returns a page of the resources, and where the next one begins.
    async fn resources(
        &self,
        caller: &Caller,
        cursor: Option<&str>,
    ) -> Result<(Vec<Resource>, Option<String>), Error>;

    /// Returns the templates of resources.
    fn templates(&self) -> Vec<Template>;

    /// Reads a resource.
    async fn read(&self, call: &Call, wanted: ResourceRequest) -> Result<Outcome, Error>;

    /// Suggests values for an argument: all that fit, the likeliest first.
    async fn complete(&self, caller: &Caller, wanted: &Complete) -> Result<Vec<String>, Error>;

    /// Follows changes, from now on. Gives what of `wanted` it will tell, and the changes; they may be told late and
    /// then once for several, and never end.
    async fn watch(
        &self,
        caller: &Caller,
        wanted: &Interests,
    ) -> Result<(Interests, BoxStream<'static, Change>), Error>;
}
