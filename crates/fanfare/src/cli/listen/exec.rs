//! A command for each event.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::Child;

use crate::cli::failure::said;
use fanfare_client::Received;
use fanfare_core::Position;

/// Longest value in the environment: the system refuses those over 128 KiB.
const VALUE_LEN_MAX: usize = 64 * 1024;

/// How long a command has between being asked to end and being killed.
const GRACE: Duration = Duration::from_secs(2);

/// What to run.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    line: String,
    timeout: Option<Duration>,
    server: String,
}

/// A command that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its event.
    pub(crate) id: Position,
    /// What went wrong, such as `ended with exit code 3`.
    pub(crate) problem: Option<String>,
}

impl Command {
    /// Prepares `line`, for `sh -c`; it finds the gateway in its environment.
    pub(crate) fn new(line: &str, timeout: Option<Duration>, server: &str) -> Command {
        Command { line: line.to_owned(), timeout, server: server.to_owned() }
    }

    /// Runs it for `event`, to its end.
    pub(crate) fn run(&self, event: Received) -> impl Future<Output = Ended> + Send + 'static {
        let command = self.clone();
        async move {
            let problem = command.run_to_the_end(&event).await.err();
            Ended { id: event.value.id, problem }
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
                Some(text) => command.env(name, fitting(text)),
                None => command.env_remove(name),
            };
        }
        // A group of its own, so that all it started can be ended with it.
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| format!("could not be started: {}", said(&error)))?;
        let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
        let mut stdin = child.stdin.take();
        let ended = async {
            if let Some(stdin) = &mut stdin {
                // A command that does not read its input is none the worse for it.
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
                    group.end(&mut child).await;
                    return Err(format!("took longer than {} s", timeout.as_secs_f32()));
                }
            },
        };
        group.has_ended();
        let status = status.map_err(|error| said(&error))?;
        match status.code() {
            Some(0) => Ok(()),
            Some(code) => Err(format!("ended with exit code {code}")),
            None => Err("was ended by a signal".to_owned()),
        }
    }
}

/// A command with all that it started. Asked to end when it is dropped before: nobody waits for it any more.
struct Group(Option<Pid>);

impl Group {
    /// Ends all of it.
    async fn end(mut self, child: &mut Child) {
        let Some(group) = self.0.take() else { return };
        // Fails when the group is gone already, which is what we want; so it does below.
        let _ = kill_process_group(group, Signal::TERM);
        if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
            let _ = kill_process_group(group, Signal::KILL);
            let _ = child.wait().await;
        }
    }

    /// Leaves alone what the command left behind on purpose.
    fn has_ended(mut self) {
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

/// Cuts what the environment cannot hold; NUL cannot be in it at all.
fn fitting(text: &str) -> String {
    let mut end = text.len().min(VALUE_LEN_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace('\0', "\u{fffd}")
}
