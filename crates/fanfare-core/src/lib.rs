//! Fanfare's values and rules.
//!
//! This crate does no I/O, waits for nothing, reads no clock and draws no random numbers: those are arguments. A door
//! first parses what it receives into these types; input that cannot be parsed ends there as an [`Invalid`].

pub mod agent;
pub mod arrival;
pub mod caller;
pub mod channel;
pub mod code;
pub mod conflate;
pub mod duration;
pub mod endpoint;
pub mod event;
pub mod filter;
pub mod filter_words;
pub mod folded;
pub mod invalid;
pub mod json;
pub mod keepalive;
pub mod limits;
pub mod line_ends;
pub mod members;
pub mod new_event;
pub mod notice;
pub mod original;
pub mod page;
pub mod pattern;
pub mod peer;
pub mod position;
pub mod principal;
pub mod printable;
pub mod priority;
pub mod reader;
pub mod refusal;
pub mod reserved;
pub mod socket_request;
pub mod source_name;
pub mod start;
mod text;
pub mod timestamp;
pub mod webhook_id;
pub mod webhook_name;
pub mod wire;

pub use agent::Agent;
pub use arrival::{Arrival, Stamp};
pub use caller::Caller;
pub use channel::Channel;
pub use code::Code;
pub use endpoint::Endpoint;
pub use event::{Audience, Event, EventType, Key};
pub use filter::Filter;
pub use invalid::Invalid;
pub use json::Json;
pub use new_event::NewEvent;
pub use original::{HttpMessage, Original, Received};
pub use pattern::Pattern;
pub use peer::Peer;
pub use position::{Epoch, Position};
pub use principal::{Door, Owner, Principal, Source, Via};
pub use priority::Priority;
pub use reader::ReaderName;
pub use source_name::SourceName;
pub use start::Start;
pub use timestamp::Timestamp;
pub use webhook_id::WebhookId;
pub use webhook_name::WebhookName;
