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
use fanfare_runtime::budget::{Budget, SMALL_LEN_MAX};

/// A body whose bytes keep a value alive.
struct Keeping<T> {
    body: Body,
    kept: Arc<T>,
}

/// Bytes that keep a value until their last copy is dropped, which is when the socket has them.
struct KeepingBytes<T> {
    bytes: Bytes,
    _kept: Arc<T>,
}

/// Keeps `kept` for as long as the connection holds the body.
pub fn keep<T: Send + Sync + 'static>(body: Body, kept: Arc<T>) -> Body {
    Body::new(Keeping { body, kept })
}

/// Counts an answer, or refuses it if it does not fit. Short answers are not counted: each connection has at most one, and
/// [a stream of HTTP/2 counts as a connection](crate::net::streams) until its answer has left.
pub async fn count(budget: Budget, request: Request, next: Next) -> Response {
    // An answer that says what was done is sent in any case: nobody must think that nothing was.
    let can_be_refused = request.method().is_safe();
    let caller = request.extensions().get::<Caller>().cloned();
    let response = next.run(request).await;
    let len = HttpBody::size_hint(response.body()).exact().and_then(|len| usize::try_from(len).ok());
    let (Some(len), Some(caller)) = (len.filter(|len| *len > SMALL_LEN_MAX), caller) else { return response };
    let mut held = budget.hold(&caller);
    match held.add(len) {
        Ok(()) => response.map(|body| keep(body, Arc::new(held))),
        Err(exhausted) if can_be_refused => Problem(Refusal::from(exhausted)).into_response(),
        Err(_) => response,
    }
}

impl<T> AsRef<[u8]> for KeepingBytes<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<T: Send + Sync + 'static> HttpBody for Keeping<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let kept = &self.kept;
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| {
                frame.map_data(|bytes| Bytes::from_owner(KeepingBytes { bytes, _kept: Arc::clone(kept) }))
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
