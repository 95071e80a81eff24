//! The server that a benchmark loads, and the process whose CPU time it counts.

use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::{Context, Result};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Target {
    /// The server's address, `http://127.0.0.1:8000`
    #[arg(long, env = "FANFARE_URL", default_value = "http://127.0.0.1:8000")]
    pub(crate) url: String,
    /// The server's process, whose CPU time and memory are counted
    #[arg(long)]
    pub(crate) pid: Option<u32>,
}

impl Target {
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        let authority = self.url.strip_prefix("http://").unwrap_or(&self.url).trim_end_matches('/');
        let mut addresses =
            authority.to_socket_addrs().with_context(|| format!("`{}` is no http://HOST:PORT", self.url))?;
        addresses.next().with_context(|| format!("`{authority}` has no address"))
    }

    pub(crate) fn process(&self) -> Result<u32> {
        self.pid.context("--pid is needed: the server's memory and CPU time are read from /proc")
    }
}
