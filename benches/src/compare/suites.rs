//! The measurements of the runner, and their targets.

use anyhow::{Context, Result};

use super::{
    Lab,
    table::{Goal, Row},
};
use crate::{disk, fanout, floor, idle, push, replay, report, resume};

struct FanoutCase {
    what: &'static str,
    subscribers: usize,
    events: usize,
    publishers: usize,
    rate: Option<f64>,
    floor: floor::Method,
    goal: Goal,
}

/// Enough events to keep the server's core busy for about two seconds.
const FANOUT: [FanoutCase; 4] = [
    FanoutCase {
        what: "1,000 subscribers, one event at a time",
        subscribers: 1_000,
        events: 800,
        publishers: 1,
        rate: None,
        floor: floor::Method::Write,
        goal: Goal::RatioAtMost(1.4),
    },
    FanoutCase {
        what: "10,000 subscribers, one event at a time",
        subscribers: 10_000,
        events: 80,
        publishers: 1,
        rate: None,
        floor: floor::Method::Write,
        goal: Goal::RatioAtMost(1.4),
    },
    FanoutCase {
        what: "1,000 subscribers, 16 publishers",
        subscribers: 1_000,
        events: 4_000,
        publishers: 16,
        rate: None,
        floor: floor::Method::Coalesce,
        goal: Goal::RatioAtMost(1.6),
    },
    FanoutCase {
        what: "1,000 subscribers, at 1,000,000 deliveries/s",
        subscribers: 1_000,
        events: 4_000,
        publishers: 16,
        rate: Some(1_000.0),
        floor: floor::Method::Coalesce,
        goal: Goal::None,
    },
];

pub(super) fn fanout(lab: &Lab<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for case in FANOUT {
        let FanoutCase { what, subscribers, events, publishers, rate, goal, .. } = case;
        let load = fanout::Load { subscribers, events, size: 100, publishers, rate };
        let (mut floors, mut fanfares) = (Vec::new(), Vec::new());
        for _ in 0..lab.options.repetitions {
            let run = || fanout::run(&lab.floor(case.floor)?.target()?, load);
            floors.push(lab.quietly(run, |outcome| outcome.foreign_cores).context("the floor")?);
            let run = || fanout::run(&lab.fanfare()?.server.target()?, load);
            fanfares.push(lab.quietly(run, |outcome| outcome.foreign_cores)?);
        }
        floors.iter().try_for_each(|outcome| report::emit("fanout-floor", outcome))?;
        fanfares.iter().try_for_each(|outcome| report::emit("fanout", outcome))?;
        let row = |metric: &str, value: fn(&fanout::Outcome) -> f64, goal| Row {
            what: format!("{what}: {metric}"),
            baseline: floors.iter().map(value).collect(),
            fanfare: fanfares.iter().map(value).collect(),
            goal,
        };
        rows.push(row("µs of CPU per delivery", |run| run.server_cpu_us_per_delivery, goal));
        rows.push(row("deliveries/s", |run| run.deliveries_per_second, Goal::None));
        rows.push(row("p50 ms", |run| run.latency_p50_ms, Goal::None));
        rows.push(row("p99 ms", |run| run.latency_p99_ms, Goal::None));
        // The value comes from no server, so there is nothing to divide by.
        let mut foreign = row("cores busy with other things", |run| run.foreign_cores, Goal::None);
        foreign.fanfare.append(&mut foreign.baseline);
        rows.push(foreign);
        let mut faults =
            row("lost + duplicated + disordered", |run| run.faults.total() as f64, Goal::AtMost(0.0));
        // One fault in one run is one too many: the median would forgive it.
        faults.fanfare = vec![faults.fanfare.iter().sum()];
        faults.baseline = vec![faults.baseline.iter().sum()];
        rows.push(faults);
    }
    Ok(rows)
}

const IDLE: usize = 10_000;

pub(super) fn idle(lab: &Lab<'_>) -> Result<Vec<Row>> {
    let (mut floors, mut fanfares) = (Vec::new(), Vec::new());
    for _ in 0..lab.options.repetitions {
        let run = || idle::run(&lab.floor(floor::Method::Write)?.target()?, IDLE);
        floors.push(lab.quietly(run, |outcome| outcome.foreign_cores).context("the floor")?);
        let run = || idle::run(&lab.fanfare()?.server.target()?, IDLE);
        fanfares.push(lab.quietly(run, |outcome| outcome.foreign_cores)?);
    }
    fanfares.iter().try_for_each(|outcome| report::emit("idle", outcome))?;
    let row = |metric: &str, value: fn(&idle::Outcome) -> f64, goal| Row {
        what: format!("10,000 idle subscribers: {metric}"),
        baseline: floors.iter().map(value).collect(),
        fanfare: fanfares.iter().map(value).collect(),
        goal,
    };
    Ok(vec![
        row("resident bytes each", |run| run.resident_bytes_per_subscriber, Goal::AtMost(8.0 * 1024.0)),
        row("the same after events", |run| run.resident_bytes_per_subscriber_after_events, Goal::None),
        row("µs of CPU to connect one", |run| run.connect_cpu_us, Goal::None),
        row("µs of CPU per idle second", |run| run.idle_cpu_us_per_second, Goal::None),
    ])
}

