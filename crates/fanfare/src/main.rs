//! The `fanfare` command.

use anyhow::Context;
use fanfare::app;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    use std::io::Write;
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        arguments.iter().position(|argument| argument == name).and_then(|place| arguments.get(place + 1))
    };
    let mut config = app::Config::default();
    if let Some(address) = value("--listen") {
        config.listen = vec![address.parse().context("--listen")?];
    }
    if let Some(store) = value("--store") {
        config.store = store.parse()?;
    }
    let running = app::start(config).await?;
    writeln!(std::io::stderr(), "listening on {}", running.url())?;
    tokio::signal::ctrl_c().await?;
    running.stop();
    running.ended().await?;
    Ok(())
}
