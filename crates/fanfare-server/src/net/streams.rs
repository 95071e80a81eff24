//! The streams of an HTTP/2 connection count as connections: over HTTP/1.1 each would be one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use crate::net::counts::Counts;
use crate::net::limits::Permit;
use crate::net::unread;
use crate::problem::Problem;

/// The requests of one connection; cheap to clone. The connection's own permit is for one of them, and each one beside it
/// takes another.
#[derive(Debug, Clone)]
pub struct Streams(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    permit: Permit,
    /// Whether a request has the connection's own permit.
    is_taken: AtomicBool,
}

/// The right to one request; released on drop.
#[derive(Debug)]
struct StreamPermit {
    connection: Arc<Connection>,
    /// `None` for the connection's own.
    another: Option<Permit>,
}

impl Streams {
    /// Counts the requests of the connection with this permit.
    pub fn new(permit: Permit) -> Streams {
        Streams(Arc::new(Connection { permit, is_taken: AtomicBool::new(false) }))
    }

    fn admit(&self) -> Result<StreamPermit, Problem> {
        let another = match self.0.is_taken.swap(true, Ordering::AcqRel) {
            true => Some(self.0.permit.another()?),
            false => None,
        };
        Ok(StreamPermit { connection: Arc::clone(&self.0), another })
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        if self.another.is_none() {
            self.connection.is_taken.store(false, Ordering::Release);
        }
    }
}

/// Refuses a request over the limits before anything is done for it. Its permit goes with the response to [`hold`].
pub async fn admit(counts: Counts, request: Request, next: Next) -> Response {
    let Some(streams) = request.extensions().get::<Streams>() else { return next.run(request).await };
    match streams.admit() {
        Ok(permit) => {
            let mut response = next.run(request).await;
            response.extensions_mut().insert(Arc::new(permit));
            response
        }
        Err(problem) => {
            counts.connections_refused.inc();
            problem.into_response()
        }
    }
}

/// Holds the permit of a response until its body has left.
pub fn hold(mut response: Response) -> Response {
    let Some(permit) = response.extensions_mut().remove::<Arc<StreamPermit>>() else { return response };
    let is_short = http_body::Body::size_hint(response.body()).exact().is_some();
    response.map(|body| match is_short {
        true => unread::keep(body, permit),
        // The frames of an event stream are shared by all that read them.
        false => Body::from_stream(body.into_data_stream().map(move |frame| {
            let _ = &permit;
            frame
        })),
    })
}
