//! Headers that a webhook's owner adds to each delivery.

use std::fmt;

use fanfare_core::code::Code;
use fanfare_core::invalid::{Invalid, shown};

/// Maximum number of headers.
pub const HEADERS_MAX: usize = 32;
/// Maximum length of a name, in bytes.
pub const HEADER_NAME_LEN_MAX: usize = 64;
/// Maximum length of a value, in bytes: room for a large token.
pub const HEADER_VALUE_LEN_MAX: usize = 4 * 1024;
/// Maximum bytes of all names and values: many servers read 8 KiB of headers, some of which are ours.
pub const HEADERS_LEN_MAX: usize = 6 * 1024;

/// The names that decide where a request ends or who is meant, which an owner must not set.
const OURS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "metadata",
    "metadata-flavor",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];
/// The reserved prefixes of names: signatures, our own headers, those of proxies, and those that open metadata
/// services.
const OUR_PREFIXES: &[&str] = &[
    "fanfare-",
    "proxy-",
    "sec-",
    "svix-",
    "webhook-",
    "x-aws-ec2-",
    "x-fanfare-",
    "x-forwarded-",
    "x-google-metadata-",
    "x-hub-",
];

/// Headers in the order they were given. Values may be credentials: `Debug` does not show them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CustomHeaders(
    /// Names are tokens in their given case, none twice; values are printable ASCII.
    Box<[(Box<str>, Box<str>)]>,
);

impl CustomHeaders {
    /// Creates headers from names and values; the place of an error is the name, relative to the object that held it.
    pub fn new(headers: impl IntoIterator<Item = (String, String)>) -> Result<CustomHeaders, Invalid> {
        let mut kept: Vec<(Box<str>, Box<str>)> = Vec::new();
        let mut total = 0;
        for (name, value) in headers {
            let refuse = |problem: &str, fix: &'static str| {
                let what = format!("the header `{}` {problem}", shown(&name));
                let place = format!("/{}", shown(&name).replace('~', "~0").replace('/', "~1"));
                Err(Invalid::new(Code::InvalidWebhook, what, fix).at(place))
            };
            if kept.len() == HEADERS_MAX {
                return refuse("exceeds the maximum number of headers", "give at most 32 headers");
            }
            if !is_token(&name) {
                return refuse("has an invalid name", "use 1–64 letters, digits, `-` or `_`");
            }
            let lower = name.to_ascii_lowercase();
            if OURS.contains(&&*lower) || OUR_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
                return refuse("is reserved for the gateway", "use another name, such as `X-Api-Key`");
            }
            if kept.iter().any(|(seen, _)| seen.eq_ignore_ascii_case(&name)) {
                return refuse("is given twice", "give it once; header names are case-insensitive");
            }
            let is_printable = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if !is_printable || value.trim() != value {
                return refuse(
                    "has a value that cannot be sent",
                    "use printable ASCII without line breaks, and no space at either end",
                );
            }
            total += name.len() + value.len();
            if value.len() > HEADER_VALUE_LEN_MAX {
                return refuse("is too long", "use at most 4096 bytes");
            }
            if total > HEADERS_LEN_MAX {
                return refuse(
                    "takes the headers over the total size limit",
                    "use at most 6144 bytes in total",
                );
            }
            kept.push((name.into(), value.into()));
        }
        Ok(CustomHeaders(kept.into()))
    }

    /// Returns names and values, for the request and for the store.
    pub fn reveal(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns the names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }
}

/// Returns `true` if `name` is a token of RFC 9110 section 5.6.2, and no longer than the bound.
fn is_token(name: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=HEADER_NAME_LEN_MAX).contains(&name.len()) && name.bytes().all(is_tchar)
}

impl fmt::Debug for CustomHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CustomHeaders, HEADERS_MAX};

    fn one(name: &str, value: &str) -> bool {
        CustomHeaders::new([(name.to_owned(), value.to_owned())]).is_ok()
    }

    #[test]
    fn headers_that_would_change_the_request_are_refused() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "Connection",
            "Content-Type",
            "webhook-id",
            "Webhook-Signature",
            "X-Hub-Signature-256",
            "X-Forwarded-For",
            "X-Aws-Ec2-Metadata-Token",
            "Metadata-Flavor",
            "Metadata",
            "Upgrade",
            "",
            "a b",
            "a:b",
            "a\r\nHost",
            "ä",
        ] {
            assert!(!one(name, "x"), "{name:?}");
        }
        for value in ["a\r\nHost: evil", "a\nb", "a\rb", "a\0b", " a", "a ", "ä", "a\tb", &"x".repeat(4097)]
        {
            assert!(!one("X-Key", value), "{value:?}");
        }
        assert!(one("X-Key", "Token a=b, c") && one("Authorization", "Token x") && one("X-Empty", ""));
    }

    #[test]
    fn there_are_bounds_and_no_name_twice() {
        let many = |count: usize| CustomHeaders::new((0..count).map(|n| (format!("X-{n}"), "v".to_owned())));
        assert!(many(HEADERS_MAX).is_ok());
        assert!(many(HEADERS_MAX + 1).is_err());
        let twice = ["X-Key", "x-key"].map(|name| (name.to_owned(), String::new()));
        assert!(CustomHeaders::new(twice).is_err());
        let large = ["X-A", "X-B"].map(|name| (name.to_owned(), "x".repeat(4096)));
        assert!(CustomHeaders::new(large).is_err());
    }

    proptest! {
        #[test]
        fn values_are_kept_and_not_shown(value in "[!-~]{8,40}") {
            let headers = CustomHeaders::new([("X-Key".to_owned(), value.clone())]).expect("printable");
            prop_assert_eq!(headers.reveal().next(), Some(("X-Key", &*value)));
            let shown = format!("{headers:?}");
            prop_assert!(!shown.contains(&value));
        }

        #[test]
        fn no_text_gets_a_line_break_through(name in ".*", value in ".*") {
            if let Ok(headers) = CustomHeaders::new([(name, value)]) {
                let fine = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                prop_assert!(headers.reveal().all(|(name, value)| fine(name) && fine(value)));
            }
        }
    }
}
