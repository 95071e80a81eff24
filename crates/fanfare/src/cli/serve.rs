//! `fanfare serve`: a gateway.

use std::net::SocketAddr;

use fanfare_core::Invalid;
use fanfare_webhook::ingest::Secrets;
use fanfare_webhook::policy::{Mode, Policy};

use crate::cli::output::Output;
use crate::cli::output::style::{BOLD, DIM};
use crate::cli::settings::key::{
    address, number, plain_secret, positive, standard_key, toolset, webhook_mode,
};
use crate::cli::settings::{Key, Settings, explained};
use crate::cli::signals::Stop;
use crate::cli::{Context, Exit, Failure, block_on_all_cores, bytes, examples, failure, logging};
use crate::engines::{OpenError, StoreSpec};
use crate::gateway;
use fanfare_delivery::service as webhook;
use fanfare_hub as hub;
use fanfare_runtime::parts;
use fanfare_server::net::guard::Cors;
use fanfare_server::{http, mcp};
use fanfare_store as store;
use fanfare_store::Retention;

/// Start a gateway
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("On this machine, with a log that lasts", "fanfare serve"),
    ("For trying things out", "fanfare serve --store memory --listen 127.0.0.1:0"),
    ("Pages of an app may listen and push", "fanfare serve --cors https://app.example.com"),
    ("Keep a month, at most 10 GiB", "fanfare serve --retention-age 30d --retention-bytes 10GiB"),
], "\
Every option can stand in the configuration, in the table [serve], and in the
environment as FANFARE_… (FANFARE_LISTEN, FANFARE_STORE, …). Ctrl-C or SIGTERM
stops in order; a second one stops at once."))]
pub(crate) struct Args {
    /// Where to listen; repeatable, port 0 takes a free one [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// `memory`, or the file of the log [default: log.db in the user's data
    /// directory]
    #[arg(long, value_name = "PATH")]
    store: Option<String>,
    /// Remove events that are older [default: 7d]
    #[arg(long, value_name = "TIME")]
    retention_age: Option<String>,
    /// Keep at most so many events [default: 1000000]
    #[arg(long, value_name = "N")]
    retention_count: Option<String>,
    /// Keep at most so many bytes of events [default: 1GiB]
    #[arg(long, value_name = "SIZE")]
    retention_bytes: Option<String>,
    /// Keep failed attempts at webhooks for so long [default: 7d]
    #[arg(long, value_name = "TIME")]
    webhook_attempts_age: Option<String>,
    /// Where webhooks may go: `local` (this machine and its networks, too) or
    /// `locked` (public https addresses) [default: local on loopback, else locked]
    #[arg(long, value_name = "MODE")]
    webhook_mode: Option<String>,
    /// Webhooks may go there, too: an address, a network or a name; repeatable
    #[arg(long, value_name = "CIDR|HOST")]
    allow_target: Vec<String>,
    /// Pages of this origin may listen and push; repeatable, `*` for every page.
    /// Pages on this machine always may
    #[arg(long, value_name = "ORIGIN")]
    cors: Vec<String>,
    /// Answer for this host name, besides `localhost` and addresses; repeatable
    #[arg(long, value_name = "NAME")]
    allowed_host: Vec<String>,
    /// Serve other machines without asking who they are
    #[arg(long)]
    no_auth: bool,
    /// Most connections [default: 65536, or what the system allows]
    #[arg(long, value_name = "N")]
    max_connections: Option<String>,
    /// Most connections from one other machine [default: 1024]
    #[arg(long, value_name = "N")]
    max_connections_per_address: Option<String>,
    /// Most events per second from one caller [default: 500000]
    #[arg(long, value_name = "N")]
    max_events_per_second: Option<String>,
    /// Disconnect a reader that takes nothing for so long [default: 60s]
    #[arg(long, value_name = "TIME")]
    stall_timeout: Option<String>,
    /// How long a stop may take [default: 10s]
    #[arg(long, value_name = "TIME")]
    shutdown_timeout: Option<String>,
    /// Which MCP tools are offered: essential, all or readonly [default: essential]
    #[arg(long, value_name = "SET")]
    toolset: Option<String>,
    /// The form of the log on stderr: text or json [default: text]
    #[arg(long, value_name = "FORM", value_parser = ["text", "json"], hide_possible_values = true)]
    log_format: Option<String>,
}

