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
    server::{Placement, Server},
};

#[derive(Clone, Copy)]
enum Over {
    Http,
    Stdio,
}

struct Case {
    what: &'static str,
    over: Over,
    concurrency: usize,
    /// Server and generator on the server's core. With one running call only one of them has work, and on separate
    /// cores most of the measured time is spent waking the other core.
    one_core: bool,
    rate_goal: Goal,
}

const TARGET: Goal = Goal::RatioAtLeast(1.5);

const CASES: [Case; 7] = [
    Case {
        what: "HTTP, 1 connection, one core",
        over: Over::Http,
        concurrency: 1,
        one_core: true,
        rate_goal: TARGET,
    },
    Case {
        what: "HTTP, 1 connection",
        over: Over::Http,
        concurrency: 1,
        one_core: false,
        rate_goal: Goal::None,
    },
    Case {
        what: "HTTP, 16 connections",
        over: Over::Http,
        concurrency: 16,
        one_core: false,
        rate_goal: TARGET,
    },
    Case {
        what: "HTTP, 32 connections",
        over: Over::Http,
        concurrency: 32,
        one_core: false,
        rate_goal: TARGET,
    },
    Case {
        what: "stdio, 1 call at a time, one core",
        over: Over::Stdio,
        concurrency: 1,
        one_core: true,
        rate_goal: TARGET,
    },
    Case {
        what: "stdio, 1 call at a time",
        over: Over::Stdio,
        concurrency: 1,
        one_core: false,
        rate_goal: Goal::None,
    },
    Case {
        what: "stdio, 32 calls at a time",
        over: Over::Stdio,
        concurrency: 32,
        one_core: false,
        rate_goal: TARGET,
    },
];
const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(2);
const SIZE: usize = 100;

pub(super) fn measure(lab: &Lab<'_>) -> Result<Vec<Row>> {
    ensure!(
        lab.options.rmcp_bin.exists(),
        "{} is not there; build it with `cargo build --profile dist --locked --manifest-path \
         benches/rmcp-server/Cargo.toml`, or name it with --rmcp-bin",
        lab.options.rmcp_bin.display()
    );
    let mut rows = Vec::new();
    for case in CASES {
        let (what, load) = (case.what, case.load());
        let (mut floors, mut rmcps, mut fanfares) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..lab.options.repetitions {
            let run = || floor(lab, &case, load);
            floors.push(lab.quietly(run, |outcome| outcome.foreign_cores).context("the floor")?);
            let run = || rmcp(lab, &case, load);
            rmcps.push(lab.quietly(run, |outcome| outcome.foreign_cores).context("rmcp")?);
            let run = || fanfare(lab, &case, load);
            fanfares.push(lab.quietly(run, |outcome| outcome.foreign_cores).context("Fanfare")?);
        }
        floors.iter().try_for_each(|outcome| report::emit("mcp-floor", outcome))?;
        rmcps.iter().try_for_each(|outcome| report::emit("mcp-rmcp", outcome))?;
        fanfares.iter().try_for_each(|outcome| report::emit("mcp", outcome))?;
        let row = |metric: &str, value: fn(&Outcome) -> f64, goal| Row {
            what: format!("{what}: {metric}"),
            baseline: rmcps.iter().map(value).collect(),
            fanfare: fanfares.iter().map(value).collect(),
            goal,
        };
        rows.push(row("calls/s", |run| run.calls_per_second, case.rate_goal));
        // The value comes from a third server, so there is nothing to divide by.
        rows.push(Row {
            what: format!("{what}: calls/s of the floor"),
            baseline: Vec::new(),
            fanfare: floors.iter().map(|run| run.calls_per_second).collect(),
            goal: Goal::None,
        });
        rows.push(row("p50 µs", |run| run.p50_us, Goal::None));
        rows.push(row("p99 µs", |run| run.p99_us, Goal::None));
        rows.push(row("p99 / p50", |run| run.p99_by_p50, Goal::AtMost(3.0)));
        rows.push(row("µs of CPU per call", |run| run.server_cpu_us_per_call, Goal::None));
        rows.push(row("cores busy with the generator", |run| run.generator_cores, Goal::None));
        rows.push(row("cores busy with other things", |run| run.foreign_cores, Goal::None));
    }
    Ok(rows)
}

impl Case {
    fn load(&self) -> Load {
        Load {
            concurrency: self.concurrency,
            seconds: MEASURED.as_secs_f64(),
            warm_up: WARM_UP.as_secs_f64(),
            size: SIZE,
        }
    }

    fn placement(&self, lab: &Lab<'_>) -> Placement {
        let mut placement = lab.placement();
        if self.one_core {
            placement.generator.clone_from(&placement.server);
        }
        placement
    }
}

fn floor(lab: &Lab<'_>, case: &Case, load: Load) -> Result<Outcome> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("floor");
    match case.over {
        Over::Http => mcp::over_http(&Server::spawn(&mut command, &case.placement(lab))?.target()?, load),
        Over::Stdio => mcp::over_stdio(command.arg("--stdio"), &case.placement(lab), load),
    }
}

fn rmcp(lab: &Lab<'_>, case: &Case, load: Load) -> Result<Outcome> {
    let mut command = Command::new(&lab.options.rmcp_bin);
    match case.over {
        Over::Http => {
            command.args(["http", "127.0.0.1:0"]);
            mcp::over_http(&Server::spawn(&mut command, &case.placement(lab))?.target()?, load)
        }
        Over::Stdio => mcp::over_stdio(command.arg("stdio"), &case.placement(lab), load),
    }
}

fn fanfare(lab: &Lab<'_>, case: &Case, load: Load) -> Result<Outcome> {
    match case.over {
        Over::Http => mcp::over_http(&lab.fanfare_with(true, &case.placement(lab))?.server.target()?, load),
        Over::Stdio => {
            // A home of its own, so that it hosts a gateway and finds none to attach to.
            let home = TempDir::new().context("no place for a home directory")?;
            let mut command = Command::new(&lab.options.server_bin);
            command.args(["mcp", "--store", "memory", "--listen", "127.0.0.1:0"]);
            command.env("FANFARE_MAX_EVENTS_PER_SECOND", EVENTS_PER_SECOND).env_remove("FANFARE_URL");
            command.env("HOME", home.path()).env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME");
            mcp::over_stdio(&mut command, &case.placement(lab), load)
        }
    }
}
