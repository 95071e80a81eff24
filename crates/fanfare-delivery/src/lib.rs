//! Webhooks: durable cursors whose outlet is an HTTP request.
//!
//! A [`registry`] holds the registered webhooks. This instance sends those that it has [claimed](claiming). One
//! `worker` for each reads the log from the webhook's position and makes the attempts. The [`recorder`] saves the
//! positions of all webhooks, many in one transaction. A successful delivery leaves no row, a failed one leaves one.
//!
//! Doors hold [`service::Webhooks`]; its verbs are in the modules of their subjects: `registering`, [`changing`],
//! `trying`, `previewing`, [`selecting`], [`replaying`], [`listing`], [`looking`], [`awaiting`], [`undelivered`], [`stats`].

mod all_attempts;
pub mod attempt;
pub mod attempt_id;
pub mod awaiting;
pub mod changing;
pub mod claiming;
pub mod client;
mod counts;
pub mod cursor;
pub mod dispatcher;
mod erasing;
mod filling;
pub mod first_attempts;
mod following;
pub mod health;
mod kept;
mod lag;
pub mod listing;
pub mod looking;
mod measuring;
pub mod missing;
mod naming;
mod originals;
pub mod parts;
pub mod previewing;
mod purging;
pub mod recorder;
mod registering;
pub mod registry;
mod rendering;
pub mod replaying;
pub mod rules;
pub mod selecting;
mod sender;
pub mod service;
pub mod state;
pub mod stats;
pub mod tally;
pub mod target;
mod trying;
pub mod undelivered;
pub mod values;
pub mod webhook;
mod window;
mod worker;
mod workers;
