//! The pipe or pseudo-terminal that the command writes to instead of our output.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

/// A pipe or pseudo-terminal: the command writes to one end, and we read from the other.
#[derive(Debug)]
pub(crate) struct WayThrough {
    pub(crate) ours: OwnedFd,
    pub(crate) theirs: OwnedFd,
    is_terminal: bool,
}

impl WayThrough {
    /// Creates a pseudo-terminal if `output` is a terminal, so that the command shows the same colors and progress.
    /// Otherwise, creates a pipe.
    pub(crate) fn to(output: impl AsFd + IsTerminal) -> io::Result<WayThrough> {
        if output.is_terminal()
            && let Ok(ends) = terminal(output.as_fd())
        {
            return Ok(ends);
        }
        let (ours, theirs) = io::pipe()?;
        Ok(WayThrough { ours: ours.into(), theirs: theirs.into(), is_terminal: false })
    }

    /// Returns a duplicate of our end if it is a pseudo-terminal. A pipe must not be duplicated: once our end closes,
    /// the command has to learn that nothing reads its output.
    pub(crate) fn terminal(&self) -> Option<OwnedFd> {
        if self.is_terminal { self.ours.try_clone().ok() } else { None }
    }
}

/// Creates a pseudo-terminal of the same size as `output`. It passes every byte on unchanged, because `output` itself
/// already translates newlines.
fn terminal(output: impl AsFd) -> rustix::io::Result<WayThrough> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let path = ptsname(&ours, Vec::new())?;
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let theirs = rustix::fs::open(path, flags, rustix::fs::Mode::empty())?;
    let mut attributes = tcgetattr(&theirs)?;
    attributes.output_modes.remove(OutputModes::OPOST);
    tcsetattr(&theirs, OptionalActions::Now, &attributes)?;
    copy_size(output, &ours);
    Ok(WayThrough { ours, theirs, is_terminal: true })
}

/// Copies the size of the terminal `from` to the terminal `to`. Does nothing if one of them is not a terminal.
pub(crate) fn copy_size(from: impl AsFd, to: impl AsFd) {
    if let Ok(size) = tcgetwinsize(from) {
        let _ = tcsetwinsize(to, size);
    }
}
