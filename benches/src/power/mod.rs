//! Power cuts: the benchmark records the real gateway under load, computes from the record what a disk may hold
//! when the power is cut, and starts the real gateway on that. It must have kept its promises.

use std::{
    path::PathBuf,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;

use self::{
    check::Found,
    cutter::Cutter,
    image::Image,
    promises::Promises,
    recording::{Recorded, Recording},
};
use crate::{
    client::Client,
    kill::{
        hooks::{self, receivers::Receivers, registrar},
        load::Load,
        pushers,
    },
    pause::pause,
    report::{emit, say},
    rng::Rng,
    trial,
};

mod check;
mod conversation;
mod cutter;
mod disk;
#[cfg(test)]
mod disk_tests;
mod image;
mod interpret;
mod promises;
mod readers;
mod recording;
mod trace;

/// The second and third recordings begin on what a cut of the previous one left, so their first cuts hit a
/// recovery.
const RECORDINGS_PER_LOG: u32 = 3;
/// Maximum pause of a pusher after each push.
const PACE_MS_MAX: u64 = 8;
/// Maximum time until there are more events than retention keeps; there is a pause of this length between two looks.
const RETENTION_MAX: Duration = Duration::from_secs(60);
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// A number larger than that of one pusher's pushes in one recording.
const NUMBERS_PER_RECORDING: u64 = 1_000_000;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The program whose power is cut
    #[arg(long, default_value = "target/dist/fanfare")]
    server_bin: PathBuf,
    /// Number of cuts
    #[arg(long, default_value_t = 500)]
    cuts: u32,
    /// Number of cuts in each recording of the gateway
    #[arg(long, default_value_t = 25)]
    cuts_per_recording: u32,
    /// Length of the load in each recording, in milliseconds
    #[arg(long, default_value_t = 2_500)]
    live_ms: u64,
    /// Number of events that retention keeps
    #[arg(long, default_value_t = 300)]
    retention: u64,
    /// Check the checks: the disk forgets what was synced, so something must be lost
    #[arg(long)]
    ignore_syncs: bool,
    #[command(flatten)]
    trial: trial::Options,
}

#[derive(Debug, Default, Serialize)]
struct Outcome {
    seed: u64,
    recordings: u32,
    cuts: u32,
    /// Cuts before the gateway listened on a new log, or on what another cut had left.
    cuts_creating: u32,
    cuts_recovering: u32,
    cuts_ending: u32,
    /// Cuts while a checkpoint was writing into the log's file.
    cuts_in_checkpoints: u32,
    /// Cuts after which retention had removed events.
    cuts_after_retention: u32,
    /// Changes that no sync covered, and how many of them were missing or incomplete on the disk.
    loose: usize,
    not_kept: usize,
    /// Sums over all cuts.
    acknowledged: usize,
    readers: usize,
    delivered_before: usize,
    delivered_after: usize,
    given_up: usize,
    /// Cuts after which a promise was broken.
    lost: u32,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    recording::ensure_possible()?;
    let seed = options.trial.seed();
    let mut outcome = Outcome { seed, ..Outcome::default() };
    let mut rng = Rng::new(seed);
    while outcome.cuts < options.cuts {
        one_log(options, &mut outcome, &mut rng).with_context(|| format!("seed {seed}"))?;
    }
    if options.ignore_syncs {
        ensure!(
            outcome.lost * 2 > outcome.cuts,
            "{} of {} cuts of a disk that forgets were found out: the checks see too little",
            outcome.lost,
            outcome.cuts
        );
        say(format_args!("{} of {} cuts of a disk that forgets were found out", outcome.lost, outcome.cuts));
    } else {
        ensure!(outcome.cuts_after_retention > 0, "retention removed nothing: load for longer");
        ensure!(outcome.loose > 0 && outcome.not_kept > 0, "no cut took anything: the record has no writes");
        ensure!(
            outcome.acknowledged > 0 && outcome.readers > 0,
            "nothing was promised to pushers or readers"
        );
        ensure!(
            outcome.delivered_before > 0 && outcome.delivered_after > 0,
            "no delivery was made before a cut, or none after it"
        );
        say(format_args!(
            "{} cuts in {} recordings: nothing that was promised was lost",
            outcome.cuts, outcome.recordings
        ));
    }
    emit("power", &outcome)
}

