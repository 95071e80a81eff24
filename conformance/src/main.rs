//! Fanfare's MCP server with the fixtures that the official conformance suite asks for: the same library and the same
//! transports as the product, but other tools, prompts and resources. `docs/mcp.md` explains how to run the suite.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use fanfare::gateway;
use fanfare_store::memory::Memory;
use fanfare_store::{Retention, Store};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

mod asked;
mod changes;
mod media;
mod prompts;
mod resources;
mod sealed;
mod suite;
mod tools;

/// Serves `/mcp` for the conformance suite, on a log in memory.
#[derive(Debug, Parser)]
#[command(about, version)]
struct Options {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot catch signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot catch signals")?;

    let suite = suite::Suite::new()?;
    let config = gateway::Config { listen: vec![options.listen.into()], ..gateway::Config::default() };
    let running =
        gateway::start_serving(Store::new(Memory::new(Retention::default())), config, |_| Arc::new(suite))
            .await?;

    let ready = json!({ "event": "listening", "url": format!("{}/mcp", running.url()) });
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{ready}").and_then(|()| stdout.flush()).context("cannot say that it listens")?;
    drop(stdout);

    let stopper = running.stopper();
    let ended = running.ended();
    tokio::pin!(ended);
    tokio::select! {
        // It ends by itself only after an error.
        ended = &mut ended => return Ok(ended?),
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stopper.pull();
    Ok(ended.await?)
}
