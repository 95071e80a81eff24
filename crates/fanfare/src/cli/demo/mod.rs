//! `fanfare demo`: runs an in-memory gateway with sample events, without any setup.

mod once;
mod own;
mod round_trip;
mod samples;
mod screen;

use std::net::SocketAddr;

use fanfare_core::Invalid;

use crate::cli::demo::own::Own;
use crate::cli::demo::round_trip::round_trip;
use crate::cli::demo::samples::Samples;
use crate::cli::demo::screen::Screen;
use crate::cli::settings::values;
use crate::cli::signals::Stop;
use crate::cli::{Context, Exit, Failure, block_on_all_cores, examples, install, logging, serve, startup};
use crate::gateway;
use fanfare_client::{Api, Error, Target};
use fanfare_server::http;

/// Try Fanfare: run an in-memory gateway with sample events
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("See it in action", "fanfare demo"),
    ("Smoke test: push one event and wait for it; exits with 0 or 1", "fanfare demo --once"),
], "The demo is reachable only from this machine and keeps nothing. Sample events have \"sample\":true in \
    their data. The demo also registers a webhook whose receiver returns 500 once on purpose, so you can \
    watch a retry."))]
pub(crate) struct Args {
    /// Push one event, check that it comes back and exit
    #[arg(long)]
    once: bool,
    /// Address to listen on [default: 127.0.0.1:8000; any free port with --once]
    #[arg(long, value_name = "ADDR", value_parser = loopback)]
    listen: Option<SocketAddr>,
    /// Don't push sample events
    #[arg(long)]
    no_samples: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    if context.output.verbose > 0 {
        logging::start(logging::Format::Text, context.output);
    }
    block_on_all_cores(async {
        let mut stop = Stop::new()?;
        let port = if args.once { 0 } else { 8000 };
        let listen = args.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], port)));
        let http = http::Config { assistants: install::assistants(), ..http::Config::default() };
        let config = gateway::Config { listen: vec![listen.into()], http, ..gateway::Config::default() };
        let running = serve::start(config).await?;
        let api = api(&running, context)?;
        let shown = tokio::select! {
            shown = show(args, &running, &api, context) => shown,
            // A demo has no other way to end, so a signal is a success.
            _ = stop.asked() => Ok(Exit::Ok),
        };
        running.stop();
        tokio::select! {
            ended = running.ended() => ended.map_err(|failure| startup::gateway_failure(&failure))?,
            exit = stop.asked() => return Ok(exit),
        }
        shown
    })
}

async fn show(
    args: &Args,
    running: &gateway::Running,
    api: &Api,
    context: &Context,
) -> Result<Exit, Failure> {
    let mut own = Own::register(api).await?;
    if args.once {
        return once::run(api, &mut own, context.output).await;
    }
    let mut screen = Screen::new(context.output, running.url());
    screen.head()?;
    screen.checked(&round_trip(api, Some(&mut own)).await)?;
    own.fail_next();
    // Not by a connection: the demo must not count among those who listen.
    let mut moves = running.hub().moves();
    let mut seen = *moves.borrow_and_update();
    let mut samples = Samples::new(running.hub().clone());
    loop {
        tokio::select! {
            moved = moves.changed() => {
                moved.map_err(|_| Failure::failed("the gateway has ended"))?;
                let end = *moves.borrow_and_update();
                while seen < end {
                    seen.seq += 1;
                    match api.event(seen).await {
                        Ok(event) => screen.event(&event, running, own.id.as_str()).await?,
                        // It was purged or removed meanwhile.
                        Err(Error::Refused(_)) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            got = own.next() => screen.webhook(&got)?,
            () = samples.next(), if !args.no_samples => {}
        }
    }
}

fn api(running: &gateway::Running, context: &Context) -> Result<Api, Failure> {
    let timeout = context.settings.timeout()?;
    Ok(Api::new(Target { server: running.url().to_owned(), token: None, timeout })?)
}

fn loopback(text: &str) -> Result<SocketAddr, Invalid> {
    let address = values::address(text)?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(Invalid::new(
        fanfare_core::Code::InvalidQuery,
        format!("`{text}` is reachable from other machines"),
        "use an address of this machine, such as 127.0.0.1:8000, or run `fanfare serve`",
    ))
}
