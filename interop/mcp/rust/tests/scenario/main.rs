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
use tokio::time::timeout;

use plan::{Plan, Run};
use report::Outcome;
use world::World;

/// What connects, and what ends: a gateway starts in well under a second.
const START: Duration = Duration::from_secs(20);
/// A step waits six seconds at most, unless something hangs.
const STEP: Duration = Duration::from_secs(40);

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut plan = Plan::read()?;
    if let Some(part) = std::env::args().nth(1) {
        plan.runs.retain(|run| run.to_string().contains(&part));
    }
    ensure!(!plan.runs.is_empty() && !plan.steps.is_empty(), "there is nothing to play");
    // Beside each other, each with a gateway of its own: most of a scenario is waiting.
    let outcomes = join_all(plan.runs.iter().map(|run| play(run, &plan))).await;
    Ok(report::print(outcomes.iter().flatten()))
}

async fn play(run: &Run, plan: &Plan) -> Vec<Outcome> {
    let mut world = match timeout(START, World::begin(run)).await.context("starting hung").flatten() {
        Ok(world) => world,
        Err(problem) => return vec![Outcome { name: format!("{run}: it connects"), problem: Some(problem) }],
    };
    let mut outcomes = Vec::new();
    for step in &plan.steps {
        let taken = timeout(STEP, world.take(step)).await.unwrap_or_else(|_| Err(anyhow!("it hung")));
        if taken.is_err() {
            world.clear().await;
        }
        outcomes.push(Outcome { name: format!("{run}: {}", step.name), problem: taken.err() });
    }
    let ended = timeout(START, world.end()).await.context("ending hung").flatten();
    outcomes.push(Outcome { name: format!("{run}: it disconnects"), problem: ended.err() });
    outcomes
}
