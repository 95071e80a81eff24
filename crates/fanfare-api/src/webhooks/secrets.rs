//! The rotation of keys.

use fanfare_core::duration::Literal;
use fanfare_core::{Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::hidden::Hidden;
use crate::values;

/// The key to rotate, and the options.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The kind of key; default `secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<KeyKind>,
    /// How long the old key signs alongside the new one: default `24h`, at most `7d`; with `0s`, it and all earlier
    /// keys stop at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Duration>)]
    pub overlap: Option<Literal>,
    /// The new secret, `whsec_…`; generated if omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Hidden>,
}

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// The pair for `v1a`.
    Ed25519,
    /// The secret for `v1`.
    Secret,
}

/// A new key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Rotated {
    /// The webhook's id.
    #[schema(value_type = values::WebhookId)]
    pub id: WebhookId,
    /// The new secret; shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub secret: Option<Hidden>,
    /// The new public key, `whpk_…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub public_key: Option<String>,
    /// The time until which the previous key also signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub previous_until: Option<Timestamp>,
}
