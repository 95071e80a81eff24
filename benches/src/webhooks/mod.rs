//! Webhooks: the server's cost of each delivery, its duration, and whether every receiver got everything.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use self::deliveries::Deliveries;
use crate::{
    client::Client,
    generator::{Generator, tally::Faults},
    histogram::Histogram,
    process::{Stretch, allow_open_files},
    report::say,
    target::Target,
    wire::message,
};

mod deliveries;
pub(crate) mod registering;

/// Time after which a delivery counts as lost.
const PATIENCE: Duration = Duration::from_secs(20);
/// The bits of the tally, and an hour at most.
const DELIVERIES_MAX: usize = 100_000_000;
/// Maximum delay of an event after it was due, if there is a rate.
const TURN: Duration = Duration::from_millis(1);

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) load: Load,
    /// Only register this many, and report the cost
    #[arg(long)]
    pub(crate) register: Option<usize>,
}

#[derive(Clone, Copy, Debug, clap::Args, Serialize)]
pub(crate) struct Load {
    /// Number of webhooks that answer at once
    #[arg(long, default_value_t = 10)]
    pub(crate) webhooks: usize,
    /// Number of additional webhooks that accept requests and never answer
    #[arg(long, default_value_t = 0)]
    pub(crate) hanging: usize,
    /// Number of events to push
    #[arg(long, default_value_t = 10_000)]
    pub(crate) events: usize,
    /// Bytes in each message
    #[arg(long, default_value_t = 100)]
    pub(crate) size: usize,
    /// Number of connections that push, each one event at a time
    #[arg(long, default_value_t = 64)]
    pub(crate) publishers: usize,
    /// Number of events in flight, unless a rate is set
    #[arg(long, default_value_t = 64)]
    pub(crate) outstanding: usize,
    /// Events per second, whether the last one has arrived or not
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
    /// The load of the server's core.
    pub(crate) server_cores: f64,
    pub(crate) push_p50_ms: f64,
    pub(crate) push_p99_ms: f64,
    /// From the moment at which the pusher had its answer; 0 if the delivery arrived before.
    pub(crate) after_acceptance_p50_ms: f64,
    pub(crate) after_acceptance_p99_ms: f64,
    /// From the moment at which the event was sent, or was due.
    pub(crate) latency_p50_ms: f64,
    pub(crate) latency_p99_ms: f64,
    /// Connections that the server opened to receivers.
    pub(crate) connections: u64,
    pub(crate) foreign_cores: f64,
    #[serde(flatten)]
    pub(crate) faults: Faults,
}

pub(crate) fn run(target: &Target, load: Load) -> Result<Outcome> {
    ensure!(load.size >= message::SIZE_MIN, "--size must be at least {}", message::SIZE_MIN);
    ensure!(load.webhooks > 0 && load.events > 0 && load.publishers > 0, "there must be something to do");
    ensure!(load.outstanding > 0, "--outstanding must be at least 1");
    ensure!(load.webhooks * load.events <= DELIVERIES_MAX, "more than {DELIVERIES_MAX} deliveries");
    allow_open_files((load.webhooks + load.hanging) * 16 + load.publishers + 100)?;
    let mut generator = Generator::new(target.address()?)?;
    generator.receive_webhooks()?;
    generator.receivers.answering = load.webhooks;
    registering::register(
        &mut Client::connect(target.address()?)?,
        &generator.receivers,
        0..load.webhooks + load.hanging,
    )?;
    generator.connect_publishers(load.publishers)?;
    // Pushers of the seed wait for the first attempts; here deliveries are measured where they arrive.
    generator.publishers.path = "/api/push?wait=0s";
    if load.rate.is_some() {
        generator.turn_max = TURN;
    }
    warm_up(&mut generator, load)?;

    let mut deliveries = Deliveries::new(load.webhooks, load.events, generator.publishers.pushed);
    generator.publishers.latency = Histogram::new();
    let stretch = Stretch::begin(target.pid)?;
    let start_ns = generator.clock.ns();
    drive(&mut generator, &mut deliveries, load, start_ns)?;
    let spent = stretch.end()?;

    let tally = &deliveries.tally;
    let delivered = tally.delivered.max(1) as f64;
    let seconds = (tally.last_delivery_at_ns.max(start_ns + 1) - start_ns) as f64 / 1e9;
    let ms = |histogram: &Histogram, quantile| histogram.quantile_us(quantile) / 1e3;
    let outcome = Outcome {
        load,
        seconds,
        deliveries_per_second: tally.delivered as f64 / seconds,
        server_cpu_us_per_delivery: spent.server_cpu_us / delivered,
        generator_cpu_us_per_delivery: spent.generator_cpu_us / delivered,
        server_cores: spent.server_cpu_us / 1e6 / spent.seconds,
        push_p50_ms: ms(&generator.publishers.latency, 0.5),
        push_p99_ms: ms(&generator.publishers.latency, 0.99),
        after_acceptance_p50_ms: ms(&deliveries.after_acceptance, 0.5),
        after_acceptance_p99_ms: ms(&deliveries.after_acceptance, 0.99),
        latency_p50_ms: ms(&tally.latency, 0.5),
        latency_p99_ms: ms(&tally.latency, 0.99),
        connections: generator.receivers.opened,
        foreign_cores: spent.foreign_cores,
        faults: deliveries.faults(),
    };
    outcome.say();
    Ok(outcome)
}

