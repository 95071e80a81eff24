//! Webhooks against a fan-out in memory over the same HTTP client, at full and at half load; one receiver that hangs
//! among a thousand; and registering many.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{
    Lab,
    table::{Goal, Row},
};
use crate::{
    figures::median,
    report,
    server::Server,
    webhooks::{self, Load, Outcome, registering},
};

const SIZE: usize = 100;
const PUBLISHERS: usize = 64;
/// Webhooks, and enough events to keep the server's core busy for about four seconds.
const CASES: [(usize, usize); 2] = [(10, 16_000), (100, 1_600)];
/// Duration of the load at half the rate.
const HALF_SECONDS: f64 = 5.0;
/// Longer than the attempts at the webhook that hangs, and few enough that all connections can stay open, of which the
/// gateway has 4,096 and reserves a quarter.
const ISOLATION: Load =
    Load { webhooks: 999, hanging: 0, events: 400, size: SIZE, publishers: 2, outstanding: 2, rate: None };
const REGISTERED: usize = 10_000;

pub(super) fn measure(lab: &Lab<'_>) -> Result<Vec<Row>> {
    ensure!(
        lab.options.fanout_bin.exists(),
        "{} is not there; build it with `cargo build --profile dist -p fanfare-delivery --example webhook_fanout`, or \
         name it with --fanout-bin",
        lab.options.fanout_bin.display()
    );
    let mut rows = Vec::new();
    for (webhooks, events) in CASES {
        let load = Load {
            webhooks,
            hanging: 0,
            events,
            size: SIZE,
            publishers: PUBLISHERS,
            outstanding: 64,
            rate: None,
        };
        let full = in_turns(lab, |lab| memory(lab, load), |lab| fanfare(lab, load))?;
        let what = format!("{webhooks} webhooks");
        rows.extend(full.rows(&what, Goal::RatioAtMost(1.2), Goal::None));
        let rate = full.rate() / webhooks as f64 / 2.0;
        let half = Load { rate: Some(rate), events: (rate * HALF_SECONDS) as usize, ..load };
        rows.extend(half_load(lab, &format!("{what}, half of that load"), half)?);
    }
    let hanging = Load { hanging: 1, ..ISOLATION };
    let isolation = in_turns(lab, |lab| fanfare(lab, ISOLATION), |lab| fanfare(lab, hanging))?;
    let what = "999 webhooks, alone and beside one that hangs";
    rows.extend(isolation.rows(what, Goal::RatioAtMost(1.05), Goal::RatioAtLeast(0.95)));
    rows.extend(registered(lab)?);
    Ok(rows)
}

struct Runs {
    before: Vec<Outcome>,
    fanfare: Vec<Outcome>,
}

