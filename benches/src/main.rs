//! Fanfare's benchmarks: its costs, compared with the lowest possible ones. `fanfare-bench compare` runs them all;
//! `docs/benchmarks.md` describes the method.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod client;
mod compare;
mod disk;
mod fanout;
mod figures;
mod floor;
mod generator;
mod histogram;
mod hostile;
mod idle;
mod kill;
mod mcp;
mod pause;
mod power;
mod process;
mod push;
mod replay;
mod report;
mod resume;
mod rng;
mod server;
mod soak;
mod target;
mod trial;
mod webhooks;
mod wire;

#[derive(Parser)]
#[command(about, version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the floor and Fanfare in turns, measure both, and compare with the targets
    Compare(compare::Options),
    /// Many subscribers: server CPU per delivery, latency, and whether everyone got everything
    Fanout(fanout::Options),
    /// The server that only writes the bytes: the baseline of the others
    Floor(floor::Options),
    /// One client that does at once all that could take from others, beside a well-behaved one: what that one still gets
    Hostile(hostile::Options),
    /// Subscribers that get nothing: memory each, and CPU to let one in
    Idle(idle::Options),
    /// Kill the server under load, again and again, and check that nothing acknowledged is lost
    Kill(kill::Options),
    /// MCP's tools/call: calls per second, and how long a caller waits
    Mcp(mcp::Options),
    /// Cut the power of the gateway's disk: start it on what a disk may hold then, and check that nothing is lost
    Power(power::Options),
    /// Durable events per second, and how long a pusher waits
    Push(push::Options),
    /// Subscribers that read the whole log; the server must be fresh
    Replay(replay::Options),
    /// A client that comes back after having read a part of a long log; the server must be fresh
    Resume(resume::Options),
    /// Clients of all kinds come and go for minutes: memory must not grow, and nothing may be left behind
    Soak(soak::Options),
    /// Webhooks: server CPU per delivery, latency, and whether every receiver got everything; the server must be fresh
    Webhooks(webhooks::Options),
}

fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Compare(options) => {
            return Ok(if compare::run(&options)? { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Fanout(options) => report::emit("fanout", &fanout::run(&options.target, options.load)?)?,
        Command::Floor(options) => floor::run(&options)?,
        Command::Hostile(options) => hostile::run(&options)?,
        Command::Idle(options) => report::emit("idle", &idle::run(&options.target, options.subscribers)?)?,
        Command::Kill(options) => kill::run(&options)?,
        Command::Mcp(options) => report::emit("mcp", &mcp::run(&options)?)?,
        Command::Power(options) => power::run(&options)?,
        Command::Push(options) => report::emit("push", &push::run(&options.target, options.load)?)?,
        Command::Replay(options) => {
            replay::prepare(&options.target, options.events)?;
            for readers in options.readers {
                report::emit("replay", &replay::run(&options.target, options.events, readers)?)?;
            }
        }
        Command::Resume(options) => {
            for outcome in resume::run(&options)? {
                report::emit("resume", &outcome)?;
            }
        }
        Command::Soak(options) => soak::run(&options)?,
        Command::Webhooks(options) => webhooks::run_options(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    /// What clap asserts of a definition, it asserts only when that subcommand is used.
    #[test]
    fn the_options_of_every_subcommand_are_well_defined() {
        Cli::command().debug_assert();
    }
}
