//! Finds the gateway: the one that the user named, the one that has the log open, or this process.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use crate::cli::output::Output;
use crate::cli::settings::{Key, Settings};
use crate::cli::{Failure, serve, startup};
use crate::engines;
use crate::engines::{OpenError, StoreSpec};
use crate::gateway;
use fanfare_client::{Api, Target};
use fanfare_core::Endpoint;
use fanfare_runtime::log_level::LogLevel;
use fanfare_store as store;
use fanfare_store_embedded as embedded;

/// How long a gateway on this machine may take to respond. Another program on its port may never respond.
const STATUS_MAX: Duration = Duration::from_millis(500);
/// How long the address of a gateway may stay in use after it has exited.
const ADDRESS_FREE_MAX: Duration = Duration::from_secs(2);
/// Delay between two attempts to listen on that address.
const ADDRESS_RETRY: Duration = Duration::from_millis(50);

/// The place of the gateway.
#[derive(Debug)]
pub(crate) enum Place {
    /// This process, which has just started to host it.
    Here(Box<gateway::Running>),
    /// Another process or machine.
    There(Target),
}

/// Why no gateway was found.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A retry would fail too.
    Lasting(Failure),
    /// A retry may succeed.
    Passing(Failure),
}

/// Finds the gateway, as often as needed.
#[derive(Debug)]
pub(crate) struct Finder {
    /// Whether the user named a gateway. Then this process never hosts one.
    is_named: bool,
    /// Whether the user chose neither a log nor an address. Then any gateway at the default address will do.
    is_anywhere: bool,
    /// Whether the user chose the address to listen on.
    is_address_chosen: bool,
    target: Target,
    /// The toolset that the user chose.
    toolset: Option<String>,
    config: gateway::Config,
    /// The last known address of the gateway.
    last: Option<SocketAddr>,
    output: Output,
}

impl Finder {
    /// Creates a finder from the settings.
    pub(crate) fn new(settings: &Settings, output: Output, level: LogLevel) -> Result<Finder, Failure> {
        let store_is_memory = settings.text(Key::Store).as_deref() == Some("memory");
        let is_named = settings.is_chosen(Key::Server) && !store_is_memory;
        // A process that never hosts needs no log, and so no directory for one.
        let mut config = if is_named { gateway::Config::default() } else { serve::config(settings)? };
        config.http.log_level = Some(level);
        Ok(Finder {
            is_named,
            is_anywhere: !settings.is_chosen(Key::Listen) && !settings.is_chosen(Key::Store),
            is_address_chosen: settings.is_chosen(Key::Listen),
            target: settings.target()?,
            toolset: settings.text(Key::Toolset).filter(|_| settings.is_chosen(Key::Toolset)),
            config,
            last: None,
            output,
        })
    }

    /// Returns whether the user named the gateway.
    pub(crate) fn is_named(&self) -> bool {
        self.is_named
    }

    /// Returns the toolset that the user chose.
    pub(crate) fn toolset(&self) -> Option<&str> {
        self.toolset.as_deref()
    }

    /// Finds the gateway. It tries the default address first, where a demo may listen, which has no log file. Then it
    /// tries to lock the log: the process that gets the lock becomes the host.
    pub(crate) async fn find(&mut self) -> Result<Place, Trouble> {
        if self.is_named {
            return Ok(Place::There(self.target.clone()));
        }
        if self.is_anywhere && self.is_gateway_at_target().await {
            return Ok(Place::There(self.target.clone()));
        }
        let (spec, retention) = (self.config.store.clone(), self.config.retention);
        let clock = self.config.clock.clone();
        let opened = tokio::task::spawn_blocking(move || engines::open(&spec, retention, clock)).await;
        let opened = opened.unwrap_or_else(|error| Err(OpenError::Other { problem: error.to_string() }));
        match (opened, &self.config.store) {
            (Ok(store), _) => self.host(store).await.map(|running| Place::Here(Box::new(running))),
            (Err(error @ OpenError::Locked { .. }), StoreSpec::Embedded(path)) => {
                let Some(url) = embedded::owner(path).and_then(|owner| owner.url) else {
                    return Err(Trouble::Passing(startup::open_failure(&error)));
                };
                self.last = url.trim_start_matches("http://").parse().ok().or(self.last);
                Ok(Place::There(Target { server: url, ..self.target.clone() }))
            }
            (Err(error), _) => Err(Trouble::Lasting(startup::open_failure(&error))),
        }
    }

    async fn is_gateway_at_target(&self) -> bool {
        let Ok(api) = Api::new(Target { timeout: STATUS_MAX, ..self.target.clone() }) else { return false };
        api.status().await.is_ok()
    }

    /// Returns the target for the gateway that this process hosts.
    pub(crate) fn target(&self, url: &str) -> Target {
        Target { server: url.to_owned(), ..self.target.clone() }
    }

    async fn host(&mut self, store: store::Store) -> Result<gateway::Running, Trouble> {
        let mut config = self.config.clone();
        let successor = self.last.filter(|last| self.may_listen_on(*last));
        if let Some(last) = successor
            && !config.listen.iter().any(|address| is_same(address, last))
        {
            config.listen = vec![last.into()];
        }
        let patience = successor.map_or(Duration::ZERO, |_| ADDRESS_FREE_MAX);
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let error = match gateway::start_on(store.clone(), config.clone()).await {
                Ok(running) => {
                    self.last = running.endpoints().iter().find_map(Endpoint::network);
                    return Ok(running);
                }
                Err(error) => error,
            };
            let is_taken = error
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == ErrorKind::AddrInUse);
            if is_taken && tokio::time::Instant::now() < deadline {
                tokio::time::sleep(ADDRESS_RETRY).await;
            } else if is_taken
                && !self.is_address_chosen
                && config.listen.iter().filter_map(Endpoint::network).all(|it| it.port() != 0)
            {
                let taken: Vec<_> = config.listen.iter().map(ToString::to_string).collect();
                self.output.warn(&format!(
                    "{} is in use by another program; using a free port instead",
                    taken.join(", ")
                ));
                config.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()];
            } else {
                let failure = startup::cannot_start(&error, &config.listen).await;
                store.engine.close().await;
                return Err(Trouble::Lasting(failure));
            }
        }
    }

    /// Returns whether this process may take over an address. The user may have allowed only the previous host to
    /// serve other machines.
    fn may_listen_on(&self, address: SocketAddr) -> bool {
        address.ip().is_loopback() || self.config.listen.iter().any(|known| is_same(known, address))
    }
}

/// Returns whether a gateway that listens on `endpoint` announces itself as `announced`.
fn is_same(endpoint: &Endpoint, announced: SocketAddr) -> bool {
    let Some(address) = endpoint.network() else { return false };
    address == announced
        || (address.port() == announced.port()
            && address.ip().is_unspecified()
            && announced.ip().is_loopback())
}
