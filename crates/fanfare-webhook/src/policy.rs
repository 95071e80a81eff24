//! The policy for where webhooks may be sent.
//!
//! The same rules apply at registration, in a test and on every connection, where they check the resolved address: a
//! name that was public yesterday may point to this machine today.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::address::{Class, Forbidden, Private, Translation, classify, translated, unmapped};
use crate::allow::Allow;
use crate::proxy::ProxyUrl;
use crate::url::{TargetHost, WebhookUrl, is_localhost};
use fanfare_core::code::Code;
use fanfare_core::invalid::{Invalid, shown};

/// The names by which machines in clouds find their metadata service.
const METADATA_NAMES: &[&str] =
    &["instance-data", "instance-data.ec2.internal", "metadata", "metadata.goog", "metadata.google.internal"];

/// The lowest port, besides 80 and 443, that is open in locked mode.
const PORT_MIN: u16 = 8_000;
/// The higher ports at which databases, brokers and cluster agents listen, some of which obey HTTP requests: Cassandra,
/// Kafka, Elasticsearch (twice), the kubelet (twice), memcached, MongoDB (three times), HDFS.
const PORTS_OF_SERVICES: &[u16] =
    &[9042, 9092, 9200, 9300, 10_250, 10_255, 11_211, 27_017, 27_018, 27_019, 50_070];

/// The degree to which those who register webhooks are trusted; the stricter one is the greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Only this machine registers webhooks: this machine and the networks around it are allowed as receivers.
    #[default]
    Local,
    /// Others register webhooks: only public receivers are allowed, and those that the operator adds.
    Locked,
}

/// The policy for where webhooks may be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The strictness.
    pub mode: Mode,
    /// The further targets that the operator allows (`--allow-target`).
    pub allow: Vec<Allow>,
    /// The addresses at which this gateway itself listens; never allowed, because a delivery would be a push. `0.0.0.0`
    /// and `::` stand for loopback and all of `interfaces`.
    pub own: Vec<SocketAddr>,
    /// The addresses of this machine. In locked mode, even a public one is treated like loopback. `None` if
    /// they could not be listed: any address could then be one of them.
    pub interfaces: Option<Vec<IpAddr>>,
    /// Whether `http` is allowed for public receivers in locked mode.
    pub plain_http: bool,
    /// The proxy through which receivers on other machines are reached.
    pub proxy: Option<ProxyUrl>,
    /// Whether this machine reaches IPv4 through NAT64 at `64:ff9b::/96`; then the address inside is checked.
    pub nat64: bool,
}

/// The reason why a target is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The class of the address is not allowed.
    Address {
        /// The host that was registered.
        host: String,
        /// The address, written or resolved.
        ip: IpAddr,
        /// The class of the address.
        class: Class,
    },
    /// The address belongs to this machine, in locked mode.
    Interface {
        /// The address.
        ip: IpAddr,
    },
    /// The addresses of this machine are not known, and the host might have one of them, in locked mode.
    InterfacesUnknown {
        /// The host that was registered.
        host: String,
    },
    /// The host is the name of a cloud's metadata service.
    MetadataName {
        /// The name.
        host: String,
    },
    /// The address is this gateway's own.
    OwnListener {
        /// The address.
        to: SocketAddr,
    },
    /// The URL has no TLS, and the host is not allowed by name or address.
    PlainHttp {
        /// The host that was registered.
        host: String,
    },
    /// The port is not allowed for webhooks.
    Port {
        /// The host that was registered.
        host: String,
        /// The port.
        port: u16,
    },
    /// Only the proxy learns the addresses of the name, and the operator has not allowed the proxy, in locked mode.
    Proxy {
        /// The name.
        host: String,
    },
    /// The name does not resolve.
    Unresolved {
        /// The name.
        host: String,
    },
}

impl Policy {
    /// Returns the policy for a caller or a webhook that is trusted no more than `mode`.
    pub fn under(self, mode: Mode) -> Policy {
        Policy { mode: self.mode.max(mode), ..self }
    }

