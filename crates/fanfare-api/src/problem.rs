//! Refusals: `application/problem+json` (RFC 9457), with `code`, `at` and `fix` of ours.

use std::time::Duration;

use fanfare_core::{Code, WebhookId};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::values;
use crate::words;

/// The media type of a refusal.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// The reason that a request was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` identifies the error.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: String,
    /// The status as text.
    #[serde(default)]
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable name of the error.
    #[schema(value_type = ProblemCode)]
    pub code: String,
    /// The problem, in words.
    pub detail: String,
    /// The location: a JSON pointer (`/3/message`), a query parameter (`?since`), a header (`Host:`) or a part of the path
    /// (`{id}`); omitted if the whole request is at fault.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// How to fix it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fix: String,
    /// The limit that was exceeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub limit: Option<String>,
    /// The delay before a retry, in seconds; the header `Retry-After` has it in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "seconds")]
    #[schema(value_type = Option<f64>, minimum = 0, nullable = false)]
    pub retry_after: Option<Duration>,
    /// The webhook that already has the URL or the name; only with `webhook_exists`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::WebhookId>, nullable = false)]
    pub webhook_id: Option<WebhookId>,
}

/// The name of an error, one of a set that can grow.
#[derive(Debug)]
pub enum ProblemCode {}

impl Problem {
    /// Returns the code, if this program knows it: a later gateway can have others.
    pub fn known_code(&self) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == self.code)
    }
}

/// A duration as a number of seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) if time.subsec_nanos() == 0 => serializer.serialize_u64(time.as_secs()),
            Some(time) => serializer.serialize_f64(time.as_secs_f64()),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a number. One that cannot be a duration is ignored, because the rest of the problem matters more.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<f64>::deserialize(deserializer)?;
        Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    }
}

/// Returns the `type` that every refusal has.
pub fn about_blank() -> String {
    "about:blank".to_owned()
}

impl PartialSchema for ProblemCode {
    fn schema() -> RefOr<Schema> {
        let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        words::open(&known, "The stable name of the error; branch on it, not on `detail`.")
    }
}

impl ToSchema for ProblemCode {}
