//! Classes of addresses: public, private, or never a target.
//!
//! The tables are those of RFC 6890 and of the IANA registries for special-purpose addresses, and also the addresses at
//! which clouds serve their machines. An IPv4 address inside an IPv6 one is unwrapped first.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The class of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// An address anywhere on the internet.
    Public,
    /// This machine or a network around it.
    Private(Private),
    /// An address that cannot belong to a receiver.
    Forbidden(Forbidden),
}

/// A class of private addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Private {
    /// `198.18.0.0/15`, meant for benchmarks; proxies and virtual networks hand it out.
    Benchmarking,
    /// `127.0.0.0/8` and `::1`.
    Loopback,
    /// `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`, `fc00::/7`, `fec0::/10`.
    Network,
    /// `100.64.0.0/10`: shared addresses (carrier-grade NAT), or a VPN.
    Shared,
}

/// A class of forbidden addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forbidden {
    /// `255.255.255.255`.
    Broadcast,
    /// `169.254.0.0/16` and `fe80::/10`, where most clouds have their metadata service.
    LinkLocal,
    /// A cloud's metadata service elsewhere.
    Metadata,
    /// A multicast group, which is not one receiver.
    Multicast,
    /// An address for documentation, protocols or future use: it belongs to no receiver.
    Reserved,
    /// An IPv6 address that a translator or tunnel turns into an IPv4 one.
    Translated(Translation),
    /// `0.0.0.0/8` and `::`.
    Unspecified,
}

/// The way in which an IPv6 address contains an IPv4 one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Translation {
    /// `::a.b.c.d`.
    Compatible,
    /// An interface id `…:5efe:a.b.c.d`.
    Isatap,
    /// `64:ff9b::/96`, RFC 6052.
    Nat64,
    /// `::ffff:0:a.b.c.d`, RFC 7915.
    Siit,
    /// `2002::/16`.
    SixToFour,
    /// `2001::/32`; the address is that of the client behind it.
    Teredo,
}

impl Forbidden {
    /// Returns `true` if an operator can allow exactly this address.
    pub fn can_be_allowed(self) -> bool {
        match self {
            Forbidden::LinkLocal | Forbidden::Metadata | Forbidden::Reserved | Forbidden::Translated(_) => {
                true
            }
            Forbidden::Broadcast | Forbidden::Multicast | Forbidden::Unspecified => false,
        }
    }
}

impl Class {
    /// Returns the class as a noun with its article.
    pub fn explained(self) -> &'static str {
        match self {
            Class::Public => "a public address",
            Class::Private(Private::Benchmarking) => "an address reserved for benchmarking",
            Class::Private(Private::Loopback) => "a loopback address (this machine)",
            Class::Private(Private::Network) => "a private network address",
            Class::Private(Private::Shared) => "a shared (carrier-grade NAT) address",
            Class::Forbidden(Forbidden::Broadcast) => "the broadcast address",
            Class::Forbidden(Forbidden::LinkLocal) => "a link-local address, where clouds keep credentials",
            Class::Forbidden(Forbidden::Metadata) => "a cloud's metadata service",
            Class::Forbidden(Forbidden::Multicast) => "a multicast address",
            Class::Forbidden(Forbidden::Reserved) => "a reserved address",
            Class::Forbidden(Forbidden::Translated(_)) => "an IPv4 address inside an IPv6 one",
            Class::Forbidden(Forbidden::Unspecified) => "the unspecified address",
        }
    }
}

/// Returns the class of `ip`.
pub fn classify(ip: IpAddr) -> Class {
    match ip {
        IpAddr::V4(ip) => classify_v4(ip),
        IpAddr::V6(ip) => classify_v6(ip),
    }
}

/// Returns the IPv4 address that the kernel connects to for `::ffff:a.b.c.d`, and any other address unchanged.
pub fn unmapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
    }
}

/// Returns the IPv4 address inside `ip`, and how `ip` contains it. `::ffff:a.b.c.d` is not included: see [`unmapped`].
pub fn translated(ip: Ipv6Addr) -> Option<(Translation, Ipv4Addr)> {
    let segments = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    let last = v4(segments[6], segments[7]);
    match segments {
        // `::` and `::1` contain no IPv4 address, and are classified on their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0, _, _] => Some((Translation::Compatible, last)),
        [0, 0, 0, 0, 0xffff, 0, _, _] => Some((Translation::Siit, last)),
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Some((Translation::Nat64, last)),
        [0x2002, high, low, ..] => Some((Translation::SixToFour, v4(high, low))),
        [0x2001, 0, _, _, _, _, high, low] => Some((Translation::Teredo, v4(!high, !low))),
        [_, _, _, _, 0x0000 | 0x0200, 0x5efe, _, _] => Some((Translation::Isatap, last)),
        _ => None,
    }
}

