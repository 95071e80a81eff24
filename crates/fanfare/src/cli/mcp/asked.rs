//! What a client asks for, as far as it matters when a gateway ends.

use fanfare_mcp::resources::ResourceRequest;
use fanfare_mcp::{Incoming, Message, Method, Request};
use fanfare_mcp::{Params, json_rpc};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// What a request asks for.
#[derive(Debug)]
pub(crate) enum What {
    Batch,
    Call,
    Initialize(Params),
    Level(Params),
    /// What changes is told until the client cancels; `acknowledged` when the client knows that.
    Listen {
        acknowledged: bool,
    },
    Other,
    Subscribe(String),
    Unsubscribe(String),
}

/// Sorts a request.
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

/// Reads what was a request before.
pub(crate) fn request(text: &Utf8Bytes) -> Option<Request> {
    match json_rpc::parse(text.as_bytes()) {
        Ok(Incoming::One(Message::Request(request))) => Some(request),
        _ => None,
    }
}
