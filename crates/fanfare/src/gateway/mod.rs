//! The gateway: creates the parts, fills the table of running parts, and stops it in order.

mod assembly;
mod descriptors;
mod rows;
mod sockets;
mod stopping;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fanfare_core::Endpoint;
use tokio::task::{JoinError, JoinHandle};

use crate::engines;
use crate::engines::{OpenError, StoreSpec};
use fanfare_delivery::service as webhooks;
use fanfare_delivery::service::Webhooks;
use fanfare_hub as hub;
use fanfare_hub::Hub;
use fanfare_runtime::parts::{Board, Cause, Failure};
use fanfare_runtime::shutdown::Trigger;
use fanfare_server::http;
use fanfare_server::mcp;
use fanfare_server::mcp::gateway::declared::Tools;
use fanfare_server::mcp::service::Service;
use fanfare_server::mcp::transports::door::Door;
use fanfare_server::net::listeners;
use fanfare_server::net::listeners::Listeners;
use fanfare_store as store;
use fanfare_store::{Clock, Store};

use assembly::{Assembly, Handles};
pub use sockets::{Inheritance, Inherited, Sockets, Spare};
pub use stopping::Times;
use stopping::supervise;

/// Maximum time that a successor waits for the log: enough for its predecessor to drain and stop.
const SUCCESSION_MAX: Duration = Duration::from_secs(120);
/// The pause between two attempts to open a log that another process has.
const SUCCESSION_PAUSE: Duration = Duration::from_millis(20);

/// The settings that an operator can change.
#[derive(Debug, Clone)]
pub struct Config {
    /// The addresses to listen on; port 0 picks a free one.
    pub listen: Vec<Endpoint>,
    /// The store.
    pub store: StoreSpec,
    /// The limits of retention.
    pub retention: store::Retention,
    /// The settings of the HTTP door.
    pub http: http::Config,
    /// The hub.
    pub hub: hub::Config,
    /// The settings of the MCP door.
    pub mcp: mcp::transports::door::Config,
    /// The tools of the MCP door.
    pub tools: Tools,
    /// The webhooks.
    pub webhooks: webhooks::Config,
    /// The time for which a gateway keeps serving before it stops, so that clients stop sending to it; default
    /// 0.
    pub drain_time: Duration,
    /// Maximum duration of a stop, after that; default 10 s.
    pub shutdown_timeout: Duration,
    /// The clock; by default that of the machine.
    pub clock: Clock,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8000)).into()],
            store: StoreSpec::Memory,
            retention: store::Retention::default(),
            http: http::Config::default(),
            hub: hub::Config::default(),
            mcp: mcp::transports::door::Config::default(),
            tools: Tools::default(),
            webhooks: webhooks::Config::default(),
            drain_time: Duration::ZERO,
            shutdown_timeout: Duration::from_secs(10),
            clock: Clock::default(),
        }
    }
}

/// A gateway that runs.
#[derive(Debug)]
pub struct Running {
    endpoints: Vec<Endpoint>,
    spare: Spare,
    times: Times,
    tools: Tools,
    url: String,
    handles: Handles,
    stop: Trigger,
    ended: JoinHandle<Result<(), Failure>>,
}

impl Running {
    /// Returns the address for a browser on this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the addresses that it listens on.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Returns how long the steps of its stop may take.
    pub fn times(&self) -> Times {
        self.times.clone()
    }

    /// Returns the tools of the MCP door, which can change while the gateway runs.
    pub fn tools(&self) -> Tools {
        self.tools.clone()
    }

    /// Returns what keeps its sockets for a successor.
    pub fn spare(&self) -> Spare {
        self.spare.clone()
    }

    /// Returns the hub.
    pub fn hub(&self) -> &Hub {
        &self.handles.hub
    }

    /// Returns the webhooks.
    pub fn webhooks(&self) -> &Webhooks {
        &self.handles.webhooks
    }

    /// Returns the MCP server, for a client in this process.
    pub fn door(&self) -> &Door {
        &self.handles.door
    }

    /// Returns the board, which shows the health of every part.
    pub fn board(&self) -> &Board {
        self.handles.parts.board()
    }

