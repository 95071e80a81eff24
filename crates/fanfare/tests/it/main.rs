//! Behaviour, from outside.

#![expect(clippy::disallowed_methods, reason = "a test is its own application, and spawns")]

mod cli;
mod cli_config;
mod cli_errors;
mod cli_help;
mod cli_install;
mod cli_install_said;
mod cli_live;
mod cli_reconnect;
mod cli_reference;
mod cli_run;
mod history;
mod limits;
mod listen;
mod mcp_connection;
mod mcp_eras;
mod mcp_hostile;
mod mcp_http;
mod mcp_http_sse;
mod mcp_listen;
mod mcp_listeners;
mod mcp_resources;
mod mcp_stdio;
mod mcp_streams;
mod mcp_takeover;
mod mcp_tools;
mod mcp_waiting;
mod mcp_websocket;
mod origins;
mod overview;
mod push;
mod readers;
mod readme;
mod resume;
mod shutdown;
mod slow;
mod store_contract;
mod store_crashes;
mod store_faults;
mod store_model;
mod support;
mod surfaces;
mod tidy;
mod websocket;
