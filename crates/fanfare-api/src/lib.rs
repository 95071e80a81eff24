//! The bodies of the HTTP interface, each type once: the server writes them, the client reads them, and `/openapi.json`
//! describes them. `docs/api.md` describes the same for people.
//!
//! - Answers are open: a client skips members that it does not know, and keeps a word that it does not know as
//!   `Other`. So an old client reads a newer gateway.
//! - Bodies of requests are closed. They are described and written here; the gateway reads them through the rules of
//!   `fanfare-core` and `fanfare-webhook`, whose refusals say where and what would be right.

pub mod channels;
pub mod clients;
pub mod event;
pub mod event_stats;
pub mod hidden;
pub mod history;
pub mod log_level;
pub mod problem;
pub mod purging;
pub mod push;
pub mod query;
pub mod readers;
pub mod sources;
pub mod status;
pub mod values;
pub mod webhooks;
pub mod words;
