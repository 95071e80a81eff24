//! Why work on the file of a log was not done.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::failure;
use crate::open_error::OpenError;

/// Why work on the file of a log was not done. Nothing is changed, and nothing is left behind.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another program has exclusive use of the log, so it cannot be read.
    #[error(
        "`{path}` cannot be read while the gateway that uses it runs, because its disk was full when it started"
    )]
    Busy {
        /// The log.
        path: PathBuf,
    },
    /// The structure of a file is damaged.
    #[error("`{path}` is damaged: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first problem found.
        problem: String,
    },
    /// The file is empty.
    #[error("`{path}` is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file is there already.
    #[error("`{path}` exists")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The caller asked to stop.
    #[error("stopped")]
    Interrupted,
    /// The file was written by an earlier version of the program, and has not been upgraded.
    #[error("`{path}` was written by an earlier version")]
    Old {
        /// The file.
        path: PathBuf,
    },
    /// The log cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is too little room on a disk.
    #[error("the disk of `{path}` has too little room")]
    NoRoom {
        /// A file on that disk.
        path: PathBuf,
        /// The bytes that are needed.
        needed: u64,
        /// The bytes that are free.
        free: u64,
    },
    /// There is no file.
    #[error("there is no log at `{path}`")]
    Nothing {
        /// The place without a file.
        path: PathBuf,
    },
    /// A file of another log is left over.
    #[error("`{path}` is left over from another log")]
    Remains {
        /// The file.
        path: PathBuf,
    },
    /// Part of a backup's content is in a file beside it, so it is a copy of a log that was in use.
    #[error("a part of `{path}` is in `{with}`")]
    HasMore {
        /// The backup.
        path: PathBuf,
        /// The file beside it.
        with: PathBuf,
    },
    /// Another program, not a gateway, reads the log.
    #[error("another program has `{path}` open")]
    InUse {
        /// The log.
        path: PathBuf,
    },
    /// The file to write is part of the log.
    #[error("`{path}` is a file of the log itself")]
    Own {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("`{path}` cannot be used: {problem}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        problem: String,
    },
}

/// Converts an error of the file system.
pub(super) fn failed(path: &Path, error: &io::Error) -> Error {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::AlreadyExists => Error::Exists { path },
        _ if failure::is_no_room(error) => Error::NoRoom { path, needed: 0, free: 0 },
        _ => Error::Io { path, problem: error.to_string() },
    }
}
