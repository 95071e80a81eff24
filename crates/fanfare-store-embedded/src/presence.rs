//! Whether the files that are open are still the ones at their paths.
//!
//! A file that is removed or replaced stays open, and takes commits that nobody will ever read.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::files::wal_path;
use fanfare_store::Error;

/// Maximum time for which commits are acknowledged without a look at the files.
const TRUSTED: Duration = Duration::from_secs(1);

/// The log and its write-ahead log, as the file system knows them.
#[derive(Debug)]
pub(super) struct Presence {
    log: Opened,
    /// `None` before the first commit, which creates it.
    wal: Option<Opened>,
    seen: Instant,
}

/// A file that is open.
#[derive(Debug)]
struct Opened {
    path: PathBuf,
    /// The device and the inode.
    id: (u64, u64),
}

impl Opened {
    fn at(path: PathBuf) -> io::Result<Opened> {
        let found = fs::metadata(&path)?;
        Ok(Opened { id: (found.dev(), found.ino()), path })
    }

    fn check(&self) -> Result<(), Error> {
        let problem = match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) != self.id => "was replaced",
            Err(error) if error.kind() == ErrorKind::NotFound => "was removed",
            // An error that says nothing of the file, such as a folder that cannot be searched any more.
            Ok(_) | Err(_) => return Ok(()),
        };
        let path = self.path.display();
        Err(Error::Fatal { problem: format!("`{path}` {problem} while it was open") })
    }
}

impl Presence {
    /// Notes the log at `path`, which has just been opened.
    pub(super) fn of(path: &Path) -> io::Result<Presence> {
        Ok(Presence { log: Opened::at(path.to_owned())?, wal: None, seen: Instant::now() })
    }

    /// Fails if another file is at the path of one that is open, or none. Looks at most once in [`TRUSTED`].
    pub(super) fn check(&mut self) -> Result<(), Error> {
        let Some(wal) = &self.wal else {
            self.wal = Opened::at(wal_path(&self.log.path)).ok();
            return self.log.check();
        };
        if self.seen.elapsed() < TRUSTED {
            return Ok(());
        }
        self.log.check()?;
        wal.check()?;
        self.seen = Instant::now();
        Ok(())
    }
}
