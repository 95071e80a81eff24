//! Why a file cannot be opened.

use std::path::PathBuf;

/// Why the store was not opened. The file is as it was.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    /// The file is one of ours, but damaged.
    #[error("`{path}` is damaged: {problem}; restore it from a backup, or move it away to start a new log")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The result of the check.
        problem: String,
    },
    /// The disk is full.
    #[error("the disk is full: free some space on the volume of `{path}`")]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The file belongs to another program.
    #[error("`{path}` is not a Fanfare store: {problem}; use another path, or move the file away")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Why we think so.
        problem: String,
    },
    /// The file cannot be opened or written.
    #[error("`{path}` cannot be used: {problem}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        problem: String,
    },
    /// Another process uses the file.
    #[error("`{path}` is in use by another process{}; stop it, or use another store", .owner.as_ref().map(|owner| format!(" ({owner})")).unwrap_or_default())]
    Locked {
        /// The file.
        path: PathBuf,
        /// The content of the lock file, written by the other process.
        owner: Option<String>,
    },
    /// An error of SQLite that has no better name.
    #[error("the store operation failed: {problem}")]
    Other {
        /// The error text.
        problem: String,
    },
    /// The file was written by a later version of the program.
    #[error(
        "`{path}` was written by a newer version (schema {found}; this program supports up to {known}); use that version"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
}
