//! The lock on the file: one process at a time.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use crate::failure;
use crate::files::{beside, directory};
use crate::open_error::OpenError;

/// The owner of a store, as it wrote itself beside the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The id of its process.
    pub pid: u32,
    /// The address of its gateway, once it listens.
    pub url: Option<String>,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)?;
        self.url.as_ref().map_or(Ok(()), |url| write!(f, ", {url}"))
    }
}

/// The lock, held until it is dropped. It uses a file of its own, `PATH.lock`, because SQLite's locks on the database
/// file are released and taken repeatedly. The lock file remains after the release: removing it would race with the
/// next owner.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Locks the store at `path`.
    pub(super) fn take(path: &Path) -> Result<Lock, OpenError> {
        let lock_path = beside(path, ".lock");
        let file = open(&lock_path)?;
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

    /// Records who holds the lock. This is only a hint: the gateway also starts if the disk has no room for it.
    pub(super) fn write(&mut self, owner: &Owner) -> std::io::Result<()> {
        let text = serde_json::to_vec(owner)?;
        self.file.rewind()?;
        self.file.set_len(0)?;
        match self.file.write_all(&text) {
            Err(error) if failure::is_no_room(&error) => self.file.set_len(0),
            written => written,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The store has no owner now, so the file should name none. It is only a hint: a failure does no harm.
        let _ = self.file.set_len(0);
        // Closing alone would leave the lock to a child process that was just forked and has not started its own
        // program yet.
        let _ = self.file.unlock();
    }
}

/// Opens the lock file, or creates it. Its content is replaced, so in a directory that others can write to, it must not
/// lead to another file.
fn open(path: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true).mode(0o600);
    // Opening a pipe would wait for its other end.
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    let file =
        options.open(path).map_err(|error| match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::LOOP) => unfit(path, "it is a symbolic link"),
            _ => failure::io(path, &error),
        })?;
    let found = file.metadata().map_err(|error| failure::io(path, &error))?;
    if !found.is_file() {
        return Err(unfit(path, "it is not a regular file"));
    }
    if found.nlink() != 1 {
        return Err(unfit(path, "it has another name as well (a hard link)"));
    }
    let owner = fs::metadata(directory(path)).ok().map(|found| found.uid());
    // Root works on the log of the user that the directory belongs to, who must be able to lock it afterwards.
    let is_root_elsewhere = geteuid().is_root() && owner.is_some_and(|owner| owner != 0);
    if found.uid() != geteuid().as_raw() && !(is_root_elsewhere && owner == Some(found.uid())) {
        return Err(unfit(path, "it belongs to another user"));
    }
    if is_root_elsewhere && found.uid() == 0 {
        fchown(&file, owner, None).map_err(|error| failure::io(path, &error))?;
    }
    Ok(file)
}

fn unfit(path: &Path, problem: &str) -> OpenError {
    OpenError::Io { path: path.to_owned(), problem: format!("{problem}; move it away, or use another store") }
}

/// Returns the recorded owner of the store at `path`; the hint can be out of date.
pub fn owner(path: &Path) -> Option<Owner> {
    read_owner(File::open(beside(path, ".lock")).ok()?)
}

fn read_owner(file: File) -> Option<Owner> {
    const OWNER_LEN_MAX: u64 = 4_096;
    let mut text = Vec::new();
    file.take(OWNER_LEN_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}