fn classify_v4(ip: Ipv4Addr) -> Class {
    match ip.octets() {
        // Azure's platform, in public space, and Alibaba Cloud's, in shared space.
        [168, 63, 129, 16] | [100, 100, 100, 200] => Class::Forbidden(Forbidden::Metadata),
        [0, ..] => Class::Forbidden(Forbidden::Unspecified),
        [127, ..] => Class::Private(Private::Loopback),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Class::Private(Private::Network),
        [100, 64..=127, ..] => Class::Private(Private::Shared),
        [198, 18 | 19, ..] => Class::Private(Private::Benchmarking),
        [169, 254, ..] => Class::Forbidden(Forbidden::LinkLocal),
        [224..=239, ..] => Class::Forbidden(Forbidden::Multicast),
        [255, 255, 255, 255] => Class::Forbidden(Forbidden::Broadcast),
        // Protocol assignments, documentation, AS112, AMT, 6to4 relays, the future.
        [192, 0, 0 | 2, _] | [192, 31, 196, _] | [192, 52, 193, _] | [192, 88, 99, _] | [192, 175, 48, _] => {
            Class::Forbidden(Forbidden::Reserved)
        }
        [198, 51, 100, _] | [203, 0, 113, _] | [240..=255, ..] => Class::Forbidden(Forbidden::Reserved),
        _ => Class::Public,
    }
}

