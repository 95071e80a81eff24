//! A gateway's parts, first created and then started: whatever can fail does so while nothing runs yet.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::Endpoint;
use fanfare_delivery::service as webhooks;
use fanfare_delivery::service::Webhooks;
use fanfare_hub::Hub;
use fanfare_hub::follower::Follower;
use fanfare_hub::forgetting::Forgetting;
use fanfare_hub::idle_callers::IdleCallers;
use fanfare_hub::readers_in_use::ReadersInUse;
use fanfare_runtime::budget::Budget;
use fanfare_runtime::clock::Skew;
use fanfare_runtime::parts::{self, Failures, Parts, Phase, once};
#[cfg(target_os = "linux")]
use fanfare_runtime::process::Process;
use fanfare_runtime::shutdown::Shutdown;
use fanfare_runtime::telemetry::Metrics;
use fanfare_runtime::turns::Turns;
use fanfare_server::http;
use fanfare_server::mcp;
use fanfare_server::mcp::service::Service;
use fanfare_server::mcp::session::table::{self, Sessions};
use fanfare_server::mcp::transports::door::Door;
use fanfare_server::net::connection::Shared;
use fanfare_server::net::connections::Connections;
use fanfare_server::net::counts::Counts;
use fanfare_server::net::heartbeat::{Beats, Heartbeat};
use fanfare_server::net::listeners::{self, Listeners};
use fanfare_server::net::reactor;
use fanfare_server::net::reactor::librarian::Librarian;
use fanfare_server::net::reactor::reactors::{Place, Reactors};
use fanfare_server::net::server::Server;
use fanfare_server::net::socket::Listener;
use fanfare_store::Store;
use fanfare_store::sweeper::Sweeper;
use tokio::sync::watch;

use super::descriptors::Descriptors;
use super::sockets::Sockets;
use super::{Config, rows};

/// Maximum reactors: beyond that many cores, sockets are not the bottleneck of a gateway.
const REACTORS_MAX: usize = 8;

/// A gateway that is made and not started.
pub(super) struct Assembly {
    handles: Handles,
    failures: Failures,
    work: Work,
}

/// The handles to the parts of a gateway.
#[derive(Debug, Clone)]
pub(super) struct Handles {
    pub(super) parts: Parts,
    pub(super) store: Store,
    pub(super) hub: Hub,
    pub(super) webhooks: Webhooks,
    pub(super) reactors: Arc<Reactors>,
    pub(super) door: Door,
}

/// The work of the parts, before it starts.
struct Work {
    follower: Follower,
    readers_in_use: ReadersInUse,
    sweeper: Sweeper,
    webhooks: webhooks::Work,
    librarian: Librarian,
    heartbeat: Heartbeat,
    places: Vec<Place>,
    sessions: table::Worker,
    sockets: Vec<(Endpoint, Listener)>,
    accepting: Accepting,
    listeners: listeners::Worker,
}

/// The state that accept loops share.
#[derive(Clone)]
struct Accepting {
    connections: Arc<Connections>,
    shared: Arc<Shared>,
    /// Maximum time for connections to end.
    grace: watch::Receiver<Duration>,
}

/// The parts that keep connections after a route has responded.
struct Outlets {
    reactors: Arc<Reactors>,
    places: Vec<Place>,
    librarian: Librarian,
    heartbeat: Heartbeat,
    beats: Beats,
}

impl Outlets {
    fn new(config: &http::Config, counts: &Counts) -> io::Result<Outlets> {
        let (librarian, jobs) = Librarian::new();
        let streams = reactor::Config { stall_timeout: config.stall_timeout };
        let (reactors, places) = Reactors::new(reactor_count(), streams, &jobs, counts)?;
        let (heartbeat, beats) = Heartbeat::new(config.keepalive);
        Ok(Outlets { reactors, places, librarian, heartbeat, beats })
    }
}

