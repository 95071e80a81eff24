//! Where a request comes from, as far as it can be told: from this machine, or possibly from elsewhere.

use fanfare_core::Peer;
use fanfare_webhook::policy::Mode;
use http::{HeaderMap, HeaderName, header};

use crate::net::origin::Origin;

/// The headers with which proxies say that a request is somebody else's, besides those of [`PREFIX`].
const FORWARDED: [HeaderName; 5] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("true-client-ip"),
];
/// The start of the names of such headers.
const PREFIX: &str = "x-forwarded-";

/// The place that a request comes from; the less trusted one is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locality {
    /// This machine: the peer has a loopback address or a Unix socket, no proxy has forwarded the request, and
    /// the page, if there is one, is from this machine.
    Here,
    /// Possibly another machine, or a page of another site.
    Elsewhere,
}

impl Locality {
    /// Decides where a request with these headers comes from, with this sender. A proxy that adds no headers
    /// cannot be told from a program on this machine.
    pub fn of(headers: &HeaderMap, peer: Option<Peer>) -> Locality {
        let is_here = peer.is_some_and(|peer| peer.is_local())
            && !is_forwarded(headers)
            && headers.get_all(header::ORIGIN).iter().all(|origin| {
                origin.to_str().ok().and_then(Origin::parse).is_some_and(|origin| origin.is_loopback())
            });
        if is_here { Locality::Here } else { Locality::Elsewhere }
    }

    /// Returns the rules for webhooks that hold for the caller, if the gateway's own are not stricter.
    pub fn mode(self) -> Mode {
        match self {
            Locality::Here => Mode::Local,
            Locality::Elsewhere => Mode::Locked,
        }
    }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(PREFIX) || FORWARDED.contains(name))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use fanfare_core::Peer;
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::Locality;

    fn at(ip: &str) -> Peer {
        SocketAddr::new(ip.parse().expect("an address"), 4242).into()
    }

    #[test]
    fn a_peer_of_this_machine_is_a_loopback_address() {
        let of = |peer: &str| Locality::of(&HeaderMap::new(), Some(at(peer)));
        for peer in ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(of(peer), Locality::Here, "{peer}");
        }
        for peer in ["192.168.1.5", "::", "0.0.0.0", "::ffff:192.168.1.5", "::127.0.0.1", "fe80::1"] {
            assert_eq!(of(peer), Locality::Elsewhere, "{peer}");
        }
        assert_eq!(Locality::of(&HeaderMap::new(), None), Locality::Elsewhere);
    }

    #[test]
    fn a_header_of_a_proxy_or_of_a_page_elsewhere_says_that_a_request_is_from_there() {
        let peer = Some(at("127.0.0.1"));
        for (name, value, expected) in [
            ("x-forwarded-for", "127.0.0.1", Locality::Elsewhere),
            ("x-forwarded-anything", "", Locality::Elsewhere),
            ("forwarded", "for=127.0.0.1", Locality::Elsewhere),
            ("via", "1.1 proxy", Locality::Elsewhere),
            ("x-real-ip", "127.0.0.1", Locality::Elsewhere),
            ("cf-connecting-ip", "127.0.0.1", Locality::Elsewhere),
            ("true-client-ip", "127.0.0.1", Locality::Elsewhere),
            ("origin", "https://app.example.com", Locality::Elsewhere),
            ("origin", "null", Locality::Elsewhere),
            ("origin", "http://localhost:3000", Locality::Here),
            ("x-request-id", "1", Locality::Here),
        ] {
            let headers =
                HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]);
            assert_eq!(Locality::of(&headers, peer), expected, "{name}: {value}");
        }
    }
}