fn in_turns(
    lab: &Lab<'_>,
    before: impl Fn(&Lab<'_>) -> Result<Outcome>,
    fanfare: impl Fn(&Lab<'_>) -> Result<Outcome>,
) -> Result<Runs> {
    let mut runs = Runs { before: Vec::new(), fanfare: Vec::new() };
    for _ in 0..lab.options.repetitions {
        runs.before.push(lab.quietly(|| before(lab), |outcome| outcome.foreign_cores)?);
        runs.fanfare.push(lab.quietly(|| fanfare(lab), |outcome| outcome.foreign_cores)?);
    }
    runs.before.iter().try_for_each(|outcome| report::emit("webhooks-before", outcome))?;
    runs.fanfare.iter().try_for_each(|outcome| report::emit("webhooks", outcome))?;
    Ok(runs)
}

impl Runs {
    /// Deliveries per second.
    fn rate(&self) -> f64 {
        median(&self.fanfare.iter().map(|run| run.deliveries_per_second).collect::<Vec<_>>())
    }

    fn rows(&self, what: &str, cpu: Goal, rate: Goal) -> Vec<Row> {
        let row = |metric: &str, value: fn(&Outcome) -> f64, goal| Row {
            what: format!("{what}: {metric}"),
            baseline: self.before.iter().map(value).collect(),
            fanfare: self.fanfare.iter().map(value).collect(),
            goal,
        };
        vec![
            row("µs of CPU per delivery", |run| run.server_cpu_us_per_delivery, cpu),
            row("deliveries/s", |run| run.deliveries_per_second, rate),
            row("p50 ms from push to receiver", |run| run.latency_p50_ms, Goal::None),
            row("p99 ms from push to receiver", |run| run.latency_p99_ms, Goal::None),
            row("the server's core was busy", |run| run.server_cores, Goal::None),
            row("cores busy with other things", |run| run.foreign_cores, Goal::None),
            faults(what, &self.fanfare),
        ]
    }
}

/// One fault in one run is one too many: the median would forgive it.
fn faults(what: &str, runs: &[Outcome]) -> Row {
    Row {
        what: format!("{what}: lost + duplicated"),
        baseline: Vec::new(),
        fanfare: vec![runs.iter().map(|run| run.faults.total() as f64).sum()],
        goal: Goal::AtMost(0.0),
    }
}

fn half_load(lab: &Lab<'_>, what: &str, load: Load) -> Result<Vec<Row>> {
    let mut runs = Vec::new();
    for _ in 0..lab.options.repetitions {
        runs.push(lab.quietly(|| fanfare(lab, load), |outcome| outcome.foreign_cores)?);
    }
    runs.iter().try_for_each(|outcome| report::emit("webhooks-half", outcome))?;
    let row = |metric: &str, value: fn(&Outcome) -> f64, goal| Row {
        what: format!("{what}: {metric}"),
        baseline: Vec::new(),
        fanfare: runs.iter().map(value).collect(),
        goal,
    };
    Ok(vec![
        row("deliveries/s", |run| run.deliveries_per_second, Goal::None),
        row("µs of CPU per delivery", |run| run.server_cpu_us_per_delivery, Goal::None),
        row("push accepted after p50 ms", |run| run.push_p50_ms, Goal::None),
        row("push accepted after p99 ms", |run| run.push_p99_ms, Goal::AtMost(10.0)),
        row("received after that, p50 ms", |run| run.after_acceptance_p50_ms, Goal::None),
        row("received after that, p99 ms", |run| run.after_acceptance_p99_ms, Goal::AtMost(25.0)),
        row("received after it was due, p99 ms", |run| run.latency_p99_ms, Goal::None),
        row("cores busy with other things", |run| run.foreign_cores, Goal::None),
        faults(what, &runs),
    ])
}

fn registered(lab: &Lab<'_>) -> Result<Vec<Row>> {
    let mut runs = Vec::new();
    for _ in 0..lab.options.repetitions {
        let run = || registering::run(&lab.fanfare()?.server.target()?, REGISTERED);
        runs.push(lab.quietly(run, |outcome| outcome.foreign_cores)?);
    }
    runs.iter().try_for_each(|outcome| report::emit("webhooks-register", outcome))?;
    let row = |metric: &str, value: fn(&registering::Outcome) -> f64| Row {
        what: format!("registering 10,000 webhooks: {metric}"),
        baseline: Vec::new(),
        fanfare: runs.iter().map(value).collect(),
        goal: Goal::None,
    };
    Ok(vec![
        row("seconds", |run| run.seconds),
        row("ms each, the first 1,000", |run| run.first_tenth_ms_each),
        row("ms each, the last 1,000", |run| run.last_tenth_ms_each),
        row("µs of CPU each", |run| run.server_cpu_us_each),
        row("resident bytes each", |run| run.resident_bytes_each),
    ])
}

fn memory(lab: &Lab<'_>, load: Load) -> Result<Outcome> {
    let mut command = Command::new(&lab.options.fanout_bin);
    webhooks::run(&Server::spawn(&mut command, &lab.placement())?.target()?, load)
        .context("the fan-out in memory")
}

fn fanfare(lab: &Lab<'_>, load: Load) -> Result<Outcome> {
    webhooks::run(&lab.fanfare()?.server.target()?, load)
}