fn classify_v6(ip: Ipv6Addr) -> Class {
    if let Some(v4) = ip.to_ipv4_mapped() {
        return classify_v4(v4);
    }
    if let Some((how, _)) = translated(ip) {
        return Class::Forbidden(Forbidden::Translated(how));
    }
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Class::Forbidden(Forbidden::Unspecified),
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Private(Private::Loopback),
        // The metadata services of Amazon, Google and Scaleway.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]
        | [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42] => Class::Forbidden(Forbidden::Metadata),
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Class::Private(Private::Network),
        [0xfe80..=0xfebf, ..] => Class::Forbidden(Forbidden::LinkLocal),
        [0xff00..=0xffff, ..] => Class::Forbidden(Forbidden::Multicast),
        // Protocol assignments, documentation twice, AS112.
        [0x2001, 0..=0x1ff, ..]
        | [0x2001, 0xdb8, ..]
        | [0x2620, 0x4f, 0x8000, ..]
        | [0x3fff, 0..=0xfff, ..] => Class::Forbidden(Forbidden::Reserved),
        [0x2000..=0x3fff, ..] => Class::Public,
        _ => Class::Forbidden(Forbidden::Reserved),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::{Class, Forbidden, Private, Translation, classify, translated};

    fn class(text: &str) -> Class {
        classify(text.parse().expect(text))
    }

    #[test]
    fn first_and_last_of_each_range_and_their_neighbours() {
        for (inside, outside) in [
            (["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
            (["100.64.0.0", "100.127.255.255"], ["100.63.255.255", "100.128.0.0"]),
            (["127.0.0.0", "127.255.255.255"], ["126.255.255.255", "128.0.0.0"]),
            (["169.254.0.0", "169.254.255.255"], ["169.253.255.255", "169.255.0.0"]),
            (["172.16.0.0", "172.31.255.255"], ["172.15.255.255", "172.32.0.0"]),
            (["192.0.0.0", "192.0.0.255"], ["191.255.255.255", "192.0.1.0"]),
            (["192.0.2.0", "192.0.2.255"], ["192.0.1.255", "192.0.3.0"]),
            (["192.31.196.0", "192.31.196.255"], ["192.31.195.255", "192.31.197.0"]),
            (["192.52.193.0", "192.52.193.255"], ["192.52.192.255", "192.52.194.0"]),
            (["192.88.99.0", "192.88.99.255"], ["192.88.98.255", "192.88.100.0"]),
            (["192.168.0.0", "192.168.255.255"], ["192.167.255.255", "192.169.0.0"]),
            (["192.175.48.0", "192.175.48.255"], ["192.175.47.255", "192.175.49.0"]),
            (["198.18.0.0", "198.19.255.255"], ["198.17.255.255", "198.20.0.0"]),
            (["198.51.100.0", "198.51.100.255"], ["198.51.99.255", "198.51.101.0"]),
            (["203.0.113.0", "203.0.113.255"], ["203.0.112.255", "203.0.114.0"]),
            (["224.0.0.0", "255.255.255.255"], ["223.255.255.255", "223.0.0.0"]),
            (["0.0.0.0", "0.255.255.255"], ["1.0.0.0", "1.1.1.1"]),
            (["168.63.129.16", "168.63.129.16"], ["168.63.129.15", "168.63.129.17"]),
            (["2001::", "2001:1ff:ffff::"], ["2000:ffff::", "2001:200::"]),
            (["2001:db8::", "2001:db8:ffff::"], ["2001:db7:ffff::", "2001:db9::"]),
            (["2002::", "2002:ffff::"], ["2001:ffff::", "2003::"]),
            (["2620:4f:8000::", "2620:4f:8000:ffff::"], ["2620:4f:7fff::", "2620:4f:8001::"]),
            (["3fff::", "3fff:fff:ffff::"], ["3ffe:ffff::", "3fff:1000::"]),
            (["4000::", "1fff:ffff::"], ["3ffe::1", "2000::1"]),
        ] {
            for text in inside {
                assert_ne!(class(text), Class::Public, "{text}");
            }
            for text in outside {
                assert_eq!(class(text), Class::Public, "{text}");
            }
        }
    }

    #[test]
    fn each_place_has_its_name() {
        for (text, expected) in [
            ("127.0.0.1", Class::Private(Private::Loopback)),
            ("::1", Class::Private(Private::Loopback)),
            ("::ffff:127.0.0.1", Class::Private(Private::Loopback)),
            ("::ffff:8.8.8.8", Class::Public),
            ("::ffff:169.254.169.254", Class::Forbidden(Forbidden::LinkLocal)),
            ("192.168.1.7", Class::Private(Private::Network)),
            ("fd12:3456::1", Class::Private(Private::Network)),
            ("fec0::1", Class::Private(Private::Network)),
            ("100.100.1.1", Class::Private(Private::Shared)),
            ("169.254.169.254", Class::Forbidden(Forbidden::LinkLocal)),
            ("fe80::1", Class::Forbidden(Forbidden::LinkLocal)),
            ("100.100.100.200", Class::Forbidden(Forbidden::Metadata)),
            ("168.63.129.16", Class::Forbidden(Forbidden::Metadata)),
            ("fd00:ec2::254", Class::Forbidden(Forbidden::Metadata)),
            ("fd20:ce::254", Class::Forbidden(Forbidden::Metadata)),
            ("fd00:42::42", Class::Forbidden(Forbidden::Metadata)),
            ("0.0.0.0", Class::Forbidden(Forbidden::Unspecified)),
            ("::", Class::Forbidden(Forbidden::Unspecified)),
            ("255.255.255.255", Class::Forbidden(Forbidden::Broadcast)),
            ("ff02::1", Class::Forbidden(Forbidden::Multicast)),
            ("64:ff9b:1::1", Class::Forbidden(Forbidden::Reserved)),
            ("100::1", Class::Forbidden(Forbidden::Reserved)),
            ("100:0:0:1::1", Class::Forbidden(Forbidden::Reserved)),
            ("5f00::1", Class::Forbidden(Forbidden::Reserved)),
            ("2606:4700:4700::1111", Class::Public),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_one_is_found() {
        for (text, how) in [
            ("::127.0.0.1", Translation::Compatible),
            ("::ffff:0:127.0.0.1", Translation::Siit),
            ("64:ff9b::7f00:1", Translation::Nat64),
            ("2002:7f00:1::", Translation::SixToFour),
            ("2001:0:4136:e378:8000:63bf:80ff:fffe", Translation::Teredo),
            ("2606:4700::5efe:127.0.0.1", Translation::Isatap),
            ("2606:4700:0:0:200:5efe:127.0.0.1", Translation::Isatap),
        ] {
            let IpAddr::V6(ip) = text.parse().expect(text) else { panic!("{text}") };
            assert_eq!(translated(ip), Some((how, Ipv4Addr::LOCALHOST)), "{text}");
            assert_eq!(classify(ip.into()), Class::Forbidden(Forbidden::Translated(how)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_mapped_address_is_what_it_maps(bits: u32) {
            let ip = Ipv4Addr::from(bits);
            prop_assert_eq!(classify(ip.into()), classify(ip.to_ipv6_mapped().into()));
        }

        #[test]
        fn outside_of_2000_3_nothing_is_public_but_mapped_addresses(bits: u128) {
            let ip = std::net::Ipv6Addr::from(bits);
            if classify(ip.into()) == Class::Public {
                prop_assert!(ip.to_ipv4_mapped().is_some() || bits >> 125 == 1);
            }
        }
    }
}
