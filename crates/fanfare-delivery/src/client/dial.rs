//! Opening connections: the address rules apply here, to the very address that is connected to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanfare_webhook::outcome::Failure;
use fanfare_webhook::policy::{Policy, Refusal};
use fanfare_webhook::url::{TargetHost, WebhookUrl};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;

use crate::client::connection::{Connection, Stream};
use crate::client::proxying::Proxy;
use crate::client::resolve::{Lookups, Resolver};
use crate::client::sockets::{Socket, Sockets};
use crate::client::times::{Times, since};
use crate::rules::Rules;
use crate::target::{PROTOCOLS, Target};

/// Maximum time to open a connection, over all addresses of a name: a receiver that is up accepts at once.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Maximum addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Opens connections to receivers.
pub struct Dialer {
    rules: Rules,
    tls: TlsConnector,
    lookups: Lookups,
    /// The limit on open connections.
    pub(super) sockets: Sockets,
    /// Maximum duration of an attempt at a webhook that has none of its own.
    pub(super) attempt_max: Duration,
    /// The proxy through which connections lead.
    proxy: Option<Proxy>,
}

impl Dialer {
    /// Creates a dialer that follows `rules`.
    pub fn new(rules: Rules, resolver: Resolver, attempt_max: Duration, sockets: Sockets) -> Dialer {
        let proxy = rules.proxy().cloned().map(Proxy::from);
        let tls = TlsConnector::from(Arc::new(fanfare_tls::client_config(&PROTOCOLS)));
        Dialer { rules, tls, lookups: Lookups::new(resolver), sockets, attempt_max, proxy }
    }

    /// Returns the proxy through which connections to `url` lead. Those to this machine lead through none: a proxy would
    /// look for the receiver on its own machine.
    pub(super) fn proxy_for(&self, url: &WebhookUrl) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| !url.host().is_this_machine())
    }

    /// Opens a connection to a webhook, and records in `times` how long each phase took, and in `problem` why there is
    /// none, if that is known.
    pub(super) async fn dial(
        &self,
        target: &Target,
        socket: Socket,
        times: &mut Times,
        problem: &mut Option<&'static str>,
    ) -> Result<Connection, Failure> {
        let url = &target.url;
        let policy = self.rules.now(target.mode);
        let proxy = self.proxy_for(url);
        let addresses = match proxy {
            None => self.addresses(&policy, url, times).await?,
            Some(proxy) => {
                // The proxy looks the name up, and decides where it may lead.
                policy.judge_url(url).map_err(refused)?;
                self.addresses_of(proxy.host(), proxy.port(), times).await?
            }
        };
        let begun = Instant::now();
        let stream = tokio::time::timeout(CONNECT_MAX, connect(&addresses)).await;
        times.connect_us = Some(since(begun));
        let (mut stream, address) = stream.map_err(|_| Failure::Timeout)??;
        let is_public = proxy.is_none() && policy.is_public(address.ip());
        if let Some(proxy) = proxy.filter(|_| url.is_https()) {
            let begun = Instant::now();
            let opened = proxy.tunnel(&mut stream, url).await;
            times.connect_us = times.connect_us.map(|us| us + since(begun));
            opened.map_err(|refused| {
                *problem = Some(refused.problem);
                refused.failure
            })?;
        }
        // A delivery is one write; waiting for more bytes would only delay it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY on a webhook connection");
        }
        let stream: Stream = if url.is_https() {
            let begun = Instant::now();
            let tls = match &target.tls {
                Some(own) => TlsConnector::from(Arc::clone(own)),
                None => self.tls.clone(),
            };
            let agreed = tls.connect(server_name(url)?, stream).await;
            times.tls_us = Some(since(begun));
            Either::Right(Box::new(agreed.map_err(|error| {
                tracing::debug!(%error, "TLS handshake with a webhook receiver failed");
                *problem = Some(fanfare_tls::problem(&error));
                Failure::Tls
            })?))
        } else {
            Either::Left(stream)
        };
        Connection::start(stream, socket, is_public).await
    }

    /// Returns the addresses to try, all of them allowed by the policy.
    async fn addresses(
        &self,
        policy: &Policy,
        url: &WebhookUrl,
        times: &mut Times,
    ) -> Result<Vec<SocketAddr>, Failure> {
        let name = match url.host() {
            TargetHost::Ip(ip) => {
                policy.judge(url, *ip).map_err(refused)?;
                return Ok(vec![SocketAddr::new(*ip, url.port())]);
            }
            TargetHost::Name(name) => name,
        };
        policy.judge_url(url).map_err(refused)?;
        let found = self.looked_up(name, times).await?;
        policy.judge_resolved(url, &found).map_err(refused)?;
        Ok(found.iter().copied().take(ADDRESSES_MAX).map(|ip| SocketAddr::new(ip, url.port())).collect())
    }

    /// Returns the addresses to try of a host that the operator named.
    async fn addresses_of(
        &self,
        host: &TargetHost,
        port: u16,
        times: &mut Times,
    ) -> Result<Vec<SocketAddr>, Failure> {
        let found = match host {
            TargetHost::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, port)]),
            TargetHost::Name(name) => self.looked_up(name, times).await?,
        };
        Ok(found.iter().copied().take(ADDRESSES_MAX).map(|ip| SocketAddr::new(ip, port)).collect())
    }

    async fn looked_up(&self, name: &str, times: &mut Times) -> Result<Arc<[IpAddr]>, Failure> {
        let begun = Instant::now();
        let found = self.lookups.addresses(name).await;
        times.dns_us = Some(since(begun));
        found
    }
}

/// Connects to the first address that accepts, and returns it. Each address gets a share of the time, so an
/// address that does not respond leaves some for the next.
async fn connect(addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), Failure> {
    let share = CONNECT_MAX / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut failure = Failure::ConnectionRefused;
    for address in addresses {
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok((stream, *address)),
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "could not connect to a webhook receiver");
                failure = Failure::ConnectionRefused;
            }
            Err(_) => failure = Failure::Timeout,
        }
    }
    Err(failure)
}

fn server_name(url: &WebhookUrl) -> Result<ServerName<'static>, Failure> {
    match url.host() {
        TargetHost::Ip(ip) => Ok(ServerName::IpAddress((*ip).into())),
        TargetHost::Name(name) => ServerName::try_from(name.to_string()).map_err(|_| Failure::Tls),
    }
}

fn refused(refusal: Refusal) -> Failure {
    tracing::warn!(%refusal, "webhook target not allowed");
    Failure::TargetRefused
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").field("rules", &self.rules).finish_non_exhaustive()
    }
}
