//! Where a request comes from, as far as it can be told: from this machine, or possibly from elsewhere.

use std::net::IpAddr;

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

/// The place that a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locality {
    /// This machine: the peer is a loopback address, no proxy has forwarded the request, and the page, if there is one, is
    /// of this machine.
    Here,
    /// Possibly another machine, or a page of another site.
    Elsewhere,
}

impl Locality {
    /// Decides where a request with these headers comes from, whose sender has this address. A proxy that says nothing of
    /// itself cannot be told from a program here.
    pub fn of(headers: &HeaderMap, peer: Option<IpAddr>) -> Locality {
        let is_here = peer.is_some_and(|ip| ip.is_loopback())
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
