//! How much the gateway logs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::LogLevel;

/// How much the gateway logs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LogState {
    /// The level; omitted if `filter` does not match one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    /// The filter, as in `FANFARE_LOG`.
    pub filter: String,
}

/// The body that sets the level.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogChange {
    /// The level, or `default` for the filter that the gateway started with.
    pub level: LogLevel,
}
