//! A gateway in a process of its own: it can be killed, watched from outside, and run with an environment.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::gateway::reqwest_client;
use crate::support::receiver::Receiver;
use crate::support::soon;

/// The number of the signal that cannot be caught.
const SIGKILL: i32 = 9;

/// Maximum duration of a start on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);

/// A gateway in a process of its own; killed with its drop.
pub(crate) struct Process {
    child: Child,
    pub(crate) url: String,
    /// The line that it printed when it began to listen.
    pub(crate) said: Value,
    http: reqwest::Client,
}

impl Process {
    /// Starts one on a free port of this machine.
    pub(crate) async fn start(store: &Path) -> Process {
        Process::with(store, &[], &[]).await
    }

    /// Starts as [`Process::start`], with additional arguments and variables.
    pub(crate) async fn with(store: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Process {
        let mut child = spawn(store, arguments, variables);
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let line = tokio::time::timeout(START_MAX, lines.next_line()).await.expect("a start in time");
        let line = line.expect("text").expect("a line");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        let url = said["url"].as_str().expect("an address").to_owned();
        Process { child, url, said, http: reqwest_client(false) }
    }

    /// Starts a gateway that kills itself before it can be asked anything.
    pub(crate) async fn dies_at_start(store: &Path, arguments: &[&str], variables: &[(&str, &str)]) {
        ended_by_kill(spawn(store, arguments, variables), "the kill at the start").await;
    }

    /// Posts JSON and returns the response; `None` if the process ended meanwhile.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        post(&self.http, &format!("{}{path}", self.url), body).await
    }

    /// Gets JSON.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let sent = self.http.get(format!("{}{path}", self.url)).send();
        soon(path, sent).await.expect("an answer").json().await.expect("JSON")
    }

    /// Deletes something; returns the answer.
    pub(crate) async fn delete(&self, path: &str) -> Value {
        let sent = self.http.delete(format!("{}{path}", self.url)).send();
        soon(path, sent).await.expect("an answer").json().await.expect("JSON")
    }

    /// Registers a receiver, with members besides its URL; returns the secret.
    pub(crate) async fn register(&self, receiver: &Receiver, options: Value) -> String {
        self.register_url(&receiver.url(), options).await["secret"].as_str().expect("a secret").to_owned()
    }

    /// Registers a URL; returns the answer.
    pub(crate) async fn register_url(&self, url: &str, mut options: Value) -> Value {
        options["webhook_url"] = json!(url);
        let answer = self.post("/api/register", &options).await.expect("an answer");
        assert_eq!(answer["status"], "success", "{answer}");
        answer
    }

    /// Returns the kernel's figures for the process's memory, in bytes: `VmRSS`, `VmHWM`.
    pub(crate) fn memory(&self, what: &str) -> u64 {
        let pid = self.child.id().expect("a process that runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{what}:"))).expect("a line");
        let kib: u64 = line.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number");
        kib * 1_024
    }

    /// Returns the processor time that it has used: the same on a busy machine.
    pub(crate) fn processor_time(&self) -> Duration {
        let pid = self.child.id().expect("a process that runs");
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a line");
        // The name before them may have spaces. User and system, in hundredths of a second.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>());
        Duration::from_millis(10 * ticks.map(|ticks| ticks.expect("a number")).sum::<u64>())
    }

    /// Kills it.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let pid =
            self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())).expect("a process that runs");
        kill_process(pid, Signal::TERM).expect("it is ours");
    }

    /// Waits until it has stopped, in that time.
    pub(crate) async fn ends_within(mut self, most: Duration) {
        let ended = tokio::time::timeout(most, self.child.wait()).await;
        assert!(ended.is_ok_and(|status| status.is_ok()), "it did not stop within {most:?}");
    }

    /// Waits until it was killed, by itself.
    pub(crate) async fn dies(self, why: &str) {
        ended_by_kill(self.child, why).await;
    }
}

fn spawn(store: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(["serve", "--listen", "127.0.0.1:0", "-o", "json", "--store"])
        .arg(store)
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts")
}

async fn ended_by_kill(mut child: Child, why: &str) {
    let status = soon(why, child.wait()).await.expect("a status");
    assert_eq!(status.signal(), Some(SIGKILL), "{why}: {status}");
}

/// Posts JSON and returns the response; `None` if there was none.
pub(crate) async fn post(http: &reqwest::Client, url: &str, body: &Value) -> Option<Value> {
    let answer = soon(url, http.post(url).json(body).send()).await.ok()?;
    answer.json().await.ok()
}
