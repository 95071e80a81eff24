//! Opening connections: the address rules hold here, on the very address that is connected to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanfare_webhook::outcome::Failure;
use fanfare_webhook::policy::Refusal;
use fanfare_webhook::url::{TargetHost, WebhookUrl};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;

use crate::client::connection::{Connection, Stream};
use crate::client::resolve::{Lookups, Resolver};
use crate::client::sockets::{Socket, Sockets};
use crate::client::times::{Times, since};
use crate::rules::Rules;

/// How long opening a connection may take, over all addresses of a name: a receiver that is there accepts at once.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Opens connections to receivers.
pub struct Dialer {
    rules: Rules,
    tls: TlsConnector,
    lookups: Lookups,
    /// How many connections may be open.
    pub(super) sockets: Sockets,
    /// How long an attempt may take.
    pub(super) attempt_max: Duration,
}

impl Dialer {
    /// Makes a dialer that keeps to `rules`, and trusts the certificates that this machine trusts. Fails when those
    /// cannot be loaded.
    pub fn new(
        rules: Rules,
        resolver: Resolver,
        attempt_max: Duration,
        sockets: Sockets,
    ) -> Result<Dialer, rustls::Error> {
        // Whoever came first has installed the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = ClientConfig::with_platform_verifier()?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = TlsConnector::from(Arc::new(config));
        Ok(Dialer { rules, tls, lookups: Lookups::new(resolver), sockets, attempt_max })
    }

    /// Opens a connection to a webhook, and notes in `times` what that took.
    pub(super) async fn dial(
        &self,
        url: &WebhookUrl,
        socket: Socket,
        times: &mut Times,
    ) -> Result<Connection, Failure> {
        let addresses = self.addresses(url, times).await?;
        let begun = Instant::now();
        let stream = tokio::time::timeout(CONNECT_MAX, connect(&addresses)).await;
        times.connect_us = Some(since(begun));
        let stream = stream.map_err(|_| Failure::Timeout)??;
        // A delivery is one write; waiting for more would only delay it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a webhook's connection keeps its delay");
        }
        let stream: Stream = if url.is_https() {
            let begun = Instant::now();
            let agreed = self.tls.connect(server_name(url)?, stream).await;
            times.tls_us = Some(since(begun));
            Either::Right(Box::new(agreed.map_err(|error| {
                tracing::debug!(%error, "no agreement on TLS with a webhook");
                Failure::Tls
            })?))
        } else {
            Either::Left(stream)
        };
        Connection::start(stream, socket).await
    }

    /// Gives the addresses to try, all of which the rules allow.
    async fn addresses(&self, url: &WebhookUrl, times: &mut Times) -> Result<Vec<SocketAddr>, Failure> {
        let policy = self.rules.now();
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

/// Connects to the first address that answers; each gets its share of the time, so that one that does not answer
/// leaves some for the next.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    let share = CONNECT_MAX / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut failure = Failure::ConnectionRefused;
    for address in addresses {
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "a webhook does not accept connections");
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
    tracing::warn!(%refusal, "a webhook may not be sent there");
    Failure::TargetRefused
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").field("rules", &self.rules).finish_non_exhaustive()
    }
}
