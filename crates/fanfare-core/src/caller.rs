//! Callers: who shares a limit.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use crate::peer::Peer;
use crate::principal::Principal;

/// The unit that has a share of common resources: a principal at a place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    principal: Arc<str>,
    /// Where the principal calls from; `None` for the user who started this process.
    place: Option<Place>,
}

/// The part of a program's address that it cannot choose freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A network.
    Network(IpAddr),
    /// A user of this machine, who connects to a Unix socket.
    User(u32),
}

impl Place {
    /// Returns the place of a peer.
    pub fn of(peer: Peer) -> Place {
        match peer {
            Peer::Network(address) => Place::Network(network(address.ip())),
            Peer::Unix(credentials) => Place::User(credentials.uid),
        }
    }

    /// Returns whether the place is on this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Place::Network(ip) => ip.is_loopback(),
            Place::User(_) => true,
        }
    }
}

impl Caller {
    /// Returns the caller that `principal` is at `peer`.
    pub fn new(principal: &Principal, peer: Option<Peer>) -> Caller {
        let place = peer.map(Place::of);
        Caller { principal: Arc::clone(principal.name()), place }
    }
}

/// Returns the network that counts as one: an IPv4 address, or the 64 bits of an IPv6 address that its owner cannot
/// choose freely (RFC 4291, section 2.5.4).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            IpAddr::V6(Ipv6Addr::from(segments))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::network;

    #[test]
    fn what_one_owner_can_choose_freely_is_one_network() {
        let of = |text: &str| network(text.parse::<IpAddr>().expect("an address")).to_string();
        for (address, counted) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::1"),
        ] {
            assert_eq!(of(address), counted);
        }
    }
}
