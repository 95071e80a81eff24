//! The signals that stop a command.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, said};

/// Waits for Ctrl-C and SIGTERM.
#[derive(Debug)]
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Starts to catch both signals.
    pub(crate) fn new() -> Result<Stop, Failure> {
        let caught =
            |kind| signal(kind).map_err(|error| Failure::failed("cannot catch signals").why(said(&error)));
        Ok(Stop { interrupt: caught(SignalKind::interrupt())?, terminate: caught(SignalKind::terminate())? })
    }

    /// Waits for the next signal and returns the exit code of a command that it stops.
    pub(crate) async fn asked(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}
