//! The application: builds the parts, spawns what runs, and stops it in order. Nobody else spawns.

#![expect(clippy::disallowed_methods, reason = "this is the place that spawns")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::engines;
use crate::engines::StoreSpec;
use crate::tasks;
use fanfare_delivery::service as webhooks;
use fanfare_delivery::service::Webhooks;
use fanfare_hub as hub;
use fanfare_hub::Hub;
use fanfare_runtime::shutdown::{Shutdown, Trigger};
use fanfare_runtime::telemetry::Metrics;
use fanfare_server::http;
use fanfare_server::http::Gateway;
use fanfare_server::mcp;
use fanfare_server::mcp::service::Service;
use fanfare_server::mcp::session::table::Sessions;
use fanfare_server::mcp::transports::door::Door;
use fanfare_server::net::connection::Shared;
use fanfare_server::net::heartbeat::Heartbeat;
use fanfare_server::net::limits::Connections;
use fanfare_server::net::listeners;
use fanfare_server::net::listeners::Listeners;
use fanfare_server::net::reactor::inbox::Reactors;
use fanfare_server::net::reactor::librarian::Librarian;
use fanfare_server::net::reactor::{self, Reactor};
use fanfare_server::net::server::Server;
use fanfare_store as store;
use fanfare_store::Store;

/// Most reactors: beyond that many cores, sockets are not what a gateway waits for.
const REACTORS_MAX: usize = 8;
/// How long attempts that are under way have at least when the gateway stops: a worker cuts its own off earlier.
const ATTEMPTS_END_MAX: Duration = Duration::from_secs(6);
/// Descriptors that are kept for files and pipes.
const DESCRIPTORS_RESERVED: u64 = 256;
/// The part of the descriptors that connections to webhooks may take: one of so many.
const WEBHOOKS_SHARE: usize = 4;

/// What an operator may change.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// The store.
    pub store: StoreSpec,
    /// What the store keeps.
    pub retention: store::Retention,
    /// The HTTP door.
    pub http: http::Config,
    /// The hub.
    pub hub: hub::Config,
    /// The MCP door.
    pub mcp: mcp::transports::door::Config,
    /// The webhooks.
    pub webhooks: webhooks::Config,
    /// How long a stop may take; default 10 s.
    pub shutdown_timeout: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8000))],
            store: StoreSpec::Memory,
            retention: store::Retention::default(),
            http: http::Config::default(),
            hub: hub::Config::default(),
            mcp: mcp::transports::door::Config::default(),
            webhooks: webhooks::Config::default(),
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

/// A gateway that runs.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<SocketAddr>,
    url: String,
    hub: Hub,
    webhooks: Webhooks,
    door: Door,
    stop: Trigger,
    ended: JoinHandle<Result<(), store::Error>>,
}

impl Running {
    /// Gives the address for a browser on this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Gives the addresses that it listens on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Gives the hub.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Gives the webhooks.
    pub fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// Gives what MCP clients are served with, for one that is in this process.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// Begins to stop; [`Running::ended`] says when it has.
    pub fn stop(&self) {
        self.stop.pull();
    }

    /// Gives what makes it stop, for whoever waits for the end at the same time.
    pub fn stopper(&self) -> Trigger {
        self.stop.clone()
    }

    /// Waits until it has stopped: because it was told to, or because the store failed.
    pub async fn ended(self) -> Result<(), store::Error> {
        self.ended.await.unwrap_or_else(|error| Err(store::Error::Other { problem: error.to_string() }))
    }
}

/// Opens the store and starts a gateway on it.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let (spec, retention) = (config.store.clone(), config.retention);
    let store = tokio::task::spawn_blocking(move || engines::open(&spec, retention)).await??;
    start_on(store, config).await
}

/// Starts a gateway on a store that is open.
pub async fn start_on(store: Store, config: Config) -> anyhow::Result<Running> {
    let gateway = |webhooks: &Webhooks, listeners: &Listeners| -> Arc<dyn Service> {
        Arc::new(mcp::gateway::Gateway::new(webhooks.clone(), listeners.clone()))
    };
    start_with(store, config, gateway).await
}

/// Starts a gateway whose MCP door serves what `service` gives.
pub async fn start_serving(
    store: Store,
    config: Config,
    service: impl FnOnce(&Hub) -> Arc<dyn Service>,
) -> anyhow::Result<Running> {
    start_with(store, config, |webhooks, _| service(webhooks.hub())).await
}

