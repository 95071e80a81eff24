//! `fanfare serve`: runs a gateway.

mod announcement;
mod lifetime;
mod program;
pub(crate) mod receivers;

use fanfare_core::{Endpoint, Invalid, duration, keepalive, limits};

use crate::cli::install;
use crate::cli::logging::{self, Format};
use crate::cli::serve::lifetime::{End, Signals};
use crate::cli::serve::program::Program;
use crate::cli::settings::values::{endpoint, floor, number, positive, toolset};
use crate::cli::settings::{Key, Settings, explained, secrets, with_default};
use crate::cli::startup::cannot_start;
use crate::cli::text::grouped;
use crate::cli::{Context, Exit, Failure, block_on_all_cores, bytes, examples};
use crate::engines::StoreSpec;
use crate::gateway;
use crate::gateway::Inherited;
use fanfare_hub as hub;
use fanfare_runtime::log_level::LogLevel;
use fanfare_server::mcp::gateway::declared::Tools;
use fanfare_server::net::base_path::BasePaths;
use fanfare_server::net::origin::Cors;
use fanfare_server::{http, mcp};
use fanfare_store::{Clock, Retention};

/// Start a gateway
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("For this machine, with a log that survives restarts", "fanfare serve"),
    ("For a quick test", "fanfare serve --store memory --listen 127.0.0.1:0"),
    ("Let a web app listen and push", "fanfare serve --cors https://app.example.com"),
    ("Keep a month, at most 10 GiB", "fanfare serve --retention-age 30d --retention-bytes 10GiB"),
], "You can also set every option in the [serve] table of the configuration file, or in the \
    environment as FANFARE_… (FANFARE_LISTEN, FANFARE_STORE, …). Ctrl-C or SIGTERM shuts down \
    cleanly; a second one stops immediately. SIGHUP reloads the settings; SIGUSR1 switches \
    debug logging on, and a second one off; SIGUSR2 restarts the gateway without refusing a connection."))]
