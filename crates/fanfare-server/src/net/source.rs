//! Where a request comes from: its address, the agent that it claims to be, and whether it is a delivery of this very
//! log that has come back.

use std::net::SocketAddr;

use fanfare_core::{Agent, Code, Door, Via};
use http::{HeaderMap, header};

use crate::problem::Problem;
use fanfare_delivery::target::VIA;
use fanfare_hub::Hub;

/// The client's address; the server adds it to every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Returns the way that a request came in through `door`.
pub fn via(door: Door, Peer(address): Peer, headers: &HeaderMap) -> Via {
    Via { door, address: Some(address), agent: agent(headers) }
}

/// Returns the name that the caller claims for itself.
pub fn agent(headers: &HeaderMap) -> Option<Agent> {
    let claim = headers.get(header::USER_AGENT)?;
    Agent::claimed(&String::from_utf8_lossy(claim.as_bytes()))
}

/// Refuses a request that is marked as a delivery of this very log: if accepted, it would be sent and return forever.
/// Every route that appends events from a body calls this.
pub fn refuse_own(hub: &Hub, headers: &HeaderMap) -> Result<(), Problem> {
    let own = hub.epoch().to_string();
    let named = headers.get_all(VIA).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    if named.map(<[u8]>::trim_ascii).any(|epoch| epoch == own.as_bytes()) {
        return Err(Problem::new(
            Code::LoopDetected,
            "loop detected: this is a delivery from this gateway's own log; nothing was appended",
            "have the webhook's receiver act on events instead of sending them back",
        )
        .at("fanfare-via:"));
    }
    Ok(())
}