/// Records a gateway on a new log and on what its cuts left, and cuts each recording.
fn one_log(options: &Options, outcome: &mut Outcome, rng: &mut Rng) -> Result<()> {
    let receivers = Receivers::listen()?;
    let idle = Load::new(receivers.address, Vec::new());
    thread::scope(|scope| {
        receivers.spawn(scope, &idle, rng.fork());
        let result = recordings(options, &receivers, &idle, outcome, rng);
        receivers.stop();
        result
    })
}

fn recordings(
    options: &Options,
    receivers: &Receivers,
    idle: &Load,
    outcome: &mut Outcome,
    rng: &mut Rng,
) -> Result<()> {
    let (mut base, mut before) = (Image::default(), Promises::default());
    for turn in 0..RECORDINGS_PER_LOG {
        if outcome.cuts >= options.cuts || (options.ignore_syncs && turn > 0) {
            break;
        }
        receivers.is_benign.store(false, Ordering::Relaxed);
        let is_new = base == Image::default();
        let mut recording = record(options, receivers, base, rng, turn)?;
        outcome.recordings += 1;
        recording.disk.ignores_syncs = options.ignore_syncs;
        receivers.is_benign.store(true, Ordering::Relaxed);
        say(format_args!(
            "recording {}: {} changes, {} requests",
            outcome.recordings,
            recording.disk.ops.len(),
            recording.exchanges.len()
        ));
        let cutter = Cutter { options, receivers, idle, recording: &recording, before: &before, is_new };
        for _ in 0..options.cuts_per_recording.min(options.cuts - outcome.cuts) {
            cutter.cut(outcome, rng)?;
        }
        (base, before) = cutter.next(rng)?;
    }
    Ok(())
}

/// Runs the gateway under load on `base`, and records it.
fn record(
    options: &Options,
    receivers: &Receivers,
    base: Image,
    rng: &mut Rng,
    turn: u32,
) -> Result<Recording> {
    let directory = options.trial.directory()?;
    let root = directory.path().join("root");
    std::fs::create_dir(&root)?;
    let command = recording::serve(&options.server_bin, &root, options.retention);
    let trace = directory.path().join("trace");
    let (recorded, address) = Recorded::start(&command, &root, &trace, base)?;
    let mut load = Load::new(address, Vec::new());
    load.push_path = "/api/push?wait=0s";
    load.pace_ms_max = PACE_MS_MAX;
    load.number_from = u64::from(turn) * NUMBERS_PER_RECORDING;
    let mut client = Client::connect(address)?;
    if turn == 0 {
        receivers.forget();
        hooks::register(&mut client, receivers)?;
    }
    thread::scope(|scope| {
        pushers::spawn(scope, &load, rng);
        for (name, _) in readers::NAMES {
            let (load, rng) = (&load, rng.fork());
            scope.spawn(move || {
                if let Err(error) = readers::run(name, load, rng) {
                    load.complain(format!("{error:#}"));
                }
            });
        }
        let registrar_rng = rng.fork();
        let (load, receivers) = (&load, receivers.address);
        let registrar = scope.spawn(move || registrar::run(load, receivers, registrar_rng));
        pause(Duration::from_millis(options.live_ms));
        // A cut after retention is one of those to be tried, however slow the machine is.
        let deadline = Instant::now() + RETENTION_MAX;
        while turn == 0 && client.log_end()?.last_seq <= options.retention && Instant::now() < deadline {
            pause(LOOK_PAUSE);
        }
        load.pushers_stop.store(true, Ordering::Relaxed);
        registrar.join().map_err(|_| anyhow!("the registrar panicked"))
    })?;
    load.check()?;
    let recording = recorded.end()?;
    let mut all = Promises::default();
    all.add(&recording.exchanges, recording.moments)?;
    let acknowledged = load.acknowledged()?;
    let unknown = acknowledged.iter().find(|event| !all.acknowledged.contains(event));
    ensure!(unknown.is_none(), "a pusher has an answer that the record does not have: {unknown:?}");
    Ok(recording)
}

impl Outcome {
    fn add(&mut self, found: Found) {
        self.cuts_after_retention += u32::from(found.removed > 0);
        self.acknowledged += found.acknowledged;
        self.readers += found.readers;
        self.delivered_before += found.delivered_before;
        self.delivered_after += found.delivered_after;
        self.given_up += found.given_up;
    }
}
