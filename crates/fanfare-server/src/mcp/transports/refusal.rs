//! Refusals: a status, and a JSON-RPC error with the reason.

use axum::response::{IntoResponse, Response};
use fanfare_core::Code;
use fanfare_core::refusal::Limit;
use fanfare_mcp::json_rpc::{self, BadMessage};
use fanfare_mcp::{Error, Id, error};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::net::body::BodyError;
use crate::net::encoding::NotGzip;
use crate::problem::Problem;

/// When to try again, in seconds, after a refusal by a limit of a session or of MCP: each is free again in a moment.
const LATER: u64 = 1;

/// The reason that a request failed.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    /// The code of a refusal by the network, for its counters.
    code: Option<Code>,
    /// The limit that the network is at.
    limit: Option<Limit>,
    id: Option<Id>,
    error: Error,
}

impl Refusal {
    /// Refuses with a status.
    pub fn new(status: StatusCode, error: Error) -> Refusal {
        Refusal { status, code: None, limit: None, id: None, error }
    }

    /// Adds the id of the request, if it is known.
    #[must_use]
    pub fn of(mut self, id: Id) -> Refusal {
        self.id = Some(id);
        self
    }
}

impl From<Error> for Refusal {
    /// A request that was refused unread is at fault itself.
    fn from(error: Error) -> Refusal {
        let status = match error.status() {
            StatusCode::OK if error.code == error::INTERNAL => StatusCode::INTERNAL_SERVER_ERROR,
            StatusCode::OK => StatusCode::BAD_REQUEST,
            status => status,
        };
        Refusal::new(status, error)
    }
}

impl From<BadMessage> for Refusal {
    fn from(refused: BadMessage) -> Refusal {
        Refusal { id: refused.id, ..Refusal::from(refused.error) }
    }
}

impl From<BodyError> for Refusal {
    fn from(problem: BodyError) -> Refusal {
        let text = problem.to_string();
        match problem {
            BodyError::BrokenOff | BodyError::NotGzip(NotGzip::Damaged | NotGzip::EndedEarly) => {
                Refusal::new(StatusCode::BAD_REQUEST, Error::parse(text))
            }
            BodyError::Crowded(_) | BodyError::Exhausted(_) | BodyError::Stopping => {
                Problem::from(problem).into()
            }
            BodyError::TooSlow => Refusal::new(StatusCode::REQUEST_TIMEOUT, Error::invalid_request(text)),
            BodyError::TooLarge { .. } | BodyError::NotGzip(NotGzip::TooLarge) => {
                Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, Error::invalid_request(text))
            }
        }
    }
}

impl From<Problem> for Refusal {
    /// The network has no room for the request.
    fn from(problem: Problem) -> Refusal {
        let (code, limit) = (problem.0.code, problem.0.limit);
        let mut error = Error::busy(format!("{}; {}", problem.0.what, problem.0.fix));
        error.data = limit.map(data);
        Refusal { code: Some(code), limit, ..Refusal::new(problem.status(), error) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response =
            (self.status, json_rpc::write_error(self.id.as_ref(), &self.error)).into_response();
        if let Some(code) = self.code {
            response.extensions_mut().insert(code);
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let seconds = self.limit.and_then(Limit::retry_seconds).unwrap_or(LATER);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Describes a limit for programs, as the problem of an HTTP route does.
fn data(limit: Limit) -> Value {
    let mut data = json!({ "limit": limit.name });
    if let Some(seconds) = limit.retry_seconds() {
        data["retry_after"] = seconds.into();
    }
    data
}
