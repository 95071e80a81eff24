//! Replay: subscribers that read the whole log.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::{
    client::Client,
    generator::{
        Generator,
        tally::{Faults, Tally},
    },
    process::{Stretch, allow_open_files},
    report::say,
    target::Target,
    wire::message,
};

const PATIENCE: Duration = Duration::from_secs(10);
const SIZE: usize = 100;
const DELIVERIES_MAX: usize = 800_000_000;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Number of events in the log; it must be empty before
    #[arg(long, default_value_t = 100_000)]
    pub(crate) events: usize,
    /// Number of concurrent subscribers; if set more than once, one run follows the other
    #[arg(long, default_values_t = [1, 100])]
    pub(crate) readers: Vec<usize>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) events: usize,
    pub(crate) readers: usize,
    pub(crate) seconds: f64,
    pub(crate) events_per_second: f64,
    pub(crate) server_cpu_us_per_event: f64,
    pub(crate) foreign_cores: f64,
    #[serde(flatten)]
    pub(crate) faults: Faults,
}

/// Fills the log, which must be empty.
pub(crate) fn prepare(target: &Target, events: usize) -> Result<()> {
    Client::connect(target.address()?)?
        .prepare(events as u64, |number| format!(r#"{{"message":"{}"}}"#, message::numbered(number, SIZE)))
}

/// Reads the log that `prepare` filled.
pub(crate) fn run(target: &Target, events: usize, readers: usize) -> Result<Outcome> {
    ensure!(
        readers > 0 && readers.saturating_mul(events) <= DELIVERIES_MAX,
        "over {DELIVERIES_MAX} deliveries"
    );
    allow_open_files(readers + 100)?;
    let mut generator = Generator::new(target.address()?)?;
    let mut tally = Tally::new(readers, events);
    let stretch = Stretch::begin(target.pid)?;
    let start_ns = generator.clock.ns();
    generator.subscribe(readers, "/stream?since=earliest", &mut tally)?;
    let all = generator.turn_until(PATIENCE, &mut tally, |_, tally| Ok(tally.complete() == events))?;
    let spent = stretch.end()?;
    let seconds = (tally.last_delivery_at_ns.max(start_ns + 1) - start_ns) as f64 / 1e9;
    let outcome = Outcome {
        events,
        readers,
        seconds,
        events_per_second: tally.delivered as f64 / seconds,
        server_cpu_us_per_event: spent.server_cpu_us / tally.delivered.max(1) as f64,
        foreign_cores: spent.foreign_cores,
        faults: tally.faults(),
    };
    if !all {
        say(format_args!(
            "nothing came for {PATIENCE:?}: {} of {events} events are with everyone",
            tally.complete()
        ));
    }
    say(format_args!(
        "{readers} readers of {events} events: {:.0} events/s, {:.2} us of server CPU per event; faults {}",
        outcome.events_per_second,
        outcome.server_cpu_us_per_event,
        outcome.faults.total(),
    ));
    Ok(outcome)
}
