//! Loops: a delivery from this log that returns to it, through any number of systems.

use fanfare_core::Code;
use http::HeaderMap;

use crate::problem::Problem;
use fanfare_delivery::target::VIA;
use fanfare_hub::Hub;

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
        .at("header `fanfare-via`"));
    }
    Ok(())
}
