//! Opening connections: the address rules apply here, to the very address that is connected to.

use std::net::SocketAddr;
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
    /// Maximum duration of an attempt.
    pub(super) attempt_max: Duration,
}

impl Dialer {
    /// Creates a dialer that follows `rules`.
    pub fn new(rules: Rules, resolver: Resolver, attempt_max: Duration, sockets: Sockets) -> Dialer {
        let tls = TlsConnector::from(Arc::new(fanfare_tls::client_config(&PROTOCOLS)));
        Dialer { rules, tls, lookups: Lookups::new(resolver), sockets, attempt_max }
    }

    /// Opens a connection to a webhook, and records in `times` how long each phase took.
    pub(super) async fn dial(
        &self,
        target: &Target,
        socket: Socket,
        times: &mut Times,
    ) -> Result<Connection, Failure> {
        let url = &target.url;
        let policy = self.rules.now(target.mode);
        let addresses = self.addresses(&policy, url, times).await?;
        let begun = Instant::now();
        let stream = tokio::time::timeout(CONNECT_MAX, connect(&addresses)).await;
        times.connect_us = Some(since(begun));
        let (stream, address) = stream.map_err(|_| Failure::Timeout)??;
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
                Failure::Tls
            })?))
        } else {
            Either::Left(stream)
        };
        Connection::start(stream, socket, policy.is_public(address.ip())).await
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
        let begun = Instant::now();
        let found = self.lookups.addresses(name).await;
        times.dns_us = Some(since(begun));
        let found = found?;
        policy.judge_resolved(url, &found).map_err(refused)?;
        Ok(found.iter().copied().take(ADDRESSES_MAX).map(|ip| SocketAddr::new(ip, url.port())).collect())
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
