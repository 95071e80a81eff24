//! Opens a log for reading, whether or not a gateway runs.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Error;
use super::error::failed;
use crate::failure;
use crate::files::{Found, inspect, wal_path};
use crate::open::connect;
use crate::schema::{self, STEPS};

/// Opens the log at `path`, and changes nothing in it.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    match inspect(path)? {
        Found::Nothing => return Err(Error::Nothing { path: path.to_owned() }),
        Found::Empty => return Err(Error::Empty { path: path.to_owned() }),
        Found::Ours => {}
    }
    let had_wal = wal_path(path).metadata().is_ok_and(|wal| wal.len() > 0);
    let conn = match has_wal_mode(path)? {
        // Even a reader has to write: it records its snapshot in a file beside the log.
        true => match connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) => {
                connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            }
            opened => opened,
        },
        false => connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY),
    };
    let conn = conn.map_err(|error| named(path, &error))?;
    // A write-ahead log left by a crash is handled at the next start.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, had_wal)
        .map_err(|error| named(path, &error))?;
    Ok(conn)
}

/// Opens the log at `path`, and changes nothing in it. Fails if its tables are those of an earlier version.
pub(super) fn open_current(path: &Path) -> Result<Connection, Error> {
    let conn = open(path)?;
    match schema::version(&conn).map_err(|error| named(path, &error))? < STEPS.len() as i64 {
        true => Err(Error::Old { path: path.to_owned() }),
        false => Ok(conn),
    }
}

/// Converts an error of SQLite.
pub(super) fn named(path: &Path, error: &rusqlite::Error) -> Error {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => Error::Interrupted,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { path },
        Some(ErrorCode::DiskFull) => Error::NoRoom { path, needed: 0, free: 0 },
        _ if failure::is_damage(error) => Error::Damaged { path, problem: error.to_string() },
        _ => Error::Open(failure::opening(&path, error)),
    }
}

/// Returns whether the file says that it has a write-ahead log beside it.
fn has_wal_mode(path: &Path) -> Result<bool, Error> {
    const VERSION_AT: usize = 18;
    const WAL: u8 = 2;
    let mut head = [0; VERSION_AT + 1];
    match File::open(path).and_then(|mut file| file.read_exact(&mut head)) {
        Ok(()) => Ok(head[VERSION_AT] == WAL),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(failed(path, &error)),
    }
}
