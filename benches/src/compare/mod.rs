//! The runner: a fresh server for every run, baseline and Fanfare in turns, medians, and the targets.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::ValueEnum;
use tempfile::TempDir;

use crate::{
    floor,
    process::busy_cores,
    report::say,
    server::{Placement, Server},
};

mod mcp;
mod suites;
mod table;
mod webhooks;

/// Number of cores that other processes keep busy, below which a machine is quiet.
const QUIET_CORES: f64 = 0.15;
const ATTEMPTS: usize = 3;
/// The generator is one caller, and its push rate limit is not measured.
const EVENTS_PER_SECOND: &str = "100000000";

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The suite to measure
    #[arg(value_enum, default_value_t = Suite::All)]
    suite: Suite,
    /// The program to measure
    #[arg(long, default_value = "target/dist/fanfare")]
    server_bin: PathBuf,
    /// The server on rmcp that MCP calls are compared with
    #[arg(long, default_value = "benches/rmcp-server/target/dist/rmcp-server")]
    rmcp_bin: PathBuf,
    /// The fan-out in memory that webhooks are compared with
    #[arg(long, default_value = "target/dist/examples/webhook_fanout")]
    fanout_bin: PathBuf,
    /// One more argument for `fanfare serve`
    #[arg(long, allow_hyphen_values = true)]
    server_arg: Vec<String>,
    /// Keep the log in memory instead of in a file
    #[arg(long)]
    memory: bool,
    /// Directory of the store files during a run [default: the directory for temporary files]
    #[arg(long)]
    store_dir: Option<PathBuf>,
    /// Number of runs of each case
    #[arg(long, default_value_t = 3)]
    repetitions: usize,
    /// Before each run, wait at most this many seconds until the machine is quiet, and repeat a run that others
    /// disturbed, at most twice: the quietest counts
    #[arg(long, default_value_t = 0)]
    patience: u64,
    /// The cores of the server in the suites that count CPU per delivery
    #[arg(long, value_delimiter = ',', default_values_t = [0])]
    server_cores: Vec<usize>,
    /// The cores of the generator
    #[arg(long, value_delimiter = ',', default_values_t = [1])]
    generator_cores: Vec<usize>,
    /// End with 1 if a target is missed
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Suite {
    All,
    Fanout,
    Idle,
    Mcp,
    Push,
    Replay,
    Resume,
    Webhooks,
}

/// Measures the suite and prints its table; returns whether it met its targets.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let lab = Lab { options };
    let mut all_met = true;
    for suite in Suite::value_variants().iter().filter(|suite| [**suite, Suite::All].contains(&options.suite))
    {
        let baseline = match suite {
            Suite::Mcp => "rmcp",
            Suite::Webhooks => "in memory",
            _ => "floor",
        };
        let rows = match suite {
            Suite::All => continue,
            Suite::Fanout => suites::fanout(&lab),
            Suite::Idle => suites::idle(&lab),
            Suite::Mcp => mcp::measure(&lab),
            Suite::Push => suites::push(&lab),
            Suite::Replay => suites::replay(&lab),
            Suite::Resume => suites::resume(&lab),
            Suite::Webhooks => webhooks::measure(&lab),
        };
        // The other suites may still have results when one cannot be measured.
        match rows {
            Ok(rows) => {
                table::print(&rows, baseline)?;
                all_met &= rows.iter().all(|row| row.met() != Some(false));
            }
            Err(error) => {
                say(format_args!("{suite:?} could not be measured: {error:#}"));
                all_met = false;
            }
        }
    }
    Ok(all_met || !options.check)
}

/// Starts servers according to the options.
struct Lab<'a> {
    options: &'a Options,
}

/// A Fanfare with a store of its own, which is removed with it.
struct Fanfare {
    server: Server,
    _store: TempDir,
}

impl Lab<'_> {
    fn placement(&self) -> Placement {
        Placement {
            server: self.options.server_cores.clone(),
            generator: self.options.generator_cores.clone(),
        }
    }

    /// Runs when the machine is quiet, and again if it did not stay so; the quietest run counts. Only the activity of
    /// others decides, never the outcome.
    fn quietly<T>(&self, mut run: impl FnMut() -> Result<T>, foreign_cores: impl Fn(&T) -> f64) -> Result<T> {
        let attempts = if self.options.patience == 0 { 1 } else { ATTEMPTS };
        let mut quietest: Option<(f64, T)> = None;
        for _ in 0..attempts {
            let deadline = Instant::now() + Duration::from_secs(self.options.patience);
            while Instant::now() < deadline && busy_cores() > QUIET_CORES {}
            let outcome = run()?;
            let foreign = foreign_cores(&outcome);
            if quietest.as_ref().is_none_or(|(least, _)| foreign < *least) {
                quietest = Some((foreign, outcome));
            }
            if foreign <= QUIET_CORES {
                break;
            }
        }
        let (_, outcome) = quietest.context("there is at least one attempt")?;
        Ok(outcome)
    }

    fn store_dir(&self) -> PathBuf {
        self.options.store_dir.clone().unwrap_or_else(std::env::temp_dir)
    }

    fn floor(&self, method: floor::Method) -> Result<Server> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", "--listen", "127.0.0.1:0", "--method", method.name()]);
        Server::spawn(&mut command, &self.placement())
    }

    fn fanfare(&self) -> Result<Fanfare> {
        self.fanfare_with(self.options.memory, &self.placement())
    }

    fn fanfare_with(&self, memory: bool, placement: &Placement) -> Result<Fanfare> {
        let store = TempDir::new_in(self.store_dir()).context("no place for the store file")?;
        let mut command = Command::new(&self.options.server_bin);
        command.args(["serve", "--listen", "127.0.0.1:0", "--store"]);
        if memory {
            command.arg("memory");
        } else {
            command.arg(store.path().join("fanfare.db"));
        }
        command.args(["--max-events-per-second", EVENTS_PER_SECOND]).args(&self.options.server_arg);
        Ok(Fanfare { server: Server::spawn(&mut command, placement)?, _store: store })
    }
}
