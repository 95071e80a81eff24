//! What the command writes to instead of our output.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

/// Two ends: what the command writes to one is read at the other.
#[derive(Debug)]
pub(crate) struct WayThrough {
    pub(crate) ours: OwnedFd,
    pub(crate) theirs: OwnedFd,
    is_terminal: bool,
}

impl WayThrough {
    /// Makes a terminal when `output` is one, so that the command shows the same colours and progress; a pipe
    /// otherwise.
    pub(crate) fn to(output: impl AsFd + IsTerminal) -> io::Result<WayThrough> {
        if output.is_terminal()
            && let Ok(ends) = terminal(output.as_fd())
        {
            return Ok(ends);
        }
        let (ours, theirs) = io::pipe()?;
        Ok(WayThrough { ours: ours.into(), theirs: theirs.into(), is_terminal: false })
    }

    /// Gives our end once more when it is a terminal. Of a pipe there must be only one: the command learns from
    /// its closing that nobody reads any more.
    pub(crate) fn terminal(&self) -> Option<OwnedFd> {
        if self.is_terminal { self.ours.try_clone().ok() } else { None }
    }
}

/// Makes a terminal of the same size as `output`, that passes on every byte as it is: `output` itself turns line
/// feeds into new lines.
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

/// Gives the terminal `to` the size of the terminal `from`; when one of them is none, there is nothing to do.
pub(crate) fn copy_size(from: impl AsFd, to: impl AsFd) {
    if let Ok(size) = tcgetwinsize(from) {
        let _ = tcsetwinsize(to, size);
    }
}