struct PushCase {
    what: &'static str,
    load: push::Load,
    rate_goal: Goal,
    commits_goal: Goal,
}

const PUSH: [PushCase; 3] = [
    PushCase {
        what: "batches of 256, 4 connections",
        load: push::Load { connections: 4, batch: 256, events: 512_000, size: 256 },
        rate_goal: Goal::AtLeast(150_000.0),
        commits_goal: Goal::None,
    },
    PushCase {
        what: "single pushes, 64 connections",
        load: push::Load { connections: 64, batch: 1, events: 120_000, size: 256 },
        rate_goal: Goal::AtLeast(30_000.0),
        commits_goal: Goal::None,
    },
    PushCase {
        what: "a single push at a time",
        load: push::Load { connections: 1, batch: 1, events: 3_000, size: 256 },
        rate_goal: Goal::None,
        commits_goal: Goal::AtMost(1.0),
    },
];

pub(super) fn push(lab: &Lab<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for case in PUSH {
        let (mut runs, mut syncs) = (Vec::new(), Vec::new());
        for _ in 0..lab.options.repetitions {
            syncs.push(disk::sync_p50_ms(&lab.store_dir())?);
            let run = || push::run(&lab.fanfare()?.server.target()?, case.load);
            runs.push(lab.quietly(run, |outcome| outcome.foreign_cores)?);
        }
        runs.iter().try_for_each(|outcome| report::emit("push", outcome))?;
        let row = |metric: &str, value: fn(&push::Outcome) -> f64, goal| Row {
            what: format!("{}: {metric}", case.what),
            baseline: Vec::new(),
            fanfare: runs.iter().map(value).collect(),
            goal,
        };
        rows.push(row("events/s", |run| run.events_per_second, case.rate_goal));
        let mut accepted = row("accepted after p50 ms", |run| run.accept_p50_ms, Goal::None);
        if case.load.connections == 1 {
            // A push that waits for no other cannot be stored sooner than one write and its sync.
            accepted.baseline = syncs;
        }
        rows.push(accepted);
        rows.push(row("accepted after p99 ms", |run| run.accept_p99_ms, Goal::AtMost(10.0)));
        rows.push(row("µs of CPU per event", |run| run.server_cpu_us_per_event, Goal::None));
        rows.push(row("cores busy with other things", |run| run.foreign_cores, Goal::None));
        rows.push(row("commits per push", |run| run.commits_per_push.unwrap_or(f64::NAN), case.commits_goal));
    }
    Ok(rows)
}

pub(super) fn replay(lab: &Lab<'_>) -> Result<Vec<Row>> {
    const EVENTS: usize = 200_000;
    let mut rows = Vec::new();
    for readers in [1, 100] {
        // A hundred subscribers of a tenth of the log take as long as ten of all of it.
        let events = if readers == 1 { EVENTS } else { EVENTS / 10 };
        let mut runs = Vec::new();
        for _ in 0..lab.options.repetitions {
            let run = || {
                let mut fanfare = lab.fanfare()?;
                let target = fanfare.server.target()?;
                replay::prepare(&target, events)?;
                replay::run(&target, events, readers)
            };
            runs.push(lab.quietly(run, |outcome| outcome.foreign_cores)?);
        }
        runs.iter().try_for_each(|outcome| report::emit("replay", outcome))?;
        let row = |metric: &str, value: fn(&replay::Outcome) -> f64, goal| Row {
            what: format!("replay to {readers}: {metric}"),
            baseline: Vec::new(),
            fanfare: runs.iter().map(value).collect(),
            goal,
        };
        rows.push(row("events/s", |run| run.events_per_second, Goal::AtLeast(300_000.0)));
        rows.push(row("µs of CPU per event", |run| run.server_cpu_us_per_event, Goal::None));
        let mut faults =
            row("lost + duplicated + disordered", |run| run.faults.total() as f64, Goal::AtMost(0.0));
        faults.fanfare = vec![faults.fanfare.iter().sum()];
        rows.push(faults);
    }
    Ok(rows)
}

/// Measures a short and a long log, so that costs that grow with the log become visible.
pub(super) fn resume(lab: &Lab<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for history in [1_000, 1_000_000] {
        let mut fanfare = lab.fanfare()?;
        let target = fanfare.server.target()?;
        for outcome in resume::run(&resume::Options { target, history, repetitions: 20 })? {
            report::emit("resume", &outcome)?;
            let row = |metric: &str, values: &[f64], goal| Row {
                what: format!("{}, {history} events: {metric}", outcome.case),
                baseline: Vec::new(),
                fanfare: values.to_vec(),
                goal,
            };
            rows.push(row("first byte ms", &outcome.first_byte_ms, Goal::AtMost(5.0)));
            if !outcome.first_event_ms.is_empty() {
                rows.push(row("first event ms", &outcome.first_event_ms, Goal::None));
            }
        }
    }
    Ok(rows)
}
