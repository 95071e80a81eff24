//! The credentials that a receiver is sent: `Authorization`, basic (RFC 7617) or bearer (RFC 6750).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::members::Members;

/// Maximum length of a user name, and of a password, in bytes.
pub const CREDENTIAL_LEN_MAX: usize = 256;
/// Maximum length of a bearer token, in bytes.
pub const TOKEN_LEN_MAX: usize = 4 * 1024;

/// The credentials for the header `Authorization`. `Debug` shows no password or token.
#[derive(Clone, PartialEq, Eq)]
pub enum Auth {
    /// User name and password.
    Basic {
        /// 1–256 bytes without `:` and control characters.
        username: Box<str>,
        /// At most 256 bytes without control characters.
        password: Box<str>,
    },
    /// A token.
    Bearer(
        /// 1–4,096 visible ASCII characters.
        Box<str>,
    ),
}

impl Auth {
    /// Creates credentials for basic authentication.
    pub fn basic(username: &str, password: &str) -> Result<Auth, Invalid> {
        let fits = |text: &str| text.len() <= CREDENTIAL_LEN_MAX && !text.chars().any(char::is_control);
        if username.is_empty() || username.contains(':') || !fits(username) {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                "`username` cannot be sent",
                "use 1–256 bytes without `:` and control characters",
            )
            .at("/username"));
        }
        if !fits(password) {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                "`password` cannot be sent",
                "use at most 256 bytes without control characters",
            )
            .at("/password"));
        }
        Ok(Auth::Basic { username: username.into(), password: password.into() })
    }

    /// Creates credentials for bearer authentication.
    pub fn bearer(token: &str) -> Result<Auth, Invalid> {
        if !(1..=TOKEN_LEN_MAX).contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                "`token` cannot be sent",
                "use 1–4096 visible ASCII characters without spaces",
            )
            .at("/token"));
        }
        Ok(Auth::Bearer(token.into()))
    }

    /// Returns the value of `Authorization`.
    pub fn header_value(&self) -> String {
        match self {
            Auth::Basic { username, password } => {
                format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
            }
            Auth::Bearer(token) => format!("Bearer {token}"),
        }
    }

    /// Parses `{"kind": "basic", "username": …, "password": …}` or `{"kind": "bearer", "token": …}`, the member `auth`.
    pub(crate) fn read(mut members: Members<'_>) -> Result<Auth, Invalid> {
        const FIX: &str = "give `{\"kind\":\"basic\",\"username\":\"…\",\"password\":\"…\"}` or \
                           `{\"kind\":\"bearer\",\"token\":\"…\"}`";
        let kind = members.text("kind")?.flatten();
        match kind.as_deref() {
            Some("basic") => {
                let username = members.text("username")?.flatten().unwrap_or_default();
                let password = members.text("password")?.flatten().unwrap_or_default();
                members.finish()?;
                Auth::basic(&username, &password)
            }
            Some("bearer") => {
                let token = members.text("token")?.flatten().unwrap_or_default();
                members.finish()?;
                Auth::bearer(&token)
            }
            Some(_) => return Err(members.wrong("kind", "is neither `basic` nor `bearer`", FIX)),
            None => return Err(members.wrong("kind", "is missing", FIX)),
        }
        .map_err(|error| error.under("/auth"))
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Auth::Basic { username, .. } => write!(f, "Basic({username:?}, …)"),
            Auth::Bearer(_) => f.write_str("Bearer(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Auth;

    #[test]
    fn the_header_is_as_the_standards_have_it() {
        let basic = Auth::basic("Aladdin", "open sesame").expect("fits");
        assert_eq!(basic.header_value(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(Auth::bearer("mF_9.B5f-4.1JqM").expect("fits").header_value(), "Bearer mF_9.B5f-4.1JqM");
        assert!(Auth::basic("a:b", "").is_err() && Auth::basic("", "x").is_err());
        assert!(Auth::basic("a", &"x".repeat(257)).is_err() && Auth::basic("a", "x\r\n").is_err());
        assert!(Auth::bearer("").is_err() && Auth::bearer("a b").is_err() && Auth::bearer("a\r\nb").is_err());
    }

    proptest! {
        #[test]
        fn nothing_secret_is_shown(secret in "[!-~]{12,40}") {
            for auth in [Auth::basic("user", &secret).expect("fits"), Auth::bearer(&secret).expect("fits")] {
                let shown = format!("{auth:?}");
                prop_assert!(!shown.contains(&secret));
            }
        }
    }
}
