//! The meaning of errors of SQLite and the file system.

use std::io::ErrorKind;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::open_error::OpenError;
use fanfare_store::Error;

/// Names an error that SQLite reported for the file at `path` while it was open, when nothing was changed.
pub(super) fn named(path: &Path, error: &rusqlite::Error) -> Error {
    let problem = format!("`{}`: {error}", path.display());
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::DiskFull { path: path.to_owned() },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Damaged { problem },
        Some(_) => Error::Other { problem },
        // The error is not from SQLite, so the row held something that we never write.
        None => Error::Damaged { problem },
    }
}

/// Names an error that SQLite reported while the file at `path` was opened.
pub(super) fn opening(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    let problem = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Corrupt { path, problem },
        Some(ErrorCode::NotADatabase) => OpenError::Foreign { path, problem },
        Some(ErrorCode::DiskFull) => OpenError::DiskFull { path },
        _ if lacks_room(error) => OpenError::DiskFull { path },
        Some(code) if is_of_the_system(code) => OpenError::Io { path, problem },
        Some(_) => OpenError::Other { problem },
        // The same applies here.
        None => OpenError::Corrupt { path, problem },
    }
}

/// Returns whether an error concerns the content of rows that were read: damage, and nothing else.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => code == ErrorCode::DatabaseCorrupt,
        // The row held something that we never write.
        None => is_content(error),
    }
}

/// Returns whether an error concerns the content of rows that are copied: they are damaged, or do not fit a table.
pub(super) fn is_of_content(error: &rusqlite::Error) -> bool {
    is_damage(error) || error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn is_content(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(
        error,
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..)
    )
}

/// Returns whether an error puts every page in doubt that was touched before it.
pub(super) fn is_doubtful(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) | None => true,
        Some(code) => is_of_the_system(code),
    }
}

fn is_of_the_system(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
    )
}

/// Names an error after which nothing is known of the last write.
pub(super) fn fatal(path: &Path, doing: &str, error: &rusqlite::Error) -> Error {
    Error::Fatal { problem: format!("{doing} `{}` failed: {error}", path.display()) }
}

/// Returns whether the disk is full.
pub(super) fn is_disk_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// Returns whether the disk has no room for the index of the write-ahead log.
fn lacks_room(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// Returns whether an error of the file system means that the disk is full.
pub(super) fn is_no_room(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Names an error of the file system.
pub(super) fn io(path: &Path, error: &std::io::Error) -> OpenError {
    let path = path.to_owned();
    match is_no_room(error) {
        true => OpenError::DiskFull { path },
        false => OpenError::Io { path, problem: error.to_string() },
    }
}
