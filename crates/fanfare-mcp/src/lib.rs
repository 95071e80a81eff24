//! The Model Context Protocol as values: the messages, the revisions in which they are allowed, and their written form.
//!
//! This crate does no I/O, does not wait, and does not know what a tool does. It supports five revisions: 2026-07-28
//! (**modern**: every request declares everything about itself) and 2025-11-25, 2025-06-18, 2025-03-26 and 2024-11-05
//! (**legacy**: a session starts with `initialize`).

pub mod cancellation;
pub mod error;
pub mod fit;
pub mod headers;
pub mod id_finder;
pub mod json_rpc;
pub mod lifecycle;
pub mod listen;
pub mod meta;
pub mod method;
pub mod outcome;
pub mod params;
pub mod portable;
pub mod prompts;
pub mod resources;
pub mod sse;
pub mod tools;
pub mod version;

pub use cancellation::Cancellation;
pub use error::Error;
pub use id_finder::IdFinder;
pub use json_rpc::{Id, Incoming, Message, Request};
pub use meta::{Declaration, Meta};
pub use method::Method;
pub use outcome::Outcome;
pub use params::Params;
pub use version::{Era, Version};
