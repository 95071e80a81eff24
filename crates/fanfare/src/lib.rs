//! Fanfare: the event gateway between AI agents and everything else.

pub mod app;
pub mod cli;
mod engines;
pub mod store;
pub mod tasks;

pub use fanfare_client as client;
pub use fanfare_delivery as webhooks;
pub use fanfare_hub as hub;
pub use fanfare_runtime::{clock, fail_point, shutdown, telemetry};
pub use fanfare_server::{dashboard, doorway, http, listeners, mcp};
