//! The command of `fanfare run`: its output and our signals pass through.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{Signal as Caught, SignalKind, signal};
use tokio::sync::oneshot;

use crate::cli::Exit;
use crate::cli::failure::{Failure, said};
use crate::cli::run::tail::Tail;

/// How long to wait for output after the end of the command: something that it left behind may hold it open.
const OUTPUT_GRACE: Duration = Duration::from_secs(2);

/// A command that runs.
#[derive(Debug)]
pub(crate) struct Child {
    process: tokio::process::Child,
    tail: Tail,
    /// Resolve when all output was copied.
    copied: Vec<oneshot::Receiver<()>>,
    signals: Signals,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// By itself or by a signal.
    Ended { status: ExitStatus, tail: Vec<String> },
    /// It was never started.
    NotStarted { problem: String, is_missing: bool },
}

impl Child {
    /// Starts it. Without lines to keep, it gets our output itself.
    pub(crate) fn spawn(command: &[String], tail_len: u16) -> Result<Child, Outcome> {
        let not_started = |error: &io::Error| Outcome::NotStarted { problem: said(error), is_missing: false };
        // From before the start: a signal in between would end us, and leave the command without an end.
        let signals = Signals::catch().map_err(|error| not_started(&error))?;
        let mut process = tokio::process::Command::new(&command[0]);
        process.args(&command[1..]);
        let tail = Tail::new(tail_len);
        let mut copied = Vec::new();
        if tail_len > 0 {
            let (out, out_end) = way_through(io::stdout()).map_err(|error| not_started(&error))?;
            let (err, err_end) = way_through(io::stderr()).map_err(|error| not_started(&error))?;
            process.stdout(Stdio::from(out_end)).stderr(Stdio::from(err_end));
            copied.push(copy(&tail, out, io::stdout()));
            copied.push(copy(&tail, err, io::stderr()));
        }
        match process.spawn() {
            Ok(process) => Ok(Child { process, tail, copied, signals }),
            Err(error) => Err(Outcome::NotStarted {
                problem: said(&error),
                is_missing: error.kind() == io::ErrorKind::NotFound,
            }),
        }
    }

    /// Waits for its end; signals that come meanwhile are for it.
    pub(crate) async fn run_to_the_end(mut self) -> Outcome {
        let ended = self.wait_and_forward().await;
        let all_copied = async {
            for copied in self.copied {
                // An error says that the thread is gone, which is as good.
                let _ = copied.await;
            }
        };
        let _ = tokio::time::timeout(OUTPUT_GRACE, all_copied).await;
        match ended {
            Ok(status) => Outcome::Ended { status, tail: self.tail.lines() },
            Err(error) => Outcome::NotStarted { problem: said(&error), is_missing: false },
        }
    }

    async fn wait_and_forward(&mut self) -> io::Result<ExitStatus> {
        let pid = self.process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let send = |signal| {
            if let Some(pid) = pid {
                // Fails when it has just ended, which the next turn sees.
                let _ = kill_process(pid, signal);
            }
        };
        loop {
            tokio::select! {
                status = self.process.wait() => return status,
                signal = self.signals.next() => send(signal),
            }
        }
    }
}

/// The signals that are passed on.
#[derive(Debug)]
struct Signals {
    hangup: Caught,
    interrupt: Caught,
    quit: Caught,
    terminate: Caught,
    user1: Caught,
    user2: Caught,
}

impl Signals {
    fn catch() -> io::Result<Signals> {
        Ok(Signals {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for the next that the command does not have already.
    async fn next(&mut self) -> Signal {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => return Signal::HUP,
                _ = self.terminate.recv() => return Signal::TERM,
                _ = self.user1.recv() => return Signal::USR1,
                _ = self.user2.recv() => return Signal::USR2,
                _ = self.interrupt.recv() => if !comes_from_the_terminal() { return Signal::INT },
                _ = self.quit.recv() => if !comes_from_the_terminal() { return Signal::QUIT },
            }
        }
    }
}

/// Says whether a key of the terminal would send its signal to us: then the command, in the same group, has it
/// already, and must not get it twice.
fn comes_from_the_terminal() -> bool {
    let stdin = io::stdin();
    rustix::termios::tcgetpgrp(stdin.as_fd()).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Makes what the command writes to instead of `output`: a terminal when `output` is one, so that it shows the
/// same colours and progress; a pipe otherwise. Gives our end and its end.
fn way_through(output: impl AsFd + IsTerminal) -> io::Result<(OwnedFd, OwnedFd)> {
    if output.is_terminal()
        && let Ok(ends) = terminal(output.as_fd())
    {
        return Ok(ends);
    }
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}

/// Makes a terminal of the same size as `output`, that passes on every byte as it is: `output` itself turns line
/// feeds into new lines.
fn terminal(output: impl AsFd) -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let path = ptsname(&ours, Vec::new())?;
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let theirs = rustix::fs::open(path, flags, rustix::fs::Mode::empty())?;
    let mut attributes = tcgetattr(&theirs)?;
    attributes.output_modes.remove(OutputModes::OPOST);
    tcsetattr(&theirs, OptionalActions::Now, &attributes)?;
    if let Ok(size) = tcgetwinsize(output) {
        tcsetwinsize(&theirs, size)?;
    }
    Ok((ours, theirs))
}

/// Copies in a thread: a slow terminal must not hold up anything else.
fn copy(tail: &Tail, from: OwnedFd, to: impl io::Write + Send + 'static) -> oneshot::Receiver<()> {
    let (done, copied) = oneshot::channel();
    let tail = tail.clone();
    std::thread::spawn(move || {
        tail.copy(std::fs::File::from(from), to);
        // Nobody waits any more when the grace has passed.
        let _ = done.send(());
    });
    copied
}

impl Outcome {
    pub(crate) fn is_success(&self) -> bool {
        self.exit().number() == 0
    }

    /// Gives the exit that a shell would give.
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

    /// Gives the name of the signal that ended it.
    pub(crate) fn signal_name(&self) -> Option<String> {
        let Outcome::Ended { status, .. } = self else { return None };
        status.signal().map(signal_name)
    }

    /// Gives the last lines of its output.
    pub(crate) fn tail(&self) -> Vec<String> {
        match self {
            Outcome::Ended { tail, .. } => tail.clone(),
            Outcome::NotStarted { .. } => Vec::new(),
        }
    }

    /// Says how it ended, for a message.
    pub(crate) fn words(&self) -> String {
        match (self, self.signal_name()) {
            (Outcome::NotStarted { problem, .. }, _) => format!("could not be started ({problem})"),
            (_, Some(signal)) => format!("ended by {signal}"),
            (_, None) if self.is_success() => "succeeded".to_owned(),
            (_, None) => format!("failed with exit code {}", self.exit().number()),
        }
    }

    /// Says why it could not be started.
    pub(crate) fn failure(&self, program: &str) -> Failure {
        let failure = Failure { exit: self.exit(), ..Failure::failed(format!("cannot run `{program}`")) };
        match self {
            Outcome::NotStarted { problem, is_missing } => {
                let failure = failure.why(problem.clone());
                if *is_missing && program.contains(' ') {
                    failure.fix(format!("for a line with spaces: fanfare run -- sh -c '{program}'"))
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
