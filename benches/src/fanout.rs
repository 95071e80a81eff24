//! Fan-out: many subscribers, and the server's cost of sending each event to all of them.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::{
    generator::{
        Generator, Observer,
        tally::{Faults, Tally},
    },
    process::{Stretch, allow_open_files},
    report::say,
    target::Target,
    wire::{message, sse::Frame},
};

/// Time after which a delivery counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// Maximum pairs of subscriber and event: 100 MB of bits in the tally, and an hour at most.
const DELIVERIES_MAX: usize = 800_000_000;
const WARM_UP_EVENTS: usize = 3;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) load: Load,
}

#[derive(Clone, Copy, Debug, clap::Args, Serialize)]
pub(crate) struct Load {
    /// Number of open streams
    #[arg(long, default_value_t = 1_000)]
    pub(crate) subscribers: usize,
    /// Number of events to push
    #[arg(long, default_value_t = 600)]
    pub(crate) events: usize,
    /// Bytes in each message
    #[arg(long, default_value_t = 100)]
    pub(crate) size: usize,
    /// Number of events in flight
    #[arg(long, default_value_t = 1)]
    pub(crate) publishers: usize,
    /// Events per second, whether or not the last one has arrived [default: the next event leaves when everyone has one
    /// that is in flight]
    #[arg(long)]
    pub(crate) rate: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    #[serde(flatten)]
    pub(crate) load: Load,
    pub(crate) seconds: f64,
    pub(crate) deliveries_per_second: f64,
    pub(crate) server_cpu_us_per_delivery: f64,
    pub(crate) generator_cpu_us_per_delivery: f64,
    pub(crate) latency_p50_ms: f64,
    pub(crate) latency_p99_ms: f64,
    pub(crate) push_p50_ms: f64,
    pub(crate) reads_per_delivery: f64,
    pub(crate) bytes_per_delivery: f64,
    pub(crate) foreign_cores: f64,
    #[serde(flatten)]
    pub(crate) faults: Faults,
    pub(crate) closed_early: usize,
}

pub(crate) fn run(target: &Target, load: Load) -> Result<Outcome> {
    ensure!(load.size >= message::SIZE_MIN, "--size must be at least {}", message::SIZE_MIN);
    ensure!(load.subscribers > 0 && load.events > 0 && load.publishers > 0, "there must be something to do");
    ensure!(load.subscribers * load.events <= DELIVERIES_MAX, "more than {DELIVERIES_MAX} deliveries");
    allow_open_files(load.subscribers + load.publishers + 100)?;
    let server: SocketAddr = target.address()?;
    let mut generator = Generator::new(server)?;
    let mut warm_up = WarmUp::new(load.subscribers);
    generator.subscribe(load.subscribers, "/stream", &mut warm_up)?;
    generator.connect_publishers(load.publishers)?;
    warm_up.run(&mut generator, load.size)?;

    let (bytes, reads) = (generator.subscribers.bytes_read, generator.subscribers.reads);
    let mut tally = Tally::new(load.subscribers, load.events);
    let stretch = Stretch::begin(target.pid)?;
    let start_ns = generator.clock.ns();
    drive(&mut generator, &mut tally, load, start_ns)?;
    let spent = stretch.end()?;

    let delivered = tally.delivered.max(1) as f64;
    let seconds = (tally.last_delivery_at_ns.max(start_ns + 1) - start_ns) as f64 / 1e9;
    let outcome = Outcome {
        load,
        seconds,
        deliveries_per_second: tally.delivered as f64 / seconds,
        server_cpu_us_per_delivery: spent.server_cpu_us / delivered,
        generator_cpu_us_per_delivery: spent.generator_cpu_us / delivered,
        latency_p50_ms: tally.latency.quantile_us(0.5) / 1e3,
        latency_p99_ms: tally.latency.quantile_us(0.99) / 1e3,
        push_p50_ms: generator.publishers.latency.quantile_us(0.5) / 1e3,
        reads_per_delivery: (generator.subscribers.reads - reads) as f64 / delivered,
        bytes_per_delivery: (generator.subscribers.bytes_read - bytes) as f64 / delivered,
        foreign_cores: spent.foreign_cores,
        faults: tally.faults(),
        closed_early: generator.subscribers.closed_early,
    };
    outcome.say();
    Ok(outcome)
}

/// Pushes all events as `load` specifies and turns the loop until everyone has them, or nothing more arrives.
fn drive(generator: &mut Generator, tally: &mut Tally, load: Load, start_ns: u64) -> Result<()> {
    let mut next = 0;
    let due_ns = |event: usize| load.rate.map(|rate| start_ns + (event as f64 * 1e9 / rate) as u64);
    let all_arrived = generator.turn_until(PATIENCE, tally, |generator, tally: &mut Tally| {
        loop {
            let now = generator.clock.ns();
            let may_leave = match due_ns(next) {
                Some(due) => due <= now,
                None => next - tally.complete() < load.publishers,
            };
            if next == load.events || !may_leave || generator.publishers.idle() == 0 {
                break;
            }
            let body = format!(r#"{{"message":"{}"}}"#, message::numbered(next as u64, load.size));
            tally.sent(next, due_ns(next).unwrap_or(now));
            generator.publishers.push(&body, generator.clock)?;
            next += 1;
        }
        generator.publishers.check()?;
        Ok(tally.complete() == load.events && generator.publishers.in_flight() == 0)
    })?;
    if !all_arrived {
        say(format_args!(
            "nothing came for {PATIENCE:?}: {} of {} events are with everyone",
            tally.complete(),
            load.events
        ));
    }
    Ok(())
}

impl Outcome {
    fn say(&self) {
        let Load { subscribers, events, size, publishers, .. } = self.load;
        say(format_args!(
            "{subscribers} subscribers, {events} events of {size} bytes, {publishers} publishers: \
             {:.2} us of server CPU per delivery, {:.0} deliveries/s, latency p50 {:.2} ms, p99 {:.2} ms; \
             lost {}, duplicated {}, out of order {}, renumbered {}, unexpected {}; {:.2} reads per delivery, \
             others kept {:.2} cores busy",
            self.server_cpu_us_per_delivery,
            self.deliveries_per_second,
            self.latency_p50_ms,
            self.latency_p99_ms,
            self.faults.lost,
            self.faults.duplicated,
            self.faults.out_of_order,
            self.faults.renumbered,
            self.faults.unexpected,
            self.reads_per_delivery,
            self.foreign_cores,
        ));
    }
}

/// Counts frames until every subscriber has had the first few events, so that all are known to listen.
pub(crate) struct WarmUp {
    received: Vec<usize>,
}

impl WarmUp {
    pub(crate) fn new(subscribers: usize) -> Self {
        Self { received: vec![0; subscribers] }
    }

    pub(crate) fn run(&mut self, generator: &mut Generator, size: usize) -> Result<()> {
        for event in 0..WARM_UP_EVENTS {
            let body = format!(r#"{{"message":"{}"}}"#, message::numbered(event as u64, size));
            generator.publishers.push(&body, generator.clock)?;
            let all = generator.turn_until(PATIENCE, self, |generator, this: &mut Self| {
                generator.publishers.check()?;
                let have = this.received.iter().filter(|received| **received > event).count();
                Ok(have == this.received.len() && generator.publishers.in_flight() == 0)
            })?;
            ensure!(all, "a subscriber did not get an event that was pushed after its stream began");
        }
        Ok(())
    }
}

impl Observer for WarmUp {
    fn frame(&mut self, subscriber: usize, _frame: Frame<'_>, _at_ns: u64) {
        self.received[subscriber] += 1;
    }
}
