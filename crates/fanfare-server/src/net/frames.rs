//! WebSocket frames after the handshake: limits, and close frames. `GET /ws` and `examples/websocket_echo.rs` share
//! this module, so that conformance suites test the code that users meet.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use crate::net::extended_connect::Multiplexed;
use fanfare_runtime::budget::Exhausted;

/// Maximum frame and message from a client: the size of its largest publish.
pub const MESSAGE_LEN_MAX: usize = 1024 * 1024;
/// Maximum bytes of one read; each socket has a buffer of this size. Most messages are shorter, and the library's own
/// size would be 128 KiB for every idle client.
pub const READ_LEN_MAX: usize = 8 * 1024;
/// Maximum bytes that wait to be written: a whole answer, which is smaller than its request, and answers to pings.
/// Without it, a client that pings and does not read fills the memory with pongs.
const WRITE_BUFFER_LEN_MAX: usize = 2 * MESSAGE_LEN_MAX;
/// Maximum time for the client to answer a close frame. Short, because a stop waits for it.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// Answers a handshake (RFC 6455, section 4.2.2; over HTTP/2, RFC 8441, section 5); returns `None` if the request is not one.
/// A client that offers `subprotocol` gets it; one that offers only others, or none, gets a socket without.
pub fn shake_hands(
    method: &Method,
    headers: &HeaderMap,
    extensions: &Extensions,
    subprotocol: &'static str,
) -> Option<Response> {
    let tokens = |name| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(str::trim)
    };
    let has = |name, token: &str| tokens(name).any(|part| part.eq_ignore_ascii_case(token));
    if method != Method::GET || !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return None;
    }
    let mut response = if extensions.get::<Multiplexed>().is_some() {
        StatusCode::OK.into_response()
    } else {
        let is_asked = has(header::UPGRADE, "websocket") && has(header::CONNECTION, "upgrade");
        let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| is_asked)?;
        let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).expect("base64 is ASCII");
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        response
    };
    if tokens(header::SEC_WEBSOCKET_PROTOCOL).any(|name| name == subprotocol) {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    }
    Some(response)
}

/// The code and the reason of a close frame.
pub type Farewell = (CloseCode, &'static str);

/// The close frame for a client that an operator disconnects.
pub const DISMISSED: Farewell = (CloseCode::Policy, "an operator disconnected this client");
/// Maximum time for what is being sent to such a client.
pub const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// Returns the messages on `stream`, of which `read` was already read.
pub async fn messages<S: AsyncRead + AsyncWrite + Unpin>(stream: S, read: Vec<u8>) -> WebSocketStream<S> {
    messages_within(stream, read, MESSAGE_LEN_MAX, WRITE_BUFFER_LEN_MAX).await
}

/// Returns the messages with other limits: on a message, and on the bytes that wait to be written, which must hold one
/// message of ours.
pub async fn messages_within<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    read: Vec<u8>,
    message_len_max: usize,
    write_len_max: usize,
) -> WebSocketStream<S> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_LEN_MAX)
        .max_message_size(Some(message_len_max))
        .max_frame_size(Some(message_len_max))
        .max_write_buffer_size(write_len_max);
    WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await
}

/// Sends a close frame, and waits briefly for the answer.
pub async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut WebSocketStream<S>,
    (code, reason): Farewell,
) {
    let frame = CloseFrame { code, reason: reason.into() };
    let goodbye = async {
        if wire.close(Some(frame)).await.is_err() {
            return;
        }
        while let Some(Ok(_)) = wire.next().await {}
        // For example, the rest of a message that is too large is read and discarded: closing with unread bytes resets
        // the connection, and the client may see the reset before the reason.
        let stream = wire.get_mut();
        let mut unwanted = [0; 4096];
        if stream.shutdown().await.is_ok() {
            while matches!(stream.read(&mut unwanted).await, Ok(1..)) {}
        }
    };
    // A client that does not answer in time is disconnected.
    let _ = tokio::time::timeout(CLOSE_WAIT, goodbye).await;
}

/// Returns the close frame for a protocol error (RFC 6455, section 7.4.1), or `None` if the client is gone.
pub fn farewell(error: &Error) -> Option<Farewell> {
    match error {
        Error::Io(error) if error.get_ref().is_some_and(|error| error.is::<Exhausted>()) => {
            Some((CloseCode::Again, "too many bytes are in flight; try again in a moment"))
        }
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            Some((CloseCode::Size, "the message is larger than 1 MiB"))
        }
        Error::Utf8(_) => Some((CloseCode::Invalid, "the text is not valid UTF-8")),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some((CloseCode::Protocol, "the frame breaks the protocol")),
        _ => None,
    }
}
