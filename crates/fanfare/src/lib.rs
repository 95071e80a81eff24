//! The binary: opens the store, assembles the gateway from its crates, and is the command line.
//!
//! One log, many cursors: pushing appends to the log; receiving, through any door, reads it from a position.
//! `ARCHITECTURE.md` walks through the parts.

pub mod cli;
pub mod engines;
pub mod gateway;
