//! `fanfare mcp`: the gateway for an agent's host, over stdin and stdout. Attaches to the gateway there is, or hosts
//! one; several of these are one hub.

mod asked;
mod hosted;
mod memory;
mod place;
mod relay;
mod repeat;
mod stdio;
mod thread;

use std::time::Duration;

use fanfare_core::Principal;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::cli::mcp::hosted::Hosted;
use crate::cli::mcp::place::{Finder, Place, Trouble};
use crate::cli::mcp::relay::{Question, Relay};
use crate::cli::output::Output;
use crate::cli::settings::Key;
use crate::cli::signals::Stop;
use crate::cli::{Context, Exit, Failure, block_on_all_cores, examples, logging};
use crate::gateway;
use fanfare_client::Target;
use fanfare_server::mcp::client::Client;
use fanfare_server::mcp::outbox::Outbox;
use fanfare_server::mcp::session::Session;
use fanfare_server::mcp::transports::lines;

/// Serve an agent over stdin and stdout (MCP)
#[derive(Debug, clap::Args)]
#[command(visible_alias = "stdio", after_help = examples::with_note(&[
    ("What to write into the configuration of an agent's host", "fanfare mcp"),
    ("Look at the tools", "echo '{\"jsonrpc\":\"2.0\",\"method\":\"tools/list\",\"id\":1}' | fanfare mcp"),
    ("With a gateway elsewhere", "FANFARE_TOKEN=… fanfare mcp --server https://push.example.com"),
    ("Only look, never push", "fanfare mcp --toolset readonly"),
], "\
Speaks every revision of the Model Context Protocol, one JSON-RPC message per
line. stdout carries nothing else; what there is to say besides goes to stderr.

The gateway is the first of these that there is:
  the one that --server or FANFARE_URL names
  the one at 127.0.0.1:8000, unless a log or an address is chosen
  the one that has the log
  this process: others then attach to it; when it ends, one of them takes over
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

pub(crate) fn run(context: &Context) -> Result<Exit, Failure> {
    let patience = context.settings.timeout()?;
    let mut finder = Finder::new(&context.settings, context.output)?;
    logging::start(logging::Format::Text, context.output);
    block_on_all_cores(async {
        let mut stop = Stop::new()?;
        let mut hosted = Hosted::default();
        let found = tokio::select! {
            found = finder.find() => found,
            _ = stop.asked() => return Ok(Exit::Ok),
        };
        let served = match found {
            Ok(Place::Here(running)) => {
                // Whoever wonders where the events can be seen looks into the log of the host of agents.
                context.output.note(format!("hosting the gateway at {}", running.url()));
                serve_here(*running, &mut hosted, &mut stop).await
            }
            // A gateway that does not answer yet may before the client has something to say.
            Ok(Place::There(_)) | Err(Trouble::Passing(_)) => {
                attach(finder, patience, &mut hosted, &mut stop, context.output).await
            }
            Err(Trouble::Lasting(failure)) => Err(failure),
        };
        // A second signal stops at once.
        tokio::select! {
            stopped = hosted.stop() => served.and(stopped).map(|()| Exit::Ok),
            exit = stop.asked() => Ok(exit),
        }
    })
}

/// Serves the client as the gateway, without a connection in between.
async fn serve_here(running: gateway::Running, hosted: &mut Hosted, stop: &mut Stop) -> Result<(), Failure> {
    let door = running.door();
    let client = Client {
        principal: Principal::local(),
        address: None,
        agent: None,
        is_local: true,
        toolset: door.toolset,
    };
    let session = Session::new(format!("{:032x}", rand::random::<u128>()), client, Outbox::new());
    let (ask, asked) = oneshot::channel::<()>();
    let server = door.server.clone();
    hosted.add(running);
    // Beside the gateway's own tasks: a push wakes some of them, which costs least on the thread that they run on.
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let stop = async { drop(asked.await) };
        lines::serve(server, session, stdio::input()?, stdio::output()?, stop).await
    });
    let served = async {
        match serving.join_next().await {
            Some(Ok(served)) => Ok(served?),
            Some(Err(_)) | None => Err(broken_off()),
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

/// Passes messages on to the gateway there is, and takes over when there is none any more.
async fn attach(
    mut finder: Finder,
    patience: Duration,
    hosted: &mut Hosted,
    stop: &mut Stop,
    output: Output,
) -> Result<(), Failure> {
    let (questions, mut asked) = mpsc::channel::<Question>(1);
    let config = relay::Config {
        finder: questions,
        is_named: finder.is_named(),
        toolset: finder.toolset().map(str::to_owned),
        patience,
    };
    let mut ended =
        thread::run(|| async { Relay::new(config).run(stdio::input()?, stdio::output()?).await })?;
    loop {
        tokio::select! {
            served = &mut ended => return served.map_err(|_| broken_off())?,
            failure = hosted.failed() => return Err(failure),
            _ = stop.asked() => return Ok(()),
            Some(question) = asked.recv() => {
                let found = find(&mut finder, hosted, output).await;
                // Whoever asked may have ended meanwhile.
                drop(question.send(found));
            }
        }
    }
}

/// Finds the gateway, or becomes it.
async fn find(finder: &mut Finder, hosted: &mut Hosted, output: Output) -> Result<Target, Trouble> {
    match finder.find().await? {
        Place::Here(running) => {
            let url = running.url().to_owned();
            output.note(format!("nobody hosts the gateway any more; hosting it at {url}"));
            hosted.add(*running);
            Ok(finder.target(&url))
        }
        Place::There(target) => Ok(target),
    }
}

fn broken_off() -> Failure {
    Failure::failed("the conversation with the client broke off")
}
