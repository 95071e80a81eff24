//! WebSockets over HTTP/2 (RFC 8441): a client, or a proxy, opens one with a `CONNECT` that names the protocol.
//!
//! The doors see the `GET` that the request would be over HTTP/1.1, with [`Multiplexed`] in place of the headers of an
//! upgrade.

use http::{Method, Request};
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;

/// Marks a request for a WebSocket on a stream of an HTTP/2 connection.
#[derive(Debug, Clone, Copy)]
pub struct Multiplexed;

/// Turns a request for a WebSocket into a `GET`, and returns the stream that opens once it is accepted. Any other request
/// is left as it is.
pub fn of(request: &mut Request<Incoming>) -> Option<OnUpgrade> {
    let protocol = request.extensions().get::<Protocol>()?;
    if request.method() != Method::CONNECT || !protocol.as_str().eq_ignore_ascii_case("websocket") {
        return None;
    }
    *request.method_mut() = Method::GET;
    request.extensions_mut().insert(Multiplexed);
    Some(hyper::upgrade::on(request))
}
