//! Exchanges in progress when the gateway stops: the time that each part may still take, and bodies that end in
//! time.
//!
//! A request that has arrived is answered. Parts that a client may never finish (a head, a body, a closing
//! handshake) must not delay a restart, during which others cannot be served.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use fanfare_runtime::shutdown::Shutdown;

/// Maximum time for the head of a request to arrive: a proxy may have sent it before it noticed that we closed
/// the connection.
pub const HEAD_MAX: Duration = Duration::from_millis(250);
/// Maximum time for the body of a request to arrive.
pub const BODY_MAX: Duration = Duration::from_secs(1);
/// Time after which a response whose client reads nothing is cut off.
pub const STALL_MAX: Duration = Duration::from_millis(750);
/// Maximum time for a conversation in another protocol, such as a WebSocket, closing handshake included.
pub const CONVERSATION_MAX: Duration = Duration::from_millis(1_500);

/// The body of a request; it breaks off if it is not complete [`BODY_MAX`] after the stop.
pub struct UntilStop {
    body: Incoming,
    stop: Shutdown,
    /// Resolves when the body must have ended; created when the body is first waited for.
    over: Option<BoxFuture<'static, ()>>,
}

/// The reason that a body broke off.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The connection failed.
    #[error(transparent)]
    Connection(#[from] hyper::Error),
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    Stopping,
}

impl UntilStop {
    /// Reads `body` at most until shortly after `stop`.
    pub fn new(body: Incoming, stop: Shutdown) -> UntilStop {
        UntilStop { body, stop, over: None }
    }
}

impl Body for UntilStop {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Broken::Connection)));
        }
        let UntilStop { stop, over, .. } = &mut *self;
        let over = over.get_or_insert_with(|| {
            let mut stop = stop.clone();
            Box::pin(async move { stop.asked_for(BODY_MAX).await })
        });
        over.as_mut().poll(cx).map(|()| Some(Err(Broken::Stopping)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for UntilStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilStop").field("body", &self.body).finish_non_exhaustive()
    }
}