/// Opens every connection that the load will use, and grows every buffer.
fn warm_up(generator: &mut Generator, load: Load) -> Result<()> {
    let events = 2 * load.outstanding.max(16);
    let mut warm_up = Deliveries::new(load.webhooks, events, generator.publishers.pushed);
    let start_ns = generator.clock.ns();
    drive(generator, &mut warm_up, Load { events, rate: None, ..load }, start_ns)?;
    let complete = warm_up.tally.complete();
    ensure!(complete == events, "{complete} of {events} events to warm up came to all webhooks");
    Ok(())
}

/// Pushes all events as `load` specifies and turns the loop until everyone has them, or nothing more arrives.
fn drive(generator: &mut Generator, deliveries: &mut Deliveries, load: Load, start_ns: u64) -> Result<()> {
    let mut next = 0;
    let due_ns = |event: usize| load.rate.map(|rate| start_ns + (event as f64 * 1e9 / rate) as u64);
    let patience_began = Instant::now();
    let all_arrived =
        generator.turn_until(PATIENCE, deliveries, |generator, deliveries: &mut Deliveries| {
            loop {
                let now = generator.clock.ns();
                let may_leave = match due_ns(next) {
                    Some(due) => due <= now,
                    None => next - deliveries.tally.complete() < load.outstanding,
                };
                if next == load.events || !may_leave || generator.publishers.idle() == 0 {
                    break;
                }
                let body = format!(r#"{{"message":"{}"}}"#, message::numbered(next as u64, load.size));
                deliveries.tally.sent(next, due_ns(next).unwrap_or(now));
                generator.publishers.push(&body, generator.clock)?;
                next += 1;
            }
            generator.publishers.check()?;
            Ok(deliveries.tally.complete() == load.events && generator.publishers.in_flight() == 0)
        })?;
    if !all_arrived {
        say(format_args!(
            "nothing came for {PATIENCE:?}, {:?} after the beginning: {} of {} events are with everyone",
            patience_began.elapsed(),
            deliveries.tally.complete(),
            load.events
        ));
    }
    Ok(())
}

impl Outcome {
    fn say(&self) {
        let Load { webhooks, hanging, events, size, .. } = self.load;
        say(format_args!(
            "{webhooks} webhooks and {hanging} that hang, {events} events of {size} bytes: {:.2} us of server CPU per delivery, \
             {:.0} deliveries/s; accepted after p50 {:.2} ms, p99 {:.2} ms; received after that p50 {:.2} ms, p99 {:.2} ms; \
             lost {}, duplicated {}, renumbered {}, unexpected {}; {} connections, the server's core was busy {:.2}, \
             others kept {:.2} cores busy",
            self.server_cpu_us_per_delivery,
            self.deliveries_per_second,
            self.push_p50_ms,
            self.push_p99_ms,
            self.after_acceptance_p50_ms,
            self.after_acceptance_p99_ms,
            self.faults.lost,
            self.faults.duplicated,
            self.faults.renumbered,
            self.faults.unexpected,
            self.connections,
            self.server_cores,
            self.foreign_cores,
        ));
    }
}

/// Runs the load that the options describe, and reports it.
pub(crate) fn run_options(options: &Options) -> Result<()> {
    match options.register {
        Some(count) => {
            let outcome = registering::run(&options.target, count).context("registering")?;
            crate::report::emit("webhooks-register", &outcome)
        }
        None => crate::report::emit("webhooks", &run(&options.target, options.load)?),
    }
}
