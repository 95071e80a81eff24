//! The requests of a connection, and how each counts towards the limits on connections.
//!
//! The streams of an HTTP/2 connection count as connections: over HTTP/1.1, each would be one. In both
//! versions, a lasting answer counts as a lasting connection, and a connection keeps its place during a
//! request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::{Method, Version};

use crate::net::activity::Running;
use crate::net::connections::{Another, Lasting, Permit};
use crate::net::counts::Counts;
use crate::net::takeover::Takeover;
use crate::net::unread;
use crate::problem::Problem;

/// The requests of one connection; cheap to clone.
#[derive(Debug, Clone)]
pub struct Streams(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    permit: Permit,
    /// Whether a request uses the connection's own permit; other requests need one each.
    is_taken: AtomicBool,
}

/// The right to one request; released on drop.
#[derive(Debug)]
pub struct StreamPermit {
    connection: Arc<Connection>,
    /// Whether it is the connection's own.
    has_own: bool,
    _another: Option<Another>,
    _running: Running,
    _lasting: Option<Lasting>,
}

impl Streams {
    /// Counts the requests of the connection with this permit.
    pub fn new(permit: Permit) -> Streams {
        Streams(Arc::new(Connection { permit, is_taken: AtomicBool::new(false) }))
    }

    /// Takes the right to a request of this version of HTTP.
    fn admit(&self, version: Version) -> Result<StreamPermit, Problem> {
        let permit = &self.0.permit;
        let running = permit.begin()?;
        // Over HTTP/1, requests follow one another.
        let has_own = version != Version::HTTP_2 || !self.0.is_taken.swap(true, Ordering::AcqRel);
        let another = if has_own { None } else { Some(permit.another()?) };
        let connection = Arc::clone(&self.0);
        Ok(StreamPermit { connection, has_own, _another: another, _running: running, _lasting: None })
    }

    /// Counts the request as lasting before there is an answer, for a request that waits.
    pub fn last(&self) -> Result<Lasting, Problem> {
        self.0.permit.last()
    }

    /// Returns whether no request is under way and no answer is being sent.
    pub(super) fn is_idle(&self) -> bool {
        self.0.permit.is_idle()
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
    let Some(streams) = request.extensions().get::<Streams>().cloned() else {
        return next.run(request).await;
    };
    let has_body = request.method() != Method::HEAD;
    let admitted = streams.admit(request.version());
    let answered = match admitted {
        Ok(mut permit) => {
            let mut response = next.run(request).await;
            let lasting = has_body && (Takeover::is_of(&response) || !is_short(&response));
            lasting.then(|| streams.last()).transpose().map(|lasting| {
                permit._lasting = lasting;
                response.extensions_mut().insert(Arc::new(permit));
                response
            })
        }
        Err(problem) => Err(problem),
    };
    answered.unwrap_or_else(|problem| {
        counts.connections_refused.inc();
        problem.into_response()
    })
}

impl StreamPermit {
    /// Takes the permit out of a response.
    pub fn of(response: &mut Response) -> Option<Arc<StreamPermit>> {
        response.extensions_mut().remove()
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
