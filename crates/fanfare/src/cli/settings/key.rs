//! The settings there are. A key is the long flag of the same meaning; those of `serve` stand in `[serve]`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use fanfare_core::{Code, Invalid, duration};
use fanfare_webhook::allow::Allow;
use fanfare_webhook::inbound::PlainSecret;
use fanfare_webhook::policy as webhook;
use fanfare_webhook::verify;

use crate::cli::output::Mode;
use crate::cli::{bytes, settings};
use fanfare_hub as hub;
use fanfare_server::http;
use fanfare_server::mcp::toolset::Toolset;
use fanfare_store::Retention;

macro_rules! keys {
    ($($variant:ident => $name:literal, $variable:literal, $meaning:literal;)+) => {
        /// A setting.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Key { $($variant,)+ }

        impl Key {
            /// Every key, in the order in which they are shown.
            pub(crate) const ALL: [Key; [$($name),+].len()] = [$(Key::$variant,)+];

            /// Gives its name in a file: with its table, `serve.listen`.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Key::$variant => $name,)+ }
            }

            /// Gives its environment variable.
            pub(crate) fn variable(self) -> &'static str {
                match self { $(Key::$variant => $variable,)+ }
            }

            /// Says what it means.
            pub(crate) fn meaning(self) -> &'static str {
                match self { $(Key::$variant => $meaning,)+ }
            }
        }
    };
}

keys! {
    Server => "server", "FANFARE_URL", "the gateway to call";
    Token => "token", "FANFARE_TOKEN", "who is calling; only in the environment";
    TokenFile => "token-file", "FANFARE_TOKEN_FILE", "a file that holds the token";
    Output => "output", "FANFARE_OUTPUT", "human, json, ndjson, table or raw";
    Color => "color", "FANFARE_COLOR", "auto, always or never";
    Timeout => "timeout", "FANFARE_TIMEOUT", "how long to wait for an answer";
    Listen => "serve.listen", "FANFARE_LISTEN", "addresses to listen on";
    Store => "serve.store", "FANFARE_STORE", "`memory`, or the file of the log";
    RetentionAge => "serve.retention-age", "FANFARE_RETENTION_AGE", "remove events that are older";
    RetentionCount => "serve.retention-count", "FANFARE_RETENTION_COUNT", "most events that are kept";
    RetentionBytes => "serve.retention-bytes", "FANFARE_RETENTION_BYTES", "most bytes of events that are kept";
    AttemptsAge =>
        "serve.webhook-attempts-age", "FANFARE_WEBHOOK_ATTEMPTS_AGE", "keep attempts at webhooks that failed";
    WebhookMode => "serve.webhook-mode", "FANFARE_WEBHOOK_MODE", "where webhooks may go: local, locked";
    AllowTarget => "serve.allow-target", "FANFARE_ALLOW_TARGET", "where else webhooks may go";
    Cors => "serve.cors", "FANFARE_CORS", "origins whose pages may listen and push";
    AllowedHost => "serve.allowed-host", "FANFARE_ALLOWED_HOST", "names that the gateway answers for";
    NoAuth => "serve.no-auth", "FANFARE_NO_AUTH", "serve others without asking who they are";
    MaxConnections => "serve.max-connections", "FANFARE_MAX_CONNECTIONS", "most connections";
    MaxConnectionsPerAddress =>
        "serve.max-connections-per-address", "FANFARE_MAX_CONNECTIONS_PER_ADDRESS",
        "most connections from one address";
    MaxEventsPerSecond =>
        "serve.max-events-per-second", "FANFARE_MAX_EVENTS_PER_SECOND", "most events a second from one caller";
    StallTimeout =>
        "serve.stall-timeout", "FANFARE_STALL_TIMEOUT", "how long a reader may take nothing";
    ShutdownTimeout =>
        "serve.shutdown-timeout", "FANFARE_SHUTDOWN_TIMEOUT", "how long a stop may take";
    Toolset => "serve.toolset", "FANFARE_TOOLSET", "MCP tools: essential, all or readonly";
    IngestSecretGithub =>
        "serve.ingest-secret-github", "FANFARE_INGEST_SECRET_GITHUB",
        "what GitHub signs with";
    IngestSecretStripe =>
        "serve.ingest-secret-stripe", "FANFARE_INGEST_SECRET_STRIPE",
        "what Stripe signs with";
    IngestSecretStandardWebhooks =>
        "serve.ingest-secret-standard-webhooks", "FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS",
        "what other senders sign with";
    LogFormat => "serve.log-format", "FANFARE_LOG_FORMAT", "text or json";
}

