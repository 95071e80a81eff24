//! Who calls, and whether they may: `Host` and `Origin` are checked on every request, and a delivery of this very log
//! that has come back is refused.
//!
//! A page of a foreign site can send requests to a loopback address, either openly (then the browser adds its
//! `Origin`) or after binding its own name to that address (then `Host` is that name). Both are refused here.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fanfare_core::{Agent, Code, Door, Invalid, Principal, Via};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use crate::problem::Problem;
use fanfare_delivery::target::VIA;
use fanfare_hub::Hub;

/// The hosts and origins that the operator allows besides loopback.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// Origins of pages that can use the gateway.
    pub cors: Cors,
    /// Host names, in lowercase, that the gateway accepts besides `localhost`.
    pub allowed_hosts: Vec<String>,
}

/// Origins of pages that can use the gateway, besides its own and loopback ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cors {
    /// Every page.
    Any,
    /// These, as `scheme://host[:port]` in lowercase.
    Origins(Vec<String>),
}

impl Default for Cors {
    fn default() -> Cors {
        Cors::Origins(Vec::new())
    }
}

impl Cors {
    /// Parses the origins that the operator wrote, or `*`.
    pub fn parse(origins: &[String]) -> Result<Cors, Invalid> {
        if origins.iter().any(|origin| origin == "*") {
            return Ok(Cors::Any);
        }
        let parse = |text: &String| {
            let origin = text.trim_end_matches('/').to_ascii_lowercase();
            let well_formed = origin.split_once("://").is_some_and(|(scheme, host)| {
                matches!(scheme, "http" | "https")
                    && !host.is_empty()
                    && !host.contains(['/', '?', '#', '@', ' '])
            });
            if well_formed {
                Ok(origin)
            } else {
                Err(Invalid::new(
                    Code::InvalidQuery,
                    format!("`{text}` is not an origin"),
                    "write `https://app.example.com`, or `*` for any origin",
                ))
            }
        };
        origins.iter().map(parse).collect::<Result<_, _>>().map(Cors::Origins)
    }
}

const ALLOW_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE, OPTIONS");
const EXPOSE_HEADERS: HeaderValue =
    HeaderValue::from_static("ETag, Mcp-Session-Id, MCP-Protocol-Version, Retry-After");
const PRIVATE_NETWORK_ASKED: HeaderName = HeaderName::from_static("access-control-request-private-network");
const PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// Checks `Host` and `Origin`, answers preflights, and adds the CORS headers.
pub async fn check(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let host = host(request.uri(), request.headers()).map(str::to_owned);
    if let Err(problem) = guard.check_host(host.as_deref()) {
        return problem.into_response();
    }
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        request.extensions_mut().insert(Principal::local());
        return next.run(request).await;
    };
    if let Err(problem) = guard.check_origin(&origin, host.as_deref()) {
        return problem.into_response();
    }
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight {
        let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        let private_network = request.headers().contains_key(PRIVATE_NETWORK_ASKED);
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOW_METHODS);
        // Tools can have headers of their own (`Mcp-Param-…`), so there is no list of allowed headers.
        if let Some(asked) = asked {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
        if private_network {
            headers.insert(PRIVATE_NETWORK, HeaderValue::from_static("true"));
        }
        response
    } else {
        request.extensions_mut().insert(Principal::local());
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSE_HEADERS);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    response
}

impl Guard {
    fn check_host(&self, host: Option<&str>) -> Result<(), Problem> {
        // HTTP/1.0 clients send no `Host`; browsers always do.
        let Some(host) = host else { return Ok(()) };
        let name = host_name(host);
        if is_loopback_name(&name) || name.parse::<IpAddr>().is_ok() || self.allowed_hosts.contains(&name) {
            return Ok(());
        }
        Err(Problem::new(
            Code::HostNotAllowed,
            format!("the host `{}` is not allowed", shown(&name)),
            "use its IP address or `localhost`; the operator can allow the name with `--allowed-host`",
        )
        .at("Host:"))
    }

