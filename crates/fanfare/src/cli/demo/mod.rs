//! `fanfare demo`: everything at once, with nothing to set up.

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
use crate::cli::settings::key;
use crate::cli::signals::Stop;
use crate::cli::{Context, Exit, Failure, block_on_all_cores, examples, logging, serve};
use crate::gateway;
use fanfare_client::websocket::Socket;
use fanfare_client::{Api, Target};

/// Try everything out: a gateway in memory, with sample events
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("See it at work", "fanfare demo"),
    ("Does everything work here? One event, there and back; exit code 0 or 1", "fanfare demo --once"),
], "\
Only this machine can reach it, and nothing is kept. Sample events have
\"sample\":true in their data. The demo has a webhook of its own, whose receiver
answers once with 500 on purpose, so that there is a retry to see."))]
pub(crate) struct Args {
    /// Push one event, see that it comes back, and stop
    #[arg(long)]
    once: bool,
    /// Where to listen [default: 127.0.0.1:8000; with --once any free port]
    #[arg(long, value_name = "ADDR", value_parser = loopback)]
    listen: Option<SocketAddr>,
    /// Push no sample events
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
        let running =
            serve::start(gateway::Config { listen: vec![listen], ..gateway::Config::default() }).await?;
        let api = api(&running, context)?;
        let shown = tokio::select! {
            shown = show(args, &running, &api, context) => shown,
            // A demo that is told to stop has done what it should.
            _ = stop.asked() => Ok(Exit::Ok),
        };
        running.stop();
        tokio::select! {
            ended = running.ended() => ended.map_err(|failure| serve::gateway_failure(&failure))?,
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
    // Ours is a client like any other; it is left out when the screen says who got an event.
    let mut socket = Socket::listen(running.url(), &[]).await?;
    let mut samples = Samples::new(running.hub().clone());
    loop {
        tokio::select! {
            event = socket.next() => match event? {
                Some(event) => screen.event(&event, running, (socket.address(), own.id.as_str())).await?,
                None => return Err(Failure::failed("the gateway closed the connection")),
            },
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
    let address = key::address(text)?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(Invalid::new(
        fanfare_core::Code::InvalidQuery,
        format!("other machines could reach `{text}`"),
        "a demo is for this machine: 127.0.0.1:8000; for others there is `fanfare serve`",
    ))
}
