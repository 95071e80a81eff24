//! MCP's `tools/call` against an equal server on rmcp: the same tool, the same answer, a log in memory.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{
    EVENTS_PER_SECOND, Lab,
    table::{Goal, Row},
};
use crate::{
    mcp::{self, Load, Outcome},
    report,
    server::Server,
};

#[derive(Clone, Copy)]
enum Over {
    Http,
    Stdio,
}

const CASES: [(&str, Over, usize); 5] = [
    ("HTTP, 1 connection", Over::Http, 1),
    ("HTTP, 16 connections", Over::Http, 16),
    ("HTTP, 32 connections", Over::Http, 32),
    ("stdio, 1 call at a time", Over::Stdio, 1),
    ("stdio, 32 calls at a time", Over::Stdio, 32),
];
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(3);
const SIZE: usize = 100;

pub(super) fn measure(lab: &Lab<'_>) -> Result<Vec<Row>> {
    ensure!(
        lab.options.rmcp_bin.exists(),
        "{} is not there; build it with `cargo build --release --locked --manifest-path benches/rmcp-server/Cargo.toml`, \
         or name it with --rmcp-bin",
        lab.options.rmcp_bin.display()
    );
    let mut rows = Vec::new();
    for (what, over, concurrency) in CASES {
        let load =
            Load { concurrency, seconds: MEASURED.as_secs_f64(), warm_up: WARM_UP.as_secs_f64(), size: SIZE };
        let (mut rmcps, mut fanfares) = (Vec::new(), Vec::new());
        for _ in 0..lab.options.repetitions {
            let run = || rmcp(lab, over, load);
            rmcps.push(lab.quietly(run, |outcome| outcome.foreign_cores).context("rmcp")?);
            let run = || fanfare(lab, over, load);
            fanfares.push(lab.quietly(run, |outcome| outcome.foreign_cores).context("Fanfare")?);
        }
        rmcps.iter().try_for_each(|outcome| report::emit("mcp-rmcp", outcome))?;
        fanfares.iter().try_for_each(|outcome| report::emit("mcp", outcome))?;
        let row = |metric: &str, value: fn(&Outcome) -> f64, goal| Row {
            what: format!("{what}: {metric}"),
            baseline: rmcps.iter().map(value).collect(),
            fanfare: fanfares.iter().map(value).collect(),
            goal,
        };
        rows.push(row("calls/s", |run| run.calls_per_second, Goal::RatioAtLeast(1.5)));
        rows.push(row("p50 µs", |run| run.p50_us, Goal::None));
        rows.push(row("p99 µs", |run| run.p99_us, Goal::None));
        rows.push(row("p99 / p50", |run| run.p99_by_p50, Goal::AtMost(3.0)));
        rows.push(row("µs of CPU per call", |run| run.server_cpu_us_per_call, Goal::None));
        rows.push(row("cores busy with the generator", |run| run.generator_cores, Goal::None));
        rows.push(row("cores busy with other things", |run| run.foreign_cores, Goal::None));
    }
    Ok(rows)
}

fn rmcp(lab: &Lab<'_>, over: Over, load: Load) -> Result<Outcome> {
    let mut command = Command::new(&lab.options.rmcp_bin);
    match over {
        Over::Http => {
            command.args(["http", "127.0.0.1:0"]);
            mcp::over_http(&Server::spawn(&mut command, &lab.placement())?.target()?, load)
        }
        Over::Stdio => mcp::over_stdio(command.arg("stdio"), &lab.placement(), load),
    }
}

fn fanfare(lab: &Lab<'_>, over: Over, load: Load) -> Result<Outcome> {
    match over {
        Over::Http => mcp::over_http(&lab.fanfare_with(true)?.server.target()?, load),
        Over::Stdio => {
            // A home of its own, so that it hosts a gateway and finds none to attach to.
            let home = TempDir::new().context("no place for a home directory")?;
            let mut command = Command::new(&lab.options.server_bin);
            command.args(["mcp", "--store", "memory", "--listen", "127.0.0.1:0"]);
            command.env("FANFARE_MAX_EVENTS_PER_SECOND", EVENTS_PER_SECOND).env_remove("FANFARE_URL");
            command.env("HOME", home.path()).env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME");
            mcp::over_stdio(&mut command, &lab.placement(), load)
        }
    }
}
