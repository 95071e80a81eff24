//! The other end of a connection.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The program at the other end of a connection: `127.0.0.1:53122`, or `unix:uid=1000,gid=1000,pid=4242`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A program that connected over the network.
    Network(SocketAddr),
    /// A program on this machine that connected to a Unix socket; the kernel vouches for its identity.
    Unix(Credentials),
}

/// Who runs a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The process; 0 if it is outside the gateway's namespace.
    pub pid: u32,
}

impl Peer {
    /// Returns the IP address.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Peer::Network(address) => Some(address.ip()),
            Peer::Unix(_) => None,
        }
    }

    /// Returns whether the program runs on this machine.
    pub fn is_local(&self) -> bool {
        self.ip().is_none_or(|ip| ip.to_canonical().is_loopback())
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Peer {
        Peer::Network(address)
    }
}

impl FromStr for Peer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Peer, &'static str> {
        const EXPECTED: &str = "neither an address nor `unix:uid=…,gid=…,pid=…`";
        let Some(members) = text.strip_prefix("unix:") else {
            return text.parse().map(Peer::Network).map_err(|_| EXPECTED);
        };
        let mut members = members.split(',');
        let mut next = |name: &str| {
            let member = members.next().and_then(|member| member.strip_prefix(name)?.strip_prefix('='));
            member.and_then(|number| number.parse().ok()).ok_or(EXPECTED)
        };
        let credentials = Credentials { uid: next("uid")?, gid: next("gid")?, pid: next("pid")? };
        members.next().is_none().then_some(Peer::Unix(credentials)).ok_or(EXPECTED)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Network(address) => address.fmt(f),
            Peer::Unix(Credentials { uid, gid, pid }) => write!(f, "unix:uid={uid},gid={gid},pid={pid}"),
        }
    }
}

impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Peer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Peer, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Peer;

    #[test]
    fn a_peer_reads_back_as_it_was_written() {
        for (text, is_local) in [
            ("127.0.0.1:53122", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("192.0.2.1:443", false),
            ("unix:uid=1000,gid=100,pid=4242", true),
        ] {
            let peer: Peer = text.parse().expect("a peer");
            assert_eq!((peer.to_string().as_str(), peer.is_local()), (text, is_local));
        }
        for text in ["unix:", "unix:uid=1,gid=1", "unix:uid=1,gid=1,pid=1,x=1", "unix:uid=x,gid=1,pid=1", ""]
        {
            assert!(text.parse::<Peer>().is_err(), "{text}");
        }
    }
}
