//! Errors as `application/problem+json` (RFC 9457), with our `code`, `at` and `fix`.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use fanfare_api::problem;
use fanfare_core::refusal::{Limit, Refusal};
use fanfare_core::{Code, Invalid};
use http::{HeaderValue, StatusCode, header};

use fanfare_hub::publish::PushError;
use fanfare_hub::readers::AckError;
use fanfare_hub::values;
use fanfare_runtime::budget::{BYTES_IN_FLIGHT_MAX, Exhausted};

/// An error as the caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The public code; decides the status.
    pub code: Code,
    /// The problem.
    pub detail: String,
    /// The location of the problem; may be empty.
    pub at: String,
    /// The fix; may be empty.
    pub fix: String,
    /// The limit that was passed, and when to come back.
    pub limit: Option<(&'static str, Duration)>,
}

impl Problem {
    /// Creates a problem with its fix.
    pub fn new(code: Code, detail: impl Into<String>, fix: impl Into<String>) -> Problem {
        Problem { code, detail: detail.into(), at: String::new(), fix: fix.into(), limit: None }
    }

    /// Names the place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Problem {
        self.at = place.into();
        self
    }

    /// Names the limit that was passed, and when to come back.
    #[must_use]
    pub fn over(mut self, limit: &'static str, retry_after: Duration) -> Problem {
        self.limit = Some((limit, retry_after));
        self
    }

    /// Creates a problem for a missing thing.
    pub fn not_found(what: impl std::fmt::Display) -> Problem {
        Problem::new(Code::NotFound, format!("there is no {what}"), "`GET /openapi.json` lists the routes")
    }

    /// Returns the status of the code.
    pub fn status(&self) -> StatusCode {
        status(self.code)
    }

    /// Returns the body.
    pub fn to_json(&self) -> Vec<u8> {
        let status = self.status();
        let body = problem::Problem {
            kind: problem::about_blank(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: self.code.as_str().to_owned(),
            detail: self.detail.clone(),
            at: self.at.clone(),
            fix: self.fix.clone(),
            limit: self.limit.map(|(name, _)| name.to_owned()),
            retry_after: self.limit.map(|(_, retry_after)| retry_after),
        };
        serde_json::to_vec(&body).expect("strings and numbers always serialise")
    }
}

/// Maps a code to its status.
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::HostNotAllowed => StatusCode::MISDIRECTED_REQUEST,
        Code::Internal | Code::StoreFailed => StatusCode::INTERNAL_SERVER_ERROR,
        Code::InvalidHeader
        | Code::InvalidJson
        | Code::InvalidPosition
        | Code::InvalidQuery
        | Code::InvalidTime => StatusCode::BAD_REQUEST,
        Code::EmptyBatch
        | Code::InvalidAudience
        | Code::InvalidChannel
        | Code::InvalidData
        | Code::InvalidExpiry
        | Code::InvalidIdempotencyKey
        | Code::InvalidKey
        | Code::InvalidMessage
        | Code::InvalidPattern
        | Code::InvalidPriority
        | Code::InvalidReader
        | Code::InvalidType
        | Code::InvalidUrl
        | Code::InvalidWebhook
        | Code::TargetRefused
        | Code::TooManyEvents
        | Code::UnknownField => StatusCode::UNPROCESSABLE_ENTITY,
        Code::LoopDetected => StatusCode::LOOP_DETECTED,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::OriginNotAllowed => StatusCode::FORBIDDEN,
        Code::PositionGone => StatusCode::GONE,
        Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Code::RateLimited | Code::TooManyChannels | Code::TooManyReaders | Code::TooManyWebhooks => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Code::SecretMissing | Code::ShuttingDown | Code::TooManyBytesInFlight | Code::TooManyConnections => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Code::InvalidSignature | Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::WebhookExists => StatusCode::CONFLICT,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.to_json()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((_, retry_after)) = self.limit {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
        }
        response
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Problem {
        Problem::new(invalid.code, invalid.what, invalid.fix).at(invalid.at)
    }
}

impl From<Refusal> for Problem {
    fn from(Refusal { code, what, at, fix, limit }: Refusal) -> Problem {
        let limit = limit.map(|Limit { name, retry_after }| (name, retry_after));
        Problem { limit, ..Problem::new(code, what, fix).at(at) }
    }
}

impl From<values::Error> for Problem {
    fn from(error: values::Error) -> Problem {
        Refusal::from(error).into()
    }
}

impl From<PushError> for Problem {
    fn from(error: PushError) -> Problem {
        Refusal::from(error).into()
    }
}

impl From<AckError> for Problem {
    fn from(error: AckError) -> Problem {
        Refusal::from(error).into()
    }
}

impl From<Exhausted> for Problem {
    fn from(Exhausted: Exhausted) -> Problem {
        Problem::new(
            Code::TooManyBytesInFlight,
            format!("more than {BYTES_IN_FLIGHT_MAX} bytes of pushes are in flight right now"),
            "try again in a moment",
        )
        .over("bytes_in_flight", Duration::from_secs(1))
    }
}
