//! Request bodies, read within limits.

use std::error::Error;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use fanfare_core::refusal::Refusal;
use fanfare_core::{Caller, Code};
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::net::encoding::NotGzip;
use crate::net::pace::{Crowded, TooSlow};
use crate::net::stopping::Broken;
use fanfare_runtime::budget::{Budget, BytesHeld, Exhausted};

/// Maximum body of a push: room for 10,000 events of 1.6 KB.
pub const PUSH_BODY_LEN_MAX: usize = 16 * 1024 * 1024;
/// Maximum body of any other request.
pub const BODY_LEN_MAX: usize = 64 * 1024;

/// The reason that a body was refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BodyError {
    /// The connection ended before the body did.
    #[error("the body ended early")]
    BrokenOff,
    /// The gateway is stopping, and the body did not arrive in time.
    #[error("the gateway is stopping")]
    Stopping,
    /// Too many bytes are in flight.
    #[error("too many bytes are in flight right now")]
    Exhausted(Exhausted),
    /// The body is not encoded as its header says.
    #[error(transparent)]
    NotGzip(NotGzip),
    /// The body came too slowly.
    #[error("the body came too slowly")]
    TooSlow,
    /// The body took longer than a moment, and too many requests do.
    #[error("{}", .0.what)]
    Crowded(Refusal),
    /// The body is too large.
    #[error("the body is larger than {len_max} bytes")]
    TooLarge {
        /// The limit.
        len_max: usize,
    },
}

/// Reads a body of at most `len_max` bytes. Keep the second part until the bytes are no longer needed.
pub async fn read(
    budget: &Budget,
    caller: &Caller,
    mut body: Body,
    len_max: usize,
) -> Result<(Bytes, BytesHeld), BodyError> {
    // A body with an excessive `Content-Length` need not be sent: this is the purpose of `Expect: 100-continue`.
    if body.size_hint().lower() > len_max as u64 {
        return Err(BodyError::TooLarge { len_max });
    }
    let mut in_flight = budget.hold(caller);
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut len = 0;
    loop {
        let Some(frame) = body.frame().await else { break };
        let frame = frame.map_err(|error| cause_of(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        len += data.len();
        if len > len_max {
            return Err(BodyError::TooLarge { len_max });
        }
        in_flight.add(data.len()).map_err(BodyError::Exhausted)?;
        // Almost every body arrives in one piece, which needs no copy.
        match &first {
            None => first = Some(data),
            Some(bytes) => {
                if rest.is_empty() {
                    rest.extend_from_slice(bytes);
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    let bytes = if rest.is_empty() { first.unwrap_or_default() } else { rest.freeze() };
    Ok((bytes, in_flight))
}

/// Returns why a body could not be read.
fn cause_of(error: &(dyn Error + 'static)) -> BodyError {
    let causes = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    let mut known = causes.filter_map(|cause| {
        if let Some(Broken::Stopping) = cause.downcast_ref() {
            return Some(BodyError::Stopping);
        }
        if let Some(Crowded(refusal)) = cause.downcast_ref() {
            return Some(BodyError::Crowded(refusal.clone()));
        }
        if let Some(why) = cause.downcast_ref() {
            return Some(BodyError::NotGzip(*why));
        }
        if let Some(exhausted) = cause.downcast_ref() {
            return Some(BodyError::Exhausted(*exhausted));
        }
        cause.is::<TooSlow>().then_some(BodyError::TooSlow)
    });
    known.next().unwrap_or(BodyError::BrokenOff)
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Refusal {
        match error {
            BodyError::BrokenOff => Refusal::new(
                Code::InvalidJson,
                "the body ended early",
                "send as many bytes as the request announced",
            ),
            BodyError::Exhausted(exhausted) => exhausted.into(),
            BodyError::Stopping => Refusal::shutting_down(),
            BodyError::Crowded(refusal) => refusal,
            BodyError::NotGzip(NotGzip::TooLarge) => {
                Refusal::new(Code::BodyTooLarge, error.to_string(), "send less per request")
            }
            BodyError::NotGzip(NotGzip::Damaged | NotGzip::EndedEarly) => {
                let fix = "compress the whole body once, or send it as it is, without the header";
                Refusal::new(Code::InvalidHeader, error.to_string(), fix).at("Content-Encoding:")
            }
            BodyError::TooSlow => {
                Refusal::new(Code::BodyTooSlow, error.to_string(), "send it faster, or in smaller parts")
            }
            BodyError::TooLarge { .. } => {
                Refusal::new(Code::BodyTooLarge, error.to_string(), "send less per request")
            }
        }
    }
}