    /// Checks everything that needs no resolver: at registration, and before a look-up. An address that is written as
    /// such is checked completely.
    pub fn judge_url(&self, url: &WebhookUrl) -> Result<(), Refusal> {
        let name = match url.host() {
            TargetHost::Ip(ip) => return self.judge(url, *ip),
            TargetHost::Name(name) => name,
        };
        let allowed = self.allows_name(name);
        if METADATA_NAMES.contains(&&**name) && !allowed {
            return Err(Refusal::MetadataName { host: name.to_string() });
        }
        if is_localhost(name) {
            return self.judge(url, Ipv4Addr::LOCALHOST.into());
        }
        if !allowed && !self.trusts_proxy() {
            return Err(Refusal::Proxy { host: name.to_string() });
        }
        // The addresses of the name are not known yet, and one of them may be allowed. A proxy does not tell them.
        let may_be_allowed =
            self.proxy.is_none() && self.allow.iter().any(|allow| matches!(allow, Allow::Network { .. }));
        if allowed || may_be_allowed || self.mode == Mode::Local {
            return Ok(());
        }
        self.known_interfaces(url)?;
        self.judge_scheme_and_port(url)
    }

    /// Returns whether names may be sent to the proxy, if there is one. The proxy looks the name up, so the rules for
    /// addresses cannot be applied here. In locked mode, the operator must have allowed the proxy's own host.
    pub fn trusts_proxy(&self) -> bool {
        let is_allowed = |proxy: &ProxyUrl| match proxy.host() {
            TargetHost::Ip(ip) => self.allow.iter().any(|allow| allow.contains(*ip)),
            TargetHost::Name(name) => self.allows_name(name),
        };
        self.mode == Mode::Local || self.proxy.as_ref().is_none_or(is_allowed)
    }

    /// Checks all addresses that a name resolved to. If one is refused, all are; an empty list is refused too. An
    /// answer that mixes public and private addresses is a trick, not a receiver.
    pub fn judge_resolved(&self, url: &WebhookUrl, ips: &[IpAddr]) -> Result<(), Refusal> {
        if ips.is_empty() {
            return Err(Refusal::Unresolved { host: host_of(url) });
        }
        self.judge_url(url)?;
        ips.iter().try_for_each(|ip| self.judge(url, *ip))
    }

    /// Checks the address that is about to be connected to, for `url` and its port.
    pub fn judge(&self, url: &WebhookUrl, ip: IpAddr) -> Result<(), Refusal> {
        let ip = self.inner(unmapped(ip));
        let to = SocketAddr::new(ip, url.port());
        if self.is_own(to) {
            return Err(Refusal::OwnListener { to });
        }
        let class = classify(ip);
        let refuse = || Err(Refusal::Address { host: host_of(url), ip, class });
        let exactly = self.allow.iter().any(|allow| allow.is_exactly(ip));
        let allowed = exactly
            || self.allow.iter().any(|allow| allow.contains(ip))
            || matches!(url.host(), TargetHost::Name(name) if self.allows_name(name))
            || self.allows_localhost(url, class);
        match class {
            Class::Forbidden(forbidden) if !(exactly && forbidden.can_be_allowed()) => return refuse(),
            Class::Private(_) if !allowed && self.mode == Mode::Locked => return refuse(),
            Class::Public | Class::Private(_) | Class::Forbidden(_) => {}
        }
        if allowed || self.mode == Mode::Local {
            return Ok(());
        }
        if self.known_interfaces(url)?.iter().any(|own| unmapped(*own) == ip) {
            return Err(Refusal::Interface { ip });
        }
        self.judge_scheme_and_port(url)
    }

    /// Returns `true` if `ip` is public: not of this machine, not in a private network, and not special.
    pub fn is_public(&self, ip: IpAddr) -> bool {
        let ip = self.inner(unmapped(ip));
        let is_elsewhere = |own: &Vec<IpAddr>| !own.iter().any(|own| unmapped(*own) == ip);
        classify(ip) == Class::Public && self.interfaces.as_ref().is_some_and(is_elsewhere)
    }

    /// Returns the addresses of this machine. If they are unknown, only targets that the operator allows are
    /// safe.
    fn known_interfaces(&self, url: &WebhookUrl) -> Result<&[IpAddr], Refusal> {
        self.interfaces.as_deref().ok_or_else(|| Refusal::InterfacesUnknown { host: host_of(url) })
    }

    /// Checks the rules of locked mode, for a URL that the operator has not allowed.
    fn judge_scheme_and_port(&self, url: &WebhookUrl) -> Result<(), Refusal> {
        if !url.is_https() && !self.plain_http {
            return Err(Refusal::PlainHttp { host: host_of(url) });
        }
        let port = url.port();
        match matches!(port, 80 | 443) || (port >= PORT_MIN && !PORTS_OF_SERVICES.contains(&port)) {
            true => Ok(()),
            false => Err(Refusal::Port { host: host_of(url), port }),
        }
    }

    fn allows_name(&self, name: &str) -> bool {
        self.allow.iter().any(|allow| allow.names(name))
    }

