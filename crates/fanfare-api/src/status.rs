//! What the gateway is, and whether it runs.

use std::borrow::Cow;
use std::net::SocketAddr;

use fanfare_core::{Epoch, Position};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;
use crate::words::{PartHealth, ProcessState, ReadyState, StoreEngine};

/// That the process runs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: ProcessState,
    /// The version of the program.
    #[schema(value_type = String)]
    pub version: Cow<'static, str>,
    /// For how long it has run.
    pub uptime_seconds: u64,
}

/// That the gateway takes and delivers events.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// `ready`; with status 503 `degraded` or `stopping`.
    pub status: ReadyState,
    /// The log.
    #[schema(value_type = values::Epoch)]
    pub epoch: Epoch,
    /// Its last position.
    #[schema(value_type = values::Position)]
    pub last: Position,
    /// Everything that runs in the gateway, and whether it does.
    pub parts: Vec<PartState>,
}

/// A part of the gateway.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PartState {
    /// Its name.
    pub name: String,
    /// Whether it runs.
    pub state: PartHealth,
    /// How many times it has begun again.
    pub restarts: u64,
}

/// What the gateway is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// `fanfare`.
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
    /// The oldest position that is kept.
    #[schema(value_type = values::Position)]
    pub first: Position,
    /// The last position.
    #[schema(value_type = values::Position)]
    pub last: Position,
    /// For how long it has run.
    pub uptime_seconds: u64,
    /// How many live subscriptions there are.
    pub stream_clients: usize,
    /// How many webhooks are registered.
    pub total_webhooks: usize,
    /// How these fare.
    pub webhooks: WebhookTotals,
    /// Where it listens: the first of `listeners`.
    #[schema(value_type = String)]
    pub listen: SocketAddr,
    /// Everywhere it listens, its own addresses before those that pushes asked for.
    #[schema(value_type = Vec<String>)]
    pub listeners: Vec<SocketAddr>,
}

/// How the webhooks fare, all together.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookTotals {
    /// How many are paused.
    pub paused: usize,
    /// How many are sent to, and failed last time.
    pub failing: usize,
    /// Deliveries that wait for their next attempt.
    pub waiting: u64,
    /// Deliveries that were given up.
    pub dead: u64,
}