async fn start_with(
    store: Store,
    config: Config,
    service: impl FnOnce(&Webhooks, &Listeners) -> Arc<dyn Service>,
) -> anyhow::Result<Running> {
    let mut sockets = Vec::new();
    for address in &config.listen {
        let listener = listeners::bind(*address).with_context(|| format!("cannot listen on {address}"))?;
        sockets.push(listener);
    }
    let addresses: Vec<SocketAddr> =
        sockets.iter().map(TcpListener::local_addr).collect::<Result<_, _>>().context("no address")?;
    let first = *addresses.first().context("at least one address to listen on is needed")?;

    let url = format!("http://{}", listeners::browsable(first));
    store.engine.announce(&url)?;

    let metrics = Metrics::new();
    let (hub, follower) = Hub::new(store.clone(), config.hub, metrics.clone()).await?;
    let (more, more_worker) = Listeners::new(addresses.clone());
    let descriptors = descriptors();
    let to_webhooks = config.webhooks.sockets_max.min(descriptors / WEBHOOKS_SHARE);
    let (webhooks, work) = Webhooks::new(
        hub.clone(),
        Arc::clone(&store.ledger),
        more.addresses(),
        webhooks::Config { sockets_max: to_webhooks, ..config.webhooks.clone() },
        metrics.clone(),
    )
    .await?;
    let (background, background_stop) = Trigger::new();
    let (accepting, accepting_stop) = Trigger::new();

    let (librarian, jobs) = Librarian::new();
    let reactor_config =
        reactor::Config { stall_timeout: config.http.stall_timeout, keepalive: config.http.keepalive };
    let mut inboxes = Vec::new();
    let mut threads = Vec::new();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for number in 0..cores.min(REACTORS_MAX) {
        let (reactor, inbox) = Reactor::new(reactor_config, jobs.clone(), metrics.clone())?;
        let (done, ended) = oneshot::channel();
        std::thread::Builder::new().name(format!("reactor-{number}")).spawn(move || {
            // Nobody may be waiting any more.
            let _ = done.send(reactor.run());
        })?;
        inboxes.push(inbox);
        threads.push(ended);
    }
    let reactors = Arc::new(Reactors::new(inboxes));

    let (heartbeat, beats) = Heartbeat::new(config.http.keepalive);
    let connections = Connections::new(
        config.http.max_connections.min(descriptors.saturating_sub(to_webhooks)),
        config.http.max_connections_per_address,
        metrics.connections.clone(),
    );
    let (sessions, sessions_worker) = Sessions::new();
    let gateway = Gateway {
        hub: hub.clone(),
        webhooks: webhooks.clone(),
        config: Arc::new(config.http.clone()),
        listeners: more.addresses(),
    };
    let door = Door {
        server: mcp::engine::Server::new(service(&webhooks, &more), accepting_stop.clone()),
        sessions,
        hub: hub.clone(),
        beats: beats.clone(),
        toolset: config.mcp.toolset,
    };
    let sessions = tokio::spawn(sessions_worker.run(accepting_stop.clone()));
    let shared = Shared {
        router: http::routes(gateway, mcp::transports::routes(door.clone())),
        reactors: Arc::clone(&reactors),
        beats,
        stall_timeout: config.http.stall_timeout,
        metrics: metrics.clone(),
        stop: accepting_stop,
    };
    let grace = config.shutdown_timeout;
    let stop = shared.stop.clone();
    // Attempts under way end while the doors close; what they come to is written down after that.
    let dispatcher = tokio::spawn(work.dispatcher.run(stop.clone()));
    let recording = tokio::spawn(work.recording.run(background_stop.clone()));
    let serve = move |listener| -> BoxFuture<'static, ()> {
        let (connections, shared) = (Arc::clone(&connections), shared.clone());
        Box::pin(Server { listener, connections, shared }.run(grace))
    };
    let mut servers: Vec<_> = sockets.into_iter().map(|socket| tokio::spawn(serve(socket))).collect();
    servers.push(tokio::spawn(more_worker.run(serve, stop)));

    tokio::spawn(librarian.run(background_stop.clone()));
    tokio::spawn(heartbeat.run(background_stop.clone()));
    tokio::spawn(tasks::forget_idle_callers(hub.clone(), background_stop.clone()));
    let follower = tokio::spawn(follower.run(background_stop.clone()));
    let sweeper = {
        let (store, stop) = (store.clone(), background_stop);
        tokio::spawn(async move { tasks::sweep(&store, stop).await })
    };

    let (stop, stop_asked) = Trigger::new();
    let parts = Parts {
        store,
        hub: hub.clone(),
        sessions,
        servers,
        reactors,
        threads,
        follower,
        sweeper,
        dispatcher,
        recording,
    };
    let phases = Phases { accepting, background, grace };
    let ended = tokio::spawn(supervise(parts, phases, stop_asked));
    Ok(Running { addresses, url, hub, webhooks, door, stop, ended })
}

