//! The filter of a tool: the arguments that select events, and the position to start from.

use fanfare_core::Filter;
use fanfare_core::filter_words::{FilterWords, Part};
use serde_json::{Value, json};

use crate::mcp::gateway::arguments::refuse;

/// The arguments of a filter, as they are written.
#[derive(Debug, Default)]
pub(super) struct FilterArguments {
    pub(super) channel: Option<String>,
    pub(super) types: Vec<String>,
    pub(super) min_priority: Option<String>,
    pub(super) text: Option<String>,
}

impl FilterArguments {
    /// Checks them.
    pub(super) fn read(&self, example: &str) -> Result<Filter, String> {
        let words = FilterWords {
            patterns: self.channel.as_slice(),
            types: &self.types,
            min_priority: self.min_priority.as_deref(),
            text: self.text.as_deref(),
        };
        let filter = words.read(|part| {
            let name = match part {
                Part::Patterns(_) => "channel",
                Part::Types(_) => "types",
                Part::MinPriority => "min_priority",
                Part::Text => "text",
            };
            name.to_owned()
        });
        filter.map_err(|invalid| refuse(&invalid.at, &invalid, example))
    }
}

/// Describes in words the channels that a filter covers.
pub(super) fn place(filter: &Filter) -> String {
    let pattern = &filter.patterns()[0];
    if pattern.is_all() { "any channel".to_owned() } else { format!("`{pattern}`") }
}

/// Describes `channel`.
pub(super) fn channel() -> Value {
    json!({
        "type": "string",
        "description": "A channel such as `builds.web`, or a pattern: `builds.*` for one segment, `builds.>` for the \
                        rest, `>` for every channel",
        "default": ">",
    })
}

/// Describes `types`.
pub(super) fn types() -> Value {
    json!({
        "type": "array",
        "items": { "type": "string" },
        "maxItems": 64,
        "description": "Only these types, such as [\"error\", \"warning\"]; default: all",
    })
}

/// Describes `min_priority`.
pub(super) fn min_priority() -> Value {
    json!({
        "type": "string",
        "enum": ["min", "low", "default", "high", "max"],
        "description": "Only events of at least this priority",
        "default": "min",
    })
}

/// Describes `text`.
pub(super) fn text() -> Value {
    json!({
        "type": "string",
        "description": "Only events whose message contains this text (ASCII case-insensitive)",
    })
}
