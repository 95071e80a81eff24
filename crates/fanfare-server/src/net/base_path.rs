//! The path under which a proxy serves the gateway, such as `/fanfare`.
//!
//! A request may come with the path, or without it because the proxy has removed it. Both are served, so that programs on
//! the gateway's own machine need not know the path. What the gateway says of its own addresses begins with it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fanfare_core::invalid::shown;
use fanfare_core::{Code, Invalid, Peer};
use fanfare_webhook::allow::Allow;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::problem::Problem;

/// Maximum length of a base path, in bytes: it is repeated in each page.
const LEN_MAX: usize = 255;

/// The header with which a proxy says which path it has removed.
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// A base path; empty at the root of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasePath(
    /// Begins with a slash and does not end with one, unless it is empty. Its characters need no escape anywhere.
    Arc<str>,
);

/// A proxy whose `X-Forwarded-Prefix` counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    /// A proxy at one of these addresses.
    Network(Allow),
    /// A proxy that connects to a Unix socket.
    Unix,
}

/// The base path that the operator chose, and the proxies that may name another one.
#[derive(Debug, Clone, Default)]
pub struct BasePaths {
    /// The base path of the gateway.
    pub own: BasePath,
    /// The proxies that the operator trusts.
    pub proxies: Vec<Proxy>,
}

impl BasePath {
    /// Returns the base path of a request.
    pub fn of(extensions: &Extensions) -> BasePath {
        extensions.get().cloned().unwrap_or_default()
    }

    /// Returns the base path; empty at the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the rest of a path that is below this one, or is this one; `None` if it is not.
    fn rest<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&*self.0).filter(|_| !self.0.is_empty())?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BasePath {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<BasePath, Invalid> {
        let path = text.trim_end_matches('/');
        let is_segment = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        let is_path = path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment));
        if path.len() <= LEN_MAX && (is_path || matches!(text, "" | "/")) {
            return Ok(BasePath(path.into()));
        }
        let what = format!("`{}` is not a base path", shown(text));
        Err(Invalid::new(
            Code::InvalidHeader,
            what,
            "write a path such as `/fanfare`, of letters, digits and `-._~`",
        ))
    }
}

impl FromStr for Proxy {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Proxy, Invalid> {
        if text == "unix" {
            return Ok(Proxy::Unix);
        }
        match text.parse() {
            Ok(network @ Allow::Network { .. }) => Ok(Proxy::Network(network)),
            Ok(Allow::Name(_)) | Err(_) => Err(Invalid::new(
                Code::InvalidHeader,
                format!("`{}` is neither an address nor a network", shown(text)),
                "write `127.0.0.1`, `10.0.0.0/8`, or `unix` for proxies that connect to a Unix socket",
            )),
        }
    }
}

impl Proxy {
    fn is(&self, peer: Peer) -> bool {
        match (self, peer.ip()) {
            (Proxy::Network(network), Some(ip)) => network.contains(ip.to_canonical()),
            (Proxy::Unix, None) => true,
            (Proxy::Network(_), None) | (Proxy::Unix, Some(_)) => false,
        }
    }
}

impl BasePaths {
    /// Returns the base path that a proxy says it has removed, if the operator trusts the proxy.
    fn forwarded(&self, headers: &HeaderMap, peer: Option<Peer>) -> Result<Option<BasePath>, Invalid> {
        let Some(value) = headers.get(FORWARDED_PREFIX) else { return Ok(None) };
        if !peer.is_some_and(|peer| self.proxies.iter().any(|proxy| proxy.is(peer))) {
            return Ok(None);
        }
        value.to_str().unwrap_or("?").trim().parse().map(Some)
    }
}

/// Removes the base path from a request, and adds it to the `Location` of the response.
pub async fn take(State(paths): State<Arc<BasePaths>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let base = match paths.forwarded(request.headers(), peer) {
        Ok(forwarded) => forwarded.unwrap_or_else(|| paths.own.clone()),
        Err(invalid) => return Problem::from(invalid).at("X-Forwarded-Prefix:").into_response(),
    };
    if let Some(uri) = without(&paths.own, request.uri()) {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(base.clone());
    let mut response = next.run(request).await;
    if let Some(place) = response.headers_mut().get_mut(header::LOCATION)
        && place.as_bytes().starts_with(b"/")
        && let Ok(below) = HeaderValue::try_from(format!("{base}{}", place.to_str().unwrap_or_default()))
    {
        *place = below;
    }
    response
}

/// Returns a URI without the base path; `None` if it has none.
fn without(base: &BasePath, uri: &Uri) -> Option<Uri> {
    let rest = base.rest(uri.path())?;
    let path = if rest.is_empty() { "/" } else { rest };
    let path = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::{BasePath, Proxy};

    #[test]
    fn a_base_path_has_plain_segments() {
        for (text, path) in [("", ""), ("/", ""), ("/fanfare", "/fanfare"), ("/a/b-1._~/", "/a/b-1._~")] {
            assert_eq!(text.parse::<BasePath>().expect("a path").as_str(), path, "{text}");
        }
        let long = format!("/{}", "x".repeat(300));
        for text in
            ["fanfare", "//a", "/a//b", "/a/../b", "/.", "/a b", "/a\"", "/<b>", "/ä", "http://a/b", &long]
        {
            assert!(text.parse::<BasePath>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_whole_segments_are_below_a_base_path() {
        let base: BasePath = "/fan".parse().expect("a path");
        for (path, rest) in [
            ("/fan", Some("")),
            ("/fan/", Some("/")),
            ("/fan/api", Some("/api")),
            ("/fanfare", None),
            ("/", None),
        ] {
            assert_eq!(base.rest(path), rest, "{path}");
        }
        assert_eq!(BasePath::default().rest("/api"), None);
    }

    #[test]
    fn a_proxy_is_named_by_its_address() {
        let peer = |ip: &str| std::net::SocketAddr::new(ip.parse().expect("an address"), 4242).into();
        for (proxy, ip, is) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("unix", "127.0.0.1", false),
        ] {
            assert_eq!(proxy.parse::<Proxy>().expect("a proxy").is(peer(ip)), is, "{proxy} {ip}");
        }
        for text in ["proxy.internal", "*", "", "10.0.0.0/33"] {
            assert!(text.parse::<Proxy>().is_err(), "{text}");
        }
    }
}
