//! rmcp's client plays `scenario.json`: a test for each step of each of its runs in `clients.json`.
//!
//! `../node/scenario.mjs` and `../python/scenario.py` do the same for other clients; `README.md` there explains the words.
//! Without libtest, since it wants the tests' names when it compiles; an argument is a part of the runs' names, to play only those.

mod client;
mod connect;
mod gateway;
mod listener;
mod pattern;
mod plan;
mod report;
mod subscribed;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use futures_util::future::join_all;
use tokio::time::{Instant, timeout, timeout_at};

use plan::{Plan, Run};
use report::Outcome;
use world::World;

/// What connects, and what ends: a gateway starts in well under a second.
const START: Duration = Duration::from_secs(20);
/// A step waits six seconds at most, unless something hangs.
const STEP: Duration = Duration::from_secs(40);
/// All steps together, so that a client that hangs in each of them ends, too: they take twenty seconds.
const RUN: Duration = Duration::from_secs(170);

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut plan = Plan::read()?;
    if let Some(part) = std::env::args().nth(1) {
        plan.runs.retain(|run| run.to_string().contains(&part));
    }
    ensure!(!plan.runs.is_empty(), "clients.json has no such run");
    // Beside each other, each with a gateway of its own: most of a scenario is waiting.
    let outcomes = join_all(plan.runs.iter().map(|run| play(run, &plan))).await;
    Ok(report::print(outcomes.iter().flatten()))
}

async fn play(run: &Run, plan: &Plan) -> Vec<Outcome> {
    let mut world = match timeout(START, World::begin(run)).await.context("starting hung").flatten() {
        Ok(world) => world,
        Err(problem) => return vec![Outcome { name: format!("{run}: it connects"), problem: Some(problem) }],
    };
    let (mut outcomes, end) = (Vec::new(), Instant::now() + RUN);
    for step in &plan.steps {
        let deadline = end.min(Instant::now() + STEP);
        let taken = timeout_at(deadline, world.take(step)).await.unwrap_or_else(|_| Err(anyhow!("it hung")));
        if taken.is_err() {
            // When that hangs as well, the next step says so.
            timeout_at(end, world.clear()).await.ok();
        }
        outcomes.push(Outcome { name: format!("{run}: {}", step.name), problem: taken.err() });
    }
    let ended = timeout(START, world.end()).await.context("ending hung").flatten();
    outcomes.push(Outcome { name: format!("{run}: it disconnects"), problem: ended.err() });
    outcomes
}