impl Assembly {
    /// Creates the parts. Once `leaving` is set, clients are told to go elsewhere; at a stop, connections have until
    /// `grace` to end. The MCP door serves what `service` returns.
    pub(super) async fn new(
        store: Store,
        config: &Config,
        sockets: Sockets,
        leaving: Shutdown,
        grace: watch::Receiver<Duration>,
        service: impl FnOnce(&Webhooks, &Listeners) -> Arc<dyn Service>,
    ) -> anyhow::Result<Assembly> {
        let (parts, failures) = Parts::new();
        let metrics = Metrics::new();
        metrics.collect(parts.board().clone());
        metrics.collect(Skew(config.clock.clone()));
        #[cfg(target_os = "linux")]
        metrics.collect_of_process(Process);
        metrics.describe(&[("version", env!("CARGO_PKG_VERSION")), ("store", store.engine.name())]);
        let counts = Counts::new(&metrics);
        let stop = parts.stop_of(Phase::Doors);
        let sweeper = Sweeper::new(store.clone(), &metrics);
        let budget = Budget::default();
        metrics.collect(budget.clone());
        let descriptors = Descriptors::shared_out(config)?;

        let (hub, follower) = Hub::new(store.clone(), config.hub, &budget, &metrics).await?;
        let (listeners, listeners_worker) = Listeners::new(sockets.endpoints());
        let sending = webhooks::Config { sockets_max: descriptors.to_webhooks, ..config.webhooks.clone() };
        let (webhooks, webhooks_work) = Webhooks::new(
            hub.clone(),
            Arc::clone(&store.ledger),
            listeners.addresses(),
            sending,
            config.clock.clone(),
            &metrics,
        )
        .await?;

        let Outlets { reactors, places, librarian, heartbeat, beats } = Outlets::new(&config.http, &counts)?;

        let (sessions, sessions_worker) = Sessions::new();
        let door = Door {
            server: mcp::engine::Server::new(service(&webhooks, &listeners), stop.clone()),
            sessions,
            hub: hub.clone(),
            budget: budget.clone(),
            beats: beats.clone(),
            toolset: config.mcp.toolset,
        };
        let gateway = http::Gateway {
            hub: hub.clone(),
            webhooks: webhooks.clone(),
            config: Arc::new(config.http.clone()),
            listeners: listeners.addresses(),
            budget,
            exports: http::export::Exports::default(),
            foreign: http::foreign_names(),
            arrivals: http::sources::arrivals::Arrivals::default(),
            beats: beats.clone(),
            counts: counts.clone(),
            metrics,
            board: parts.board().clone(),
            leaving: leaving.clone(),
        };
        let connections = Connections::new(
            descriptors.for_connections,
            descriptors.limited_by,
            config.http.max_connections_per_address,
            counts.connections.clone(),
            counts.connections_lasting.clone(),
        );
        counts.connections_max.set(i64::try_from(descriptors.for_connections).unwrap_or(i64::MAX));
        let shared = Arc::new(Shared {
            router: http::routes(gateway, mcp::transports::routes(door.clone())),
            reactors: Arc::clone(&reactors),
            beats,
            stall_timeout: config.http.stall_timeout,
            turns: Turns::default(),
            counts,
            logs_access: config.http.access_log,
            leaving,
            stop,
        });
        let work = Work {
            follower,
            readers_in_use: ReadersInUse::new(hub.clone(), config.retention.readers),
            sweeper,
            webhooks: webhooks_work,
            librarian,
            heartbeat,
            places,
            sessions: sessions_worker,
            sockets: sockets.listening,
            accepting: Accepting { connections, shared, grace },
            listeners: listeners_worker,
        };
        let handles = Handles { parts, store, hub, webhooks, reactors, door };
        Ok(Assembly { handles, failures, work })
    }

    /// Fills the table of running parts; all of them start. Cannot fail.
    pub(super) fn start(self) -> (Handles, Failures) {
        let Assembly { handles, failures, work } = self;
        let Handles { parts, store, hub, .. } = &handles;
        let Work { follower, webhooks, sessions, accepting, .. } = work;
        let webhooks::Work { dispatcher, recording } = webhooks;
        parts.task(rows::STORE, watch(store.clone()));
        parts.task(rows::FOLLOWER, once(async move |stop| Ok(follower.run(stop).await?)));
        parts.task(rows::SWEEPER, work.sweeper);
        parts.task(rows::IDLE_CALLERS, IdleCallers::new(hub.clone()));
        parts.task(rows::READERS_IN_USE, work.readers_in_use);
        let named = handles.webhooks.clone();
        parts.task(rows::FORGETTING, Forgetting::new(hub.clone(), move || named.named_channels()));
        parts.task(rows::RECORDER, once(async move |stop| Ok(recording.run(stop).await?)));
        parts.task(rows::DISPATCHER, once(async move |stop| Ok(dispatcher.run(stop).await?)));
        parts.task(rows::LIBRARIAN, work.librarian);
        parts.task(rows::HEARTBEAT, work.heartbeat);
        for (number, mut place) in work.places.into_iter().enumerate() {
            let row = rows::REACTOR.named(format!("reactor-{number}"));
            parts.thread(row, move |stop, pulse| place.run(&stop, pulse));
        }
        let answer_calls = async move |stop| {
            sessions.run(stop).await;
            Ok(())
        };
        parts.task(rows::SESSIONS, once(answer_calls));
        let accept = {
            let parts = parts.clone();
            move |address, socket| accepting.begin(&parts, address, socket)
        };
        for (address, socket) in work.sockets {
            accept(address, socket);
        }
        parts.task(rows::LISTENERS, work.listeners.serving(accept));
        (handles, failures)
    }
}

impl Accepting {
    fn begin(&self, parts: &Parts, address: Endpoint, socket: Listener) {
        let row = rows::ACCEPT.named(format!("accept {address}"));
        let (connections, shared) = (Arc::clone(&self.connections), Arc::clone(&self.shared));
        parts.task(row, Server::new(socket, connections, shared, self.grace.clone()));
    }
}

/// Ends when the store reports that it can no longer be trusted.
fn watch(store: Store) -> impl parts::Work {
    once(async move |mut stop: Shutdown| {
        tokio::select! {
            error = store.engine.failed() => Err(error.into()),
            () = stop.asked() => Ok(()),
        }
    })
}

/// Returns one reactor for each core, up to the maximum.
fn reactor_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(REACTORS_MAX)
}
