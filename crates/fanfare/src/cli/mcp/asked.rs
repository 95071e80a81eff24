//! Sorts the requests of a client by what has to happen to them when the gateway exits.

use fanfare_mcp::resources::ResourceRequest;
use fanfare_mcp::{Incoming, Message, Method, Request};
use fanfare_mcp::{Params, json_rpc};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The kind of a request.
#[derive(Debug)]
pub(crate) enum What {
    Batch,
    Call,
    Initialize(Params),
    Level(Params),
    /// A subscription to changes, which is open until the client cancels it.
    Listen {
        /// Whether the client has received the acknowledgement.
        acknowledged: bool,
    },
    Other,
    Subscribe(String),
    Unsubscribe(String),
}

/// Returns the kind of a request.
pub(crate) fn what(request: &Request) -> What {
    let uri = || request.params.read::<ResourceRequest>().map(|named| named.uri).ok();
    let method = &*request.method;
    let is = |other: Method| method == other.as_str();
    if is(Method::ToolsCall) {
        What::Call
    } else if is(Method::Initialize) {
        What::Initialize(request.params.clone())
    } else if is(Method::SetLevel) {
        What::Level(request.params.clone())
    } else if is(Method::Listen) {
        What::Listen { acknowledged: false }
    } else if is(Method::ResourcesSubscribe) {
        uri().map_or(What::Other, What::Subscribe)
    } else if is(Method::ResourcesUnsubscribe) {
        uri().map_or(What::Other, What::Unsubscribe)
    } else {
        What::Other
    }
}

/// Parses a request that was parsed before.
pub(crate) fn request(text: &Utf8Bytes) -> Option<Request> {
    match json_rpc::parse(text.as_bytes()) {
        Ok(Incoming::One(Message::Request(request))) => Some(request),
        _ => None,
    }
}
