//! The URL of a webhook, parsed as browsers do (WHATWG URL) and restricted to forms that a person can mean.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use url::{Host, Position, Url};

use fanfare_core::code::Code;
use fanfare_core::invalid::{Invalid, shown};

/// Maximum length of a URL, in bytes: receivers and proxies are sure to accept it.
pub const URL_LEN_MAX: usize = 2_048;

/// An `http` or `https` URL. Two URLs that lead to the same place are equal. It can contain secrets: it is shown as
/// [`WebhookUrl::shown`] returns it, in logs and answers too.
#[derive(Clone)]
pub struct WebhookUrl {
    /// The URL as given: printable, without spaces, backslashes, user names or a fragment.
    given: Box<str>,
    /// The URL that is connected to.
    url: Url,
    host: TargetHost,
}

/// The host of a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetHost {
    /// An IP address, in whatever form it was written. It never reaches a resolver, so it is checked on its own.
    Ip(IpAddr),
    /// A name in lowercase ASCII, without a dot at its end.
    Name(Box<str>),
}

impl TargetHost {
    /// Returns whether the host is this machine, as far as its name or address says so.
    pub fn is_this_machine(&self) -> bool {
        match self {
            TargetHost::Ip(ip) => ip.to_canonical().is_loopback(),
            TargetHost::Name(name) => is_localhost(name),
        }
    }
}

/// Returns `true` if `name` is this machine, whatever a resolver would say: RFC 6761 section 6.3.
pub(crate) fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

impl fmt::Display for TargetHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetHost::Ip(ip) => ip.fmt(f),
            TargetHost::Name(name) => f.write_str(name),
        }
    }
}

impl WebhookUrl {
    /// Returns the text that was registered, byte for byte, with the parts that are secret: for the store alone.
    pub fn reveal(&self) -> &str {
        &self.given
    }

    /// Returns the parameters of the query, decoded.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        self.url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    /// Returns the normalized URL, used to compare, to find duplicates and to connect.
    pub fn normalised(&self) -> &str {
        self.url.as_str()
    }

    /// Returns the host to connect to.
    pub fn host(&self) -> &TargetHost {
        &self.host
    }

    /// Returns the port, even if it was not written: 1–65,535.
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().expect("http and https have a port")
    }

    /// Returns the path and query of the request line.
    pub fn path_and_query(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// Returns the value of the header `Host`: with the port only if it is not the scheme's default.
    pub fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// Returns `true` if the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl FromStr for WebhookUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<WebhookUrl, Invalid> {
        const FIX: &str = "use a URL such as `http://localhost:3000/webhook`";
        let refuse = |problem: &str, fix: &'static str| {
            Invalid::new(Code::InvalidUrl, format!("the URL `{}` {problem}", shown(text)), fix)
        };
        if text.is_empty() {
            return Err(Invalid::new(Code::InvalidUrl, "the URL is empty", FIX));
        }
        if text.len() > URL_LEN_MAX {
            return Err(refuse("is too long", "use at most 2048 bytes"));
        }
        // A parser of URLs drops tabs and newlines and turns backslashes around: the URL that a person reads and the
        // one that is connected to would differ.
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || is_invisible(c)) {
            return Err(refuse("has spaces or control characters", "write `%20` for a space"));
        }
        if text.contains('\\') {
            return Err(refuse("has a backslash", "write `/`"));
        }
        let rest = text.split_once("://").filter(|(scheme, _)| {
            scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
        });
        let Some((_, rest)) = rest else { return Err(refuse("is neither `http://` nor `https://`", FIX)) };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err(refuse("names no host", FIX));
        }
        if authority.contains('@') {
            return Err(refuse(
                "has a user name or password",
                "remove it and set `auth`: `{\"kind\":\"basic\",\"username\":…,\"password\":…}`",
            ));
        }
        if rest.contains('#') {
            return Err(refuse("has a fragment", "remove `#` and everything after it; it is never sent"));
        }
        let url = Url::parse(text).map_err(|error| refuse(&format!("cannot be read: {error}"), FIX))?;
        if url.port() == Some(0) {
            return Err(refuse("has port 0", "use a port from 1 to 65535"));
        }
        if url.as_str().len() > 3 * URL_LEN_MAX {
            return Err(refuse("is too long when encoded", "use at most 2048 bytes"));
        }
        let host = match url.host() {
            Some(Host::Ipv4(ip)) => TargetHost::Ip(ip.into()),
            Some(Host::Ipv6(ip)) => TargetHost::Ip(ip.into()),
            Some(Host::Domain(name)) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                if name.is_empty() || name.len() > 253 || name.split('.').any(|label| !is_label(label)) {
                    return Err(refuse("has an invalid host name", FIX));
                }
                TargetHost::Name(name.into())
            }
            None => return Err(refuse("names no host", FIX)),
        };
        Ok(WebhookUrl { given: text.into(), url, host })
    }
}