impl Key {
    /// Gives the long flag, without its dashes.
    pub(crate) fn flag(self) -> &'static str {
        self.name().trim_start_matches("serve.")
    }

    /// Finds a key by its name in a file.
    pub(crate) fn from_name(name: &str) -> Option<Key> {
        Key::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Says whether it holds several values.
    pub(crate) fn is_list(self) -> bool {
        self.is_ingest_secret()
            || matches!(self, Key::AllowTarget | Key::AllowedHost | Key::Cors | Key::Listen)
    }

    /// Says whether its value must not be shown, nor stand in a file that others may read.
    pub(crate) fn is_secret(self) -> bool {
        self == Key::Token || self.is_ingest_secret()
    }

    fn is_ingest_secret(self) -> bool {
        matches!(self, Key::IngestSecretGithub | Key::IngestSecretStandardWebhooks | Key::IngestSecretStripe)
    }

    /// Gives what applies when nobody says anything.
    pub(crate) fn built_in(self) -> Option<String> {
        let retention = Retention::default();
        Some(match self {
            Key::Server => "http://127.0.0.1:8000".to_owned(),
            Key::Output => "human".to_owned(),
            Key::Color => "auto".to_owned(),
            Key::Timeout => "30s".to_owned(),
            Key::Listen => "127.0.0.1:8000".to_owned(),
            Key::Store => settings::data_dir()?.join("log.db").display().to_string(),
            Key::RetentionAge => format!("{}d", retention.age.as_secs() / 86_400),
            Key::AttemptsAge => format!("{}d", retention.attempts.as_secs() / 86_400),
            Key::RetentionCount => retention.count.to_string(),
            Key::RetentionBytes => format!("{}GiB", retention.bytes >> 30),
            Key::NoAuth => "false".to_owned(),
            Key::StallTimeout => "60s".to_owned(),
            Key::ShutdownTimeout => "10s".to_owned(),
            Key::LogFormat => "text".to_owned(),
            Key::Toolset => Toolset::default().as_str().to_owned(),
            Key::MaxConnections => http::Config::default().max_connections.to_string(),
            Key::MaxConnectionsPerAddress => http::Config::default().max_connections_per_address.to_string(),
            Key::MaxEventsPerSecond => hub::Config::default().events_per_second.to_string(),
            Key::AllowTarget
            | Key::AllowedHost
            | Key::Cors
            | Key::IngestSecretGithub
            | Key::IngestSecretStandardWebhooks
            | Key::IngestSecretStripe
            | Key::Token
            | Key::TokenFile
            | Key::WebhookMode => return None,
        })
    }

    /// Says whether `texts` can be used.
    pub(crate) fn check(self, texts: &[String]) -> Result<(), Invalid> {
        for text in texts {
            match self {
                Key::Server => server(text).map(drop)?,
                Key::Output => one_of(text, Mode::value_variants())?,
                Key::Color => one_of(text, clap::ColorChoice::value_variants())?,
                Key::AllowTarget => text.parse::<Allow>().map(drop)?,
                Key::WebhookMode => webhook_mode(text).map(drop)?,
                Key::AttemptsAge
                | Key::Timeout
                | Key::StallTimeout
                | Key::ShutdownTimeout
                | Key::RetentionAge => {
                    positive(text).map(drop)?;
                }
                Key::Listen => address(text).map(drop)?,
                Key::RetentionCount
                | Key::MaxConnections
                | Key::MaxConnectionsPerAddress
                | Key::MaxEventsPerSecond => number(text).map(drop)?,
                Key::RetentionBytes => bytes::parse(text).map(drop)?,
                Key::NoAuth if !matches!(text.as_str(), "true" | "false") => {
                    return Err(invalid(
                        format!("`{text}` is neither true nor false"),
                        "write `true` or `false`",
                    ));
                }
                Key::Toolset => toolset(text).map(drop)?,
                Key::IngestSecretGithub | Key::IngestSecretStripe => plain_secret(text).map(drop)?,
                Key::IngestSecretStandardWebhooks => standard_key(text).map(drop)?,
                Key::LogFormat if !matches!(text.as_str(), "text" | "json") => {
                    return Err(invalid(format!("`{text}` is no log format"), "write `text` or `json`"));
                }
                Key::Store | Key::Token | Key::TokenFile | Key::AllowedHost | Key::Cors
                    if text.is_empty() =>
                {
                    return Err(invalid("the value is empty", "give a value, or leave the key out"));
                }
                Key::AllowedHost
                | Key::Cors
                | Key::LogFormat
                | Key::NoAuth
                | Key::Store
                | Key::Token
                | Key::TokenFile => {}
            }
        }
        Ok(())
    }
}

