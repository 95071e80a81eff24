//! Signals to this process that are forwarded to the command.

use std::io;
use std::os::fd::AsFd;

use rustix::process::Signal;
use tokio::signal::unix::{Signal as Caught, SignalKind, signal};

/// Waits for the signals to forward.
#[derive(Debug)]
pub(crate) struct Signals {
    hangup: Caught,
    interrupt: Caught,
    quit: Caught,
    terminate: Caught,
    user1: Caught,
    user2: Caught,
    resized: Caught,
}

impl Signals {
    /// Starts to catch the signals.
    pub(crate) fn catch() -> io::Result<Signals> {
        Ok(Signals {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
            resized: signal(SignalKind::window_change())?,
        })
    }

    /// Waits for the next signal that the command has not received already.
    pub(crate) async fn next(&mut self) -> Signal {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => return Signal::HUP,
                _ = self.terminate.recv() => return Signal::TERM,
                _ = self.user1.recv() => return Signal::USR1,
                _ = self.user2.recv() => return Signal::USR2,
                _ = self.resized.recv() => return Signal::WINCH,
                _ = self.interrupt.recv() => if !comes_from_the_terminal() { return Signal::INT },
                _ = self.quit.recv() => if !comes_from_the_terminal() { return Signal::QUIT },
            }
        }
    }
}

/// Returns whether the terminal sends the signals of its keys to this process. The command is in the same process
/// group, so it already has the signal and must not get it twice.
fn comes_from_the_terminal() -> bool {
    let stdin = io::stdin();
    rustix::termios::tcgetpgrp(stdin.as_fd()).is_ok_and(|group| group == rustix::process::getpgrp())
}