pub(crate) struct Args {
    #[arg(long, value_name = "ADDR", help = with_default(
        "Address or `unix:PATH` to listen on; repeatable, port 0 picks a free one", Key::Listen))]
    listen: Vec<String>,
    /// Port of 127.0.0.1 to listen on: short for --listen 127.0.0.1:PORT
    #[arg(long, value_name = "PORT", conflicts_with = "listen")]
    port: Option<u16>,
    /// `memory` or the path of the log file [default: log.db in your data
    /// directory]
    #[arg(long, value_name = "PATH")]
    store: Option<String>,
    #[arg(long, value_name = "TIME", help = with_default("Remove events older than this", Key::RetentionAge))]
    retention_age: Option<String>,
    #[arg(long, value_name = "N", help = with_default("Keep at most this many events", Key::RetentionCount))]
    retention_count: Option<String>,
    #[arg(long, value_name = "SIZE", help = with_default(
        "Keep at most this many bytes of events", Key::RetentionBytes))]
    retention_bytes: Option<String>,
    #[arg(long, value_name = "N", help = with_default(
        "Spare this many of the newest events of each channel from the two limits above",
        Key::RetentionFloor))]
    retention_floor: Option<String>,
    #[arg(long, value_name = "TIME", help = with_default(
        "Keep unused readers for this long", Key::ReadersAge))]
    readers_age: Option<String>,
    #[arg(long, value_name = "TIME", help = with_default(
        "Keep failed webhook attempts for this long", Key::AttemptsAge))]
    webhook_attempts_age: Option<String>,
    /// Where webhooks may be sent: `local` (including this machine and its
    /// networks) or `locked` (public https addresses only) [default: local if only
    /// this machine can reach the gateway, else locked]
    #[arg(long, value_name = "MODE")]
    webhook_mode: Option<String>,
    /// Also allow webhooks to this address, network or host name; repeatable
    #[arg(long, value_name = "CIDR|HOST")]
    allow_target: Vec<String>,
    /// Send webhooks through this HTTP proxy, such as http://proxy.example:3128;
    /// receivers on this machine are called directly. In locked mode,
    /// --allow-target must name the proxy
    #[arg(long, value_name = "URL")]
    webhook_proxy: Option<String>,
    /// Let pages from this origin listen and push; repeatable, `*` for any origin.
    /// Pages on this machine are always allowed
    #[arg(long, value_name = "ORIGIN")]
    cors: Vec<String>,
    /// Also accept requests for this host name; repeatable. `localhost` and IP
    /// addresses are always accepted
    #[arg(long, value_name = "NAME")]
    allowed_host: Vec<String>,
    /// Path under which a proxy serves the gateway, such as /fanfare; requests may
    /// come with or without it
    #[arg(long, value_name = "PATH")]
    base_path: Option<String>,
    /// Believe X-Forwarded-Prefix of proxies at this address or network, or of all
    /// that connect to a Unix socket (`unix`); repeatable
    #[arg(long, value_name = "CIDR|unix")]
    trusted_proxy: Vec<String>,
    /// Accept connections from other machines without authentication
    #[arg(long)]
    no_auth: bool,
    #[arg(long, value_name = "N", help = max_connections_help())]
    max_connections: Option<String>,
    #[arg(long, value_name = "N", help = with_default(
        "Maximum connections from any one remote machine", Key::MaxConnectionsPerAddress))]
    max_connections_per_address: Option<String>,
    #[arg(long, value_name = "N", help = with_default(
        "Maximum number of webhooks to any one host", Key::MaxWebhooksPerHost))]
    max_webhooks_per_host: Option<String>,
    #[arg(long, value_name = "N", help = max_events_help())]
    max_events_per_second: Option<String>,
    #[arg(long, value_name = "TIME", help = with_default(
        "Disconnect a client that reads nothing for this long", Key::StallTimeout))]
    stall_timeout: Option<String>,
    #[arg(long, value_name = "TIME", help = with_default(
        "Send a keepalive on silent streams and WebSockets this often, from 1s to 5m", Key::Keepalive))]
    keepalive: Option<String>,
    #[arg(long, value_name = "TIME", help = with_default(
        "Before a shutdown, keep serving for this long, with /ready at 503", Key::DrainTime))]
    drain_time: Option<String>,
    #[arg(long, value_name = "TIME", help = with_default(
        "How long to wait for a clean shutdown", Key::ShutdownTimeout))]
    shutdown_timeout: Option<String>,
    #[arg(long, value_name = "SET", help = with_default(
        "MCP tools to offer: essential, all or readonly", Key::Toolset))]
    toolset: Option<String>,
    /// Log each request: method, path, status, bytes, duration and caller
    #[arg(long)]
    access_log: bool,
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = ["text", "json"],
        hide_possible_values = true,
        help = with_default("Log format on stderr: text or json", Key::LogFormat)
    )]
    log_format: Option<String>,
}

fn max_connections_help() -> String {
    let max = http::Config::default().max_connections;
    format!("Maximum number of connections [default: {max}, or what the system allows]")
}

fn max_events_help() -> String {
    let burst = grouped(limits::BATCH_LEN_MAX as u64);
    let text = format!("Maximum events per second from one caller; a burst of {burst} is always accepted");
    with_default(&text, Key::MaxEventsPerSecond)
}

impl Args {
    /// Returns the settings that were given as flags.
    pub(crate) fn flags(&self) -> impl Iterator<Item = (Key, Vec<String>)> {
        let one = |key: Key, text: &Option<String>| (key, text.iter().cloned().collect());
        let texts: [(Key, Vec<String>); 27] = [
            (
                Key::Listen,
                self.port.map_or_else(|| self.listen.clone(), |port| vec![format!("127.0.0.1:{port}")]),
            ),
            one(Key::Store, &self.store),
            one(Key::RetentionAge, &self.retention_age),
            one(Key::RetentionCount, &self.retention_count),
            one(Key::RetentionBytes, &self.retention_bytes),
            one(Key::RetentionFloor, &self.retention_floor),
            one(Key::ReadersAge, &self.readers_age),
            one(Key::AttemptsAge, &self.webhook_attempts_age),
            one(Key::WebhookMode, &self.webhook_mode),
            (Key::AllowTarget, self.allow_target.clone()),
            one(Key::WebhookProxy, &self.webhook_proxy),
            (Key::Cors, self.cors.clone()),
            (Key::AllowedHost, self.allowed_host.clone()),
            one(Key::BasePath, &self.base_path),
            (Key::TrustedProxy, self.trusted_proxy.clone()),
            (Key::NoAuth, self.no_auth.then(|| "true".to_owned()).into_iter().collect()),
            one(Key::MaxConnections, &self.max_connections),
            one(Key::MaxConnectionsPerAddress, &self.max_connections_per_address),
            one(Key::MaxWebhooksPerHost, &self.max_webhooks_per_host),
            one(Key::MaxEventsPerSecond, &self.max_events_per_second),
            one(Key::StallTimeout, &self.stall_timeout),
            one(Key::Keepalive, &self.keepalive),
            one(Key::DrainTime, &self.drain_time),
            one(Key::ShutdownTimeout, &self.shutdown_timeout),
            one(Key::Toolset, &self.toolset),
            (Key::AccessLog, self.access_log.then(|| "true".to_owned()).into_iter().collect()),
            one(Key::LogFormat, &self.log_format),
        ];
        texts.into_iter().filter(|(_, texts)| !texts.is_empty())
    }
}

