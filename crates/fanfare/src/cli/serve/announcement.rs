//! The announcement of `fanfare serve` once it listens.

use fanfare_core::Endpoint;

use crate::cli::Failure;
use crate::cli::logging::Format;
use crate::cli::output::Output;
use crate::cli::output::style::{BOLD, DIM};
use crate::cli::serve::receivers;
use crate::engines::StoreSpec;
use crate::gateway;
use fanfare_server::net::base_path::BasePath;
use fanfare_server::net::listeners;

/// Prints where the gateway listens and how to use it. Programs on this machine need no base path.
pub(super) fn announce(
    running: &gateway::Running,
    base: &BasePath,
    spec: &StoreSpec,
    format: Format,
    output: Output,
) -> Result<(), Failure> {
    let mode = running.webhooks().mode();
    warn_of_strangers(running, format, output);
    if format == Format::Json {
        tracing::info!(url = running.url(), store = %spec, webhooks = receivers::name(mode), "listening");
    }
    if output.mode.is_json() {
        let addresses: Vec<String> = running.endpoints().iter().map(ToString::to_string).collect();
        let mut line = serde_json::json!({
            "event": "listening",
            "url": running.url(),
            "addresses": addresses,
            "store": spec.to_string(),
            "webhooks": receivers::name(mode),
        });
        if !base.as_str().is_empty() {
            line["base_path"] = base.as_str().into();
        }
        output.line(line.to_string())?;
        return Ok(());
    }
    if format == Format::Json {
        return Ok(());
    }
    output.note(format!("{BOLD}listening on {}{BOLD:#}", running.url()));
    for address in running.endpoints().iter().filter(|address| listeners::url(address) != running.url()) {
        let shown = match address {
            Endpoint::Network(address) => format!("http://{address}"),
            Endpoint::Unix(_) => address.to_string(),
        };
        output.note(format!("{BOLD}listening on {shown}{BOLD:#}"));
    }
    output.note(receivers::said(mode));
    let log = match spec {
        StoreSpec::Memory => "in memory; lost when the gateway stops".to_owned(),
        StoreSpec::Embedded(path) => path.display().to_string(),
    };
    let url = running.url();
    let server = if url.ends_with(":8000") { String::new() } else { format!(" --server {url}") };
    // No browser opens a Unix socket.
    if url.starts_with("http") {
        output.hint(format!("  {DIM}dashboard{DIM:#}  {url}{base}/"));
    }
    output.hint(format!(
        "  {DIM}log{DIM:#}        {log}\n  {DIM}push{DIM:#}       fanfare push \"hello\"{server}\n  \
         {DIM}listen{DIM:#}     fanfare listen{server}\n  {DIM}stop{DIM:#}       Ctrl-C"
    ));
    Ok(())
}

/// Warns of an address that other machines can reach, because the gateway does not ask who they are.
fn warn_of_strangers(running: &gateway::Running, format: Format, output: Output) {
    let mut addresses = running.endpoints().iter().filter_map(Endpoint::network);
    let Some(address) = addresses.find(|address| !address.ip().is_loopback()) else { return };
    let warning = format!(
        "everyone who can reach {address} can push and read everything: nobody is asked who they are"
    );
    match format {
        Format::Json => tracing::warn!(%address, "{warning}"),
        Format::Text => output.warn(&warning),
    }
}
