//! The requests of a connection, and how each counts towards the limits on connections.
//!
//! The streams of an HTTP/2 connection count as connections: over HTTP/1.1, each would be one. In both
//! versions, a lasting answer counts as a lasting connection, and a connection keeps its place during a
//! request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fanfare_core::Code;
use futures_util::StreamExt;
use http::{Method, Version};

use crate::net::activity::Running;
use crate::net::connections::{Another, Lasting, Permit};
use crate::net::counts::Counts;
use crate::net::event_head;
use crate::net::takeover::Takeover;
use crate::net::unread;
use crate::problem::Problem;

/// Time after which a request counts as one that lasts: a body or a receiver of webhooks seldom needs longer.
pub const SHORT_MAX: Duration = Duration::from_secs(1);

/// The requests of one connection; cheap to clone.
#[derive(Debug, Clone)]
pub struct Streams(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    permit: Permit,
    /// Whether a request uses the connection's own permit; other requests need one each.
    is_taken: AtomicBool,
    /// Whether the current request is pointless without its client. Only for HTTP/1, where requests follow one another.
    is_waiting: AtomicBool,
}

/// The right to one request, in the extensions of the request and of its response; released on drop.
#[derive(Debug)]
pub struct StreamPermit {
    connection: Arc<Connection>,
    /// Whether it is the connection's own.
    has_own: bool,
    _another: Option<Another>,
    _running: Running,
    /// The right to last, once the request has needed it.
    lasting: OnceLock<Lasting>,
}

impl Streams {
    /// Counts the requests of the connection with this permit.
    pub fn new(permit: Permit) -> Streams {
        Streams(Arc::new(Connection {
            permit,
            is_taken: AtomicBool::new(false),
            is_waiting: AtomicBool::new(false),
        }))
    }

    /// Takes the right to a request of this version of HTTP.
    fn admit(&self, version: Version) -> Result<StreamPermit, Problem> {
        let permit = &self.0.permit;
        let running = permit.begin()?;
        // Over HTTP/1, requests follow one another.
        self.0.is_waiting.store(false, Ordering::Relaxed);
        let has_own = version != Version::HTTP_2 || !self.0.is_taken.swap(true, Ordering::AcqRel);
        let another = if has_own { None } else { Some(permit.another()?) };
        let connection = Arc::clone(&self.0);
        let lasting = OnceLock::new();
        Ok(StreamPermit { connection, has_own, _another: another, _running: running, lasting })
    }

    /// Returns whether no request is under way and no answer is being sent.
    pub(super) fn is_idle(&self) -> bool {
        self.0.permit.is_idle()
    }

    /// Returns whether the current request of an HTTP/1 connection is pointless without its client: it waits, or its answer
    /// has no end. Any other request does something, and a client that has closed its side may still read the answer.
    pub(super) fn is_waiting(&self) -> bool {
        self.0.is_waiting.load(Ordering::Relaxed)
    }

    /// Waits until the connection should end, because others need its place.
    pub(super) async fn asked_to_leave(&self) {
        self.0.permit.asked_to_leave().await;
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        if self.has_own {
            self.connection.is_taken.store(false, Ordering::Release);
        }
    }
}

/// Refuses a request over the limits before anything is done for it, and an answer that would last when too
/// many already do. The permit goes with the response to [`hold`], or to [`StreamPermit::of`] if the connection
/// is taken over.
pub async fn admit(counts: Counts, request: Request, next: Next) -> Response {
    let Some(streams) = request.extensions().get::<Streams>() else {
        return next.run(request).await;
    };
    let response = match streams.admit(request.version()) {
        Ok(permit) => answer(Arc::new(permit), request, next).await,
        Err(problem) => problem.into_response(),
    };
    if response.extensions().get() == Some(&Code::TooManyConnections) {
        counts.connections_refused.inc();
    }
    response
}

async fn answer(permit: Arc<StreamPermit>, mut request: Request, next: Next) -> Response {
    let has_body = request.method() != Method::HEAD;
    // An answer that says what was done is sent in any case: nobody must think that nothing was.
    let can_be_refused = request.method().is_safe();
    request.extensions_mut().insert(Arc::clone(&permit));
    let mut response = next.run(request).await;
    let counted = match has_body && (Takeover::is_of(&response) || !is_short(&response)) {
        true if can_be_refused && event_head::is_of(response.headers()) => permit.last(),
        // A download has an end, and so has an event stream with the answer to a `POST`: the client may have closed its
        // side.
        true => permit.count_as_lasting(),
        false => Ok(()),
    };
    if let Err(problem) = counted
        && can_be_refused
    {
        return problem.into_response();
    }
    response.extensions_mut().insert(permit);
    response
}

impl StreamPermit {
    /// Takes the permit out of a response.
    pub fn of(response: &mut Response) -> Option<Arc<StreamPermit>> {
        response.extensions_mut().remove()
    }

    /// Counts the request as one that lasts, until its answer has left, and ends it with its client. A request that can
    /// only wait calls this before it does anything: later, it could no longer be refused.
    pub fn last(&self) -> Result<(), Problem> {
        self.count_as_lasting()?;
        self.connection.is_waiting.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn count_as_lasting(&self) -> Result<(), Problem> {
        if self.lasting.get().is_none() {
            // If another part of the request was faster, this one is released again.
            let _ = self.lasting.set(self.connection.permit.last()?);
        }
        Ok(())
    }
}

/// Counts a request as a lasting one after [`SHORT_MAX`]. Resolves only if the limit on lasting connections is reached,
/// with the refusal. Never resolves once the request has ended.
pub async fn crowded_out(permit: Weak<StreamPermit>) -> Problem {
    tokio::time::sleep(SHORT_MAX).await;
    match permit.upgrade().map(|permit| permit.count_as_lasting()) {
        Some(Err(problem)) => problem,
        Some(Ok(())) | None => std::future::pending().await,
    }
}

/// Holds the permit of a response until its body has left.
pub fn hold(mut response: Response) -> Response {
    let Some(permit) = StreamPermit::of(&mut response) else { return response };
    let is_short = is_short(&response);
    response.map(|body| match is_short {
        true => unread::keep(body, permit),
        // The frames of an event stream are shared by all that read them.
        false => Body::from_stream(body.into_data_stream().map(move |frame| {
            let _ = &permit;
            frame
        })),
    })
}

fn is_short(response: &Response) -> bool {
    http_body::Body::size_hint(response.body()).exact().is_some()
}
