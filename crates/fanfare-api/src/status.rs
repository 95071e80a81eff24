//! The status of the gateway, and of its process.

use std::borrow::Cow;

use fanfare_core::{Endpoint, Epoch, Position};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;
use crate::words::{PartHealth, ProcessState, ReadyState, StoreEngine};

/// The report that the process is running.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: ProcessState,
    /// The version of the program.
    #[schema(value_type = String)]
    pub version: Cow<'static, str>,
    /// Time since the start, in seconds.
    pub uptime_seconds: u64,
}

/// Whether the gateway accepts and delivers events.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// `ready`; with status 503 `degraded` or `stopping`.
    pub status: ReadyState,
    /// The log.
    #[schema(value_type = values::Epoch)]
    pub epoch: Epoch,
    /// The last position in the log.
    #[schema(value_type = values::Position)]
    pub last: Position,
    /// The parts of the gateway, and their health.
    pub parts: Vec<PartState>,
    /// Why pushes are refused, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// A part of the gateway.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PartState {
    /// The name of the part.
    pub name: String,
    /// The health of the part.
    pub state: PartHealth,
    /// Number of restarts.
    pub restarts: u64,
}

/// The status of the gateway.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The name of the program, `fanfare`.
    #[schema(value_type = String)]
    pub name: Cow<'static, str>,
    /// The version of the program.
    #[schema(value_type = String)]
    pub version: Cow<'static, str>,
    /// The engine of the store.
    pub store: StoreEngine,
    /// The log.
    #[schema(value_type = values::Epoch)]
    pub epoch: Epoch,
    /// The oldest position in the log.
    #[schema(value_type = values::Position)]
    pub first: Position,
    /// The last position.
    #[schema(value_type = values::Position)]
    pub last: Position,
    /// Number of events that were found damaged since the start; readers pass over them. Earlier gateways do not count.
    #[serde(default)]
    #[schema(required = true)]
    pub damaged_events: u64,
    /// Why pushes are refused, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Time since the start, in seconds.
    pub uptime_seconds: u64,
    /// Number of live subscriptions.
    pub stream_clients: usize,
    /// Number of registered webhooks.
    pub total_webhooks: usize,
    /// The totals of the webhooks.
    pub webhooks: WebhookTotals,
    /// The address it listens on: the first of `listeners`.
    #[schema(value_type = String)]
    pub listen: Endpoint,
    /// The addresses it listens on, its own before those that pushes asked for.
    #[schema(value_type = Vec<String>)]
    pub listeners: Vec<Endpoint>,
}

/// The totals of all webhooks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookTotals {
    /// Number of paused webhooks.
    pub paused: usize,
    /// Number of failing webhooks.
    pub failing: usize,
    /// Number of held webhooks.
    pub held: usize,
    /// Deliveries that await their next attempt.
    pub waiting: u64,
    /// Deliveries that failed.
    pub failed: u64,
}
