//! `kill -9` under load, repeatedly: acknowledged events must be there, in order, once, and subscribers that reconnect
//! must miss nothing and see nothing twice.

use std::{
    path::PathBuf,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use tempfile::TempDir;

use self::{book::Book, load::Load, readers::Reader, victim::Victim};
use crate::{
    client::Client,
    pause::pause,
    report::{emit, say},
    rng::Rng,
    trial,
};

pub(crate) mod book;
pub(crate) mod hooks;
pub(crate) mod load;
pub(crate) mod pushers;
mod readers;
mod victim;

/// Maximum time for a subscriber to get the rest of the log.
const READER_DEADLINE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The program to kill
    #[arg(long, default_value = "target/dist/fanfare")]
    server_bin: PathBuf,
    /// One more argument for `fanfare serve`
    #[arg(long, allow_hyphen_values = true)]
    server_arg: Vec<String>,
    /// Number of kills of the server
    #[arg(long, default_value_t = 100)]
    rounds: u32,
    /// The server lives at most this many milliseconds after it listens
    #[arg(long, default_value_t = 300)]
    live_ms_max: u64,
    /// Watch webhooks instead of subscribers: every delivery, its bytes and its signature
    #[arg(long)]
    webhooks: bool,
    /// A delivery that was answered within this many milliseconds before a kill may come again
    #[arg(long, default_value_t = 1_000)]
    window_ms: u64,
    #[command(flatten)]
    trial: trial::Options,
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
    /// The number of these that were pushed again with the same idempotency key and found in the log.
    repeated: u64,
    /// Streams that subscribers opened.
    connects: u64,
    restart_p50_ms: f64,
    restart_max_ms: f64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let (seed, directory) = (options.trial.seed(), options.trial.directory()?);
    let store = directory.path().join("fanfare.db");
    if options.webhooks {
        return match hooks::run(options, seed, store) {
            Ok(outcome) => emit("kill-webhooks", &outcome),
            Err(error) => Err(keep(directory, seed, error)),
        };
    }
    match Trial::start(options, seed, store)?.run() {
        Ok(outcome) => {
            say(format_args!(
                "{} rounds, {} events, {} acknowledged, {} streams: everything once and in order",
                outcome.rounds, outcome.events, outcome.acknowledged, outcome.connects
            ));
            emit("kill", &outcome)
        }
        Err(error) => Err(keep(directory, seed, error)),
    }
}

/// Keeps the store of a round that failed.
fn keep(directory: TempDir, seed: u64, error: anyhow::Error) -> anyhow::Error {
    let kept = directory.keep();
    error.context(format!("seed {seed}; the store is kept in {}", kept.display()))
}

struct Trial<'a> {
    options: &'a Options,
    rng: Rng,
    seed: u64,
    victim: Victim<'a>,
    book: Book,
}

impl<'a> Trial<'a> {
    fn start(options: &'a Options, seed: u64, store: PathBuf) -> Result<Self> {
        let victim = Victim::start(options, store)?;
        Ok(Self { options, rng: Rng::new(seed), seed, victim, book: Book::default() })
    }

    fn run(mut self) -> Result<Outcome> {
        let load = Load::new(self.victim.address, Reader::cast());
        thread::scope(|scope| {
            readers::spawn(scope, &load, &mut self.rng);
            let rounds = thread::scope(|scope| {
                pushers::spawn(scope, &load, &mut self.rng);
                let rounds = self.rounds(&load);
                load.pushers_stop.store(true, Ordering::Relaxed);
                rounds
            });
            // The pushers have ended, so the log no longer changes, and subscribers must reach its end.
            let result = rounds.and_then(|()| self.check(&load).context("after the last round"));
            load.readers_stop.store(true, Ordering::Relaxed);
            result
        })?;
        let events = self.book.check_from_the_start(&mut Client::connect(self.victim.address)?)?;
        Ok(Outcome {
            seed: self.seed,
            rounds: self.options.rounds,
            kills_while_starting: self.victim.kills_while_starting,
            events,
            acknowledged: load.acknowledged()?.len(),
            unanswered_pushes: load.unanswered.load(Ordering::Relaxed),
            repeated: load.repeated.load(Ordering::Relaxed),
            connects: load.connects.load(Ordering::Relaxed),
            restart_p50_ms: self.victim.restarts.quantile_us(0.5) / 1e3,
            restart_max_ms: self.victim.restarts.quantile_us(1.0) / 1e3,
        })
    }

    fn rounds(&mut self, load: &Load) -> Result<()> {
        for round in 1..=self.options.rounds {
            let back = self.victim.round(&mut self.rng);
            back.with_context(|| format!("round {round}: the server does not come back"))?;
            // Every other round is killed again without a pause for checking, while subscribers catch up.
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

    /// Compares acknowledgements and subscribers with the current log.
    fn check(&mut self, load: &Load) -> Result<()> {
        let acknowledged = load.acknowledged()?;
        self.book.read_on(&mut Client::connect(self.victim.address)?)?;
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
