//! The outcome of a command.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::text::duration;

/// The outcome of a command.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The command exited, or a signal stopped it.
    Ended { status: ExitStatus, tail: Vec<String> },
    /// The command did not start.
    NotStarted { problem: String, is_missing: bool },
}

impl Outcome {
    pub(crate) fn is_success(&self) -> bool {
        self.exit().number() == 0
    }

    /// Returns the same exit code as a shell would.
    pub(crate) fn exit(&self) -> Exit {
        const NOT_EXECUTABLE: u8 = 126;
        const NOT_FOUND: u8 = 127;
        const SIGNALLED: i32 = 128;
        let number = match self {
            Outcome::Ended { status, .. } => {
                status.code().or_else(|| status.signal().map(|signal| SIGNALLED + signal)).unwrap_or(1)
            }
            Outcome::NotStarted { is_missing: true, .. } => NOT_FOUND.into(),
            Outcome::NotStarted { is_missing: false, .. } => NOT_EXECUTABLE.into(),
        };
        Exit::Child(u8::try_from(number).unwrap_or(1))
    }

    /// Returns the name of the signal that stopped the command.
    pub(crate) fn signal_name(&self) -> Option<String> {
        let Outcome::Ended { status, .. } = self else { return None };
        status.signal().map(signal_name)
    }

    /// Returns the last lines of the output.
    pub(crate) fn tail(&self) -> Vec<String> {
        match self {
            Outcome::Ended { tail, .. } => tail.clone(),
            Outcome::NotStarted { .. } => Vec::new(),
        }
    }

    /// Returns the message of the event for the result.
    pub(crate) fn message(&self, title: &str, elapsed: Duration) -> String {
        if let Outcome::NotStarted { problem, .. } = self {
            return format!("could not be started: {title} ({problem})");
        }
        let result = match self.signal_name() {
            Some(signal) => format!("stopped by {signal}"),
            None if self.is_success() => "succeeded".to_owned(),
            None => format!("failed with exit code {}", self.exit().number()),
        };
        format!("{result} after {}: {title}", duration(elapsed))
    }

    /// Returns the error for a command that did not start.
    pub(crate) fn failure(&self, program: &str) -> Failure {
        let failure = Failure { exit: self.exit(), ..Failure::failed(format!("cannot run `{program}`")) };
        match self {
            Outcome::NotStarted { problem, is_missing } => {
                let failure = failure.why(problem.clone());
                if *is_missing && program.contains(' ') {
                    failure.fix(format!("to run a shell command line: fanfare run -- sh -c '{program}'"))
                } else {
                    failure
                }
            }
            Outcome::Ended { .. } => failure,
        }
    }
}

fn signal_name(number: i32) -> String {
    let known = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (14, "SIGALRM"),
        (15, "SIGTERM"),
    ];
    let name = known.into_iter().find(|(known, _)| *known == number);
    name.map_or_else(|| format!("signal {number}"), |(_, name)| name.to_owned())
}
