//! Who calls, and whether they may: `Host` and [the site of a page](crate::net::origin) are checked on every request, a
//! delivery of this very log that has come back is refused, and responses are kept from those that must not have them.
//!
//! A page of a foreign site can send requests to a loopback address, either openly (then the browser says so) or after
//! binding its own name to that address (then `Host` is that name). Both are refused here.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fanfare_core::{Agent, Caller, Code, Door, Peer, Principal, Via};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::{AllowCredentials, AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::net::access::Asker;
use crate::net::locality::Locality;
use crate::net::origin::{self, Cors, Origin};
use crate::problem::Problem;
use fanfare_delivery::target::VIA;
use fanfare_hub::Hub;

/// The hosts and origins that the operator allows besides loopback.
#[derive(Debug, Clone)]
pub struct Guard {
    cors: Cors,
    /// In lowercase.
    allowed_hosts: Vec<String>,
    pages: &'static [&'static str],
    shared: CorsLayer,
}

/// The headers of responses that a page of another origin can read: those that the gateway sets for programs.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Allow, ETag, Fanfare-Overlooked, Fanfare-Position, Location, Mcp-Session-Id, MCP-Protocol-Version, Retry-After",
);

/// Time for which a browser remembers the answer to a preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(3_600);

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Checks `Host`, `Origin` and `Sec-Fetch-Site`, answers preflights, and adds the headers that every response has.
pub async fn check(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let has_origin = match guard.admit(&request) {
        Ok(has_origin) => has_origin,
        Err(problem) => return protected(problem.into_response()),
    };
    let serve = move |mut request: Request| {
        let next = next.clone();
        async move {
            let principal = Principal::local();
            let peer = request.extensions().get::<Peer>().copied();
            let locality = Locality::of(request.headers(), peer);
            request.extensions_mut().insert(Caller::new(&principal, peer));
            request.extensions_mut().insert(locality);
            if let Some(asker) = request.extensions().get::<Asker>() {
                asker.note(&principal);
            }
            request.extensions_mut().insert(principal);
            Ok::<_, Infallible>(next.run(request).await)
        }
    };
    let is_question = request.method() == Method::OPTIONS;
    let is_preflight = is_question && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let answer = match has_origin {
        false => serve(request).await,
        true if is_preflight || !is_question => guard.shared.layer(service_fn(serve)).oneshot(request).await,
        // The layer takes every `OPTIONS` for a preflight, and this one asks what the route can do.
        true => {
            *request.method_mut() = Method::GET;
            let ask = |mut request: Request| {
                *request.method_mut() = Method::OPTIONS;
                serve(request)
            };
            guard.shared.layer(service_fn(ask)).oneshot(request).await
        }
    };
    let Ok(mut response) = answer;
    if has_origin {
        // The layer writes names in lowercase, and people read them.
        response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    }
    if has_origin && is_preflight {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    protected(response)
}

/// Returns the layer that answers preflights and tells browsers which pages may read a response (CORS, in the Fetch
/// standard). It sees requests of pages that were let in, so it allows every origin, and any method and header, because
/// tools define headers of their own (`Mcp-Param-…`). A page may also request a route that does not exist, so that it
/// can read the error. Credentials, such as the password for a proxy, are for origins that the operator named.
fn sharing(cors: &Cors) -> CorsLayer {
    let cors = cors.clone();
    let is_named = move |origin: &HeaderValue, _: &Parts| {
        let origin = origin.to_str().ok().and_then(Origin::parse);
        origin.is_some_and(|origin| cors.names(&origin))
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .allow_credentials(AllowCredentials::predicate(is_named))
        .allow_private_network(true)
        .max_age(PREFLIGHT_MAX_AGE)
        .vary([])
}

/// Completes the answers to `OPTIONS` with the methods of their route. This is done outside of the routes: the router
/// adds `Allow` to what they answer.
pub async fn name_methods(request: Request, next: Next) -> Response {
    let is_question = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let allowed =
        headers.get(header::ALLOW).and_then(|methods| methods.to_str().ok()).filter(|_| is_question);
    if let Some(allowed) = allowed {
        let methods: Vec<&str> = allowed.split(',').map(str::trim).chain(["OPTIONS"]).collect();
        let methods = HeaderValue::try_from(methods.join(", ")).expect("methods are visible ASCII");
        if headers.contains_key(header::ACCESS_CONTROL_ALLOW_METHODS) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods.clone());
        }
        headers.insert(header::ALLOW, methods);
    }
    response
}

