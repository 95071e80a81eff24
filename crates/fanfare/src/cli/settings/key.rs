//! The keys of all settings. A key is named like the long flag that sets it; those of `serve` are in `[serve]`.

use std::time::Duration;

use clap::ValueEnum;
use fanfare_core::{Invalid, duration, keepalive};
use fanfare_webhook::allow::Allow;
use fanfare_webhook::ingest::spellings;
use fanfare_webhook::proxy::ProxyUrl;

use crate::cli::output::Mode;
use crate::cli::settings::values::{
    endpoint, floor, host_name, invalid, number, one_of, positive, server, toolset, webhook_mode,
};
use crate::cli::{bytes, settings};
use crate::gateway;
use fanfare_delivery::service as delivery;
use fanfare_hub as hub;
use fanfare_server::http;
use fanfare_server::mcp::toolset::Toolset;
use fanfare_server::net::base_path::{BasePath, Proxy};
use fanfare_server::net::origin::Cors;
use fanfare_store::Retention;

macro_rules! keys {
    ($($variant:ident => $name:literal, $variable:literal, $meaning:literal;)+) => {
        /// A setting.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Key { $($variant,)+ }

        impl Key {
            /// Every key, in the order of help and `config show`.
            pub(crate) const ALL: [Key; [$($name),+].len()] = [$(Key::$variant,)+];

            /// Returns the name in a configuration file, with its table: `serve.listen`.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Key::$variant => $name,)+ }
            }

            /// Returns the environment variable.
            pub(crate) fn variable(self) -> &'static str {
                match self { $(Key::$variant => $variable,)+ }
            }

            /// Returns a short description, for lists of settings.
            pub(crate) fn meaning(self) -> &'static str {
                match self { $(Key::$variant => $meaning,)+ }
            }
        }
    };
}

keys! {
    Server => "server", "FANFARE_URL", "URL of the gateway";
    Token => "token", "FANFARE_TOKEN", "token to send; only in the environment";
    TokenFile => "token-file", "FANFARE_TOKEN_FILE", "file that holds the token";
    Output => "output", "FANFARE_OUTPUT", "human, json, ndjson, table or raw";
    Color => "color", "FANFARE_COLOR", "auto, always or never";
    Timeout => "timeout", "FANFARE_TIMEOUT", "how long to wait for a response";
    Listen => "serve.listen", "FANFARE_LISTEN", "addresses to listen on";
    Store => "serve.store", "FANFARE_STORE", "`memory` or the path of the log file";
    RetentionAge => "serve.retention-age", "FANFARE_RETENTION_AGE", "how long to keep events";
    RetentionCount => "serve.retention-count", "FANFARE_RETENTION_COUNT", "maximum number of events to keep";
    RetentionBytes => "serve.retention-bytes", "FANFARE_RETENTION_BYTES", "maximum bytes of events to keep";
    RetentionFloor =>
        "serve.retention-floor", "FANFARE_RETENTION_FLOOR", "newest events of each channel to keep";
    ReadersAge => "serve.readers-age", "FANFARE_READERS_AGE", "how long to keep unused readers";
    AttemptsAge =>
        "serve.webhook-attempts-age", "FANFARE_WEBHOOK_ATTEMPTS_AGE", "how long to keep failed webhook attempts";
    WebhookMode => "serve.webhook-mode", "FANFARE_WEBHOOK_MODE", "where webhooks go: local or locked";
    AllowTarget => "serve.allow-target", "FANFARE_ALLOW_TARGET", "further targets to allow for webhooks";
    WebhookProxy =>
        "serve.webhook-proxy", "FANFARE_WEBHOOK_PROXY", "proxy to send webhooks through";
    Cors => "serve.cors", "FANFARE_CORS", "origins whose pages can listen and push";
    AllowedHost => "serve.allowed-host", "FANFARE_ALLOWED_HOST", "host names to accept requests for";
    BasePath => "serve.base-path", "FANFARE_BASE_PATH", "path under which proxies serve it";
    TrustedProxy => "serve.trusted-proxy", "FANFARE_TRUSTED_PROXY", "proxies whose headers count";
    NoAuth => "serve.no-auth", "FANFARE_NO_AUTH", "serve others without authentication";
    MaxConnections => "serve.max-connections", "FANFARE_MAX_CONNECTIONS", "maximum number of connections";
    MaxConnectionsPerAddress =>
        "serve.max-connections-per-address", "FANFARE_MAX_CONNECTIONS_PER_ADDRESS",
        "maximum from one address";
    MaxWebhooksPerHost =>
        "serve.max-webhooks-per-host", "FANFARE_MAX_WEBHOOKS_PER_HOST",
        "maximum number of webhooks to one host";
    MaxEventsPerSecond =>
        "serve.max-events-per-second", "FANFARE_MAX_EVENTS_PER_SECOND", "maximum events per second per caller";
    StallTimeout =>
        "serve.stall-timeout", "FANFARE_STALL_TIMEOUT", "how long a client may read nothing";
    Keepalive =>
        "serve.keepalive", "FANFARE_KEEPALIVE", "interval of keepalives";
    DrainTime =>
        "serve.drain-time", "FANFARE_DRAIN_TIME", "how long to keep serving before a stop";
    ShutdownTimeout =>
        "serve.shutdown-timeout", "FANFARE_SHUTDOWN_TIMEOUT", "how long to wait for a clean shutdown";
    Toolset => "serve.toolset", "FANFARE_TOOLSET", "MCP tools: essential, all or readonly";
    IngestSecretGithub =>
        "serve.ingest-secret-github", "FANFARE_INGEST_SECRET_GITHUB",
        "secret that GitHub signs with";
    IngestSecretGithubFile =>
        "serve.ingest-secret-github-file", "FANFARE_INGEST_SECRET_GITHUB_FILE",
        "secrets in a file";
    IngestSecretStripe =>
        "serve.ingest-secret-stripe", "FANFARE_INGEST_SECRET_STRIPE",
        "secret that Stripe signs with";
    IngestSecretStripeFile =>
        "serve.ingest-secret-stripe-file", "FANFARE_INGEST_SECRET_STRIPE_FILE",
        "secrets in a file";
    IngestSecretStandardWebhooks =>
        "serve.ingest-secret-standard-webhooks", "FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS",
        "secret that other senders sign with";
    IngestSecretStandardWebhooksFile =>
        "serve.ingest-secret-standard-webhooks-file", "FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS_FILE",
        "secrets in a file";
    AccessLog => "serve.access-log", "FANFARE_ACCESS_LOG", "log each request";
    LogFormat => "serve.log-format", "FANFARE_LOG_FORMAT", "text or json";
}

