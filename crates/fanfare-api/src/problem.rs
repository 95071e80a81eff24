//! Refusals: `application/problem+json` (RFC 9457), with `code`, `at` and `fix` of ours.

use std::time::Duration;

use fanfare_core::Code;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::words;

/// The media type of a refusal.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was refused. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` says it all.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: String,
    /// The status in words.
    #[serde(default)]
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable name of what is wrong.
    #[schema(value_type = ProblemCode)]
    pub code: String,
    /// What is wrong.
    pub detail: String,
    /// Where: a JSON pointer, or words such as ``query parameter `since` ``; left out when the whole request is meant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// How to fix it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fix: String,
    /// The limit that was exceeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub limit: Option<String>,
    /// When to try again; on the wire it is the header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// The name of what is wrong, one of a set that may grow.
#[derive(Debug)]
pub enum ProblemCode {}

impl Problem {
    /// Returns the code, when this program knows it: a later gateway may have others.
    pub fn known_code(&self) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == self.code)
    }
}

/// Returns the `type` that every refusal has.
pub fn about_blank() -> String {
    "about:blank".to_owned()
}

impl PartialSchema for ProblemCode {
    fn schema() -> RefOr<Schema> {
        let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        words::open(&known, "The stable name of what is wrong; decide by it, not by `detail`.")
    }
}

impl ToSchema for ProblemCode {}
