//! Toolsets: the tools that a caller sees.

use std::collections::HashMap;

use fanfare_mcp::Outcome;
use fanfare_mcp::headers::{self, ParamHeader};
use fanfare_mcp::outcome::{Cache, Scope};
use fanfare_mcp::tools::Tool;
use serde_json::json;

/// The set of tools that a caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Toolset {
    /// The read-only tools.
    ReadOnly,
    /// The tools that a model should have at hand; at most seven.
    #[default]
    Essential,
    /// Every tool.
    All,
}

impl Toolset {
    /// All toolsets, the narrowest first.
    pub const ALL: [Toolset; 3] = [Toolset::ReadOnly, Toolset::Essential, Toolset::All];

    /// Returns the name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Toolset::ReadOnly => "readonly",
            Toolset::Essential => "essential",
            Toolset::All => "all",
        }
    }

    /// Parses what [`Toolset::as_str`] wrote.
    pub fn from_name(name: &str) -> Option<Toolset> {
        Toolset::ALL.into_iter().find(|toolset| toolset.as_str() == name)
    }
}

/// The tools of one set, with their list as it is sent.
#[derive(Debug)]
pub struct ToolList {
    outcome: Outcome,
    headers: HashMap<String, Vec<ParamHeader>>,
}

impl ToolList {
    /// Encodes the list once.
    pub fn new(tools: &[Tool]) -> ToolList {
        /// Tools change when another version is installed, or the operator chooses other ones; subscribers are told.
        const CACHE: Cache = Cache { ttl_ms: 300_000, scope: Scope::Public };
        ToolList {
            outcome: Outcome::complete(&json!({ "tools": tools })).cached(CACHE),
            headers: tools
                .iter()
                .map(|tool| (tool.name.clone().into_owned(), headers::annotated(&tool.input_schema)))
                .collect(),
        }
    }

    /// Returns the answer to `tools/list`.
    pub fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }

    /// Returns whether any tool has arguments that are repeated in headers.
    pub fn has_headers(&self) -> bool {
        self.headers.values().any(|headers| !headers.is_empty())
    }

    /// Returns the arguments of `tool` that are repeated in headers, or `None` if it is not in the set.
    pub fn headers(&self, tool: &str) -> Option<&[ParamHeader]> {
        self.headers.get(tool).map(Vec::as_slice)
    }
}