/// Returns `true` if `label` is allowed in a name, RFC 1123; `_` is in use too.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Returns `true` if `c` takes no room or changes the direction of the text: it would hide a part of the URL.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl PartialEq for WebhookUrl {
    fn eq(&self, other: &WebhookUrl) -> bool {
        self.url == other.url
    }
}

impl Eq for WebhookUrl {}

impl Hash for WebhookUrl {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.url.hash(state);
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebhookUrl").field(&self.shown()).finish()
    }
}

impl Serialize for WebhookUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{TargetHost, URL_LEN_MAX, WebhookUrl};

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let long = format!("http://a/{}", "x".repeat(URL_LEN_MAX));
        let huge = format!("http://a/{}", "x".repeat(64 * 1024));
        for text in [
            "",
            "localhost:3000",
            "//localhost/",
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "ftp://127.0.0.1/",
            "unix:/run/docker.sock",
            "data:text/plain,x",
            "javascript:alert(1)",
            "http:/\\127.0.0.1",
            "http://127.0.0.1\\.public.example/",
            "http://example.com/a\\b",
            "http:/127.0.0.1",
            "http:127.0.0.1",
            "http://",
            "http:///127.0.0.1",
            "http://?x",
            "http://public@127.0.0.1/",
            "http://user:pass@example.com/",
            "http://@example.com/",
            "http://127.0.0.1\\@public/",
            "http://public#@127.0.0.1",
            "http://example.com/#",
            "http://exam\tple.com/",
            "http://exam\nple.com/",
            "http://example.com/a b",
            " http://example.com/",
            "http://example.com/\u{202e}moc",
            "http://example.com:0/",
            "http://example.com:65536/",
            "http://example.com:-1/",
            "http://[fe80::1%25lo]/",
            "http://[::1/",
            "http://a..b/",
            "http://./",
            "http://256.1.1.1/",
            "http://1.2.3.4.5/",
            "http://exa%00mple.com/",
            "http://%2f@x/",
            &long,
            &huge,
        ] {
            let error = text.parse::<WebhookUrl>().expect_err(text);
            assert!(!error.fix.is_empty() && error.what.len() < 400, "{error}");
        }
    }

    #[test]
    fn an_address_in_disguise_is_an_address() {
        for (text, ip) in [
            ("http://2130706433/", "127.0.0.1"),
            ("http://0177.0.0.1", "127.0.0.1"),
            ("http://0x7f000001/", "127.0.0.1"),
            ("http://0x7f.1/", "127.0.0.1"),
            ("http://127.1:80/", "127.0.0.1"),
            ("http://127.0.0.1./", "127.0.0.1"),
            ("http://0/", "0.0.0.0"),
            ("http://①②⑦.⓪.⓪.①/", "127.0.0.1"),
            ("http://１２７.0.0.1/", "127.0.0.1"),
            ("http://127。0。0。1/", "127.0.0.1"),
            ("http://%31%32%37.0.0.1/", "127.0.0.1"),
            ("http://[::]/", "::"),
            ("http://[::ffff:7f00:1]/", "::ffff:127.0.0.1"),
            ("http://[0:0:0:0:0:ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
        ] {
            let url: WebhookUrl = text.parse().expect(text);
            assert_eq!(*url.host(), TargetHost::Ip(ip.parse().expect("an address")), "{text}");
        }
    }

    #[test]
    fn the_text_stays_and_the_place_is_compared() {
        let given = "HTTP://LocalHost:80/Webhook?a=ä";
        let url: WebhookUrl = given.parse().expect("an address");
        assert_eq!(url.reveal(), given);
        assert_eq!(url.normalised(), "http://localhost/Webhook?a=%C3%A4");
        assert_eq!(url, "http://localhost/Webhook?a=%C3%A4".parse().expect("an address"));
        assert_ne!(url, "https://localhost/Webhook?a=ä".parse().expect("an address"));
        assert_eq!((url.port(), url.is_https()), (80, false));
        for (text, name) in [
            ("https://localhost.", "localhost"),
            ("https://EXAMPLE.com:8443/x", "example.com"),
            ("https://пример.example/", "xn--e1afmkfd.example"),
            ("http://my_service:3000/", "my_service"),
        ] {
            let url: WebhookUrl = text.parse().expect(text);
            assert_eq!(*url.host(), TargetHost::Name(name.into()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_of_an_address_is_the_same_address(
            host in "[a-z0-9.\\[\\]:-]{1,20}", rest in "[/?a-zA-Z0-9%&=ä.~-]{0,30}",
        ) {
            if let Ok(url) = format!("https://{host}{rest}").parse::<WebhookUrl>() {
                let again: WebhookUrl = url.normalised().parse().expect("the normal form");
                prop_assert_eq!(again.host(), url.host());
                prop_assert_eq!(again.normalised(), url.normalised());
                prop_assert_eq!(again, url);
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(https?://)?.*") {
            let _ = text.parse::<WebhookUrl>();
        }
    }
}
