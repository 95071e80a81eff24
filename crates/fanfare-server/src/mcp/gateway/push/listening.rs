//! `port` and `host` of a push: another address that the gateway listens on from then on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

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

/// What became of a wish for an address.
pub(super) enum Opened {
    /// The gateway listens there because of this call.
    New(SocketAddr),
    /// The gateway listened there before.
    Known(SocketAddr),
    /// The gateway listens where it did; the text says why.
    Nowhere(String),
}

impl Gateway {
    /// Makes the gateway listen on the address that a caller on this machine asks for.
    ///
    /// The host `0.0.0.0` or `::` means whatever is possible, because programs send it as a default without a thought:
    /// where others may not connect, the gateway listens for this machine, and where it cannot listen, nothing fails.
    pub(super) async fn listen(&self, client: &Client, place: &Place) -> Result<Opened, String> {
        let host = place.host.as_deref().map(host_address).transpose()?;
        let is_default = host.is_some_and(|host| host.to_canonical().is_unspecified());
        if client.locality == Locality::Elsewhere {
            let only = "only work for callers on the gateway's own machine";
            return match is_default {
                true => Ok(Opened::Nowhere(format!("they {only}"))),
                false => Err(format!(
                    "`port` and `host` {only}; nothing was pushed. Call again without them: subscribers use the gateway's \
                     existing address"
                )),
            };
        }
        let opened = match self.listeners.open(host, place.port).await {
            // Where the gateway listens by itself, at this port.
            Err(_) if is_default => self.listeners.open(None, place.port).await,
            opened => opened,
        };
        match opened {
            Ok(ListenAddress { address, is_new: true }) => Ok(Opened::New(address)),
            Ok(ListenAddress { address, is_new: false }) => Ok(Opened::Known(address)),
            Err(refused) if is_default => Ok(Opened::Nowhere(refused.to_string())),
            Err(refused) => Err(explained(&refused)),
        }
    }
}

fn explained(refused: &ListenError) -> String {
    let fix = match refused {
        ListenError::Busy(_) | ListenError::NotPermitted(_) => "use another port, 1024 or above",
        ListenError::NotHere(_) | ListenError::OnlyThisMachine(_) => "use \"host\": \"127.0.0.1\"",
        ListenError::Other { .. } | ListenError::Stopping | ListenError::TooMany(_) => {
            "use one of those there are"
        }
    };
    format!(
        "{refused}; nothing was pushed. Leave `port` and `host` out, which is almost always right, or {fix}. Example: \
         {EXAMPLE}"
    )
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
