//! `--exec`: runs a command for each event.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::Child;

use crate::cli::failure::said;
use crate::cli::secret;
use crate::cli::settings::{Key, secrets};
use fanfare_client::Received;
use fanfare_core::Position;

/// Maximum length of an environment variable. Linux refuses values over 128 KiB.
pub(crate) const VALUE_LEN_MAX: usize = 64 * 1024;

/// How long a command may take to exit after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// A command line to run for each event.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    line: String,
    timeout: Option<Duration>,
    server: String,
    /// The variables of ours that the command does not get.
    withheld: Vec<String>,
}

/// The outcome of a command.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Id of the event.
    pub(crate) id: Position,
    /// Why the command failed, such as `exited with code 3`.
    pub(crate) problem: Option<String>,
}

impl Command {
    /// Creates a command that runs `line` with `sh -c`. `FANFARE_URL` is set to `server`. Of our variables with
    /// secrets, it gets only those in `passed`: events come from others, and what they make a command do or
    /// print must not reach a token that it does not need.
    pub(crate) fn new(line: &str, timeout: Option<Duration>, server: &str, passed: &[String]) -> Command {
        let ours = Key::ALL.into_iter().filter(|key| key.may_have_secret()).map(Key::variable);
        // Further variables have further secrets of senders, under any name that begins so.
        let of_senders = std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .filter(|name| name.starts_with(secrets::VARIABLE_PREFIX));
        let withheld = ours
            .chain([secret::VARIABLE])
            .map(str::to_owned)
            .chain(of_senders)
            .filter(|name| !passed.contains(name));
        Command { line: line.to_owned(), timeout, server: server.to_owned(), withheld: withheld.collect() }
    }

    /// Runs the command for `event` and waits for its exit.
    pub(crate) fn run(&self, event: Received) -> impl Future<Output = Outcome> + Send + 'static {
        let command = self.clone();
        async move {
            let problem = command.run_to_the_end(&event).await.err();
            Outcome { id: event.value.id, problem }
        }
    }

    async fn run_to_the_end(&self, event: &Received) -> Result<(), String> {
        let value = &event.value;
        let data = value.data.as_deref().map(|data| data.get());
        let mut command = tokio::process::Command::new("sh");
        command.arg("-c").arg(&self.line).stdin(Stdio::piped()).env("FANFARE_URL", &self.server);
        for (name, text) in [
            ("FANFARE_ID", Some(&*value.id.to_string())),
            ("FANFARE_CHANNEL", Some(value.channel.as_str())),
            ("FANFARE_TYPE", Some(value.event_type.as_str())),
            ("FANFARE_MESSAGE", Some(&value.message)),
            ("FANFARE_PRIORITY", Some(value.priority.as_str())),
            ("FANFARE_TIMESTAMP", Some(&*value.timestamp.to_string())),
            ("FANFARE_KEY", value.key.as_deref()),
            ("FANFARE_DATA", data),
        ] {
            match text {
                Some(text) => command.env(name, truncated(text)),
                None => command.env_remove(name),
            };
        }
        for name in &self.withheld {
            command.env_remove(name);
        }
        // A process group of its own, so that its children can be stopped with it.
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| format!("could not be started: {}", said(&error)))?;
        let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
        let mut stdin = child.stdin.take();
        let ended = async {
            if let Some(stdin) = &mut stdin {
                // The write fails if the command does not read stdin, which it need not do.
                let _ = stdin.write_all(event.json.as_bytes()).await;
                let _ = stdin.write_all(b"\n").await;
            }
            drop(stdin.take());
            child.wait().await
        };
        let status = match self.timeout {
            None => ended.await,
            Some(timeout) => match tokio::time::timeout(timeout, ended).await {
                Ok(status) => status,
                Err(_) => {
                    group.stop(&mut child).await;
                    return Err(format!("ran longer than {} s", timeout.as_secs_f32()));
                }
            },
        };
        group.has_exited();
        let status = status.map_err(|error| said(&error))?;
        match status.code() {
            Some(0) => Ok(()),
            Some(code) => Err(format!("exited with code {code}")),
            None => Err("was stopped by a signal".to_owned()),
        }
    }
}

/// The process group of a command. Dropping it before the command exits stops the whole group.
struct Group(Option<Pid>);

impl Group {
    /// Stops the whole group.
    async fn stop(mut self, child: &mut Child) {
        let Some(group) = self.0.take() else { return };
        // These fail if the group is already gone, as wanted.
        let _ = kill_process_group(group, Signal::TERM);
        if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
            let _ = kill_process_group(group, Signal::KILL);
            let _ = child.wait().await;
        }
    }

    /// Keeps the processes that the command left running on purpose.
    fn has_exited(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::TERM);
        }
    }
}

/// Truncates a value of the environment, and replaces NUL, which it cannot contain.
fn truncated(text: &str) -> String {
    let mut end = text.len().min(VALUE_LEN_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace('\0', "\u{fffd}")
}
