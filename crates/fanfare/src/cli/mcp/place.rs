//! Where the gateway is: the one that was named, the one that has the log, or this process.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use crate::cli::output::Output;
use crate::cli::settings::{Key, Settings};
use crate::cli::{Failure, serve};
use crate::engines;
use crate::engines::{OpenError, StoreSpec};
use crate::gateway;
use fanfare_client::{Api, Target};
use fanfare_store as store;
use fanfare_store_embedded as embedded;

/// How long a gateway on this machine may take to say that it is one: whatever else has its port may never answer.
const LOOK_MAX: Duration = Duration::from_millis(500);
/// How long the address of a gateway that has just ended may be in use.
const ADDRESS_FREE_MAX: Duration = Duration::from_secs(2);
/// The pause between two looks whether it is free.
const ADDRESS_PAUSE: Duration = Duration::from_millis(50);

/// Where the gateway is.
#[derive(Debug)]
pub(crate) enum Place {
    /// In this process.
    Here(Box<gateway::Running>),
    /// Elsewhere.
    There(Target),
}

/// Why there is no gateway at the moment.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It will not get better by itself.
    Lasting(Failure),
    /// It may pass.
    Passing(Failure),
}

/// Finds the gateway, again and again.
#[derive(Debug)]
pub(crate) struct Finder {
    /// Somebody named a gateway: this process never hosts one.
    is_named: bool,
    /// Nobody chose a log or an address: a gateway where everybody looks for one is the gateway.
    is_anywhere: bool,
    /// Somebody chose the address to listen on.
    is_address_chosen: bool,
    target: Target,
    /// The set of tools that somebody chose.
    toolset: Option<String>,
    config: gateway::Config,
    /// Where the gateway listened last.
    last: Option<SocketAddr>,
    output: Output,
}

impl Finder {
    /// Takes what the settings say.
    pub(crate) fn new(settings: &Settings, output: Output) -> Result<Finder, Failure> {
        let store_is_memory = settings.text(Key::Store).as_deref() == Some("memory");
        Ok(Finder {
            is_named: settings.is_chosen(Key::Server) && !store_is_memory,
            is_anywhere: !settings.is_chosen(Key::Listen) && !settings.is_chosen(Key::Store),
            is_address_chosen: settings.is_chosen(Key::Listen),
            target: settings.target()?,
            toolset: settings.text(Key::Toolset).filter(|_| settings.is_chosen(Key::Toolset)),
            config: serve::config(settings)?,
            last: None,
            output,
        })
    }

    /// Says whether somebody named the gateway.
    pub(crate) fn is_named(&self) -> bool {
        self.is_named
    }

    /// Gives the set of tools that somebody chose.
    pub(crate) fn toolset(&self) -> Option<&str> {
        self.toolset.as_deref()
    }

    /// Finds it: where every command looks for one, such as a demo, which has no log in a file; then by the lock on
    /// the log, which decides who hosts: whoever gets it.
    pub(crate) async fn find(&mut self) -> Result<Place, Trouble> {
        if self.is_named {
            return Ok(Place::There(self.target.clone()));
        }
        if self.is_anywhere && self.is_anybody_there().await {
            return Ok(Place::There(self.target.clone()));
        }
        let (spec, retention) = (self.config.store.clone(), self.config.retention);
        let opened = tokio::task::spawn_blocking(move || engines::open(&spec, retention)).await;
        let opened = opened.unwrap_or_else(|error| Err(OpenError::Other { problem: error.to_string() }));
        match (opened, &self.config.store) {
            (Ok(store), _) => self.host(store).await.map(|running| Place::Here(Box::new(running))),
            (Err(error @ OpenError::Locked { .. }), StoreSpec::Embedded(path)) => {
                let Some(url) = embedded::owner(path).and_then(|owner| owner.url) else {
                    return Err(Trouble::Passing(serve::store_failure(&error)));
                };
                self.last = url.trim_start_matches("http://").parse().ok().or(self.last);
                Ok(Place::There(Target { server: url, ..self.target.clone() }))
            }
            (Err(error), _) => Err(Trouble::Lasting(serve::store_failure(&error))),
        }
    }

    async fn is_anybody_there(&self) -> bool {
        let Ok(api) = Api::new(Target { timeout: LOOK_MAX, ..self.target.clone() }) else { return false };
        api.status().await.is_ok()
    }

    /// Gives the gateway in this process, for the messages of this process.
    pub(crate) fn target(&self, url: &str) -> Target {
        Target { server: url.to_owned(), ..self.target.clone() }
    }

    async fn host(&mut self, store: store::Store) -> Result<gateway::Running, Trouble> {
        let mut config = self.config.clone();
        let successor = self.last.filter(|last| self.may_listen_on(*last));
        if let Some(last) = successor
            && !config.listen.iter().any(|address| is_same(*address, last))
        {
            config.listen = vec![last];
        }
        let patience = successor.map_or(Duration::ZERO, |_| ADDRESS_FREE_MAX);
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let error = match gateway::start_on(store.clone(), config.clone()).await {
                Ok(running) => {
                    self.last = running.addresses().first().copied();
                    return Ok(running);
                }
                Err(error) => error,
            };
            let is_taken = error
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == ErrorKind::AddrInUse);
            if is_taken && tokio::time::Instant::now() < deadline {
                tokio::time::sleep(ADDRESS_PAUSE).await;
            } else if is_taken && !self.is_address_chosen && config.listen.iter().all(|it| it.port() != 0) {
                let taken: Vec<_> = config.listen.iter().map(ToString::to_string).collect();
                self.output.warn(&format!(
                    "{} is taken by another program; taking a free port instead",
                    taken.join(", ")
                ));
                config.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
            } else {
                let failure = serve::cannot_start(&error, &config.listen).await;
                store.engine.close().await;
                return Err(Trouble::Lasting(failure));
            }
        }
    }

    /// Says whether this process may take over an address: nobody allowed it to serve other machines by starting
    /// another gateway so.
    fn may_listen_on(&self, address: SocketAddr) -> bool {
        address.ip().is_loopback() || self.config.listen.iter().any(|known| is_same(*known, address))
    }
}

/// Says whether listening on `address` is listening on `announced`.
fn is_same(address: SocketAddr, announced: SocketAddr) -> bool {
    address == announced
        || (address.port() == announced.port()
            && address.ip().is_unspecified()
            && announced.ip().is_loopback())
}
