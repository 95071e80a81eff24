//! Errors as `application/problem+json` (RFC 9457), with our `code`, `at` and `fix`.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use fanfare_api::problem;
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

impl From<values::Error> for Problem {
    fn from(error: values::Error) -> Problem {
        const LATER: Duration = Duration::from_secs(60);
        match error {
            values::Error::TooManyChannels { max } => Problem::new(
                Code::TooManyChannels,
                format!("the log already has the maximum of {max} channels"),
                "push to an existing channel, and put what differs in `data`",
            )
            .over("channels", LATER),
            values::Error::TooManyReaders { max } => Problem::new(
                Code::TooManyReaders,
                format!("the maximum of {max} durable readers already exists"),
                "remove one with `DELETE /api/readers/{name}`",
            )
            .over("readers", LATER),
            values::Error::TooManyWebhooks { max } => Problem::new(
                Code::TooManyWebhooks,
                format!("the maximum of {max} webhooks is already registered"),
                "unregister one that is no longer needed",
            )
            .over("webhooks", LATER),
            values::Error::UrlTaken { webhook } => Problem::new(
                Code::WebhookExists,
                format!("webhook `{webhook}` already uses this URL"),
                "change that webhook, or use another URL",
            ),
            values::Error::DiskFull { .. } => Problem::new(
                Code::StoreFailed,
                "the gateway's disk is full; nothing was written",
                "try again later; the operator must free some space",
            ),
            values::Error::Unavailable { retry_after } => Problem::new(
                Code::StoreFailed,
                "the store cannot be reached right now; nothing was written",
                "try again in a moment",
            )
            .over("store", retry_after),
            values::Error::Unknown { .. } => Problem::new(
                Code::StoreFailed,
                "it is unknown whether this was written",
                "push it again with the same `idempotency_key`, or check the history first",
            ),
            values::Error::Closed => shutting_down(),
            error => {
                // The paths and the engine's words are for the operator.
                tracing::error!(%error, "the store failed");
                Problem::new(
                    Code::StoreFailed,
                    "the store failed; nothing was written",
                    "try again later; the cause is in the gateway's server log",
                )
            }
        }
    }
}

fn shutting_down() -> Problem {
    Problem::new(Code::ShuttingDown, "the gateway is stopping; nothing was written", "try again in a moment")
        .over("shutdown", Duration::from_secs(1))
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

impl From<PushError> for Problem {
    fn from(error: PushError) -> Problem {
        match error {
            PushError::RateLimited { events_per_second, retry_after } => Problem::new(
                Code::RateLimited,
                format!("this caller is over the limit of {events_per_second} events per second"),
                "push more slowly; the operator can raise `--max-events-per-second`",
            )
            .over("events_per_second", retry_after),
            PushError::ShuttingDown => shutting_down(),
            PushError::Store(error) => error.into(),
        }
    }
}

impl From<AckError> for Problem {
    fn from(error: AckError) -> Problem {
        match error {
            AckError::NotInLog { position } => Problem::new(
                Code::InvalidPosition,
                format!("position `{position}` is not in this log"),
                "use the `id` of an event that this gateway sent",
            )
            .at("/position"),
            AckError::Store(error) => error.into(),
            AckError::UnknownReader { name } => Problem::new(
                Code::NotFound,
                format!("unknown reader `{name}`"),
                "create a reader with `GET /stream?reader=NAME`, or with `subscribe` and `reader` on a WebSocket",
            ),
        }
    }
}
