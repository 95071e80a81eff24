//! `fanfare mcp`: the gateway for an agent's host, over stdin and stdout. Attaches to the gateway there is, or hosts
//! one; several of these are one hub.

mod hosted;
mod memory;
mod place;
mod relay;
mod repeat;
mod stdio;

use std::time::Duration;

use fanfare_core::Principal;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::app;
use crate::cli::mcp::hosted::Hosted;
use crate::cli::mcp::place::{Finder, Place, Trouble};
use crate::cli::mcp::relay::{Relay, pause};
use crate::cli::settings::Key;
use crate::cli::signals::Stop;
use crate::cli::{Context, Exit, Failure, block_on_all_cores, examples, logging};
use crate::client;
use crate::client::mcp::Socket;
use crate::mcp::caller::Client;
use crate::mcp::lines;
use crate::mcp::outbox::Outbox;
use crate::mcp::session::Session;

/// Serve an agent over stdin and stdout (MCP)
#[derive(Debug, clap::Args)]
#[command(visible_alias = "stdio", after_help = examples::with_note(&[
    ("What to write into the configuration of an agent's host", "fanfare mcp"),
    ("Look at the tools", "echo '{\"jsonrpc\":\"2.0\",\"method\":\"tools/list\",\"id\":1}' | fanfare mcp"),
    ("With a gateway elsewhere", "FANFARE_TOKEN=… fanfare mcp --server https://push.example.com"),
    ("Only look, never push", "fanfare mcp --toolset readonly"),
], "\
Speaks every revision of the Model Context Protocol, one JSON-RPC message per
line. Attaches to the gateway that --server or FANFARE_URL names; otherwise to
the one that has the log; when there is none, it is the gateway, and the others
attach to it. When that one ends, another takes over.
Settings of `fanfare serve` apply when it hosts: fanfare help settings"))]
pub(crate) struct Args {
    /// Where to listen when it hosts; repeatable, port 0 takes a free one
    /// [default: 127.0.0.1:8000, or a free port when that is taken]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// `memory`, or the file of the log [default: log.db in the user's data
    /// directory]. With `memory`, it always hosts a gateway of its own
    #[arg(long, value_name = "PATH")]
    store: Option<String>,
    /// Which tools are offered: essential, all or readonly [default: essential]
    #[arg(long, value_name = "SET")]
    toolset: Option<String>,
}

impl Args {
    /// Gives the values of the flags that were given.
    pub(crate) fn flags(&self) -> impl Iterator<Item = (Key, Vec<String>)> {
        let one = |key: Key, text: &Option<String>| (key, text.iter().cloned().collect());
        let texts: [(Key, Vec<String>); 3] = [
            (Key::Listen, self.listen.clone()),
            one(Key::Store, &self.store),
            one(Key::Toolset, &self.toolset),
        ];
        texts.into_iter().filter(|(_, texts)| !texts.is_empty())
    }
}

/// What there is to speak to.
enum Found {
    /// A gateway in this process.
    Here(app::Running),
    /// A connection; nothing, when the gateway that was named does not answer yet.
    There(Option<Socket>),
}

pub(crate) fn run(context: &Context) -> Result<Exit, Failure> {
    let patience = context.settings.timeout()?;
    let mut finder = Finder::new(&context.settings, context.output)?;
    logging::start(logging::Format::Text, context.output);
    block_on_all_cores(async {
        let mut stop = Stop::new()?;
        let mut hosted = Hosted::default();
        let found = tokio::select! {
            found = first(&mut finder, patience) => found?,
            _ = stop.asked() => return Ok(Exit::Ok),
        };
        let served = match found {
            Found::Here(running) => {
                tracing::debug!(url = running.url(), "hosting the gateway");
                serve_here(running, &mut hosted, &mut stop).await
            }
            Found::There(socket) => {
                let relay = Relay::new(finder, patience, context.output);
                let (input, output) = (stdio::input()?, stdio::output()?);
                tokio::select! {
                    served = relay.run(input, output, socket, &mut hosted) => served,
                    _ = stop.asked() => Ok(()),
                }
            }
        };
        // A second signal stops at once.
        tokio::select! {
            stopped = hosted.stop() => served.and(stopped).map(|()| Exit::Ok),
            exit = stop.asked() => Ok(exit),
        }
    })
}

/// Finds the first gateway, or becomes it.
async fn first(finder: &mut Finder, patience: Duration) -> Result<Found, Failure> {
    let deadline = Instant::now() + patience;
    let mut attempt = 0;
    loop {
        let failure = match finder.find().await {
            Ok(Place::Here(running)) => return Ok(Found::Here(running)),
            Ok(Place::There(target)) => match client::mcp::connect(&target, finder.toolset()).await {
                Ok(socket) => return Ok(Found::There(Some(socket))),
                Err(error) if !error.is_passing() => return Err(error.into()),
                // The client need not wait for it to be asked: it may come while the client has nothing to say.
                Err(_) if finder.is_named() => return Ok(Found::There(None)),
                Err(error) => error.into(),
            },
            Err(Trouble::Lasting(failure)) => return Err(failure),
            Err(Trouble::Passing(failure)) => failure,
        };
        let pause = pause(attempt, finder.is_named());
        if Instant::now() + pause >= deadline {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
        attempt += 1;
    }
}

/// Serves the client as the gateway, without a connection in between.
async fn serve_here(running: app::Running, hosted: &mut Hosted, stop: &mut Stop) -> Result<(), Failure> {
    let door = running.door();
    let client =
        Client { principal: Principal::local(), address: None, is_local: true, toolset: door.toolset };
    let session = Session::new(format!("{:032x}", rand::random::<u128>()), client, Outbox::new());
    let (input, output) = (stdio::input()?, stdio::output()?);
    let (ask, asked) = oneshot::channel::<()>();
    let server = door.server.clone();
    hosted.add(running);
    // On a thread of the runtime, which is the one that is told of input: no other has to be woken.
    let mut serving = JoinSet::new();
    serving.spawn(
        async move { lines::serve(server, session, input, output, async { drop(asked.await) }).await },
    );
    let served = async {
        match serving.join_next().await {
            Some(Ok(served)) => Ok(served?),
            Some(Err(_)) | None => Err(Failure::failed("the conversation broke off")),
        }
    };
    tokio::pin!(served);
    tokio::select! {
        served = &mut served => return served,
        failure = hosted.failed() => return Err(failure),
        _ = stop.asked() => drop(ask),
    }
    tokio::select! {
        served = served => served,
        _ = stop.asked() => Ok(()),
    }
}
