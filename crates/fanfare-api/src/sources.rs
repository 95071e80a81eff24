//! Sources: addresses of their own for programs that send.

use fanfare_core::{Channel, SourceName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;

/// A page of the sources.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IngestSources {
    /// The sources, ordered by name.
    pub sources: Vec<IngestSource>,
    /// Pass as `cursor` to get the next page; omitted on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Number of sources on all pages.
    pub total: usize,
}

/// A source.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IngestSource {
    /// The name of the source.
    #[schema(value_type = values::SourceName)]
    pub name: SourceName,
    /// The path of its address.
    pub path: String,
    /// The kind of sender.
    pub kind: String,
    /// How senders prove who they are, such as `hmac-sha256:linear-signature`; `none` lets anyone send.
    pub verify: String,
    /// The channel of its events, unless a request names another one.
    #[schema(value_type = values::Channel)]
    pub channel: Channel,
    /// Number of secrets that it verifies with; those in the gateway's environment are not counted.
    pub secrets: usize,
    /// Whether it exists from the start.
    pub built_in: bool,
    /// Whether it accepts nothing, because it was removed.
    pub closed: bool,
    /// Number of requests that were accepted since the gateway started.
    pub accepted: u64,
    /// Number of requests that were refused since then.
    pub refused: u64,
    /// The time of the last request that was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub last_accepted_at: Option<Timestamp>,
    /// The last requests that were refused, the newest first; at most 20, and none in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<SourceRefusal>,
    /// A secret that the gateway made up, in the response to the request that set the source, and nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub secret: Option<Box<str>>,
}

/// A request that a source refused.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SourceRefusal {
    /// The time at which it was refused.
    #[schema(value_type = values::Timestamp)]
    pub refused_at: Timestamp,
    /// The code of the error.
    pub code: String,
    /// What was wrong.
    pub detail: String,
    /// The address of the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub address: Option<String>,
}

/// The settings of a source.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// The kind of sender: `github`, `gitlab`, `custom`, …
    pub kind: String,
    /// The channel of its events; omitted, `ingest.` and its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Channel>)]
    pub channel: Option<Channel>,
    /// How senders prove who they are: `hmac-sha256:HEADER`, `hmac-sha256:HEADER:PREFIX:hex` or `base64`, `bearer`,
    /// `basic`, `token-header:NAME`, `stripe`, `standard-webhooks` or `none`. Omitted, in the way of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<String>,
    /// The secrets; several while one is replaced. Omitted, they stay, and a new source gets one where the sender does
    /// not choose it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}
