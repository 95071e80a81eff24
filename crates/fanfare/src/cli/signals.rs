//! Signals that ask a command to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, said};

/// Ctrl-C and SIGTERM.
#[derive(Debug)]
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Begins to catch them.
    pub(crate) fn new() -> Result<Stop, Failure> {
        let caught =
            |kind| signal(kind).map_err(|error| Failure::failed("cannot catch signals").why(said(&error)));
        Ok(Stop { interrupt: caught(SignalKind::interrupt())?, terminate: caught(SignalKind::terminate())? })
    }

    /// Waits for the next; gives the exit for whoever has nothing to finish.
    pub(crate) async fn asked(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}