fn invalid(what: impl Into<String>, fix: impl Into<std::borrow::Cow<'static, str>>) -> Invalid {
    Invalid::new(Code::InvalidQuery, what, fix)
}

/// Reads the address of a gateway, and drops what is behind the host.
pub(crate) fn server(text: &str) -> Result<String, Invalid> {
    let refused = |problem: &str| {
        invalid(
            format!("`{text}` is no gateway's address: {problem}"),
            "write it like `http://127.0.0.1:8000`",
        )
    };
    if !text.contains("://") {
        return Err(refused("it has no `http://` or `https://`"));
    }
    let url = reqwest::Url::parse(text).map_err(|error| refused(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("only http and https are spoken"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("give a token with --token-file, not in the address"));
    }
    if url.path() != "/" || url.query().is_some() {
        return Err(refused("leave out what follows the host"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Reads an address to listen on: `127.0.0.1:8000`, `[::1]:8000`, `localhost:8000`, `:8000` (loopback).
pub(crate) fn address(text: &str) -> Result<SocketAddr, Invalid> {
    let numeric = match text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')) {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| {
        invalid(
            format!("`{text}` is no address to listen on"),
            "write an IP address and a port: `127.0.0.1:8000`, `[::1]:8000`, `0.0.0.0:8000`",
        )
    })
}

/// Reads a number above 0.
pub(crate) fn number(text: &str) -> Result<u64, Invalid> {
    text.replace('_', "")
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| invalid(format!("`{text}` is no number above 0"), "write a number such as `10000`"))
}

/// Reads a duration above 0.
pub(crate) fn positive(text: &str) -> Result<Duration, Invalid> {
    let duration = duration::parse(text)?;
    if duration.is_zero() {
        return Err(invalid("the duration is 0", "give a longer one, such as `30s`"));
    }
    Ok(duration)
}

/// Reads how far those who register webhooks are trusted.
pub(crate) fn webhook_mode(text: &str) -> Result<webhook::Mode, Invalid> {
    match text {
        "local" => Ok(webhook::Mode::Local),
        "locked" => Ok(webhook::Mode::Locked),
        _ => Err(invalid(format!("`{text}` is no mode for webhooks"), "write `local` or `locked`")),
    }
}

/// Reads the name of a set of tools.
pub(crate) fn toolset(text: &str) -> Result<Toolset, Invalid> {
    Toolset::from_name(text).ok_or_else(|| {
        let names = Toolset::ALL.map(Toolset::as_str).join(", ");
        invalid(format!("`{text}` is no set of tools"), format!("use one of {names}"))
    })
}

/// Reads a secret whose text is the key.
pub(crate) fn plain_secret(text: &str) -> Result<PlainSecret, Invalid> {
    PlainSecret::new(text)
        .ok_or_else(|| invalid("the secret is empty", "give the secret, or unset the variable"))
}

/// Reads a key of Standard Webhooks. An error does not repeat it.
pub(crate) fn standard_key(text: &str) -> Result<verify::Key, Invalid> {
    if text.starts_with("whpk_") {
        return text.parse().map(verify::Key::Public);
    }
    let secret = text.parse().map(verify::Key::Secret);
    secret.map_err(|_: Invalid| {
        invalid(
            "a secret is neither `whsec_…` nor `whpk_…`",
            "give what the sender shows: `whsec_` and the base64 of 24 to 64 bytes, or `whpk_` and that of 32",
        )
    })
}

fn one_of<T: ValueEnum>(text: &str, variants: &[T]) -> Result<(), Invalid> {
    let names: Vec<String> = variants
        .iter()
        .filter_map(|variant| variant.to_possible_value().map(|value| value.get_name().to_owned()))
        .collect();
    if names.iter().any(|name| name == text) {
        return Ok(());
    }
    Err(invalid(format!("`{text}` is not known here"), format!("use one of {}", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::{Key, address, server};

    #[test]
    fn what_is_built_in_can_be_used() {
        for key in Key::ALL {
            let texts: Vec<String> = key.built_in().into_iter().collect();
            assert!(key.check(&texts).is_ok(), "{key:?}");
        }
    }

    #[test]
    fn the_address_of_a_gateway_has_a_scheme_and_no_path() {
        assert_eq!(server("http://127.0.0.1:8000/").expect("fine"), "http://127.0.0.1:8000");
        assert_eq!(server("https://push.example.com").expect("fine"), "https://push.example.com");
        for text in [
            "127.0.0.1:8000",
            "localhost",
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
