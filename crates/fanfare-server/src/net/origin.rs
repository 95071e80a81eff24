//! Where a request comes from: the origin of the page that sent it, and what the browser says if it sends none.

use std::net::IpAddr;

use fanfare_core::{Code, Invalid};
use http::HeaderMap;
use url::Url;

use crate::problem::Problem;

/// Origins of pages that can use the gateway, besides its own and loopback ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cors {
    /// Every page.
    Any,
    /// These.
    Origins(Vec<Origin>),
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
            Origin::parse(text.trim_end_matches('/')).ok_or_else(|| {
                Invalid::new(
                    Code::InvalidQuery,
                    format!("`{text}` is not an origin"),
                    "write `https://app.example.com`, or `*` for any origin",
                )
            })
        };
        origins.iter().map(parse).collect::<Result<_, _>>().map(Cors::Origins)
    }

    /// Returns whether the operator named `origin` itself; `*` names none.
    pub fn names(&self, origin: &Origin) -> bool {
        match self {
            Cors::Any => false,
            Cors::Origins(origins) => origins.contains(origin),
        }
    }
}

/// The origin of a page (RFC 6454): a scheme, a host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    is_secure: bool,
    /// In lowercase; an IPv6 address in brackets.
    host: String,
    port: u16,
}

impl Origin {
    /// Parses `http://host[:port]` or `https://host[:port]`. Returns `None` for anything else: `null`, other
    /// schemes, and texts that merely start like an origin, such as `http://localhost@example.com`.
    pub fn parse(text: &str) -> Option<Origin> {
        let (_, authority) = text.split_once("://")?;
        if authority.contains(|c: char| {
            matches!(c, '/' | '\\' | '?' | '#' | '@') || c.is_whitespace() || c.is_control()
        }) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let is_secure = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        Some(Origin { is_secure, host: url.host_str()?.to_owned(), port: url.port_or_known_default()? })
    }

    /// Returns whether `authority`, the value of `Host`, is the host and port of this origin. The scheme is unknown: a
    /// proxy may have taken TLS off.
    pub fn is_at(&self, authority: &str) -> bool {
        let scheme = if self.is_secure { "https" } else { "http" };
        Origin::parse(&format!("{scheme}://{authority}")).is_some_and(|own| own == *self)
    }

    /// Returns whether the page is from this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(&self.host)
    }
}

/// Returns whether a host, a name or an address (an IPv6 address also in brackets), always means this machine.
pub fn is_loopback_host(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    is_loopback_name(&host)
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Returns whether a name, in lowercase, always means this machine (RFC 6761 §6.3).
pub fn is_loopback_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Checks a request without `Origin` by what its browser says of it (Fetch Metadata). Requests of a page of another
/// site, such as `<img>`, are refused: how long the response takes tells the page what is in the log. A link to one of
/// the dashboard's pages (`is_page`) is followed. Programs send none of these headers, and neither do browsers to
/// addresses that are not secure, such as plain http on another machine.
pub fn check_fetch(headers: &HeaderMap, is_page: bool) -> Result<(), Problem> {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        (values.next().map(|value| value.as_bytes()), values.next().is_some())
    };
    let is_ours = matches!(one("sec-fetch-site"), (None | Some(b"same-origin" | b"none"), false));
    let is_link = matches!(
        (one("sec-fetch-mode"), one("sec-fetch-dest")),
        ((Some(b"navigate"), false), (Some(b"document"), false))
    );
    if is_ours || is_page && is_link {
        return Ok(());
    }
    Err(Problem::new(
        Code::OriginNotAllowed,
        "a page of another site sent this request without saying which it is",
        "request it with CORS (`fetch`, `EventSource`), from an origin that the gateway allows",
    )
    .at("Sec-Fetch-Site:"))
}

#[cfg(test)]
mod tests {
    use super::{Cors, Origin, is_loopback_host};

    #[test]
    fn only_a_scheme_a_host_and_a_port_are_an_origin() {
        for (text, host) in [
            ("http://localhost:3000", Some("localhost")),
            ("HTTPS://App.Example.com", Some("app.example.com")),
            ("https://[::1]:1", Some("[::1]")),
            ("http://localhost:3000@evil.com", None),
            ("http://localhost\\@evil.com", None),
            ("http://localhost/evil", None),
            ("http://localhost#evil", None),
            ("http://[::1].evil.com", None),
            ("http://localhost:3000 http://evil.com", None),
            ("ftp://localhost", None),
            ("file://localhost", None),
            ("http:/localhost", None),
            ("http://", None),
            ("null", None),
            ("", None),
        ] {
            assert_eq!(Origin::parse(text).map(|origin| origin.host).as_deref(), host, "{text}");
        }
        assert_eq!(Origin::parse("http://a"), Origin::parse("http://a:80"), "the port of a scheme");
        assert_ne!(Origin::parse("http://a"), Origin::parse("https://a"));
        assert_ne!(Origin::parse("http://a"), Origin::parse("https://a:80"));
    }

    #[test]
    fn loopback_is_this_machine_and_nothing_that_looks_like_it() {
        for (text, expected) in [
            ("http://localhost:3000", true),
            ("http://app.localhost", true),
            ("http://127.0.0.1:5500", true),
            ("http://127.9.9.9", true),
            ("https://[::1]:1", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://192.168.1.5", false),
            ("http://localhost.evil.com", false),
            ("http://notlocalhost", false),
            ("http://127.0.0.1.evil.com", false),
        ] {
            assert_eq!(Origin::parse(text).expect(text).is_loopback(), expected, "{text}");
        }
    }

    #[test]
    fn a_host_of_this_machine_is_a_name_or_an_address() {
        for (host, expected) in [
            ("localhost", true),
            ("App.LOCALHOST", true),
            ("127.0.0.1", true),
            ("127.8.0.1", true),
            ("::1", true),
            ("[::1]", true),
            ("192.168.1.5", false),
            ("::", false),
            ("localhost.example.com", false),
            ("127.0.0.1.example.com", false),
            ("", false),
        ] {
            assert_eq!(is_loopback_host(host), expected, "{host}");
        }
    }

    #[test]
    fn an_own_origin_has_the_host_and_the_port_of_the_gateway() {
        for (origin, host, expected) in [
            ("https://push.example.com:8443", "push.example.com:8443", true),
            ("https://push.example.com", "Push.Example.com:443", true),
            ("http://push.example.com", "push.example.com", true),
            ("http://push.example.com", "push.example.com:8443", false),
            ("https://push.example.com.evil.com", "push.example.com", false),
        ] {
            assert_eq!(Origin::parse(origin).expect(origin).is_at(host), expected, "{origin} at {host}");
        }
    }

    #[test]
    fn the_operator_names_whole_origins_or_all() {
        let cors = Cors::parse(&["https://App.example.com/".to_owned()]).expect("an origin");
        let named = |text: &str| Origin::parse(text).is_some_and(|origin| cors.names(&origin));
        assert!(named("https://app.example.com") && !named("http://app.example.com"));
        assert!(!named("https://app.example.com:444") && !named("https://app.example.com.evil.com"));
        assert!(Cors::parse(&["example.com".to_owned()]).is_err());
        assert_eq!(Cors::parse(&["*".to_owned()]), Ok(Cors::Any));
    }
}
