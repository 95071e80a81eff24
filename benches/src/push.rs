//! Pushing: durable events per second, the latency of a push, and the number of commits.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::{
    client::Client,
    generator::{Generator, Observer},
    process::{Stretch, allow_open_files},
    report::say,
    target::Target,
    wire::{message, sse::Frame},
};

const PATIENCE: Duration = Duration::from_secs(20);
/// Maximum events in a body.
const BATCH_MAX: u64 = 10_000;
const COMMITS: &str = "fanfare_store_commits_total";

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) load: Load,
}

#[derive(Clone, Copy, Debug, clap::Args, Serialize)]
pub(crate) struct Load {
    /// Number of keep-alive connections that post, each one request at a time
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// Number of events per request
    #[arg(long, default_value_t = 1)]
    pub(crate) batch: u64,
    /// Number of events to push; rounded up to whole batches
    #[arg(long, default_value_t = 100_000)]
    pub(crate) events: u64,
    /// Bytes in each message
    #[arg(long, default_value_t = 256)]
    pub(crate) size: usize,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    #[serde(flatten)]
    pub(crate) load: Load,
    pub(crate) events_per_second: f64,
    pub(crate) accept_p50_ms: f64,
    pub(crate) accept_p99_ms: f64,
    pub(crate) server_cpu_us_per_event: f64,
    /// Number of commits; `None` if the server has no such counter.
    pub(crate) commits: Option<f64>,
    pub(crate) commits_per_push: Option<f64>,
    pub(crate) foreign_cores: f64,
}

pub(crate) fn run(target: &Target, load: Load) -> Result<Outcome> {
    ensure!((1..=BATCH_MAX).contains(&load.batch), "--batch must be between 1 and {BATCH_MAX}");
    ensure!(load.connections > 0 && load.size >= message::SIZE_MIN, "too few connections or bytes");
    allow_open_files(load.connections + 100)?;
    let server = target.address()?;
    let mut client = Client::connect(server)?;
    let mut generator = Generator::new(server)?;
    generator.connect_publishers(load.connections)?;
    let pushes = load.events.div_ceil(load.batch);
    let body = body(load);

    let first_seq = client.log_end()?.last_seq;
    let commits = client.counter(COMMITS)?;
    let stretch = Stretch::begin(target.pid)?;
    let mut sent = 0;
    let finished = generator.turn_until(PATIENCE, &mut NoSubscribers, |generator, _| {
        while sent < pushes && generator.publishers.idle() > 0 {
            generator.publishers.push(&body, generator.clock)?;
            sent += 1;
        }
        generator.publishers.check()?;
        Ok(generator.publishers.answered == pushes)
    })?;
    let spent = stretch.end()?;
    ensure!(finished, "{} of {pushes} pushes were answered", generator.publishers.answered);

    let events = pushes * load.batch;
    let appended = client.log_end()?.last_seq - first_seq;
    ensure!(appended == events, "{events} events were acknowledged and {appended} are in the log");
    let commits = client.counter(COMMITS)?.zip(commits).map(|(after, before)| after - before);
    let outcome = Outcome {
        load,
        events_per_second: events as f64 / spent.seconds,
        accept_p50_ms: generator.publishers.latency.quantile_us(0.5) / 1e3,
        accept_p99_ms: generator.publishers.latency.quantile_us(0.99) / 1e3,
        server_cpu_us_per_event: spent.server_cpu_us / events as f64,
        commits,
        commits_per_push: commits.map(|commits| commits / pushes as f64),
        foreign_cores: spent.foreign_cores,
    };
    outcome.say();
    Ok(outcome)
}

fn body(load: Load) -> String {
    let event = format!(r#"{{"message":"{}"}}"#, message::numbered(0, load.size));
    if load.batch == 1 { event } else { format!("[{}]", vec![event; load.batch as usize].join(",")) }
}

impl Outcome {
    fn say(&self) {
        let Load { connections, batch, size, .. } = self.load;
        let commits = self.commits_per_push.map_or("unknown".to_owned(), |commits| format!("{commits:.3}"));
        say(format_args!(
            "{connections} connections, {batch} events of {size} bytes per push: {:.0} events/s, \
             accepted after p50 {:.3} ms, p99 {:.3} ms; {:.2} us of server CPU per event; \
             commits per push: {commits}; others kept {:.2} cores busy",
            self.events_per_second,
            self.accept_p50_ms,
            self.accept_p99_ms,
            self.server_cpu_us_per_event,
            self.foreign_cores,
        ));
    }
}

struct NoSubscribers;

impl Observer for NoSubscribers {
    fn frame(&mut self, _subscriber: usize, _frame: Frame<'_>, _at_ns: u64) {}
}
