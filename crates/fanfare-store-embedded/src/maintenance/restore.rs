//! Restores a backup where a log is missing.
//!
//! The restored log has the events of the backup, and a new epoch, because the events after them will differ
//! from those of the original log. The two logs share the events up to the end of the backup, so clients that
//! return with a position of the earlier epoch continue there.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use fanfare_core::{Epoch, Timestamp};
use rusqlite::OpenFlags;

use super::check::Report;
use super::error::failed;
use super::rows::last;
use super::source::named;
use super::{Error, Phase, Progress, Watch, check_no_remains, copying, room};
use crate::deliveries;
use crate::draft::Draft;
use crate::epochs::{Epochs, Place};
use crate::files::{Found, beside, directory, give_to_owner, inspect, make_directory};
use crate::lock::Lock;
use crate::open::connect;
use crate::places::start;
use crate::schema::{self, STEPS};

/// Number of bytes that are copied between two reports of progress.
const BYTES_PER_LOOK: usize = 1024 * 1024;

/// A log that was restored.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The result of checking its content.
    pub report: Report,
    /// The epoch of the log that was backed up.
    pub before: Epoch,
}

/// Puts a copy of `backup` at `path`, where there must be no log, and gives it a new epoch. The copy is checked
/// first. Fails if files of another log are left there, and while a gateway uses that path. Blocks.
pub fn restore(backup: &Path, path: &Path, now: Timestamp, watch: &Watch) -> Result<Restored, Error> {
    check_backup(backup)?;
    check_place(path)?;
    make_directory(path)?;
    let _lock = Lock::take(path)?;
    // Checks again, now that nobody else can put a file there.
    check_place(path)?;
    let io = |error: std::io::Error| failed(path, &error);
    let draft = Draft::new(path).map_err(io)?;
    copy_bytes(backup, &draft, watch)?;
    let before = replace(draft.path(), now).map_err(|error| named(backup, &error))?;
    let report = copying::checked(&draft, backup, watch)?;
    give_to_owner(draft.path()).map_err(io)?;
    draft.place(false).map_err(io)?;
    Ok(Restored { report, before })
}

/// Refuses what is not a backup.
fn check_backup(backup: &Path) -> Result<(), Error> {
    match inspect(backup)? {
        Found::Nothing => Err(Error::Nothing { path: backup.to_owned() }),
        Found::Empty => Err(Error::Empty { path: backup.to_owned() }),
        Found::Ours => {
            let mut beside = ["-wal", "-journal"].map(|suffix| beside(backup, suffix)).into_iter();
            match beside.find(|path| has_content(path)) {
                Some(with) => Err(Error::HasMore { path: backup.to_owned(), with }),
                None => Ok(()),
            }
        }
    }
}

/// Refuses a place with a log, or with files left from one: SQLite would mix them.
fn check_place(path: &Path) -> Result<(), Error> {
    if fs::symlink_metadata(path).is_ok() {
        // If a gateway uses it, that is the error to report.
        if fs::symlink_metadata(beside(path, ".lock")).is_ok() {
            Lock::take(path)?;
        }
        return Err(Error::Exists { path: path.to_owned() });
    }
    check_no_remains(path, &["-wal", "-shm", "-journal"])
}

fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() > 0)
}

/// Copies the bytes of the backup without opening it as a database, so no files appear beside it.
fn copy_bytes(backup: &Path, draft: &Draft, watch: &Watch) -> Result<(), Error> {
    let read = |error: std::io::Error| failed(backup, &error);
    let mut from = File::open(backup).map_err(read)?;
    let total = from.metadata().map_err(read)?.len();
    room::check(directory(draft.path()), total)?;
    let (mut to, mut done) = (draft.file(), 0);
    let mut buffer = vec![0; BYTES_PER_LOOK];
    loop {
        if !watch(Progress { phase: Phase::Copying, done, total }) {
            return Err(Error::Interrupted);
        }
        let len = from.read(&mut buffer).map_err(read)?;
        if len == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..len]).map_err(|error| failed(draft.path(), &error))?;
        done += len as u64;
    }
}

/// Sets a new epoch for the log in a draft; returns the one it had.
fn replace(draft: &Path, now: Timestamp) -> rusqlite::Result<Epoch> {
    let mut conn = connect(draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // The file of a gateway that was stopped says that it has a write-ahead log. A draft is simply made again.
    conn.query_row("PRAGMA journal_mode = DELETE", (), |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    schema::migrate(&mut conn, STEPS, now)?;
    let changes = conn.transaction()?;
    let epochs = Epochs::load(&changes)?;
    let (before, number) = (epochs.current(), epochs.current_number());
    let last = last(&changes)? as i64;
    // They stay deliveries of the earlier epoch: a receiver knows them by that id.
    let kept = Place { epoch: number, seq: start(&changes)?.oldest };
    deliveries::keep_events(&changes, kept, last as u64 + 1)?;
    let epoch = Epoch::from_random(rand::random());
    changes.execute("UPDATE epochs SET shared_to = ?1 WHERE number = ?2", (last, number))?;
    changes.execute("INSERT INTO epochs (epoch) VALUES (?1)", [epoch.as_str()])?;
    changes.execute("UPDATE log SET epoch = ?1", [epoch.as_str()])?;
    let epochs = Epochs::read(&changes)?;
    for (column, table) in [("acknowledged", "readers"), ("seq", "webhook_cursors")] {
        for earlier in 1..=number {
            let Some(shared_to) = epochs.shared_with(epochs.epoch(earlier)?) else { continue };
            let shared_to = i64::try_from(shared_to).unwrap_or(i64::MAX);
            changes.execute(
                &format!("UPDATE {table} SET {column} = min({column}, ?1), epoch = ?2 WHERE epoch = ?3"),
                (shared_to, number + 1, earlier),
            )?;
        }
    }
    changes.commit()?;
    conn.close().map_err(|(_, error)| error)?;
    Ok(before)
}
