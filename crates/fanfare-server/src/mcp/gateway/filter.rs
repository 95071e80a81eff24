//! The filter of a tool: the arguments that select events, and the position to start from.

use fanfare_core::filter_words::{FilterWords, Part};
use fanfare_core::members::Members;
use fanfare_core::{Channel, Filter, Invalid};
use serde_json::{Value, json};

use crate::mcp::gateway::arguments::refuse;

/// The arguments of a filter, as they are written.
#[derive(Debug, Default)]
pub(super) struct FilterArguments {
    pub(super) channels: Vec<String>,
    pub(super) types: Vec<String>,
    pub(super) min_priority: Option<String>,
    pub(super) text: Option<String>,
}

impl FilterArguments {
    /// Takes them.
    pub(super) fn take(members: &mut Members<'_>) -> Result<FilterArguments, Invalid> {
        Ok(FilterArguments {
            channels: members.texts("channels")?.flatten().unwrap_or_default(),
            types: members.texts("types")?.flatten().unwrap_or_default(),
            min_priority: members.text("min_priority")?.flatten(),
            text: members.text("text")?.flatten(),
        })
    }

    /// Returns whether none of them is given.
    pub(super) fn is_empty(&self) -> bool {
        let FilterArguments { channels, types, min_priority, text } = self;
        channels.is_empty() && types.is_empty() && min_priority.is_none() && text.is_none()
    }

    /// Checks them.
    pub(super) fn read(&self, example: &str) -> Result<Filter, String> {
        let words = FilterWords {
            patterns: &self.channels,
            types: &self.types,
            min_priority: self.min_priority.as_deref(),
            text: self.text.as_deref(),
        };
        let filter = words.read(|part| {
            let name = match part {
                Part::Patterns(_) => "channels",
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
    const SHOWN_MAX: usize = 3;
    let patterns = filter.patterns();
    if patterns[0].is_all() {
        return "any channel".to_owned();
    }
    let shown: Vec<String> = patterns.iter().take(SHOWN_MAX).map(|pattern| format!("`{pattern}`")).collect();
    match patterns.len().saturating_sub(SHOWN_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Describes in words the channels that a filter just misses; empty if there are none.
pub(super) fn overlooked(channels: &[Channel]) -> String {
    let said = |channel: &Channel| {
        format!(
            " `{channel}.>` does not select `{channel}`, which has events; add it to \"channels\" if you want them."
        )
    };
    channels.iter().map(said).collect()
}

/// Describes `channels`.
pub(super) fn channels() -> Value {
    json!({
        "type": "array",
        "items": { "type": "string" },
        "description": "Channels or patterns: `builds.*` for one more segment, `builds.>` for one or more; default all",
    })
}

/// Describes `types`.
pub(super) fn types() -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "description": "Such as [\"error\"]; default all" })
}

/// Describes `min_priority`.
pub(super) fn min_priority() -> Value {
    json!({
        "type": "string",
        "enum": ["min", "low", "default", "high", "max"],
        "description": "Least priority",
    })
}

/// Describes `text`.
pub(super) fn text() -> Value {
    json!({ "type": "string", "description": "Only messages that contain this, in any case" })
}

#[cfg(test)]
mod tests {
    use super::{FilterArguments, place};

    #[test]
    fn a_filter_says_which_channels_it_covers() {
        for (channels, said) in [
            (&[][..], "any channel"),
            (&["a", ">"], "any channel"),
            (&["a.*"], "`a.*`"),
            (&["c", "b"], "`b`, `c`"),
            (&["a", "b", "c", "d", "e"], "`a`, `b`, `c` and 2 more"),
        ] {
            let channels = channels.iter().map(|&channel| channel.to_owned()).collect();
            let filter = FilterArguments { channels, ..FilterArguments::default() }.read("{}");
            assert_eq!(place(&filter.expect("channels")), said);
        }
    }
}
