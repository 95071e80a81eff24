//! A hostile client beside a guest: one program does everything at once that a client can do to take resources
//! from others. The benchmark compares the service that a well-behaved client gets with what it got before.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Child, Command},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use self::attacks::Succeeds;
use self::guest::{Guest, Served};
use crate::{
    client::Client,
    process::{allow_open_files, resident_bytes},
    report::{emit, say},
    server::{Placement, Server},
    target::Target,
};

mod attacker;
mod attacks;
mod guest;

/// Interval between two looks at the server's memory.
const LOOK: Duration = Duration::from_millis(100);
/// Descriptors of the hostile client: all connections that it holds.
const OPEN_FILES: usize = 16_000;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The program to serve
    #[arg(long, default_value = "target/dist/fanfare")]
    server_bin: PathBuf,
    /// Seconds of each half: without the hostile client, and with it
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Fail if the server has more megabytes of memory than this
    #[arg(long, default_value_t = 640)]
    memory_mb_max: u64,
    /// Fail if the 99th percentile of a push is more than this many times that of the first half
    #[arg(long)]
    ratio_max: Option<f64>,
    /// Fail if the 99th percentile of `/health` is more milliseconds than this
    #[arg(long)]
    health_ms_max: Option<f64>,
    /// Fail if fewer of the attacks succeed [default: all]; a server without optimizations is too slow for some. Those
    /// that need no speed must succeed in any case
    #[arg(long)]
    attacks_min: Option<usize>,
    /// Only the attacks whose names contain this
    #[arg(long, default_value = "")]
    only: String,
    /// Be the hostile client of this server; this is how the benchmark starts it
    #[arg(long, hide = true)]
    attack: Option<String>,
}

#[derive(Debug, Serialize)]
struct Outcome {
    seconds: u64,
    quiet: Served,
    hostile: Served,
    push_p99_ratio: f64,
    resident_mb_before: f64,
    resident_mb_max: f64,
    /// How often each attack succeeded, by its name.
    attacks: BTreeMap<String, u64>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    allow_open_files(OPEN_FILES)?;
    if let Some(url) = &options.attack {
        let server = Target { url: url.clone(), pid: None }.address()?;
        return attacks::run(server, Duration::from_secs(options.seconds), &options.only);
    }
    let directory = tempfile::tempdir().context("no place for the store file")?;
    let cores = Placement::anywhere()?.server;
    let placement = match cores.as_slice() {
        [first, second, ..] => Placement { server: vec![*first], generator: vec![*second] },
        _ => Placement::anywhere()?,
    };
    let mut command = Command::new(&options.server_bin);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store"]).arg(directory.path().join("fanfare.db"));
    let mut server = Server::spawn(&mut command, &placement)?;
    let target = server.target()?;
    let outcome = compare(options, &target)?;
    say(format_args!(
        "a push took p99 {:.2} ms and {:.2} ms beside the hostile client ({:.2} times), p50 {:.2} and {:.2} ms; an event \
         arrived after p99 {:.2} and {:.2} ms; /health p99 {:.2} and {:.2} ms, maximum {:.2} ms; memory {:.0} MB, then at most \
         {:.0} MB; failed requests: {}",
        outcome.quiet.push_p99_ms,
        outcome.hostile.push_p99_ms,
        outcome.push_p99_ratio,
        outcome.quiet.push_p50_ms,
        outcome.hostile.push_p50_ms,
        outcome.quiet.arrival_p99_ms,
        outcome.hostile.arrival_p99_ms,
        outcome.quiet.health_p99_ms,
        outcome.hostile.health_p99_ms,
        outcome.hostile.health_max_ms,
        outcome.resident_mb_before,
        outcome.resident_mb_max,
        outcome.hostile.failures,
    ));
    emit("hostile", &outcome)?;
    ensure!(outcome.quiet.failures == 0, "the guest was refused without a hostile client");
    ensure!(outcome.hostile.failures == 0, "{} requests of the guest failed", outcome.hostile.failures);
    ensure!(
        outcome.resident_mb_max <= options.memory_mb_max as f64,
        "the server had {:.0} MB, more than {} MB",
        outcome.resident_mb_max,
        options.memory_mb_max
    );
    check_attacks(&outcome.attacks, options.attacks_min)?;
    let ratio = outcome.push_p99_ratio;
    ensure!(options.ratio_max.is_none_or(|max| ratio <= max), "a push took {ratio:.1} times as long");
    let health = outcome.hostile.health_p99_ms;
    ensure!(options.health_ms_max.is_none_or(|max| health <= max), "`/health` took {health:.1} ms");
    Ok(())
}

