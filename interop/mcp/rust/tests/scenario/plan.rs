//! What is played: the steps of `scenario.json`, and which runs `clients.json` has for this runner.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const RUNNER: &str = "rmcp";

pub struct Plan {
    pub runs: Vec<Run>,
    pub steps: Vec<Step>,
}

/// Without `cannot`, and refused with it: rmcp lacks nothing that a step needs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    #[serde(rename = "runner")]
    _runner: String,
    client: String,
    pub transport: Transport,
    pub era: Era,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Transport {
    #[serde(rename = "stdio")]
    Stdio,
    #[serde(rename = "stdio, hosting")]
    Hosting,
    #[serde(rename = "HTTP")]
    Http,
}

/// How the client begins: as told, or as it finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Era {
    Modern,
    Auto,
    Legacy,
}

/// A word that is not here is one that this runner would pass over, and is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub name: String,
    #[serde(default, rename = "needs")]
    _needs: Vec<String>,
    pub server: Option<Value>,
    pub ask: Option<String>,
    pub params: Option<Value>,
    pub answer: Option<Value>,
    pub error: Option<Value>,
    pub progress: Option<Value>,
    pub push: Option<Value>,
    pub meanwhile: Option<Value>,
    pub heard: Option<Value>,
    pub subscribe: Option<Value>,
    #[serde(default)]
    pub updated: Vec<Value>,
}

impl Plan {
    pub fn read() -> Result<Self> {
        let runs: Vec<Value> = member("clients.json", "runs")?;
        let mine = runs.into_iter().filter(|run| run["runner"] == RUNNER);
        let runs = mine.map(|run| serde_json::from_value(run).context("a run of clients.json"));
        let plan = Self { runs: runs.collect::<Result<_>>()?, steps: member("scenario.json", "steps")? };
        ensure!(!plan.runs.is_empty() && !plan.steps.is_empty(), "there is nothing to play");
        for step in &plan.steps {
            step.check().with_context(|| format!("the step `{}` of scenario.json", step.name))?;
        }
        Ok(plan)
    }
}

impl Step {
    /// Refuses what would be passed over: an expectation without the question that it is about.
    fn check(&self) -> Result<()> {
        let (asks, watches) = (self.ask.is_some(), self.subscribe.is_some());
        ensure!(!(asks && watches), "it asks and subscribes at once");
        ensure!(asks || watches || self.server.is_some(), "it does nothing");
        let of_asking = [&self.params, &self.answer, &self.error, &self.progress];
        ensure!(asks || of_asking.iter().all(|word| word.is_none()), "it asks nothing");
        ensure!(asks || watches || self.meanwhile.is_none(), "there is no meanwhile");
        ensure!(
            self.progress.is_none() || self.meanwhile.is_none(),
            "it pushes while it listens for progress"
        );
        ensure!(watches != self.updated.is_empty(), "`subscribe` and `updated` belong together");
        Ok(())
    }
}

fn member<T: DeserializeOwned>(file: &str, name: &str) -> Result<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {file}"))?;
    let mut whole: Value = serde_json::from_str(&text).with_context(|| format!("in {file}"))?;
    serde_json::from_value(whole[name].take()).with_context(|| format!("`{name}` in {file}"))
}

impl Era {
    /// Gives the era that has to come of it, by its name in the scenario.
    pub fn name(self) -> &'static str {
        match self {
            Self::Modern | Self::Auto => "modern",
            Self::Legacy => "legacy",
        }
    }
}

impl Display for Run {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Stdio => "stdio",
            Transport::Hosting => "stdio, hosting",
            Transport::Http => "HTTP",
        };
        let era = match self.era {
            Era::Modern => "modern",
            Era::Auto => "auto",
            Era::Legacy => "legacy",
        };
        write!(f, "{}, {transport}, {era}", self.client)
    }
}
