//! What was tried.

use fanfare_core::{Position, Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::values;
use crate::words::{AttemptKind, Category};

/// One request that tried to deliver something.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Its id.
    #[schema(value_type = values::AttemptId)]
    pub id: String,
    /// To which webhook.
    #[schema(value_type = values::WebhookId)]
    pub webhook: WebhookId,
    /// Number of this attempt at the delivery, starting at 1.
    pub number: u32,
    /// When it began.
    #[schema(value_type = values::Timestamp)]
    pub at: Timestamp,
    /// It was answered with 2xx.
    pub delivered: bool,
    /// What was sent, and what came back.
    #[serde(flatten)]
    pub detail: AttemptDetail,
}

/// What was sent in an attempt, and what came back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AttemptDetail {
    /// The event; of a batch, its first.
    #[schema(value_type = values::Position)]
    pub event_id: Position,
    /// What `webhook-id` said: the same for every attempt at one delivery.
    pub message_id: String,
    /// How many events.
    #[serde(default = "one")]
    pub events: u64,
    /// Why it was made.
    pub kind: AttemptKind,
    /// How it ended.
    pub category: Category,
    /// The status of the answer; `null` when there was none.
    #[schema(required = true)]
    pub status: Option<u16>,
    /// How long it took.
    pub times: Times,
    /// What was sent; only of a single attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request: Option<SentRequest>,
    /// What came back, `null` when nothing did; only of a single attempt.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<ReceivedAnswer>)]
    pub answer: Option<Option<ReceivedAnswer>>,
}

/// How long each phase took, in microseconds; a phase that was not needed or not reached is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Times {
    /// Asking for the addresses of a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dns_us: Option<u64>,
    /// Opening the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub connect_us: Option<u64>,
    /// Agreeing on TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tls_us: Option<u64>,
    /// From the request to the head of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wait_us: Option<u64>,
    /// From there to the end of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_us: Option<u64>,
    /// All of it.
    pub total_us: u64,
}

/// What was sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SentRequest {
    /// Where to.
    pub url: String,
    /// Its headers; values of credentials are hidden.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub headers: Map<String, Value>,
    /// How long its body was.
    pub body_bytes: u64,
    /// The beginning of its body; left out when it is no longer in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<String>,
    /// There was more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_cut: Option<bool>,
}

/// What a receiver answered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReceivedAnswer {
    /// Its headers.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub headers: Map<String, Value>,
    /// The beginning of its body.
    pub body: String,
    /// There was more.
    pub is_cut: bool,
}

/// A page of attempts; `A` is an attempt, or its text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AttemptsPage, bound = "")]
pub struct AttemptsPage<A> {
    /// The newest first, each without `request` and `answer`.
    #[schema(value_type = Vec<Attempt>)]
    pub attempts: Vec<A>,
    /// Pass as `before` to get the next page; omitted on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::AttemptId>, nullable = false)]
    pub next: Option<String>,
}

/// What came of a test of an address that is not registered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    /// When it began.
    #[schema(value_type = values::Timestamp)]
    pub at: Timestamp,
    /// It was answered with 2xx.
    pub delivered: bool,
    /// What `webhook-id` said.
    pub message_id: String,
    /// `test`.
    pub kind: AttemptKind,
    /// How it ended.
    pub category: Category,
    /// The status of the answer; `null` when there was none.
    #[schema(required = true)]
    pub status: Option<u16>,
    /// How long it took.
    pub times: Times,
}

fn one() -> u64 {
    1
}

fn given<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<ReceivedAnswer>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