impl Key {
    /// Returns the long flag, without the dashes.
    pub(crate) fn flag(self) -> &'static str {
        self.name().trim_start_matches("serve.")
    }

    /// Finds a key by its name in a configuration file.
    pub(crate) fn from_name(name: &str) -> Option<Key> {
        Key::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Returns whether the setting is a list.
    pub(crate) fn is_list(self) -> bool {
        self.is_ingest_secret()
            || matches!(
                self,
                Key::AllowTarget | Key::AllowedHost | Key::Cors | Key::Listen | Key::TrustedProxy
            )
    }

    /// Returns whether a file that comes from others may set it: what a command shows, and how long it waits.
    pub(crate) fn is_harmless(self) -> bool {
        matches!(self, Key::Color | Key::Output | Key::Timeout)
    }

    /// Returns whether the value is secret. Secrets are never shown, and are read from the environment only.
    pub(crate) fn is_secret(self) -> bool {
        self == Key::Token || self.is_ingest_secret()
    }

    /// Returns whether the value is secret, or can have a secret in it.
    pub(crate) fn may_have_secret(self) -> bool {
        self.is_secret() || self == Key::WebhookProxy
    }

    /// Returns a value for people, without the credentials that it may have. It is not secret as a whole.
    pub(crate) fn shown(self, text: &str) -> String {
        match self {
            Key::WebhookProxy => match text.parse::<ProxyUrl>() {
                Ok(proxy) => proxy.url().reveal().to_owned(),
                Err(_) => "(hidden)".to_owned(),
            },
            _ => text.to_owned(),
        }
    }

    /// Returns whether the setting is secrets of senders. Further variables, whose names begin with that of this one
    /// and `_`, have further secrets.
    pub(crate) fn is_ingest_secret(self) -> bool {
        matches!(self, Key::IngestSecretGithub | Key::IngestSecretStandardWebhooks | Key::IngestSecretStripe)
    }

    /// Returns the name for people: the variable of a setting that a file cannot have, else the name in a file.
    pub(crate) fn shown_name(self) -> &'static str {
        if self.is_secret() { self.variable() } else { self.name() }
    }

    /// Returns the default, as text that can be parsed.
    pub(crate) fn default_text(self) -> Option<String> {
        let retention = Retention::default();
        let seconds = |duration: Duration| format!("{}s", duration.as_secs());
        Some(match self {
            Key::Server => "http://127.0.0.1:8000".to_owned(),
            Key::Output => "human".to_owned(),
            Key::Color => "auto".to_owned(),
            Key::Timeout => seconds(settings::TIMEOUT_DEFAULT),
            Key::Listen => "127.0.0.1:8000".to_owned(),
            Key::Store => settings::data_dir()?.join("log.db").display().to_string(),
            Key::RetentionAge => format!("{}d", retention.age.as_secs() / 86_400),
            Key::ReadersAge => format!("{}d", retention.readers.as_secs() / 86_400),
            Key::AttemptsAge => format!("{}d", retention.attempts.as_secs() / 86_400),
            Key::RetentionCount => retention.count.to_string(),
            Key::RetentionFloor => retention.floor.to_string(),
            Key::RetentionBytes => format!("{}GiB", retention.bytes >> 30),
            Key::AccessLog | Key::NoAuth => "false".to_owned(),
            Key::StallTimeout => seconds(http::Config::default().stall_timeout),
            Key::Keepalive => seconds(http::Config::default().keepalive),
            Key::DrainTime => seconds(gateway::Config::default().drain_time),
            Key::ShutdownTimeout => seconds(gateway::Config::default().shutdown_timeout),
            Key::LogFormat => "text".to_owned(),
            Key::Toolset => Toolset::default().as_str().to_owned(),
            Key::MaxConnections => http::Config::default().max_connections.to_string(),
            Key::MaxConnectionsPerAddress => http::Config::default().max_connections_per_address.to_string(),
            Key::MaxWebhooksPerHost => delivery::Config::default().host_webhooks_max.to_string(),
            Key::MaxEventsPerSecond => hub::Config::default().events_per_second.to_string(),
            Key::AllowTarget
            | Key::AllowedHost
            | Key::BasePath
            | Key::Cors
            | Key::IngestSecretGithub
            | Key::IngestSecretGithubFile
            | Key::IngestSecretStandardWebhooks
            | Key::IngestSecretStandardWebhooksFile
            | Key::IngestSecretStripe
            | Key::IngestSecretStripeFile
            | Key::Token
            | Key::TokenFile
            | Key::TrustedProxy
            | Key::WebhookMode
            | Key::WebhookProxy => return None,
        })
    }

    /// Checks that the values of the setting are valid.
    pub(crate) fn check(self, texts: &[String]) -> Result<(), Invalid> {
        for text in texts {
            match self {
                Key::Server => server(text).map(drop)?,
                Key::Output => one_of(text, Mode::value_variants())?,
                Key::Color => one_of(text, clap::ColorChoice::value_variants())?,
                Key::BasePath => text.parse::<BasePath>().map(drop)?,
                Key::TrustedProxy => text.parse::<Proxy>().map(drop)?,
                Key::AllowTarget => text.parse::<Allow>().map(drop)?,
                Key::WebhookMode => webhook_mode(text).map(drop)?,
                Key::WebhookProxy => text.parse::<ProxyUrl>().map(drop)?,
                Key::AttemptsAge
                | Key::ReadersAge
                | Key::Timeout
                | Key::StallTimeout
                | Key::ShutdownTimeout
                | Key::RetentionAge => {
                    positive(text).map(drop)?;
                }
                Key::Keepalive => keepalive::parse(text).map(drop)?,
                Key::DrainTime => duration::parse(text).map(drop)?,
                Key::Listen => endpoint(text).map(drop)?,
                Key::RetentionCount
                | Key::MaxConnections
                | Key::MaxConnectionsPerAddress
                | Key::MaxWebhooksPerHost
                | Key::MaxEventsPerSecond => number(text).map(drop)?,
                Key::RetentionFloor => floor(text).map(drop)?,
                Key::RetentionBytes => bytes::parse(text).map(drop)?,
                Key::AccessLog | Key::NoAuth if !matches!(text.as_str(), "true" | "false") => {
                    return Err(invalid(
                        format!("`{text}` is neither true nor false"),
                        "write `true` or `false`",
                    ));
                }
                Key::Toolset => toolset(text).map(drop)?,
                Key::IngestSecretStandardWebhooks => spellings::standard(text).map(drop)?,
                Key::LogFormat if !matches!(text.as_str(), "text" | "json") => {
                    return Err(invalid(format!("`{text}` is not a log format"), "write `text` or `json`"));
                }
                Key::AllowedHost => host_name(text)?,
                Key::Cors => Cors::parse(std::slice::from_ref(text)).map(drop)?,
                Key::IngestSecretGithub
                | Key::IngestSecretGithubFile
                | Key::IngestSecretStandardWebhooksFile
                | Key::IngestSecretStripe
                | Key::IngestSecretStripeFile
                | Key::Store
                | Key::Token
                | Key::TokenFile
                    if text.is_empty() =>
                {
                    return Err(invalid("the value is empty", "set a value or remove the key"));
                }
                Key::AccessLog
                | Key::IngestSecretGithub
                | Key::IngestSecretGithubFile
                | Key::IngestSecretStandardWebhooksFile
                | Key::IngestSecretStripe
                | Key::IngestSecretStripeFile
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

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn every_default_is_valid() {
        for key in Key::ALL {
            let texts: Vec<String> = key.default_text().into_iter().collect();
            assert!(key.check(&texts).is_ok(), "{key:?}");
        }
    }
}
