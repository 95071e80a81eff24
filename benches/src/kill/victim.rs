//! The server that is killed, and started again on the same file and port.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::Options;
use crate::{
    histogram::Histogram,
    pause::pause,
    rng::Rng,
    server::{Placement, Server},
};

/// One round out of this many kills the server once more while it starts.
const KILLED_STARTING_EVERY: u64 = 8;
const STARTING_MS_MAX: u64 = 40;

pub(super) struct Victim<'a> {
    options: &'a Options,
    pub(super) store: PathBuf,
    server: Server,
    pub(super) address: SocketAddr,
    pub(super) restarts: Histogram,
    pub(super) kills_while_starting: u32,
}

/// A kill, and its duration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kill {
    /// Before it was asked for.
    pub(super) begin: Instant,
    /// The time at which the server listened again.
    pub(super) end: Instant,
}

impl<'a> Victim<'a> {
    pub(super) fn start(options: &'a Options, store: PathBuf) -> Result<Self> {
        let mut server = spawn(options, &store, "127.0.0.1:0")?;
        let address = server.wait_ready()?;
        Ok(Self { options, store, server, address, restarts: Histogram::new(), kills_while_starting: 0 })
    }

    /// Lets it live for a while that `rng` decides, kills it and starts it again.
    pub(super) fn round(&mut self, rng: &mut Rng) -> Result<Kill> {
        pause(Duration::from_millis(rng.below(self.options.live_ms_max + 1)));
        let begin = Instant::now();
        self.server.kill()?;
        self.restart(rng)?;
        Ok(Kill { begin, end: Instant::now() })
    }

    /// Kills it without a restart.
    pub(super) fn end(&mut self) -> Result<()> {
        self.server.kill()
    }

    fn restart(&mut self, rng: &mut Rng) -> Result<()> {
        let listen = self.address.to_string();
        if rng.below(KILLED_STARTING_EVERY) == 0 {
            let mut starting = spawn(self.options, &self.store, &listen)?;
            pause(Duration::from_millis(rng.below(STARTING_MS_MAX)));
            starting.kill()?;
            self.kills_while_starting += 1;
        }
        let began = Instant::now();
        self.server = spawn(self.options, &self.store, &listen)?;
        let address = self.server.wait_ready()?;
        ensure!(address == self.address, "the server came back at {address} instead of {}", self.address);
        self.restarts.record(began.elapsed().as_nanos() as u64);
        Ok(())
    }
}

fn spawn(options: &Options, store: &PathBuf, listen: &str) -> Result<Server> {
    let mut command = Command::new(&options.server_bin);
    command.args(["serve", "--listen", listen, "--store"]).arg(store).args(&options.server_arg);
    Server::spawn(&mut command, &Placement::anywhere()?)
}
