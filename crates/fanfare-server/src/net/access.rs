//! The access log: one line for each request, written once its response has been sent, or its stream has ended.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use fanfare_core::Peer;
use fanfare_core::Principal;
use http::{Method, Request, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};

/// Maximum bytes of a path in the log: more than any route needs.
const PATH_LEN_MAX: usize = 1_024;

/// A request that is being answered; the line is written when it is dropped.
#[derive(Debug)]
pub struct Record {
    method: Method,
    /// The path without the query, which can contain secrets.
    path: String,
    peer: Peer,
    begun: Instant,
    status: StatusCode,
    asker: Asker,
    sent: Sent,
    /// Number of these bytes in the response head, which does not count.
    head_len: usize,
}

/// The principal of a logged request, in the extensions of the request; empty if the request was refused before the
/// principal was known. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Asker(Arc<OnceLock<Principal>>);

impl Asker {
    /// Records the principal.
    pub fn note(&self, principal: &Principal) {
        // The first one is the only one.
        let _ = self.0.set(principal.clone());
    }
}

/// The bytes that were sent; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Sent(Arc<AtomicU64>);

impl Sent {
    /// Counts `len` bytes.
    pub fn add(&self, len: usize) {
        self.0.fetch_add(len as u64, Ordering::Relaxed);
    }
}

impl Record {
    /// Starts the record of a request, which gets the place for its principal.
    pub fn begin<B>(request: &mut Request<B>, peer: Peer) -> Record {
        let asker = Asker::default();
        request.extensions_mut().insert(asker.clone());
        let path = request.uri().path();
        Record {
            method: request.method().clone(),
            path: path[..path.floor_char_boundary(PATH_LEN_MAX)].to_owned(),
            peer,
            begun: Instant::now(),
            status: StatusCode::OK,
            asker,
            sent: Sent::default(),
            head_len: 0,
        }
    }

    /// Records the head of the response.
    pub fn note(&mut self, response: &Response) {
        self.status = response.status();
    }

    /// Leaves out the head, of `len` bytes, which is counted like the rest of the response.
    pub fn leave_out_head(&mut self, len: usize) {
        self.head_len = len;
    }

    /// Counts `len` bytes of the response.
    pub fn count(&self, len: usize) {
        self.sent.add(len);
    }

    /// Returns the count of the bytes of the response.
    pub fn sent(&self) -> Sent {
        self.sent.clone()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let Record { method, path, peer, begun, status, asker, sent, head_len } = self;
        let status = status.as_u16();
        tracing::info!(
            target: "fanfare::access",
            %method,
            path,
            status,
            bytes = sent.0.load(Ordering::Relaxed).saturating_sub(*head_len as u64),
            duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            %peer,
            principal = asker.0.get().map(|principal| &**principal.name()),
            // A path can have characters that turn the rest of the line around, or end it.
            "{method} {} {status}",
            path.escape_debug(),
        );
    }
}

/// A body that counts its bytes and holds the record of its request.
struct Recorded {
    body: Body,
    record: Record,
}

/// Holds `record` until the body of the response has been sent.
pub fn hold(response: Response, record: Option<Record>) -> Response {
    match record {
        Some(record) => response.map(|body| Body::new(Recorded { body, record })),
        None => response,
    }
}

impl HttpBody for Recorded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.record.sent.add(frame.data_ref().map_or(0, Bytes::len));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}
