//! The wire formats: HTTP heads and bodies, SSE frames, and the message that distinguishes one event from another.

pub(crate) mod body;
pub(crate) mod head;
pub(crate) mod message;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod sse;
pub(crate) mod stream;
pub(crate) mod websocket;
