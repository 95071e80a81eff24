//! What SQLite's errors mean to us.

use std::path::Path;

use rusqlite::ErrorCode;

use fanfare_store::Error;

/// Names an error that SQLite reported for the file at `path`, when nothing was changed.
pub(super) fn named(path: &Path, error: &rusqlite::Error) -> Error {
    let path = path.to_owned();
    let problem = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => Error::Corrupt { path, problem },
        Some(ErrorCode::NotADatabase) => Error::Foreign { path, problem },
        Some(ErrorCode::DiskFull) => Error::DiskFull { path },
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure,
        ) => Error::Io { path, problem },
        Some(_) => Error::Other { problem },
        // No error of SQLite, so the row held something that we never write.
        None => Error::Corrupt { path, problem },
    }
}

/// Names an error after which nothing is known of the last write.
pub(super) fn fatal(path: &Path, doing: &str, error: &rusqlite::Error) -> Error {
    Error::Fatal { problem: format!("{doing} `{}` failed: {error}", path.display()) }
}

/// Says whether the disk is full.
pub(super) fn is_disk_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// Names an error of the file system.
pub(super) fn io(path: &Path, error: &std::io::Error) -> Error {
    let path = path.to_owned();
    match error.kind() {
        std::io::ErrorKind::StorageFull => Error::DiskFull { path },
        _ => Error::Io { path, problem: error.to_string() },
    }
}