/// What must end before the gateway has.
struct Parts {
    store: Store,
    hub: Hub,
    sessions: JoinHandle<()>,
    servers: Vec<JoinHandle<()>>,
    reactors: Arc<Reactors>,
    threads: Vec<oneshot::Receiver<std::io::Result<()>>>,
    follower: JoinHandle<Result<(), store::Error>>,
    sweeper: JoinHandle<Result<(), store::Error>>,
    dispatcher: JoinHandle<Result<(), store::Error>>,
    recording: JoinHandle<Result<(), store::Error>>,
}

/// What each part waits for.
struct Phases {
    /// Turns true when no more connections are accepted.
    accepting: Trigger,
    /// Turns true when everything that delivers has ended.
    background: Trigger,
    /// How long all of it may take.
    grace: Duration,
}

/// Waits for the end and then stops in order: accept no more; tell the readers to come back; close the store.
async fn supervise(mut parts: Parts, phases: Phases, mut stop: Shutdown) -> Result<(), store::Error> {
    let outcome = tokio::select! {
        () = stop.asked() => Ok(()),
        error = parts.store.engine.failed() => Err(error),
        ended = &mut parts.follower => Err(unexpected("the follower", ended)),
        ended = &mut parts.sweeper => Err(unexpected("the sweeper", ended)),
        ended = &mut parts.dispatcher => Err(unexpected("the dispatcher of webhooks", ended)),
        ended = &mut parts.recording => Err(unexpected("the recorder of webhooks", ended)),
    };
    if let Err(error) = &outcome {
        tracing::error!(%error, "stopping, because the log can no longer be trusted");
    }
    let deadline = tokio::time::Instant::now() + phases.grace;
    phases.accepting.pull();
    parts.hub.close();
    parts.reactors.stop();
    let ended = async {
        for thread in &mut parts.threads {
            // A thread that is gone has ended too.
            let _ = thread.await;
        }
    };
    if tokio::time::timeout_at(deadline, ended).await.is_err() {
        tracing::info!("streams were cut off that did not end in time");
        parts.reactors.hang_up();
    }
    // The worker ends by itself; one that panicked has ended too.
    let _ = parts.sessions.await;
    for server in parts.servers {
        // A server waits no longer than the grace; one that panicked has ended too.
        let _ = server.await;
    }
    // One that panicked has ended too. A handle that was waited for above is not asked again. Workers may wait for what
    // cannot be written down, as with a full disk: nothing of that is lost, it is sent again by the next start.
    let attempts_end = deadline.max(tokio::time::Instant::now() + ATTEMPTS_END_MAX);
    if !parts.dispatcher.is_finished()
        && tokio::time::timeout_at(attempts_end, &mut parts.dispatcher).await.is_err()
    {
        tracing::warn!("deliveries were cut off that could not be written down");
        parts.dispatcher.abort();
    }
    phases.background.pull();
    if !parts.recording.is_finished() {
        let _ = parts.recording.await;
    }
    parts.store.engine.close().await;
    outcome
}

fn unexpected(what: &str, ended: Result<Result<(), store::Error>, tokio::task::JoinError>) -> store::Error {
    match ended {
        Ok(Err(error)) => error,
        Ok(Ok(())) => store::Error::Fatal { problem: format!("{what} ended") },
        Err(error) => store::Error::Fatal { problem: format!("{what} panicked: {error}") },
    }
}

/// Raises the limit of open descriptors as far as it goes, and says how many connections that allows.
fn descriptors() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let allowed = allowed.map_or(u64::MAX, |allowed| allowed.saturating_sub(DESCRIPTORS_RESERVED));
    usize::try_from(allowed).unwrap_or(usize::MAX)
}
