//! `fanfare mcp`: connects an MCP client to a gateway over stdin and stdout. It attaches to a running gateway or hosts
//! one, so that several of these processes share one gateway.

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
use crate::cli::serve::receivers;
use crate::cli::settings::{Key, with_default};
use crate::cli::signals::Stop;
use crate::cli::{Context, Exit, Failure, block_on_all_cores, examples, logging};
use crate::gateway;
use fanfare_client::Target;
use fanfare_server::mcp::client::Client;
use fanfare_server::mcp::outbox::Outbox;
use fanfare_server::mcp::session::Session;
use fanfare_server::mcp::transports::lines;
use fanfare_server::net::locality::Locality;

/// Connect an agent over stdin and stdout (MCP)
#[derive(Debug, clap::Args)]
#[command(visible_alias = "stdio", after_help = examples::with_note(&[
    ("The command for your MCP client's configuration", "fanfare mcp"),
    ("List the tools", "echo '{\"jsonrpc\":\"2.0\",\"method\":\"tools/list\",\"id\":1}' | fanfare mcp"),
    ("With a remote gateway", "FANFARE_TOKEN=… fanfare mcp --server https://push.example.com"),
    ("Read-only, without pushing", "fanfare mcp --toolset readonly"),
], "Speaks every revision of the Model Context Protocol, one JSON-RPC message per line. stdout carries \
    nothing else; everything else goes to stderr.\n\n\
    It uses the first gateway available, in this order:\n\
    \u{20} 1. the one set with --server or FANFARE_URL\n\
    \u{20} 2. the one at 127.0.0.1:8000, unless you choose a log or an address\n\
    \u{20} 3. the one that has the log open\n\
    \u{20} 4. one hosted by this process: others attach to it, and one of them takes\n\
    \u{20}    over when it exits\n\n\
    When hosting, the settings of `fanfare serve` apply: fanfare help settings"))]
pub(crate) struct Args {
    #[arg(long, value_name = "ADDR", help = listen_help())]
    listen: Vec<String>,
    /// `memory` or the path of the log file [default: log.db in your data
    /// directory]. With `memory`, always host a separate gateway
    #[arg(long, value_name = "PATH")]
    store: Option<String>,
    #[arg(long, value_name = "SET", help = with_default(
        "Tools to offer: essential, all or readonly", Key::Toolset))]
    toolset: Option<String>,
}

fn listen_help() -> String {
    let default = Key::Listen.default_text().unwrap_or_default();
    format!(
        "Address to listen on when hosting; repeatable, port 0 picks a free one [default: {default}, or a free \
         port if that is taken]"
    )
}

impl Args {
    /// Returns the settings that were given as flags.
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
    let level = logging::start(logging::Format::Text, context.output);
    let mut finder = Finder::new(&context.settings, context.output, level)?;
    block_on_all_cores(async {
        let mut stop = Stop::new()?;
        let mut hosted = Hosted::default();
        let found = tokio::select! {
            found = finder.find() => found,
            _ = stop.asked() => return Ok(Exit::Ok),
        };
        let served = match found {
            Ok(Place::Here(running)) => {
                // MCP clients log stderr, so the URL of the dashboard can be found there.
                context.output.note(format!("hosting the gateway at {}", running.url()));
                context.output.note(receivers::said(running.webhooks().mode()));
                serve_here(*running, &mut hosted, &mut stop).await
            }
            // A gateway that does not respond yet may do so before the client sends its first message.
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

/// Serves the client directly from the gateway in this process.
async fn serve_here(running: gateway::Running, hosted: &mut Hosted, stop: &mut Stop) -> Result<(), Failure> {
    let door = running.door();
    let client = Client {
        principal: Principal::local(),
        address: None,
        agent: None,
        locality: Locality::Here,
        toolset: door.toolset,
    };
    let outbox = Outbox::new(door.account(&client));
    let session = Session::new(format!("{:032x}", rand::random::<u128>()), client, outbox);
    door.attend_host(&session);
    let (ask, asked) = oneshot::channel::<()>();
    let server = door.server.clone();
    hosted.add(running);
    // The session runs among the gateway's own tasks: a push wakes some of them, which is cheapest on the same thread.
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let stop = async { drop(asked.await) };
        lines::serve(server, session, stdio::input()?, stdio::output()?, stop).await
    });
    let served = async {
        match serving.join_next().await {
            Some(Ok(served)) => Ok(served?),
            Some(Err(_)) | None => Err(connection_lost()),
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

/// Relays messages to a running gateway, and hosts one itself if it exits.
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
            served = &mut ended => return served.map_err(|_| connection_lost())?,
            failure = hosted.failed() => return Err(failure),
            _ = stop.asked() => return Ok(()),
            Some(question) = asked.recv() => {
                let found = find(&mut finder, hosted, output).await;
                // The relay may have ended in the meantime.
                drop(question.send(found));
            }
        }
    }
}

/// Finds a gateway to attach to, or starts to host one.
async fn find(finder: &mut Finder, hosted: &mut Hosted, output: Output) -> Result<Target, Trouble> {
    match finder.find().await? {
        Place::Here(running) => {
            let url = running.url().to_owned();
            output.note(format!("the previous host is gone; now hosting the gateway at {url}"));
            output.note(receivers::said(running.webhooks().mode()));
            hosted.add(*running);
            Ok(finder.target(&url))
        }
        Place::There(target) => Ok(target),
    }
}

fn connection_lost() -> Failure {
    Failure::failed("lost the connection to the client")
}