impl Args {
    /// Gives the values of the flags that were given.
    pub(crate) fn flags(&self) -> impl Iterator<Item = (Key, Vec<String>)> {
        let one = |key: Key, text: &Option<String>| (key, text.iter().cloned().collect());
        let texts: [(Key, Vec<String>); 18] = [
            (Key::Listen, self.listen.clone()),
            one(Key::Store, &self.store),
            one(Key::RetentionAge, &self.retention_age),
            one(Key::RetentionCount, &self.retention_count),
            one(Key::RetentionBytes, &self.retention_bytes),
            one(Key::AttemptsAge, &self.webhook_attempts_age),
            one(Key::WebhookMode, &self.webhook_mode),
            (Key::AllowTarget, self.allow_target.clone()),
            (Key::Cors, self.cors.clone()),
            (Key::AllowedHost, self.allowed_host.clone()),
            (Key::NoAuth, self.no_auth.then(|| "true".to_owned()).into_iter().collect()),
            one(Key::MaxConnections, &self.max_connections),
            one(Key::MaxConnectionsPerAddress, &self.max_connections_per_address),
            one(Key::MaxEventsPerSecond, &self.max_events_per_second),
            one(Key::StallTimeout, &self.stall_timeout),
            one(Key::ShutdownTimeout, &self.shutdown_timeout),
            one(Key::Toolset, &self.toolset),
            one(Key::LogFormat, &self.log_format),
        ];
        texts.into_iter().filter(|(_, texts)| !texts.is_empty())
    }
}

pub(crate) fn run(context: &Context) -> Result<Exit, Failure> {
    let settings = &context.settings;
    let config = config(settings)?;
    let format = match settings.text(Key::LogFormat).as_deref() {
        Some("json") => logging::Format::Json,
        _ => logging::Format::Text,
    };
    logging::start(format, context.output);
    block_on_all_cores(async {
        let mut stop = Stop::new()?;
        let spec = config.store.clone();
        let running = start(config).await?;
        tell(&running, &spec, context.output)?;
        serve(running, &mut stop, context.output).await
    })
}

/// Serves until it is told to stop, or cannot go on.
async fn serve(running: gateway::Running, stop: &mut Stop, output: Output) -> Result<Exit, Failure> {
    let trigger = running.stopper();
    let ended = running.ended();
    tokio::pin!(ended);
    let result = tokio::select! {
        result = &mut ended => result,
        _ = stop.asked() => {
            output.note(format!("{DIM}stopping; again to stop at once{DIM:#}"));
            trigger.pull();
            tokio::select! {
                result = &mut ended => result,
                exit = stop.asked() => return Ok(exit),
            }
        }
    };
    result.map_err(|failure| gateway_failure(&failure))?;
    Ok(Exit::Ok)
}

/// Starts a gateway; says why when it cannot.
pub(crate) async fn start(config: gateway::Config) -> Result<gateway::Running, Failure> {
    let listen = config.listen.clone();
    match gateway::start(config).await {
        Ok(running) => Ok(running),
        Err(error) => Err(cannot_start(&error, &listen).await),
    }
}

/// Says why a gateway did not start.
pub(crate) async fn cannot_start(error: &anyhow::Error, listen: &[SocketAddr]) -> Failure {
    if let Some(error) = error.downcast_ref::<OpenError>() {
        return store_failure(error);
    }
    if let Some(error) = error.downcast_ref::<store::Error>() {
        return store_failure(error);
    }
    let cause = error.downcast_ref::<std::io::Error>();
    let failure = Failure::failed(error.to_string());
    let Some(cause) = cause else { return failure };
    let failure = failure.why(failure::said(cause));
    if cause.kind() == std::io::ErrorKind::PermissionDenied {
        return failure.fix("take a port above 1023, or grant the right to bind lower ones");
    }
    if cause.kind() != std::io::ErrorKind::AddrInUse {
        return failure.fix("see `ip address` for the addresses of this machine");
    }
    let failure = failure.fix("take a free port: --listen 127.0.0.1:0");
    for address in listen {
        if let Some(version) = gateway_at(*address).await {
            let why = format!("a Fanfare gateway (version {version}) answers at http://{address} already");
            return failure.why(why).fix("use that one, or take a free port: --listen 127.0.0.1:0");
        }
    }
    failure
}