pub(crate) fn run(context: &Context) -> Result<Exit, Failure> {
    let format = match context.settings.text(Key::LogFormat).as_deref() {
        Some("json") => Format::Json,
        _ => Format::Text,
    };
    let level = logging::start(format, context.output);
    match run_logged(context, format, &level) {
        Err(failure) if format == Format::Json => Ok(logging::log_failure(&failure)),
        result => result,
    }
}

fn run_logged(context: &Context, format: Format, level: &LogLevel) -> Result<Exit, Failure> {
    let program = Program::running()?;
    // Called before there are threads, because it changes the environment.
    let inherited = Inherited::from_environment().map_err(|error| {
        Failure::usage("cannot use the sockets that were passed to the gateway").why(format!("{error:#}"))
    })?;
    let end = block_on_all_cores(async {
        // First of all: SIGHUP and SIGUSR1 end a process that does not catch them yet.
        let mut signals = Signals::new()?;
        let listen = match &inherited {
            Some(inherited) => inherited.endpoints(),
            None => listen(&context.settings)?,
        };
        let mut config = config_at(&context.settings, listen)?;
        config.http.log_level = Some(level.clone());
        for warning in secrets::warnings(&context.settings) {
            tracing::warn!("{warning}");
        }
        let (spec, base) = (config.store.clone(), config.http.base_paths.own.clone());
        let running = tokio::select! {
            running = start_at(config, inherited) => running?,
            exit = signals.stop.asked() => return Ok(End::Exit(exit)),
        };
        announcement::announce(&running, &base, &spec, format, context.output)?;
        lifetime::serve(running, &mut signals, context, format, level).await
    })?;
    match end {
        End::Exit(exit) => Ok(exit),
        End::HandOver(sockets) => Err(program.continue_with(sockets)),
    }
}

/// Starts a gateway on the sockets that were passed, or else on the configured addresses. A gateway that had
/// the sockets before may still have the log.
async fn start_at(
    config: gateway::Config,
    inherited: Option<Inherited>,
) -> Result<gateway::Running, Failure> {
    let Some(inherited) = inherited else { return start(config).await };
    let listen = config.listen.clone();
    match gateway::start_inheriting(config, inherited).await {
        Ok(running) => Ok(running),
        Err(error) => Err(cannot_start(&error, &listen).await),
    }
}

/// Starts a gateway. The error says why it did not start.
pub(crate) async fn start(config: gateway::Config) -> Result<gateway::Running, Failure> {
    let listen = config.listen.clone();
    match gateway::start(config).await {
        Ok(running) => Ok(running),
        Err(error) => Err(cannot_start(&error, &listen).await),
    }
}

/// Returns the configuration of a gateway. Fails if `fanfare serve` would refuse to start with these settings.
pub(crate) fn config(settings: &Settings) -> Result<gateway::Config, Failure> {
    config_at(settings, listen(settings)?)
}

/// Returns the addresses to listen on.
fn listen(settings: &Settings) -> Result<Vec<Endpoint>, Failure> {
    let all: Result<_, Invalid> = settings.texts(Key::Listen).iter().map(|text| endpoint(text)).collect();
    Ok(all?)
}

