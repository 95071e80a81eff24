//! The values of settings, parsed from their texts.

use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use fanfare_core::endpoint::UNIX_PREFIX;
use fanfare_core::{Code, Endpoint, Invalid, duration};
use fanfare_webhook::policy as webhook;

use fanfare_server::mcp::toolset::Toolset;
use fanfare_store::floor::FLOOR_MAX;

pub(super) fn invalid(what: impl Into<String>, fix: impl Into<std::borrow::Cow<'static, str>>) -> Invalid {
    Invalid::new(Code::InvalidQuery, what, fix)
}

/// The first segments of routes that are often copied with the address of a gateway.
const ROUTES: [&str; 6] = ["api", "ingest", "mcp", "sse", "stream", "ws"];

/// Parses the URL of a gateway: a scheme, a host, perhaps a port, and perhaps the path under which a proxy serves it; or a
/// Unix socket.
pub(crate) fn server(text: &str) -> Result<String, Invalid> {
    if text.starts_with(UNIX_PREFIX) {
        return text.parse::<Endpoint>().map(|endpoint| endpoint.to_string());
    }
    let refused = |problem: &str| {
        invalid(format!("`{text}` is not a gateway URL: {problem}"), "write it like `http://127.0.0.1:8000`")
    };
    if !text.contains("://") {
        return Err(refused("it has no `http://` or `https://`"));
    }
    let url = reqwest::Url::parse(text).map_err(|error| refused(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("only http and https are supported"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("pass the token with --token-file, not in the URL"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("remove everything after the path"));
    }
    // A gateway can be served under a path; a route of it is a mistake.
    let route = url.path_segments().into_iter().flatten().find(|segment| ROUTES.contains(segment));
    if let Some(route) = route {
        return Err(refused(&format!("remove `/{route}` and everything after it")));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Checks a host name. A name with an extra part, such as a port, would never match a request.
pub(super) fn host_name(text: &str) -> Result<(), Invalid> {
    let is_name = !text.is_empty()
        && !text.ends_with('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    if is_name {
        return Ok(());
    }
    Err(invalid(
        format!("`{text}` is not a host name"),
        "write the name alone, without scheme and port: `events.example.com`",
    ))
}

/// Parses an address to listen on: `127.0.0.1:8000`, `[::1]:8000`, `localhost:8000`, `:8000` (loopback) or
/// `unix:/run/fanfare/socket`.
pub(crate) fn endpoint(text: &str) -> Result<Endpoint, Invalid> {
    match text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')) {
        Some(port) => address(&format!("127.0.0.1:{port}")).map(Endpoint::Network),
        None => text.parse(),
    }
}

/// Parses an address of the network, in the same short forms.
pub(crate) fn address(text: &str) -> Result<SocketAddr, Invalid> {
    let numeric = match text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')) {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| {
        invalid(
            format!("`{text}` is not an address to listen on"),
            "write an IP address and a port: `127.0.0.1:8000`, `[::1]:8000`, `0.0.0.0:8000`",
        )
    })
}

/// Parses a number above 0.
pub(crate) fn number(text: &str) -> Result<u64, Invalid> {
    text.replace('_', "")
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| invalid(format!("`{text}` is not a number above 0"), "write a number such as `10000`"))
}

/// Parses a floor of retention.
pub(crate) fn floor(text: &str) -> Result<u64, Invalid> {
    text.parse().ok().filter(|number| *number <= FLOOR_MAX).ok_or_else(|| {
        invalid(
            format!("`{text}` is not a number from 0 to {FLOOR_MAX}"),
            "write a number such as `100`, or `0` for none",
        )
    })
}

/// Parses a duration above 0.
pub(crate) fn positive(text: &str) -> Result<Duration, Invalid> {
    let duration = duration::parse(text)?;
    if duration.is_zero() {
        return Err(invalid("the duration is 0", "use a longer one, such as `30s`"));
    }
    Ok(duration)
}

/// Parses a webhook mode: `local` or `locked`.
pub(crate) fn webhook_mode(text: &str) -> Result<webhook::Mode, Invalid> {
    match text {
        "local" => Ok(webhook::Mode::Local),
        "locked" => Ok(webhook::Mode::Locked),
        _ => Err(invalid(format!("`{text}` is not a webhook mode"), "write `local` or `locked`")),
    }
}

/// Parses the name of a toolset.
pub(crate) fn toolset(text: &str) -> Result<Toolset, Invalid> {
    Toolset::from_name(text).ok_or_else(|| {
        let names = Toolset::ALL.map(Toolset::as_str).join(", ");
        invalid(format!("`{text}` is not a toolset"), format!("use one of {names}"))
    })
}

pub(super) fn one_of<T: ValueEnum>(text: &str, variants: &[T]) -> Result<(), Invalid> {
    let names: Vec<String> = variants
        .iter()
        .filter_map(|variant| variant.to_possible_value().map(|value| value.get_name().to_owned()))
        .collect();
    if names.iter().any(|name| name == text) {
        return Ok(());
    }
    Err(invalid(format!("`{text}` is not an allowed value"), format!("use one of {}", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::{address, host_name, server};

    #[test]
    fn a_host_name_that_could_never_match_is_refused() {
        for text in ["events.example.com", "EVENTS.example.com", "my_host", "xn--bcher-kva.example"] {
            assert!(host_name(text).is_ok(), "{text}");
        }
        for text in ["", "a b", "https://a.example", "a.example:8000", "a.example.", "bücher.example", "*"] {
            assert!(host_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_url_of_a_gateway_has_a_scheme_and_no_route() {
        assert_eq!(server("http://127.0.0.1:8000/").expect("fine"), "http://127.0.0.1:8000");
        assert_eq!(server("https://push.example.com").expect("fine"), "https://push.example.com");
        assert_eq!(server("https://example.com/fanfare/").expect("fine"), "https://example.com/fanfare");
        for text in [
            "127.0.0.1:8000",
            "localhost",
            "http://x/fanfare/mcp",
            "http://x/#top",
            "ftp://x",
            "http://u:p@x",
            "http://x/api",
            "http://",
            "http://x?y",
        ] {
            assert!(server(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_to_listen_on_have_short_forms() {
        assert_eq!(address(":8000").expect("fine").to_string(), "127.0.0.1:8000");
        assert_eq!(address("localhost:0").expect("fine").to_string(), "127.0.0.1:0");
        assert_eq!(address("[::1]:80").expect("fine").to_string(), "[::1]:80");
        for text in ["8000", "example.com:80", "127.0.0.1", ":x", ""] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
