//! The proxy through which webhooks are sent.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::url::{TargetHost, WebhookUrl};

/// The URL of a proxy: `http://`, a host, a port, and credentials if the proxy wants some. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    url: WebhookUrl,
    /// The value of `Proxy-Authorization`.
    authorization: Option<Box<str>>,
}

impl ProxyUrl {
    /// Returns the host.
    pub fn host(&self) -> &TargetHost {
        self.url.host()
    }

    /// Returns the port, even if it was not written.
    pub fn port(&self) -> u16 {
        self.url.port()
    }

    /// Returns the URL without its credentials.
    pub fn url(&self) -> &WebhookUrl {
        &self.url
    }

    /// Returns the value of the header `Proxy-Authorization`.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl FromStr for ProxyUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<ProxyUrl, Invalid> {
        // The text can have a password: an error does not repeat it.
        let refuse = |problem: &str| {
            let fix =
                "write it like `http://proxy.example:3128`, or `http://user:password@proxy.example:3128`";
            Invalid::new(Code::InvalidUrl, format!("the URL of the proxy {problem}"), fix)
        };
        let mut parsed = Url::parse(text).map_err(|_| refuse("cannot be read"))?;
        if parsed.scheme() != "http" {
            return Err(refuse("does not begin with `http://`"));
        }
        if parsed.path() != "/" || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(refuse("has more than a host and a port"));
        }
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned);
            text.filter(|text| !text.chars().any(char::is_control)).ok_or_else(|| refuse("cannot be read"))
        };
        let authorization = match (parsed.username(), parsed.password()) {
            ("", None) => None,
            (user, password) => {
                let user = decoded(user)?;
                if user.contains(':') {
                    return Err(refuse("has a `:` in the user name, which ends it for the proxy"));
                }
                let credentials = format!("{user}:{}", decoded(password.unwrap_or_default())?);
                Some(format!("Basic {}", STANDARD.encode(credentials)).into())
            }
        };
        let bare = parsed.set_username("").and_then(|()| parsed.set_password(None));
        bare.map_err(|()| refuse("cannot be read"))?;
        let url = parsed.as_str().parse().map_err(|_| refuse("cannot be read"))?;
        Ok(ProxyUrl { url, authorization })
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProxyUrl").field(&self.url.reveal()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::ProxyUrl;

    #[test]
    fn a_proxy_is_a_host_with_a_port_and_perhaps_credentials() {
        let proxy: ProxyUrl = "http://proxy.example:3128".parse().expect("a proxy");
        assert_eq!(
            (proxy.host().to_string().as_str(), proxy.port(), proxy.authorization()),
            ("proxy.example", 3128, None)
        );
        let proxy: ProxyUrl = "http://ann:p%40ss@10.0.0.1/".parse().expect("a proxy");
        // `ann:p@ss`.
        assert_eq!((proxy.port(), proxy.authorization()), (80, Some("Basic YW5uOnBAc3M=")));
        assert!(!format!("{proxy:?}").contains("p%40ss"), "{proxy:?}");
        let proxy: ProxyUrl = "http://ann:50%+%zz@proxy".parse().expect("a `%` that encodes nothing");
        // `ann:50%+%zz`.
        assert_eq!(proxy.authorization(), Some("Basic YW5uOjUwJSsleno="));
        for text in [
            "",
            "proxy:3128",
            "https://proxy:3128",
            "socks5://proxy:1080",
            "http://proxy/path",
            "http://",
            "http://a%3Ab:c@proxy",
            "http://a%0Ab:c@proxy",
            "http://a%FFb:c@proxy",
        ] {
            assert!(text.parse::<ProxyUrl>().is_err(), "{text}");
        }
        let error = "https://ann:secret@proxy".parse::<ProxyUrl>().expect_err("https");
        assert!(!format!("{error} {}", error.fix).contains("secret"), "{error}");
    }
}