/// Checks that the attacks happened, and that the one that the server refuses did not. Of those that a slow server may
/// not answer in time, `min` counts: which ones it answers, beside all the others, differs from run to run.
fn check_attacks(attacks: &BTreeMap<String, u64>, min: Option<usize>) -> Result<()> {
    let (mut tried, mut failed) = (0, Vec::new());
    for (name, count) in attacks {
        let succeeds = attacks::succeeds(name).with_context(|| format!("no attack is named `{name}`"))?;
        if succeeds == Succeeds::Never {
            ensure!(*count == 0, "the attack with {name} succeeded {count} times");
            continue;
        }
        ensure!(*count > 0 || succeeds == Succeeds::IfFast, "the attack with {name} did not succeed");
        tried += 1;
        failed.extend((*count == 0).then_some(name.as_str()));
    }
    let min = min.unwrap_or(tried);
    ensure!(tried - failed.len() >= min, "fewer than {min} attacks succeeded; not: {}", failed.join("; "));
    Ok(())
}

fn compare(options: &Options, target: &Target) -> Result<Outcome> {
    let (address, pid) = (target.address()?, target.process()?);
    let length = Duration::from_secs(options.seconds);
    let quiet = Guest::start(address)?.serve_for(length, || Ok(()))?;
    let resident_before = resident_bytes(pid)?;
    let mut resident_max = 0;
    let mut attack = Attack::start(target, options)?;
    let hostile = Guest::start(address)?.serve_for(length, || {
        resident_max = resident_max.max(resident_bytes(pid)?);
        Ok(())
    })?;
    let attacks = attack.end()?;
    let after = Client::connect(address)?.get("/ready")?;
    ensure!(after.status == 200, "the server is not ready after the attack: {}", after.status);
    Ok(Outcome {
        seconds: options.seconds,
        push_p99_ratio: hostile.push_p99_ms / quiet.push_p99_ms,
        quiet,
        hostile,
        resident_mb_before: resident_before as f64 / 1e6,
        resident_mb_max: resident_max as f64 / 1e6,
        attacks,
    })
}

/// The hostile client, a process of its own that yields the core to the guest.
struct Attack {
    child: Child,
    begun: Instant,
}

impl Attack {
    fn start(target: &Target, options: &Options) -> Result<Self> {
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(std::env::current_exe()?).args(["hostile", "--attack", &target.url]);
        command
            .args(["--seconds", &options.seconds.to_string(), "--only", &options.only])
            .stdout(std::process::Stdio::piped());
        Ok(Self {
            child: command.spawn().context("the hostile client does not start")?,
            begun: Instant::now(),
        })
    }

    /// Waits until it ends, and returns how often each attack succeeded.
    fn end(&mut self) -> Result<BTreeMap<String, u64>> {
        let mut said = String::new();
        let mut stdout = self.child.stdout.take().context("stdout is piped")?;
        std::io::Read::read_to_string(&mut stdout, &mut said)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the hostile client ended with {status} after {:?}", self.begun.elapsed());
        let mut done: serde_json::Value =
            serde_json::from_str(&said).context("the hostile client does not say what it did")?;
        serde_json::from_value(done["done"].take()).context("the hostile client counts something else")
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
