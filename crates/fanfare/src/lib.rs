//! The binary: opens the store, assembles the gateway from its crates, and is the command line.
//!
//! One log, many cursors: to push is to append to the log; to receive, by whatever door, is to read it from a
//! position. `ARCHITECTURE.md` walks through the parts.

pub mod cli;
pub mod engines;
pub mod gateway;
