//! The command of `fanfare run`. Its output and our signals pass through.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::oneshot;

use crate::cli::failure::said;
use crate::cli::run::outcome::Outcome;
use crate::cli::run::signals::Signals;
use crate::cli::run::tail::Tail;
use crate::cli::run::way_through::{WayThrough, copy_size};

/// How long to wait for the rest of the output after the command exits. A process that it started may keep the output
/// open for longer.
const OUTPUT_GRACE: Duration = Duration::from_secs(2);

/// A running command.
#[derive(Debug)]
pub(crate) struct Child {
    process: tokio::process::Child,
    tail: Tail,
    /// Resolve once all output is copied.
    copied: Vec<oneshot::Receiver<()>>,
    signals: Signals,
    sizes: Sizes,
}

/// Our ends of the command's pseudo-terminals, which are kept at the size of our terminal.
#[derive(Debug, Default)]
struct Sizes {
    out: Option<OwnedFd>,
    err: Option<OwnedFd>,
}

impl Sizes {
    /// Copies the size of our terminal, after it changed.
    fn follow(&self) {
        if let Some(out) = &self.out {
            copy_size(io::stdout(), out);
        }
        if let Some(err) = &self.err {
            copy_size(io::stderr(), err);
        }
    }
}

impl Child {
    /// Starts the command. If no lines are to be kept, the command writes to our output directly.
    pub(crate) fn spawn(command: &[String], tail_len: u16) -> Result<Child, Outcome> {
        let not_started = |error: &io::Error| Outcome::NotStarted { problem: said(error), is_missing: false };
        // Signals are caught before the start. Otherwise, one in between would end us and leave the command running.
        let signals = Signals::catch().map_err(|error| not_started(&error))?;
        let mut process = tokio::process::Command::new(&command[0]);
        process.args(&command[1..]);
        let tail = Tail::new(tail_len);
        let mut copied = Vec::new();
        let mut sizes = Sizes::default();
        if tail_len > 0 {
            let out = WayThrough::to(io::stdout()).map_err(|error| not_started(&error))?;
            let err = WayThrough::to(io::stderr()).map_err(|error| not_started(&error))?;
            sizes = Sizes { out: out.terminal(), err: err.terminal() };
            process.stdout(Stdio::from(out.theirs)).stderr(Stdio::from(err.theirs));
            copied.push(copy(&tail, out.ours, io::stdout()));
            copied.push(copy(&tail, err.ours, io::stderr()));
        }
        match process.spawn() {
            Ok(process) => Ok(Child { process, tail, copied, signals, sizes }),
            Err(error) => Err(Outcome::NotStarted {
                problem: said(&error),
                is_missing: error.kind() == io::ErrorKind::NotFound,
            }),
        }
    }

    /// Waits for the command to exit, and forwards signals to it.
    pub(crate) async fn run_to_the_end(mut self) -> Outcome {
        let ended = self.wait_and_forward().await;
        let all_copied = async {
            for copied in self.copied {
                // An error means that the thread has ended, which is just as good.
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
                // This fails if the command has just exited, which the next turn notices.
                let _ = kill_process(pid, signal);
            }
        };
        loop {
            tokio::select! {
                status = self.process.wait() => return status,
                signal = self.signals.next() => {
                    if signal == Signal::WINCH {
                        self.sizes.follow();
                    }
                    send(signal);
                }
            }
        }
    }
}

/// Copies output in a thread of its own, because a slow terminal must not delay anything else.
fn copy(tail: &Tail, from: OwnedFd, to: impl io::Write + Send + 'static) -> oneshot::Receiver<()> {
    let (done, copied) = oneshot::channel();
    let tail = tail.clone();
    std::thread::spawn(move || {
        tail.copy(std::fs::File::from(from), to);
        // This fails if the grace period has passed.
        let _ = done.send(());
    });
    copied
}
