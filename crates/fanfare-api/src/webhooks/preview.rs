//! The body that a webhook would send.

use fanfare_core::Position;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;
use crate::webhooks::sample::Sample;

/// What to preview.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct PreviewRequest {
    /// The template to try, as in a registration; default: that of the webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The content type to try; default: that of the webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// An event of the log; default: an event as in a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Position>)]
    pub event_id: Option<Position>,
    /// The event as in a test, as far as you choose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub test: Option<Sample>,
}

/// The body that would be sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// The content type.
    pub content_type: Box<str>,
    /// The body as text, with `***` in the place of secret parts of the URL.
    pub body: String,
    /// Number of bytes that would be sent.
    pub body_bytes: usize,
}