/// Adds what keeps a response from other sites' pages, from guesses at its type, and from caches that outlive it. A
/// response that says itself how it may be cached is left as it is.
fn protected(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Guard {
    /// Lets in pages of the origins in `cors`, and requests for `allowed_hosts`, besides `localhost` and IP addresses.
    /// `pages` are the routes of the dashboard's pages, to which other sites can link.
    pub fn new(cors: &Cors, allowed_hosts: &[String], pages: &'static [&'static str]) -> Guard {
        let allowed_hosts = allowed_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Guard { cors: cors.clone(), allowed_hosts, pages, shared: sharing(cors) }
    }

    /// Lets a request in, and returns whether it has the `Origin` of a page.
    fn admit(&self, request: &Request) -> Result<bool, Problem> {
        check_host_count(request)?;
        let host = host(request.uri(), request.headers());
        self.check_host(host)?;
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else {
            // A path without a route is answered by a page as well.
            let is_page = request
                .extensions()
                .get::<MatchedPath>()
                .is_none_or(|path| self.pages.contains(&path.as_str()));
            origin::check_fetch(request.headers(), is_page)?;
            return Ok(false);
        };
        if origins.next().is_some() {
            return Err(Problem::new(
                Code::InvalidHeader,
                "the request has two `Origin` headers",
                "send one, as browsers do",
            )
            .at("Origin:"));
        }
        self.check_origin(origin, host)?;
        Ok(true)
    }

    fn check_host(&self, host: Option<&str>) -> Result<(), Problem> {
        // HTTP/1.0 clients send no `Host`.
        let Some(host) = host else { return Ok(()) };
        let name = host_name(host);
        if origin::is_loopback_name(&name)
            || name.parse::<IpAddr>().is_ok()
            || self.allowed_hosts.contains(&name)
        {
            return Ok(());
        }
        Err(Problem::new(
            Code::HostNotAllowed,
            format!("the host `{}` is not allowed", shown(&name)),
            "use its IP address or `localhost`; the operator can allow the name with `--allowed-host`",
        )
        .at("Host:"))
    }

    fn check_origin(&self, value: &HeaderValue, host: Option<&str>) -> Result<(), Problem> {
        let text = value.to_str().unwrap_or_default();
        let is_allowed = self.cors == Cors::Any
            || Origin::parse(text).is_some_and(|origin| {
                self.cors.names(&origin)
                    || host.is_some_and(|host| origin.is_at(host))
                    || origin.is_loopback()
            });
        if is_allowed {
            return Ok(());
        }
        Err(Problem::new(
            Code::OriginNotAllowed,
            format!("pages from `{}` are not allowed to use this gateway", shown(text)),
            "the operator can allow them with `--cors ORIGIN`",
        )
        .at("Origin:"))
    }
}

/// Refuses a request of HTTP/1.1 that does not name exactly one host (RFC 9112 §3.2): two can mean different things to
/// a proxy and to us.
fn check_host_count(request: &Request) -> Result<(), Problem> {
    let count = request.headers().get_all(header::HOST).iter().count();
    if count == 1 || count == 0 && request.version() != Version::HTTP_11 {
        return Ok(());
    }
    let what = if count == 0 { "no `Host` header" } else { "more than one `Host` header" };
    Err(Problem::new(Code::InvalidHeader, format!("the request has {what}"), "send exactly one").at("Host:"))
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

fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

/// Returns the way that a request came in through `door`.
pub fn via(door: Door, peer: Peer, headers: &HeaderMap) -> Via {
    Via { door, address: Some(peer), agent: agent(headers) }
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
    use super::{Cors, Guard};

    #[test]
    fn names_that_are_not_ours_are_refused() {
        let guard = Guard::new(&Cors::default(), &["push.example.com".to_owned()], &[]);
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
}
