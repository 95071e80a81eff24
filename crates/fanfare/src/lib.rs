//! Fanfare: the event gateway between AI agents and everything else.
//!
//! One log, many cursors: to push is to append to the log; to receive, by whatever door, is to read it from a
//! position. `ARCHITECTURE.md` walks through the parts.

pub mod app;
pub mod cli;
pub mod client;
pub mod clock;
pub mod dashboard;
pub mod doorway;
pub mod fail_point;
pub mod http;
pub mod hub;
pub mod listeners;
pub mod mcp;
pub mod shutdown;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod webhooks;
