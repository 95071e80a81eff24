//! Delivery attempts.

use fanfare_core::{Position, Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::values;
use crate::words::{AttemptKind, Method, Outcome};

/// One request that tried to deliver an event or a batch.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// The id of the attempt.
    #[schema(value_type = values::AttemptId)]
    pub id: String,
    /// The webhook that was called.
    #[schema(value_type = values::WebhookId)]
    pub webhook_id: WebhookId,
    /// Number of this attempt at the delivery, starting at 1.
    pub number: u32,
    /// The start of the attempt.
    #[schema(value_type = values::Timestamp)]
    pub started_at: Timestamp,
    /// What to do about it, if it was not delivered; only in the response to a request for this attempt alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub advice: Option<Box<str>>,
    /// The request and the response.
    #[serde(flatten)]
    pub detail: AttemptDetail,
}

impl Attempt {
    /// Returns whether the receiver accepted it: the response was 2xx.
    pub fn is_delivered(&self) -> bool {
        self.detail.outcome == Outcome::Delivered
    }
}

/// The request and the response of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AttemptDetail {
    /// The event; for a batch, the first one.
    #[schema(value_type = values::Position)]
    pub event_id: Position,
    /// The value of `webhook-id`: the same for every attempt at one delivery.
    pub message_id: String,
    /// Number of events.
    #[serde(default = "one")]
    pub events: u64,
    /// The reason for the attempt.
    pub kind: AttemptKind,
    /// The outcome.
    pub outcome: Outcome,
    /// Why there was no response, in more detail; omitted if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<Box<str>>,
    /// The status of the response; omitted if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status_code: Option<u16>,
    /// The duration of each phase.
    pub times: Times,
    /// The request; only for a single attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request: Option<SentRequest>,
    /// The response, if there was one; only for a single attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub answer: Option<ReceivedAnswer>,
    /// Whether there was a response that is not shown, because it came from a private address in locked mode.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub answer_is_hidden: bool,
}

/// The duration of each phase, in microseconds; a phase that was not needed or not reached is omitted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Times {
    /// Resolving the host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dns_us: Option<u64>,
    /// Opening the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub connect_us: Option<u64>,
    /// The TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tls_us: Option<u64>,
    /// From the request to the head of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wait_us: Option<u64>,
    /// From there to the end of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_us: Option<u64>,
    /// The total duration.
    pub total_us: u64,
}

/// The request of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SentRequest {
    /// The method; omitted if an earlier version sent it, with `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub method: Option<Method>,
    /// The URL.
    pub url: String,
    /// The headers; values of credentials are hidden.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub headers: Map<String, Value>,
    /// The length of the body, in bytes.
    pub body_bytes: u64,
    /// The start of the body; omitted if it is no longer in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<String>,
    /// Whether it was truncated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_cut: Option<bool>,
}

/// The response of a receiver.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReceivedAnswer {
    /// The headers.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub headers: Map<String, Value>,
    /// The start of the body.
    pub body: String,
    /// Whether it was truncated.
    pub is_cut: bool,
}

/// A page of attempts; `A` is an attempt, or its text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AttemptsPage, bound = "")]
pub struct AttemptsPage<A> {
    /// The attempts, each without `request` and `answer`: those of each webhook newest first, the webhook that was
    /// registered first before the others.
    #[schema(value_type = Vec<Attempt>)]
    pub attempts: Vec<A>,
    /// Pass as `cursor` to get the next page; omitted on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

/// The result of a test of a URL that is not registered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    /// The start of the attempt.
    #[schema(value_type = values::Timestamp)]
    pub started_at: Timestamp,
    /// The value of `webhook-id`.
    pub message_id: String,
    /// `test`.
    pub kind: AttemptKind,
    /// The outcome.
    pub outcome: Outcome,
    /// Why there was no response, in more detail; omitted if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<Box<str>>,
    /// The status of the response; omitted if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status_code: Option<u16>,
    /// What to do about it, if it was not delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub advice: Option<Box<str>>,
    /// The duration of each phase.
    pub times: Times,
}

fn one() -> u64 {
    1
}