/// Asks whether a gateway has the address already.
async fn gateway_at(address: SocketAddr) -> Option<String> {
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);
    let target =
        fanfare_client::Target { server: format!("http://{address}"), token: None, timeout: PATIENCE };
    let api = fanfare_client::Api::new(target).ok()?;
    api.status().await.ok().map(|status| status.value.version.into_owned())
}

/// Says why a gateway has ended, and what to do.
pub(crate) fn gateway_failure(failure: &parts::Failure) -> Failure {
    match failure.error::<store::Error>() {
        Some(error) => store_failure(error),
        None => Failure::failed(format!("the gateway had to stop: {failure}"))
            .fix("start it again; the lines that it logged before say more"),
    }
}

/// Says what is wrong with the log, and what to do.
pub(crate) fn store_failure(error: &impl std::fmt::Display) -> Failure {
    let text = error.to_string();
    // Errors of the store end in what to do.
    match text.split_once("; ") {
        Some((what, fix)) => Failure::failed(what).fix(fix),
        None => Failure::failed(text),
    }
}

fn tell(running: &gateway::Running, spec: &StoreSpec, output: Output) -> Result<(), Failure> {
    if output.mode.is_json() {
        let addresses: Vec<String> = running.addresses().iter().map(ToString::to_string).collect();
        let line = serde_json::json!({
            "event": "listening",
            "url": running.url(),
            "addresses": addresses,
            "store": spec.to_string(),
        });
        output.line(line.to_string())?;
        return Ok(());
    }
    output.note(format!("{BOLD}listening on {}{BOLD:#}", running.url()));
    for address in running.addresses().iter().skip(1) {
        output.note(format!("{BOLD}listening on http://{address}{BOLD:#}"));
    }
    let log = match spec {
        StoreSpec::Memory => "kept in memory, and gone with the gateway".to_owned(),
        StoreSpec::Embedded(path) => path.display().to_string(),
    };
    let url = running.url();
    let server = if url.ends_with(":8000") { String::new() } else { format!(" --server {url}") };
    output.hint(format!(
        "  {DIM}dashboard{DIM:#}  {url}/\n  {DIM}log{DIM:#}        {log}\n  {DIM}push{DIM:#}       fanfare push \"hello\"{server}\n  \
         {DIM}listen{DIM:#}     fanfare listen{server}\n  {DIM}stop{DIM:#}       Ctrl-C"
    ));
    Ok(())
}

/// Gives where webhooks may be sent: whoever can only be reached from this machine trusts this machine.
fn webhooks(settings: &Settings, listen: &[SocketAddr]) -> Result<webhook::Config, Failure> {
    let is_local = listen.iter().all(|address| address.ip().is_loopback());
    let by_address = if is_local { Mode::Local } else { Mode::Locked };
    let allow =
        settings.texts(Key::AllowTarget).iter().map(|text| text.parse()).collect::<Result<_, Invalid>>()?;
    let interfaces = if_addrs::get_if_addrs().map_err(|error| {
        Failure::failed("the addresses of this machine cannot be read").why(failure::said(&error))
    })?;
    let policy = Policy {
        mode: settings.parsed(Key::WebhookMode, webhook_mode)?.unwrap_or(by_address),
        allow,
        interfaces: interfaces.iter().map(if_addrs::Interface::ip).collect(),
        ..Policy::default()
    };
    Ok(webhook::Config { policy, ..webhook::Config::default() })
}

