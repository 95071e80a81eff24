//! The flags that narrow a filter: which of the events on its channels pass.

use fanfare_core::{EventType, Priority};

use crate::cli::global::priority_parser;

/// The parts of a filter besides its channels.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct FilterFlags {
    /// Only events of this type; repeatable
    #[arg(short = 't', long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(crate) event_type: Vec<EventType>,
    /// Only events of this priority or higher
    #[arg(long, value_name = "PRIORITY", value_parser = priority_parser(), hide_possible_values = true)]
    pub(crate) min_priority: Option<Priority>,
    /// Only messages that contain this text (case-insensitive)
    #[arg(long)]
    pub(crate) text: Option<String>,
}
