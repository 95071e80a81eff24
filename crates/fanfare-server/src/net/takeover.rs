//! Taking a connection over from the HTTP server.
//!
//! A route that holds its connection open (`/stream`, `/ws`) responds with a head and a [`Takeover`]. On HTTP/1.1 the
//! server then lets go of the socket and passes it to the outlet, so that an idle subscriber costs no request state and
//! all subscribers get the same bytes. On HTTP/2, where streams share a socket, the takeover becomes a body or, for a
//! WebSocket, a task.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::Response;
use fanfare_core::Channel;
use fanfare_core::wire::sse;
use futures_util::future::BoxFuture;
use http::{HeaderValue, header};

use crate::net::access::Sent;
use crate::net::tunnel::Tunnel;
use fanfare_hub::subscription::Subscription;
use fanfare_runtime::shutdown::Shutdown;

/// The outlet that takes the connection over.
pub enum Outlet {
    /// Server-sent events.
    Stream(Stream),
    /// Another protocol, such as WebSocket, until one side ends it.
    Protocol(Conversation),
}

/// The protocol on a connection that was taken over.
pub type Conversation = Box<dyn FnOnce(RawConnection) -> BoxFuture<'static, ()> + Send>;

/// A connection that has left HTTP.
#[derive(Debug)]
pub struct RawConnection {
    /// What carries the conversation; the head of the answer went out.
    pub tunnel: Tunnel,
    /// The bytes that were already read.
    pub read: Vec<u8>,
    /// Turns true when the conversation should end.
    pub stop: Shutdown,
    /// The count of the bytes that are sent.
    pub sent: Sent,
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outlet::Protocol(_) => f.write_str("Protocol"),
            Outlet::Stream(stream) => f.debug_tuple("Stream").field(stream).finish(),
        }
    }
}

/// An event stream that is about to start.
#[derive(Debug)]
pub struct Stream {
    /// The subscription to send.
    pub subscription: Subscription,
    /// The format of the events; the connection decides the framing.
    pub format: sse::Format,
    /// The delay before the client should reconnect after the stream broke.
    pub retry_ms: u64,
    /// The channels that the filter just misses.
    pub overlooked: Vec<Channel>,
    /// The silence after which the stream gets a comment.
    pub keepalive: Duration,
    /// Whether the stream begins with its position, for clients that remember it.
    pub names_start: bool,
}

impl Stream {
    /// Appends the first bytes of the stream.
    pub fn begin(&self, format: sse::Format, out: &mut Vec<u8>) {
        let start = self.names_start.then(|| self.subscription.position());
        sse::write_preamble(format, self.retry_ms, &self.overlooked, start, out);
    }
}

/// Carries an [`Outlet`] from the route to the server, in the response's extensions.
#[derive(Debug, Clone)]
pub struct Takeover(Arc<Mutex<Option<Outlet>>>);

impl Takeover {
    /// Marks `response` so that the server hands its connection to `outlet`.
    pub fn mark(mut response: Response, outlet: Outlet) -> Response {
        response.extensions_mut().insert(Takeover(Arc::new(Mutex::new(Some(outlet)))));
        response
    }

    /// Returns whether a response has an outlet.
    pub fn is_of(response: &Response) -> bool {
        response.extensions().get::<Takeover>().is_some()
    }

    /// Removes and returns the outlet of a response, if it has one.
    pub fn of(response: &mut Response) -> Option<Outlet> {
        let takeover = response.extensions_mut().remove::<Takeover>()?;
        takeover.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The data that follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// A body in chunks, after which the connection closes.
    Chunks,
    /// Another protocol.
    Protocol,
    /// A body that ends with the connection, the only kind in HTTP/1.0.
    UntilClose,
}

/// Writes the head of `response` for HTTP/1.
pub fn write_head(response: &Response, follows: Follows) -> Vec<u8> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).into_bytes();
    let mut line = |name: &str, value: &HeaderValue| {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    };
    for (name, value) in response.headers() {
        if name != header::CONTENT_LENGTH && name != header::TRANSFER_ENCODING {
            line(name.as_str(), value);
        }
    }
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    line("date", &HeaderValue::from_str(&date).expect("a date is ASCII"));
    if follows == Follows::Chunks {
        line("transfer-encoding", &HeaderValue::from_static("chunked"));
    }
    if follows != Follows::Protocol {
        line("connection", &HeaderValue::from_static("close"));
    }
    head.extend_from_slice(b"\r\n");
    head
}
