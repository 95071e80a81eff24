//! The lock on the file: one process at a time.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure;
use crate::open_error::OpenError;

/// Who holds a store, as it says itself beside the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process.
    pub pid: u32,
    /// Where its gateway listens, once it does.
    pub url: Option<String>,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)?;
        self.url.as_ref().map_or(Ok(()), |url| write!(f, ", {url}"))
    }
}

/// The lock, held until it is dropped. It lies on a file of its own, `PATH.lock`, because SQLite's locks on the
/// file itself come and go. The file stays when the lock goes: removing it would race with the next owner.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock for the store at `path`.
    pub(super) fn take(path: &Path) -> Result<Lock, OpenError> {
        let lock_path = lock_path(path);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|error| failure::io(&lock_path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = read_owner(file).map(|owner| owner.to_string());
                return Err(OpenError::Locked { path: path.to_owned(), owner });
            }
            Err(TryLockError::Error(error)) => return Err(failure::io(&lock_path, &error)),
        }
        let mut lock = Lock { file };
        lock.write(&Owner { pid: std::process::id(), url: None })
            .map_err(|error| failure::io(&lock_path, &error))?;
        Ok(lock)
    }

    /// Writes down who holds the lock.
    pub(super) fn write(&mut self, owner: &Owner) -> std::io::Result<()> {
        let text = serde_json::to_vec(owner)?;
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.file.write_all(&text)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nobody holds it now, so nobody's name should stand there. It is only a hint: a failure harms nobody.
        let _ = self.file.set_len(0);
        // Closing alone would leave the lock to a child process that was forked a moment ago and has not begun
        // its own program yet.
        let _ = self.file.unlock();
    }
}

/// Returns who says to hold the store at `path`; the hint may be out of date.
pub fn owner(path: &Path) -> Option<Owner> {
    read_owner(File::open(lock_path(path)).ok()?)
}

fn read_owner(file: File) -> Option<Owner> {
    const OWNER_LEN_MAX: u64 = 4_096;
    let mut text = Vec::new();
    file.take(OWNER_LEN_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