    /// Starts to stop; [`Running::ended`] resolves at the end.
    pub fn stop(&self) {
        self.stop.pull();
    }

    /// Returns the trigger of the stop, for a caller that waits for the end at the same time.
    pub fn stopper(&self) -> Trigger {
        self.stop.clone()
    }

    /// Waits until it has stopped: on request, or because an essential part has ended. If that was the store,
    /// [`Failure::error`] has the [`fanfare_store::Error`].
    pub async fn ended(self) -> Result<(), Failure> {
        self.ended.await.unwrap_or_else(|error| {
            Err(Failure { part: "gateway".to_owned(), cause: Cause::Panicked(error.to_string()) })
        })
    }
}

/// Opens the store and starts a gateway on it.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let store = opened(&config).await??;
    start_on(store, config).await
}

/// Opens the store, which blocks.
async fn opened(config: &Config) -> Result<Result<Store, OpenError>, JoinError> {
    let (spec, retention, clock) = (config.store.clone(), config.retention, config.clock.clone());
    tokio::task::spawn_blocking(move || engines::open(&spec, retention, clock)).await
}

/// Starts a gateway on sockets that were passed to it. While another process has the log, it waits, and accepts
/// no connections: the other process may still accept them on the same sockets.
pub async fn start_inheriting(config: Config, inherited: Inherited) -> anyhow::Result<Running> {
    let deadline = tokio::time::Instant::now() + SUCCESSION_MAX;
    let mut is_told = false;
    let store = loop {
        match opened(&config).await? {
            Err(error @ OpenError::Locked { .. }) if tokio::time::Instant::now() < deadline => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::info!(%error, "waiting for the log");
                }
                tokio::time::sleep(SUCCESSION_PAUSE).await;
            }
            opened => break opened?,
        }
    };
    start_at(store, config, inherited.into_sockets()?).await
}

/// Starts a gateway on a store that is open.
pub async fn start_on(store: Store, config: Config) -> anyhow::Result<Running> {
    let sockets = Sockets::bind(&config.listen)?;
    start_at(store, config, sockets).await
}

/// Starts a gateway with an open store, on sockets that already listen.
pub async fn start_at(store: Store, config: Config, sockets: Sockets) -> anyhow::Result<Running> {
    let tools = config.tools.clone();
    let gateway = |webhooks: &Webhooks, listeners: &Listeners| -> Arc<dyn Service> {
        Arc::new(mcp::gateway::Gateway::new(webhooks.clone(), listeners.clone(), tools))
    };
    start_with(store, config, sockets, gateway).await
}

/// Starts a gateway whose MCP door serves what `service` returns.
pub async fn start_serving(
    store: Store,
    config: Config,
    service: impl FnOnce(&Hub) -> Arc<dyn Service>,
) -> anyhow::Result<Running> {
    let sockets = Sockets::bind(&config.listen)?;
    start_with(store, config, sockets, |webhooks, _| service(webhooks.hub())).await
}

#[expect(clippy::disallowed_methods, reason = "the handle is kept in `Running`, which reports the end")]
async fn start_with(
    store: Store,
    config: Config,
    mut sockets: Sockets,
    service: impl FnOnce(&Webhooks, &Listeners) -> Arc<dyn Service>,
) -> anyhow::Result<Running> {
    let endpoints = sockets.endpoints();
    let spare = sockets.spare().context("cannot duplicate a descriptor")?;
    let first = endpoints.iter().find(|endpoint| endpoint.network().is_some()).or(endpoints.first());
    let url = listeners::url(first.context("at least one address to listen on is needed")?);
    store.engine.announce(&url)?;
    let (times, tools) = (Times::of(&config), config.tools.clone());
    let (stop, leaving) = Trigger::new();
    let assembly = Assembly::new(store, &config, sockets, leaving.clone(), times.grace(), service).await?;
    let (handles, failures) = assembly.start();
    let supervised = supervise(handles.clone(), failures, leaving, spare.clone(), times.clone());
    let ended = tokio::spawn(supervised);
    Ok(Running { endpoints, spare, times, tools, url, handles, stop, ended })
}
