//! Targets that an operator allows for webhooks: `--allow-target 10.0.0.0/8`, `--allow-target *.svc.cluster.local`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::address::unmapped;
use fanfare_core::code::Code;
use fanfare_core::invalid::{Invalid, shown};

/// A target that is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Allow {
    /// A name in lowercase: only the name itself, or with a leading `*.` all names below it.
    Name(
        /// Labels of letters, digits, `-` and `_`.
        Box<str>,
    ),
    /// A network: the addresses whose first `prefix` bits are those of `ip`. For a single address, these are all bits.
    Network {
        /// The address; the bits after the prefix are zero, and it is not an IPv4 address inside an IPv6 one.
        ip: IpAddr,
        /// At most 32 for IPv4, 128 for IPv6.
        prefix: u8,
    },
}

impl Allow {
    /// Returns `true` if the network contains `ip`.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match self {
            Allow::Name(_) => false,
            Allow::Network { ip: network, prefix } => {
                network.is_ipv4() == ip.is_ipv4() && masked(ip, *prefix) == *network
            }
        }
    }

    /// Returns `true` if this is exactly `ip`: a forbidden address can only be allowed on its own.
    pub fn is_exactly(&self, ip: IpAddr) -> bool {
        match self {
            Allow::Name(_) => false,
            Allow::Network { ip: network, prefix } => *network == ip && *prefix == bits(ip),
        }
    }

    /// Returns `true` if this matches `name`, which is in lowercase and has no dot at its end.
    pub fn names(&self, name: &str) -> bool {
        match self {
            Allow::Name(allowed) => match allowed.strip_prefix('*') {
                Some(suffix) => name.len() > suffix.len() && name.ends_with(suffix),
                None => **allowed == *name,
            },
            Allow::Network { .. } => false,
        }
    }
}

impl FromStr for Allow {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Allow, Invalid> {
        let refuse = || {
            Invalid::new(
                Code::InvalidUrl,
                format!("`{}` is neither an address, a network nor a name", shown(text)),
                "write `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`, `receiver.internal` or `*.svc.cluster.local`",
            )
        };
        let (address, length) = text.split_once('/').map_or((text, None), |(ip, length)| (ip, Some(length)));
        if let Ok(ip) = address.parse::<IpAddr>().map(unmapped) {
            let is_plain =
                |length: &&str| !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
            let prefix = match length {
                None => bits(ip),
                Some(length) => {
                    let length = Some(length).filter(is_plain).and_then(|length| length.parse().ok());
                    length.filter(|length| *length <= bits(ip)).ok_or_else(refuse)?
                }
            };
            return Ok(Allow::Network { ip: masked(ip, prefix), prefix });
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let labels = name.strip_prefix("*.").unwrap_or(&name);
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        // A name that consists of numbers only is a mistyped address.
        let is_name = labels.len() <= 253
            && labels.split('.').all(is_label)
            && labels
                .split('.')
                .next_back()
                .is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()));
        if is_name { Ok(Allow::Name(name.into())) } else { Err(refuse()) }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allow::Name(name) => f.write_str(name),
            Allow::Network { ip, prefix } if *prefix == bits(*ip) => write!(f, "{ip}"),
            Allow::Network { ip, prefix } => write!(f, "{ip}/{prefix}"),
        }
    }
}

impl Serialize for Allow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn bits(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// Returns the address with only its first `prefix` bits.
fn masked(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((u32::from(ip) & mask).into())
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((u128::from(ip) & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::Allow;

    fn allow(text: &str) -> Allow {
        text.parse().expect(text)
    }

    #[test]
    fn networks_and_names_hold_what_they_say() {
        let ip = |text: &str| text.parse::<IpAddr>().expect(text);
        assert!(allow("10.0.0.0/8").contains(ip("10.255.0.1")));
        assert!(!allow("10.0.0.0/8").contains(ip("11.0.0.1")));
        assert!(!allow("0.0.0.0/0").contains(ip("::1")));
        assert!(allow("::/0").contains(ip("::1")));
        assert!(allow("::ffff:10.1.2.3").is_exactly(ip("10.1.2.3")));
        assert!(allow("169.254.169.254/32").is_exactly(ip("169.254.169.254")));
        assert!(!allow("169.254.0.0/16").is_exactly(ip("169.254.0.0")));
        assert!(allow("Receiver.Internal.").names("receiver.internal"));
        assert!(!allow("receiver.internal").names("a.receiver.internal"));
        assert!(allow("*.svc.local").names("a.b.svc.local"));
        assert!(!allow("*.svc.local").names("svc.local") && !allow("*.svc.local").names("evilsvc.local"));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "a..b",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0/8",
            "10.0.0.1/+8",
            "::/129",
            "http://a",
            "a:80",
            "ä",
        ] {
            assert!(text.parse::<Allow>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_allowed_reads_back_as_it_was_written(v4: bool, bits: u128, prefix in 0..=128u8) {
            let text = match v4 {
                true => format!("{}/{}", std::net::Ipv4Addr::from(bits as u32), prefix.min(32)),
                false => format!("{}/{prefix}", std::net::Ipv6Addr::from(bits)),
            };
            if let Ok(allow) = text.parse::<Allow>() {
                prop_assert_eq!(allow.to_string().parse::<Allow>().expect("as written"), allow);
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[0-9a-f.:/*]*|.*") {
            let _ = text.parse::<Allow>();
        }
    }
}
