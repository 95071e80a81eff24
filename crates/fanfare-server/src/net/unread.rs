//! Answers that are sent but not read: they count in the caller's share for as long as the connection holds them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fanfare_core::Caller;
use fanfare_core::refusal::Refusal;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::problem::Problem;
use fanfare_runtime::budget::{Budget, BytesHeld, SMALL_LEN_MAX};

/// A body whose bytes are counted.
struct Counted {
    body: Body,
    held: Arc<BytesHeld>,
}

/// Bytes that are counted until the last copy of them is dropped, which is when the socket has them.
struct CountedBytes {
    bytes: Bytes,
    _held: Arc<BytesHeld>,
}

/// Counts an answer, or refuses it if it does not fit. Short answers are not counted: each connection has at most one.
pub async fn count(budget: Budget, request: Request, next: Next) -> Response {
    // An answer that says what was done is sent in any case: nobody must think that nothing was.
    let can_be_refused = request.method().is_safe() || request.uri().path() == "/mcp";
    let caller = request.extensions().get::<Caller>().cloned();
    let response = next.run(request).await;
    let len = HttpBody::size_hint(response.body()).exact().and_then(|len| usize::try_from(len).ok());
    let (Some(len), Some(caller)) = (len.filter(|len| *len > SMALL_LEN_MAX), caller) else { return response };
    let mut held = budget.hold(&caller);
    match held.add(len) {
        Ok(()) => response.map(|body| Body::new(Counted { body, held: Arc::new(held) })),
        Err(exhausted) if can_be_refused => Problem(Refusal::from(exhausted)).into_response(),
        Err(_) => response,
    }
}

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let held = &self.held;
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| {
                frame.map_data(|bytes| Bytes::from_owner(CountedBytes { bytes, _held: Arc::clone(held) }))
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}