/// Gives the configuration of a gateway.
pub(crate) fn config(settings: &Settings) -> Result<gateway::Config, Failure> {
    let retention = Retention::default();
    let http_default = http::Config::default();
    let size = |key, default: usize| -> Result<usize, Failure> {
        let number = settings.parsed(key, number)?;
        Ok(number.map_or(default, |number| usize::try_from(number).unwrap_or(usize::MAX)))
    };
    let events_per_second = settings
        .parsed(Key::MaxEventsPerSecond, number)?
        .map_or(hub::Config::default().events_per_second, |number| u32::try_from(number).unwrap_or(u32::MAX));
    let listen: Vec<SocketAddr> =
        settings.texts(Key::Listen).iter().map(|text| address(text)).collect::<Result<_, Invalid>>()?;
    let config = gateway::Config {
        webhooks: webhooks(settings, &listen)?,
        listen,
        store: store_spec(settings)?,
        retention: Retention {
            age: settings.parsed(Key::RetentionAge, positive)?.unwrap_or(retention.age),
            count: settings.parsed(Key::RetentionCount, number)?.unwrap_or(retention.count),
            bytes: settings.parsed(Key::RetentionBytes, bytes::parse)?.unwrap_or(retention.bytes),
            attempts: settings.parsed(Key::AttemptsAge, positive)?.unwrap_or(retention.attempts),
            ..retention
        },
        http: http::Config {
            cors: cors(settings)?,
            allowed_hosts: settings.texts(Key::AllowedHost),
            ingest: ingest_secrets(settings)?,
            max_connections: size(Key::MaxConnections, http_default.max_connections)?,
            max_connections_per_address: size(
                Key::MaxConnectionsPerAddress,
                http_default.max_connections_per_address,
            )?,
            stall_timeout: settings
                .parsed(Key::StallTimeout, positive)?
                .unwrap_or(http_default.stall_timeout),
            ..http_default
        },
        hub: hub::Config { events_per_second },
        mcp: mcp::transports::door::Config {
            toolset: settings.parsed(Key::Toolset, toolset)?.unwrap_or_default(),
        },
        shutdown_timeout: settings
            .parsed(Key::ShutdownTimeout, positive)?
            .unwrap_or(gateway::Config::default().shutdown_timeout),
    };
    refuse_strangers(&config, settings)?;
    Ok(config)
}

/// Gives what senders sign with.
fn ingest_secrets(settings: &Settings) -> Result<Secrets, Failure> {
    fn all<T>(
        settings: &Settings,
        key: Key,
        read: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Result<Vec<T>, Failure> {
        let Some(value) = settings.value(key) else { return Ok(Vec::new()) };
        let read: Result<Vec<T>, Invalid> = value.texts.iter().map(|text| read(text)).collect();
        read.map_err(|invalid| explained(&value.origin, key, invalid))
    }
    Ok(Secrets {
        github: all(settings, Key::IngestSecretGithub, plain_secret)?,
        standard_webhooks: all(settings, Key::IngestSecretStandardWebhooks, standard_key)?,
        stripe: all(settings, Key::IngestSecretStripe, plain_secret)?,
    })
}

/// Refuses to serve other machines without asking who they are, unless that was said in so many words.
fn refuse_strangers(config: &gateway::Config, settings: &Settings) -> Result<(), Failure> {
    if settings.is_on(Key::NoAuth) {
        return Ok(());
    }
    match config.listen.iter().find(|address| !address.ip().is_loopback()) {
        None => Ok(()),
        Some(address) => {
            Err(Failure::usage(format!("other machines could reach {address}, and nobody asks who they are"))
                .why("whoever reaches the gateway may push, and read everything")
                .fix(format!(
                    "listen on 127.0.0.1:{}; or, when the network is yours alone, add --no-auth",
                    address.port()
                )))
        }
    }
}

fn store_spec(settings: &Settings) -> Result<StoreSpec, Failure> {
    let text = settings.text(Key::Store).ok_or_else(|| {
        Failure::usage("there is no home directory for the log")
            .fix("name a file: --store PATH, or FANFARE_STORE")
    })?;
    let Ok(spec) = text.parse();
    Ok(spec)
}

fn cors(settings: &Settings) -> Result<Cors, Failure> {
    let Some(value) = settings.value(Key::Cors) else { return Ok(Cors::default()) };
    Cors::parse(&value.texts).map_err(|problem| {
        let (what, fix) = problem.split_once("; ").unwrap_or((&problem, "write `https://app.example.com`"));
        let invalid = Invalid::new(fanfare_core::Code::InvalidQuery, what, fix.to_owned());
        explained(&value.origin, Key::Cors, invalid)
    })
}
