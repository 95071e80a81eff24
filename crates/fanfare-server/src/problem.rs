//! Errors as `application/problem+json` (RFC 9457), with our `code`, `at` and `fix`.

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use fanfare_api::problem;
use fanfare_core::Code;
use fanfare_core::line_ends;
use fanfare_core::refusal::Refusal;
use http::{HeaderValue, StatusCode, header};

/// A refusal as a response: the code decides the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(pub Refusal);

impl Problem {
    /// Creates a problem with its fix.
    pub fn new(code: Code, what: impl Into<String>, fix: impl Into<Cow<'static, str>>) -> Problem {
        Problem(Refusal::new(code, what, fix))
    }

    /// Names the place.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Problem {
        Problem(self.0.at(place))
    }

    /// Names the limit that was exceeded, and when to try again.
    #[must_use]
    pub fn over(self, limit: &'static str, retry_after: Duration) -> Problem {
        Problem(self.0.over(limit, retry_after))
    }

    /// Creates a problem for a missing thing; `fix` is the way to find those that are there.
    pub fn not_found(what: impl std::fmt::Display, fix: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(Code::NotFound, format!("there is no {what}"), fix)
    }

    /// Returns the status of the code at its place.
    pub fn status(&self) -> StatusCode {
        status(self.0.code, &self.0.at)
    }

    /// Returns the body as bytes.
    pub fn to_json(&self) -> Vec<u8> {
        line_ends::written(&self.body())
    }

    /// Returns the body.
    pub fn body(&self) -> problem::Problem {
        let Refusal { code, what, at, fix, limit, webhook } = &self.0;
        let status = status(*code, at);
        problem::Problem {
            kind: problem::about_blank(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: code.as_str().to_owned(),
            detail: what.clone(),
            at: at.clone(),
            fix: fix.clone().into_owned(),
            limit: limit.map(|limit| limit.name.to_owned()),
            retry_after: limit.and_then(|limit| limit.retry_after),
            webhook_id: webhook.clone(),
        }
    }
}

/// Maps a code to its status. A value that is wrong is 422 in a member of the body, and 400 in the query, a header or the
/// path: `at` tells them apart by its first sign.
pub fn status(code: Code, at: &str) -> StatusCode {
    let is_in_body = at.is_empty() || at.starts_with('/');
    match code {
        Code::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
        Code::HostNotAllowed => StatusCode::MISDIRECTED_REQUEST,
        Code::Internal | Code::OutcomeUnknown | Code::StoreDamaged | Code::StoreFailed => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Code::InvalidHeader | Code::InvalidJson | Code::InvalidQuery => StatusCode::BAD_REQUEST,
        Code::EmptyBatch
        | Code::InvalidAudience
        | Code::InvalidChannel
        | Code::InvalidData
        | Code::InvalidDuration
        | Code::InvalidIdempotencyKey
        | Code::InvalidKey
        | Code::InvalidMessage
        | Code::InvalidOp
        | Code::InvalidPattern
        | Code::InvalidPosition
        | Code::InvalidPriority
        | Code::InvalidReader
        | Code::InvalidSource
        | Code::InvalidTime
        | Code::InvalidType
        | Code::InvalidUrl
        | Code::InvalidWebhook
        | Code::TargetRefused
        | Code::TooManyEvents
        | Code::UnknownField => match is_in_body {
            true => StatusCode::UNPROCESSABLE_ENTITY,
            false => StatusCode::BAD_REQUEST,
        },
        Code::IdempotencyConflict => StatusCode::UNPROCESSABLE_ENTITY,
        Code::LoopDetected => StatusCode::LOOP_DETECTED,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::ClientDenied | Code::NotLocal | Code::OriginNotAllowed => StatusCode::FORBIDDEN,
        Code::PositionGone => StatusCode::GONE,
        Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Code::RateLimited
        | Code::TooManyChannels
        | Code::TooManyReaders
        | Code::TooManySources
        | Code::TooManyWebhooks => StatusCode::TOO_MANY_REQUESTS,
        Code::SecretMissing
        | Code::ShuttingDown
        | Code::StoreUnavailable
        | Code::TooManyBytesInFlight
        | Code::TooManyConnections => StatusCode::SERVICE_UNAVAILABLE,
        Code::InvalidSignature | Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::ClientIsHost | Code::WebhookExists => StatusCode::CONFLICT,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.to_json()).into_response();
        // For the counters.
        response.extensions_mut().insert(self.0.code);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
        if let Some(seconds) = self.0.limit.and_then(|limit| limit.retry_seconds()) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl<E: Into<Refusal>> From<E> for Problem {
    fn from(error: E) -> Problem {
        Problem(error.into())
    }
}
