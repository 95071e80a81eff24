//! Idle subscribers: the memory of each, and the cost of accepting it.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::{
    fanout::WarmUp,
    generator::Generator,
    process::{Stretch, allow_open_files, resident_bytes},
    report::say,
    target::Target,
};

/// Long enough for the remains of connecting (timers, freed memory) to settle.
const SETTLE: Duration = Duration::from_secs(2);
const WATCH: Duration = Duration::from_secs(3);
const BURST_SIZE: usize = 100;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Number of open streams
    #[arg(long, default_value_t = 10_000)]
    pub(crate) subscribers: usize,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) subscribers: usize,
    pub(crate) resident_bytes_before: u64,
    pub(crate) resident_bytes_per_subscriber: f64,
    /// The same after each has had a few events.
    pub(crate) resident_bytes_per_subscriber_after_events: f64,
    pub(crate) connect_cpu_us: f64,
    /// Server CPU while nothing happens, per second.
    pub(crate) idle_cpu_us_per_second: f64,
    pub(crate) foreign_cores: f64,
}

pub(crate) fn run(target: &Target, subscribers: usize) -> Result<Outcome> {
    let pid = target.process()?;
    allow_open_files(subscribers + 100)?;
    let mut generator = Generator::new(target.address()?)?;
    let mut warm_up = WarmUp::new(subscribers);
    let before = resident_bytes(pid)?;
    let per_subscriber = |bytes: u64| (bytes as f64 - before as f64) / subscribers as f64;

    let connecting = Stretch::begin(Some(pid))?;
    generator.subscribe(subscribers, "/stream", &mut warm_up)?;
    let connecting = connecting.end()?;
    linger(&mut generator, &mut warm_up, SETTLE)?;
    let idle = resident_bytes(pid)?;
    let watching = Stretch::begin(Some(pid))?;
    linger(&mut generator, &mut warm_up, WATCH)?;
    let watching = watching.end()?;

    generator.connect_publishers(1)?;
    warm_up.run(&mut generator, BURST_SIZE)?;
    linger(&mut generator, &mut warm_up, SETTLE)?;
    let outcome = Outcome {
        subscribers,
        resident_bytes_before: before,
        resident_bytes_per_subscriber: per_subscriber(idle),
        resident_bytes_per_subscriber_after_events: per_subscriber(resident_bytes(pid)?),
        connect_cpu_us: connecting.server_cpu_us / subscribers as f64,
        idle_cpu_us_per_second: watching.server_cpu_us / watching.seconds,
        foreign_cores: connecting.foreign_cores,
    };
    say(format_args!(
        "{subscribers} idle subscribers: {:.0} bytes of resident memory each ({:.0} after events), \
         {:.1} us of server CPU to let one in, {:.0} us of CPU per idle second",
        outcome.resident_bytes_per_subscriber,
        outcome.resident_bytes_per_subscriber_after_events,
        outcome.connect_cpu_us,
        outcome.idle_cpu_us_per_second,
    ));
    Ok(outcome)
}

/// Keeps reading, so that the sockets stay as empty as those of a live client.
fn linger(generator: &mut Generator, observer: &mut WarmUp, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        generator.turn(left, observer)?;
    }
    Ok(())
}