    fn check_origin(&self, origin: &HeaderValue, host: Option<&str>) -> Result<(), Problem> {
        let text = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        let named = match &self.cors {
            Cors::Any => true,
            Cors::Origins(origins) => origins.contains(&text),
        };
        let authority = text.split_once("://").map(|(_, authority)| authority);
        let own = authority.is_some() && authority == host.map(str::to_ascii_lowercase).as_deref();
        let loopback = authority.is_some_and(|authority| is_loopback(&host_name(authority)));
        if named || own || loopback {
            return Ok(());
        }
        Err(Problem::new(
            Code::OriginNotAllowed,
            format!("pages from `{}` are not allowed to use this gateway", shown(&text)),
            "the operator can allow them with `--cors ORIGIN`",
        )
        .at("Origin:"))
    }
}

/// Returns the host of a request: HTTP/2 has it in the URI.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let authority = uri.authority().map(http::uri::Authority::as_str);
    // A host that is not text is a name as well, and not an allowed one.
    authority.or_else(|| headers.get(header::HOST).map(|host| host.to_str().unwrap_or("?")))
}

/// Drops the port and the brackets of an IPv6 address.
fn host_name(authority: &str) -> String {
    let name = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn is_loopback_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn is_loopback(name: &str) -> bool {
    is_loopback_name(name) || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

/// The client's address; the server adds it to every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Returns the way that a request came in through `door`.
pub fn via(door: Door, Peer(address): Peer, headers: &HeaderMap) -> Via {
    Via { door, address: Some(address), agent: agent(headers) }
}

/// Returns the name that the caller claims for itself.
pub fn agent(headers: &HeaderMap) -> Option<Agent> {
    let claim = headers.get(header::USER_AGENT)?;
    Agent::claimed(&String::from_utf8_lossy(claim.as_bytes()))
}

/// Refuses a request that is marked as a delivery of this very log: if accepted, it would be sent and return forever.
/// Every route that appends events from a body calls this.
pub fn refuse_own(hub: &Hub, headers: &HeaderMap) -> Result<(), Problem> {
    let own = hub.epoch().to_string();
    let named = headers.get_all(VIA).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    if named.map(<[u8]>::trim_ascii).any(|epoch| epoch == own.as_bytes()) {
        return Err(Problem::new(
            Code::LoopDetected,
            "loop detected: this is a delivery from this gateway's own log; nothing was appended",
            "have the webhook's receiver act on events instead of sending them back",
        )
        .at("fanfare-via:"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::{Cors, Guard};

    #[test]
    fn names_that_are_not_ours_are_refused() {
        let guard = Guard { allowed_hosts: vec!["push.example.com".to_owned()], ..Guard::default() };
        for (host, allowed) in [
            ("localhost:8000", true),
            ("LOCALHOST", true),
            ("app.localhost:3000", true),
            ("127.0.0.1:8000", true),
            ("[::1]:8000", true),
            ("192.168.1.5", true),
            ("push.example.com:443", true),
            ("evil.example.com", false),
            ("localhost.evil.example.com", false),
            ("127.0.0.1.evil.example.com", false),
            ("", false),
        ] {
            assert_eq!(guard.check_host(Some(host)).is_ok(), allowed, "{host}");
        }
    }

    #[test]
    fn pages_from_elsewhere_are_refused() {
        let guard = Guard {
            cors: Cors::parse(&["https://App.example.com/".to_owned()]).expect("an origin"),
            ..Guard::default()
        };
        for (origin, allowed) in [
            ("http://localhost:3000", true),
            ("http://127.0.0.1:5500", true),
            ("https://[::1]:1", true),
            ("https://app.example.com", true),
            ("https://push.example.com:8443", true),
            ("http://192.168.1.5", false),
            ("https://app.example.com.evil.com", false),
            ("https://evil.com", false),
            ("http://localhost.evil.com", false),
            ("null", false),
            ("", false),
        ] {
            let origin = HeaderValue::from_static(origin);
            assert_eq!(
                guard.check_origin(&origin, Some("push.example.com:8443")).is_ok(),
                allowed,
                "{origin:?}"
            );
        }
        assert!(Cors::parse(&["example.com".to_owned()]).is_err());
        assert_eq!(Cors::parse(&["*".to_owned()]), Ok(Cors::Any));
    }
}
