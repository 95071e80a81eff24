//! Webhooks: durable cursors whose outlet is an HTTP request.
//!
//! A [`registry`] knows who is registered; one [`worker`] each reads the log from the webhook's position and makes
//! the attempts; the [`recorder`] writes down how far everybody is, many in one transaction. What was delivered leaves
//! no row, what failed leaves one.
//!
//! Doors hold [`service::Webhooks`]; its verbs stand where their idea is: `registering`, [`changing`], `trying`,
//! [`selecting`], [`replaying`], [`looking`].

pub mod attempt;
pub mod attempt_id;
pub mod changing;
pub mod client;
mod counts;
pub mod cursor;
pub mod dispatcher;
pub mod first_attempts;
pub mod health;
mod kept;
pub mod looking;
pub mod parts;
pub mod recorder;
mod registering;
pub mod registry;
pub mod replaying;
pub mod rules;
pub mod selecting;
pub mod service;
pub mod tally;
pub mod target;
mod trying;
pub mod values;
pub mod webhook;
mod window;
mod worker;
