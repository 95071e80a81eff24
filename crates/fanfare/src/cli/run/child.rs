//! The command of `fanfare run`: its output and our signals pass through.

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
    sizes: Sizes,
}

/// Our ends of the command's terminals, which have the size of ours.
#[derive(Debug, Default)]
struct Sizes {
    out: Option<OwnedFd>,
    err: Option<OwnedFd>,
}

impl Sizes {
    /// Takes over the size of our terminal, when it has changed.
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
    /// Starts it. Without lines to keep, it gets our output itself.
    pub(crate) fn spawn(command: &[String], tail_len: u16) -> Result<Child, Outcome> {
        let not_started = |error: &io::Error| Outcome::NotStarted { problem: said(error), is_missing: false };
        // From before the start: a signal in between would end us, and leave the command without an end.
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