    /// Returns `true` if `localhost` is allowed by either of its addresses. It has both on most machines, and an
    /// operator who allows `127.0.0.1` does not think of `::1`.
    fn allows_localhost(&self, url: &WebhookUrl, class: Class) -> bool {
        let either = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        class == Class::Private(Private::Loopback)
            && matches!(url.host(), TargetHost::Name(name) if is_localhost(name))
            && self.allow.iter().any(|allow| either.iter().any(|ip| allow.contains(*ip)))
    }

    /// Returns the address that NAT64 leads to, if this machine uses NAT64.
    fn inner(&self, ip: IpAddr) -> IpAddr {
        match ip {
            IpAddr::V6(v6) if self.nat64 => match translated(v6) {
                Some((Translation::Nat64, inner)) => inner.into(),
                _ => ip,
            },
            _ => ip,
        }
    }

    fn is_own(&self, to: SocketAddr) -> bool {
        let loopback = classify(to.ip()) == Class::Private(Private::Loopback);
        // The kernel connects to this machine for 0.0.0.0.
        let unspecified = classify(to.ip()) == Class::Forbidden(Forbidden::Unspecified);
        self.own.iter().filter(|own| own.port() == to.port()).any(|own| {
            let own = unmapped(own.ip());
            let anywhere = own.is_unspecified()
                && (loopback
                    || self.interfaces.iter().flatten().any(|interface| unmapped(*interface) == to.ip()));
            own == to.ip() || anywhere || unspecified
        })
    }
}

fn host_of(url: &WebhookUrl) -> String {
    match url.host() {
        TargetHost::Ip(ip) => ip.to_string(),
        TargetHost::Name(name) => name.to_string(),
    }
}

impl From<Refusal> for Invalid {
    fn from(refusal: Refusal) -> Invalid {
        const ALLOW: &str = "the operator can start the gateway with `--allow-target";
        let (what, fix) = match refusal {
            Refusal::Address { host, ip, class } => {
                let is_literal = host.parse::<IpAddr>().is_ok();
                let subject = match is_literal {
                    true => format!("`{host}`"),
                    false => format!("`{}` resolves to {ip}, which", shown(&host)),
                };
                let fix = match class {
                    Class::Forbidden(Forbidden::Unspecified) => {
                        "write `127.0.0.1` or `localhost` for this machine".to_owned()
                    }
                    Class::Forbidden(Forbidden::Broadcast | Forbidden::Multicast) => {
                        "register the address of one machine".to_owned()
                    }
                    Class::Forbidden(_) => format!("if you really need it, {ALLOW} {ip}`"),
                    Class::Public | Class::Private(_) => format!("use a public receiver, or {ALLOW} {ip}`"),
                };
                (format!("{subject} is {}", class.explained()), fix)
            }
            Refusal::Interface { ip } => {
                (format!("{ip} is an address of the gateway's own machine"), format!("{ALLOW} {ip}`"))
            }
            Refusal::InterfacesUnknown { host } => (
                format!(
                    "`{}` may be the gateway's own machine, whose addresses the gateway cannot list",
                    shown(&host)
                ),
                format!("let the gateway use netlink and restart it, or {ALLOW} {}`", shown(&host)),
            ),
            Refusal::MetadataName { host } => (
                format!("`{host}` is the name of a cloud's metadata service"),
                format!("if you really need it, {ALLOW} {host}` and its address"),
            ),
            Refusal::OwnListener { to } => (
                format!("{to} is this gateway itself; it would send to itself forever"),
                "register the address of another program".to_owned(),
            ),
            Refusal::PlainHttp { host } => (
                format!("`http://{}` is not encrypted", shown(&host)),
                format!("use `https://`, or {ALLOW} {}`", shown(&host)),
            ),
            Refusal::Port { host, port } => (
                format!("port {port} is not allowed for webhooks"),
                format!("use 443, 80, or a port from 8000 up, or {ALLOW} {}`", shown(&host)),
            ),
            Refusal::Proxy { host } => (
                format!("only the gateway's proxy learns the address of `{}`", shown(&host)),
                format!("if the proxy refuses private addresses itself, {ALLOW}` and the host of the proxy"),
            ),
            Refusal::Unresolved { host } => (
                format!("the name `{}` does not resolve", shown(&host)),
                "check the name; it may only resolve on another network".to_owned(),
            ),
        };
        Invalid::new(Code::TargetRefused, what, fix)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&Invalid::from(self.clone()), f)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests;
