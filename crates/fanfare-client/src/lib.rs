//! The client of a gateway, for programs and the command line: the HTTP interface of `docs/api.md`. It knows nothing of
//! terminals.

pub mod answer;
pub mod api;
pub mod backoff;
mod clients;
pub mod error;
pub mod listening;
mod lists;
pub mod mcp;
mod originals;
pub mod receiving;
pub mod sse;
pub mod webhooks;
pub mod websocket;

pub use answer::{Answer, Received};
pub use api::{Api, SILENCE_MAX, Target};
pub use error::{Error, Problem};
pub use listening::{Item, Listening, Notice, Wish};
