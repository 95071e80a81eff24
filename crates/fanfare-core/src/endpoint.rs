//! Where a gateway listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::code::Code;
use crate::invalid::{Invalid, shown};

/// The prefix of Unix sockets.
pub const UNIX_PREFIX: &str = "unix:";
/// Maximum bytes of a Unix socket's path: the length of the field in its address (unix(7)), minus the
/// terminating zero.
pub const UNIX_PATH_LEN_MAX: usize = 107;

/// An address that a gateway listens on: `127.0.0.1:8000`, or `unix:/run/fanfare/socket`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// An IP address and a port.
    Network(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Endpoint {
    /// Returns the IP address and the port.
    pub fn network(&self) -> Option<SocketAddr> {
        match self {
            Endpoint::Network(address) => Some(*address),
            Endpoint::Unix(_) => None,
        }
    }

    /// Returns whether only programs on this machine can connect.
    pub fn is_local(&self) -> bool {
        self.network().is_none_or(|address| address.ip().is_loopback())
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Endpoint {
        Endpoint::Network(address)
    }
}

impl FromStr for Endpoint {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Endpoint, Invalid> {
        let refused = |fix: &'static str| {
            Invalid::new(Code::InvalidQuery, format!("`{}` is not an address to listen on", shown(text)), fix)
        };
        match text.strip_prefix(UNIX_PREFIX) {
            Some(path) if (1..=UNIX_PATH_LEN_MAX).contains(&path.len()) && !path.contains('\0') => {
                Ok(Endpoint::Unix(path.into()))
            }
            Some(_) => Err(refused("write the path of a Unix socket, at most 107 bytes: `unix:/run/fanfare/socket`")),
            None => text.parse().map(Endpoint::Network).map_err(|_| {
                refused(
                    "write an IP address and a port (`127.0.0.1:8000`, `[::1]:8000`, `0.0.0.0:8000`), or a Unix socket \
                     (`unix:/run/fanfare/socket`)",
                )
            }),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Network(address) => address.fmt(f),
            Endpoint::Unix(path) => write!(f, "{UNIX_PREFIX}{}", path.display()),
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Endpoint, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, UNIX_PATH_LEN_MAX};

    #[test]
    fn an_address_reads_back_as_it_was_written() {
        for (text, is_local) in [
            ("127.0.0.1:8000", true),
            ("[::1]:0", true),
            ("0.0.0.0:80", false),
            ("unix:/run/fanfare/socket", true),
            ("unix:./socket", true),
        ] {
            let endpoint: Endpoint = text.parse().expect("an address");
            assert_eq!((endpoint.to_string().as_str(), endpoint.is_local()), (text, is_local));
        }
        let long = format!("unix:{}", "x".repeat(UNIX_PATH_LEN_MAX + 1));
        for text in ["unix:", "unix:a\0b", long.as_str(), "/run/socket", "8000", "localhost:8000", ""] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
