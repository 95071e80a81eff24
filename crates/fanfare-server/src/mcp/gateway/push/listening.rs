//! `port` and `host` of a push: another address that the gateway listens on from then on.

use std::net::{IpAddr, Ipv4Addr};

use crate::mcp::client::Client;
use crate::mcp::gateway::Gateway;
use crate::mcp::gateway::push::EXAMPLE;
use crate::net::listeners::{ListenAddress, ListenError};
use crate::net::locality::Locality;

/// The address that subscribers want to connect to, as written.
pub(super) struct Place {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
}

impl Gateway {
    /// Makes the gateway listen on the address that a caller on this machine asks for.
    pub(super) async fn listen(&self, client: &Client, place: &Place) -> Result<ListenAddress, String> {
        if client.locality == Locality::Elsewhere {
            return Err("`port` and `host` only work for callers on the gateway's own machine; nothing was pushed. Call \
                        again without them: subscribers use the gateway's existing address"
                .to_owned());
        }
        let host = place.host.as_deref().map(host_address).transpose()?;
        self.listeners.open(host, place.port).await.map_err(|refused| {
            let fix = match refused {
                ListenError::Busy(_) | ListenError::NotPermitted(_) => "use another port, 1024 or above",
                ListenError::NotHere(_) | ListenError::OnlyThisMachine(_) => "use \"host\": \"127.0.0.1\"",
                ListenError::Other { .. } | ListenError::Stopping | ListenError::TooMany(_) => "use one of those there are",
            };
            format!(
                "{refused}; nothing was pushed. Leave `port` and `host` out, which is almost always right, or {fix}. \
                 Example: {EXAMPLE}"
            )
        })
    }
}

/// Parses an address to listen on. Names are refused: they would need a lookup, and can point to another address
/// tomorrow.
fn host_address(text: &str) -> Result<IpAddr, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if bare.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    bare.parse().map_err(|_| {
        let shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
        format!(
            "`host`: `{shown}` is not an address to listen on; use `127.0.0.1` or `localhost`, or leave `host` and \
             `port` out. Nothing was pushed. Example: {EXAMPLE}"
        )
    })
}
