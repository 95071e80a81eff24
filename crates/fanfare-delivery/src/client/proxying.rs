//! Leading requests through the operator's proxy: `https` through a tunnel (`CONNECT`), `http` by asking the proxy.

use bytes::Bytes;
use fanfare_webhook::outcome::Failure;
use fanfare_webhook::proxy::ProxyUrl;
use fanfare_webhook::url::{TargetHost, WebhookUrl};
use http::header::PROXY_AUTHORIZATION;
use http::{HeaderValue, Request};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Maximum bytes of the head with which a proxy answers `CONNECT`: proxies send a few hundred.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// A proxy.
#[derive(Debug)]
pub(crate) struct Proxy(ProxyUrl);

/// The reason that a proxy opened no tunnel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    pub(super) failure: Failure,
    pub(super) problem: &'static str,
}

impl From<ProxyUrl> for Proxy {
    fn from(url: ProxyUrl) -> Proxy {
        Proxy(url)
    }
}

impl Proxy {
    pub(super) fn host(&self) -> &TargetHost {
        self.0.host()
    }

    pub(super) fn port(&self) -> u16 {
        self.0.port()
    }

    /// Changes a request over `http` so that the proxy passes it on.
    pub(super) fn address(
        &self,
        url: &WebhookUrl,
        request: &mut Request<Full<Bytes>>,
    ) -> Result<(), Failure> {
        *request.uri_mut() = url.normalised().parse().map_err(|_| Failure::Protocol)?;
        if let Some(credentials) = self.0.authorization() {
            let mut value = HeaderValue::from_str(credentials).map_err(|_| Failure::Protocol)?;
            value.set_sensitive(true);
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        Ok(())
    }

    /// Asks the proxy at the other end of `stream` for a tunnel to the receiver.
    pub(super) async fn tunnel(&self, stream: &mut TcpStream, url: &WebhookUrl) -> Result<(), Refusal> {
        let broken = Refusal { failure: Failure::BrokenOff, problem: "the proxy ended the connection" };
        let place = format!("{}:{}", host_in_authority(url.host()), url.port());
        let mut asked = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n");
        if let Some(credentials) = self.0.authorization() {
            asked.push_str(&format!("Proxy-Authorization: {credentials}\r\n"));
        }
        asked.push_str("\r\n");
        stream.write_all(asked.as_bytes()).await.map_err(|_| broken)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            // What follows the head belongs to the receiver, so nothing behind it is read here.
            let byte = stream.read_u8().await.map_err(|_| broken)?;
            head.push(byte);
            if head.len() > HEAD_BYTES_MAX {
                return Err(Refusal { failure: Failure::Protocol, problem: "the proxy does not speak HTTP" });
            }
        }
        match status(&head) {
            Some(200..=299) => Ok(()),
            Some(407) => Err(refused("the proxy wants other credentials than `--webhook-proxy` has")),
            Some(403) => Err(refused("the proxy does not allow this address")),
            Some(_) => Err(refused("the proxy cannot reach the receiver")),
            None => Err(Refusal { failure: Failure::Protocol, problem: "the proxy does not speak HTTP" }),
        }
    }
}

fn refused(problem: &'static str) -> Refusal {
    Refusal { failure: Failure::ConnectionRefused, problem }
}

/// Returns the status in the head of a response.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

fn host_in_authority(host: &TargetHost) -> String {
    match host {
        TargetHost::Ip(std::net::IpAddr::V6(ip)) => format!("[{ip}]"),
        host => host.to_string(),
    }
}
