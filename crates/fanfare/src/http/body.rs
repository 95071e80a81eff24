//! Bodies, read within bounds.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use fanfare_core::Code;
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::http::error::Problem;
use crate::hub::Hub;
use crate::hub::admission::BytesInFlight;

/// Largest body of a push: room for 10,000 events of 1.6 KB.
pub const PUSH_BODY_LEN_MAX: usize = 16 * 1024 * 1024;
/// Largest body of any other request.
pub const BODY_LEN_MAX: usize = 64 * 1024;

/// Reads a body of at most `len_max` bytes. The second part must be kept until the bytes are no longer needed.
pub async fn read(hub: &Hub, mut body: Body, len_max: usize) -> Result<(Bytes, BytesInFlight), Problem> {
    let too_large = || {
        Problem::new(
            Code::BodyTooLarge,
            format!("the body is larger than {len_max} bytes"),
            "send less at once",
        )
    };
    // One that says so itself need not be sent: this is what `Expect: 100-continue` is for.
    if body.size_hint().lower() > len_max as u64 {
        return Err(too_large());
    }
    let mut in_flight = hub.body();
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut len = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::new(Code::InvalidJson, "the body broke off", "send all of the body that was announced")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        len += data.len();
        if len > len_max {
            return Err(too_large());
        }
        in_flight.add(data.len())?;
        // Nearly every body comes in one piece, which needs no copy.
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
