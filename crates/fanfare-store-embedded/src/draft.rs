//! A file that is written under a temporary name, and gets its own once it is complete and on the disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::files::{beside, sync_names};

/// The suffix of a file's name until it is complete.
const SUFFIX: &str = ".part";

/// An incomplete file, removed on drop. Its lock distinguishes the file of a running process from one that a
/// killed process left.
#[derive(Debug)]
pub(super) struct Draft {
    target: PathBuf,
    path: PathBuf,
    file: File,
}

impl Draft {
    /// Creates the draft of `target`: empty, and readable only by its owner.
    pub(super) fn new(target: &Path) -> io::Result<Draft> {
        /// Maximum attempts to replace the file that a killed process left: another process can do the same at
        /// the same time.
        const ATTEMPTS: usize = 10;
        let path = beside(target, SUFFIX);
        for _ in 0..ATTEMPTS {
            let file = open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::new(ErrorKind::ResourceBusy, "another process is writing it"));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if is_at(&file, &path) {
                let draft = Draft { target: target.to_owned(), path, file };
                // SQLite would take a leftover journal for that of this file.
                draft.remove_companions();
                draft.file.set_len(0)?;
                return Ok(draft);
            }
        }
        Err(io::Error::new(ErrorKind::ResourceBusy, "other processes keep replacing it"))
    }

    /// Removes the files that SQLite creates beside it.
    fn remove_companions(&self) {
        for suffix in ["-journal", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&self.path, suffix));
        }
    }

    /// Returns where the file is until it is placed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Syncs the file, gives it its name, and syncs the directories above it. With `replaces`, it replaces an
    /// existing file; without, an existing file is [`ErrorKind::AlreadyExists`].
    pub(super) fn place(self, replaces: bool) -> io::Result<()> {
        self.file.sync_all()?;
        if replaces {
            fs::rename(&self.path, &self.target)?;
        } else {
            match rustix::fs::renameat_with(CWD, &self.path, CWD, &self.target, RenameFlags::NOREPLACE) {
                Ok(()) => {}
                // Not every file system can do that.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                    if fs::symlink_metadata(&self.target).is_ok() {
                        return Err(ErrorKind::AlreadyExists.into());
                    }
                    fs::rename(&self.path, &self.target)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        sync_names(&self.target)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Once the file is placed, there is nothing to remove.
        if is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
            self.remove_companions();
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true).mode(0o600);
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    options.open(path)
}

/// Returns whether the file that is open is still the one at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (open, found) = (file.metadata().map(id), fs::symlink_metadata(path).map(id));
    matches!((open, found), (Ok(open), Ok(found)) if open == found)
}
