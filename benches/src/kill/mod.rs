//! `kill -9` under load, again and again: what was acknowledged must be there, in order, once,
//! and readers that come back must miss nothing and see nothing twice.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use tempfile::TempDir;

use self::{book::Book, load::Load, readers::Reader};
use crate::{
    client::Client,
    histogram::Histogram,
    pause::pause,
    report::{emit, say},
    rng::Rng,
    server::{Placement, Server},
};

mod book;
mod load;
mod pushers;
mod readers;

/// How long a reader may take to get what is in the log.
const READER_DEADLINE: Duration = Duration::from_secs(30);
/// One round in so many kills the server once more while it starts.
const KILLED_STARTING_EVERY: u64 = 8;
const STARTING_MS_MAX: u64 = 40;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The program to kill
    #[arg(long, default_value = "target/release/fanfare")]
    server_bin: PathBuf,
    /// One more argument for `fanfare serve`
    #[arg(long, allow_hyphen_values = true)]
    server_arg: Vec<String>,
    /// How often the server is killed
    #[arg(long, default_value_t = 100)]
    rounds: u32,
    /// Decides when the server is killed, and what is pushed [default: the time]
    #[arg(long)]
    seed: Option<u64>,
    /// The server lives at most so many milliseconds after it listens
    #[arg(long, default_value_t = 300)]
    live_ms_max: u64,
    /// Where the store file goes; it is kept when a round fails [default: the directory for temporary files]
    #[arg(long)]
    store_dir: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Outcome {
    seed: u64,
    rounds: u32,
    kills_while_starting: u32,
    events: usize,
    acknowledged: usize,
    /// Pushes whose answer the kill swallowed.
    unanswered_pushes: u64,
    /// Of these, pushed again with the same idempotency key and found to have been there.
    repeated: u64,
    /// Streams that readers opened.
    connects: u64,
    restart_p50_ms: f64,
    restart_max_ms: f64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_millis() as u64)
    });
    say(format_args!("seed {seed}"));
    let directory = match &options.store_dir {
        Some(directory) => TempDir::new_in(directory),
        None => TempDir::new(),
    };
    let directory = directory.context("no place for the store file")?;
    let store = directory.path().join("fanfare.db");
    match Trial::start(options, seed, store)?.run() {
        Ok(outcome) => {
            say(format_args!(
                "{} rounds, {} events, {} acknowledged, {} streams: everything once and in order",
                outcome.rounds, outcome.events, outcome.acknowledged, outcome.connects
            ));
            emit("kill", &outcome)
        }
        Err(error) => {
            let kept = directory.keep();
            Err(error.context(format!("seed {seed}; the store is kept in {}", kept.display())))
        }
    }
}

struct Trial<'a> {
    options: &'a Options,
    store: PathBuf,
    rng: Rng,
    seed: u64,
    server: Server,
    address: SocketAddr,
    book: Book,
    restarts: Histogram,
    kills_while_starting: u32,
}

impl<'a> Trial<'a> {
    fn start(options: &'a Options, seed: u64, store: PathBuf) -> Result<Self> {
        let mut server = spawn(options, &store, "127.0.0.1:0")?;
        let address = server.wait_ready()?;
        Ok(Self {
            options,
            store,
            rng: Rng::new(seed),
            seed,
            server,
            address,
            book: Book::default(),
            restarts: Histogram::new(),
            kills_while_starting: 0,
        })
    }

    fn run(mut self) -> Result<Outcome> {
        let load = Load::new(self.address, Reader::cast());
        thread::scope(|scope| {
            readers::spawn(scope, &load, &mut self.rng);
            let rounds = thread::scope(|scope| {
                pushers::spawn(scope, &load, &mut self.rng);
                let rounds = self.rounds(&load);
                load.pushers_stop.store(true, Ordering::Relaxed);
                rounds
            });
            // The pushers have ended, so the log is what it is, and readers must get to the end of it.
            let result = rounds.and_then(|()| self.check(&load).context("after the last round"));
            load.readers_stop.store(true, Ordering::Relaxed);
            result
        })?;
        let events = self.book.check_from_the_start(&mut Client::connect(self.address)?)?;
        Ok(Outcome {
            seed: self.seed,
            rounds: self.options.rounds,
            kills_while_starting: self.kills_while_starting,
            events,
            acknowledged: load.acknowledged()?.len(),
            unanswered_pushes: load.unanswered.load(Ordering::Relaxed),
            repeated: load.repeated.load(Ordering::Relaxed),
            connects: load.connects.load(Ordering::Relaxed),
            restart_p50_ms: self.restarts.quantile_us(0.5) / 1e3,
            restart_max_ms: self.restarts.quantile_us(1.0) / 1e3,
        })
    }

    fn rounds(&mut self, load: &Load) -> Result<()> {
        for round in 1..=self.options.rounds {
            pause(Duration::from_millis(self.rng.below(self.options.live_ms_max + 1)));
            self.server.kill()?;
            self.restart().with_context(|| format!("round {round}: the server does not come back"))?;
            // Every other round is killed again without a pause for checking, while readers catch up.
            if self.rng.below(2) == 0 || round == self.options.rounds {
                self.check(load).with_context(|| format!("round {round}"))?;
            }
            load.check().with_context(|| format!("round {round}"))?;
            if round.is_multiple_of(10) {
                say(format_args!("{round} rounds: {} events in the log, all is well", self.book.len()));
            }
        }
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        let listen = self.address.to_string();
        if self.rng.below(KILLED_STARTING_EVERY) == 0 {
            let mut starting = spawn(self.options, &self.store, &listen)?;
            pause(Duration::from_millis(self.rng.below(STARTING_MS_MAX)));
            starting.kill()?;
            self.kills_while_starting += 1;
        }
        let began = Instant::now();
        self.server = spawn(self.options, &self.store, &listen)?;
        let address = self.server.wait_ready()?;
        ensure!(address == self.address, "the server came back at {address} instead of {}", self.address);
        self.restarts.record(began.elapsed().as_nanos() as u64);
        Ok(())
    }

    /// Compares acknowledgements and readers with the log as it is now.
    fn check(&mut self, load: &Load) -> Result<()> {
        let acknowledged = load.acknowledged()?;
        self.book.read_on(&mut Client::connect(self.address)?)?;
        self.book.check_acknowledged(&acknowledged)?;
        for reader in &load.readers {
            let deadline = Instant::now() + READER_DEADLINE;
            while !self.book.check_reader(reader)? {
                ensure!(
                    Instant::now() < deadline,
                    "reader `{}` has not got everything after {READER_DEADLINE:?}: {}",
                    reader.name,
                    self.book.lag(reader)?,
                );
                load.check()?;
                pause(Duration::from_millis(2));
            }
        }
        Ok(())
    }
}

fn spawn(options: &Options, store: &PathBuf, listen: &str) -> Result<Server> {
    let mut command = Command::new(&options.server_bin);
    command.args(["serve", "--listen", listen, "--store"]).arg(store).args(&options.server_arg);
    Server::spawn(&mut command, &Placement::anywhere()?)
}