/// Returns the configuration of a gateway at these addresses.
fn config_at(settings: &Settings, listen: Vec<Endpoint>) -> Result<gateway::Config, Failure> {
    let retention = Retention::default();
    let http_default = http::Config::default();
    let size = |key, default: usize| -> Result<usize, Failure> {
        let number = settings.parsed(key, number)?;
        Ok(number.map_or(default, |number| usize::try_from(number).unwrap_or(usize::MAX)))
    };
    let events_per_second = settings
        .parsed(Key::MaxEventsPerSecond, number)?
        .map_or(hub::Config::default().events_per_second, |number| u32::try_from(number).unwrap_or(u32::MAX));
    let (cors, allowed_hosts) = (cors(settings)?, settings.texts(Key::AllowedHost));
    let config = gateway::Config {
        webhooks: receivers::config(settings, &listen, &cors, &allowed_hosts)?,
        listen,
        store: store_spec(settings)?,
        clock: Clock::default(),
        retention: Retention {
            age: settings.parsed(Key::RetentionAge, positive)?.unwrap_or(retention.age),
            count: settings.parsed(Key::RetentionCount, number)?.unwrap_or(retention.count),
            bytes: settings.parsed(Key::RetentionBytes, bytes::parse)?.unwrap_or(retention.bytes),
            floor: settings.parsed(Key::RetentionFloor, floor)?.unwrap_or(retention.floor),
            attempts: settings.parsed(Key::AttemptsAge, positive)?.unwrap_or(retention.attempts),
            readers: settings.parsed(Key::ReadersAge, positive)?.unwrap_or(retention.readers),
            ..retention
        },
        http: http::Config {
            cors,
            allowed_hosts,
            ingest: secrets::read(settings)?,
            max_connections: size(Key::MaxConnections, http_default.max_connections)?,
            max_connections_per_address: size(
                Key::MaxConnectionsPerAddress,
                http_default.max_connections_per_address,
            )?,
            stall_timeout: settings
                .parsed(Key::StallTimeout, positive)?
                .unwrap_or(http_default.stall_timeout),
            base_paths: base_paths(settings)?,
            keepalive: settings.parsed(Key::Keepalive, keepalive::parse)?.unwrap_or(http_default.keepalive),
            access_log: settings.is_on(Key::AccessLog),
            assistants: install::assistants(),
            ..http_default
        },
        hub: hub::Config { events_per_second },
        mcp: mcp::transports::door::Config {
            toolset: settings.parsed(Key::Toolset, toolset)?.unwrap_or_default(),
        },
        tools: Tools::with(settings.tools()).map_err(Failure::usage)?,
        drain_time: settings.parsed(Key::DrainTime, duration::parse)?.unwrap_or_default(),
        shutdown_timeout: settings
            .parsed(Key::ShutdownTimeout, positive)?
            .unwrap_or(gateway::Config::default().shutdown_timeout),
    };
    refuse_strangers(&config, settings)?;
    Ok(config)
}

/// Refuses to listen on an address that other machines can reach, because there is no authentication yet. `--no-auth`
/// allows it.
fn refuse_strangers(config: &gateway::Config, settings: &Settings) -> Result<(), Failure> {
    if settings.is_on(Key::NoAuth) {
        return Ok(());
    }
    match config.listen.iter().filter_map(Endpoint::network).find(|address| !address.ip().is_loopback()) {
        None => Ok(()),
        Some(address) => {
            let what =
                format!("{address} is reachable from other machines, and the gateway has no authentication");
            Err(Failure::usage(what)
                .why("anyone who can reach the gateway could push and read everything")
                .fix(format!(
                    "listen on 127.0.0.1:{}, or add --no-auth if the network is yours alone",
                    address.port()
                )))
        }
    }
}

/// Returns the store that the settings name.
pub(crate) fn store_spec(settings: &Settings) -> Result<StoreSpec, Failure> {
    let text = settings.text(Key::Store).ok_or_else(|| {
        Failure::usage("no home directory found for the log")
            .fix("choose a file with --store PATH or FANFARE_STORE")
    })?;
    let Ok(spec) = text.parse();
    Ok(spec)
}

fn base_paths(settings: &Settings) -> Result<BasePaths, Failure> {
    let own = settings.parsed(Key::BasePath, str::parse)?.unwrap_or_default();
    let proxies: Result<_, Invalid> =
        settings.texts(Key::TrustedProxy).iter().map(|text| text.parse()).collect();
    Ok(BasePaths { own, proxies: proxies? })
}

fn cors(settings: &Settings) -> Result<Cors, Failure> {
    let Some(value) = settings.value(Key::Cors) else { return Ok(Cors::default()) };
    Cors::parse(&value.texts).map_err(|invalid| explained(&value.origin, Key::Cors, invalid))
}
