//! The doors over a network: HTTP, WebSocket, MCP and the dashboard, and the sockets beneath.

pub mod dashboard;
pub mod doorway;
pub mod http;
pub mod listeners;
pub mod mcp;
