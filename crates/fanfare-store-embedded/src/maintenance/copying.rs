//! Copies one snapshot of a log into a new file.
//!
//! `VACUUM INTO` reads within one transaction, so a gateway that keeps writing neither changes the copy nor
//! makes it start over. Until the copy is done, the gateway's write-ahead log cannot start over, and grows with
//! each push. The copy gives up before that fills the disk.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::room::{self, RESERVE};
use super::source::named;
use super::{Error, Phase, Progress, Watch, check};
use crate::draft::Draft;
use crate::files::{directory, wal_path};
use crate::open::connect;

/// Number of steps of SQLite between two looks at the progress: about a millisecond.
const STEPS_PER_LOOK: i32 = 10_000;

/// Copies the log of a connection into a draft, and checks the copy.
pub(super) fn copy(
    conn: &mut Connection,
    path: &Path,
    draft: &Draft,
    watch: &Watch,
) -> Result<check::Report, Error> {
    let failed = |error| named(path, &error);
    let total = len(conn).map_err(failed)?;
    room::check(directory(draft.path()), total)?;
    let Some(into) = draft.path().to_str() else {
        let problem = "its name is not UTF-8".to_owned();
        return Err(Error::Io { path: draft.path().to_owned(), problem });
    };
    // The draft is synced once, when it is complete.
    conn.pragma_update(None, "synchronous", "OFF").map_err(failed)?;
    let growth = Growth::watch(path);
    let (target, goes_on, is_full) = (draft.path().to_owned(), watch.clone(), growth.clone());
    let look = move || {
        let done = fs::metadata(&target).map_or(0, |found| found.len()).min(total);
        !goes_on(Progress { phase: Phase::Copying, done, total }) || is_full.is_too_much()
    };
    conn.progress_handler(STEPS_PER_LOOK, Some(look)).map_err(failed)?;
    let copied = conn.execute("VACUUM INTO ?1", [into]);
    conn.progress_handler(0, None::<fn() -> bool>).map_err(failed)?;
    match copied {
        Ok(_) => {}
        Err(error) => {
            return Err(match named(path, &error) {
                Error::Interrupted if growth.is_too_much() => growth.refusal(),
                Error::NoRoom { .. } => {
                    let directory = directory(draft.path());
                    let free = room::free(directory).unwrap_or(0);
                    Error::NoRoom { path: directory.to_owned(), needed: total, free }
                }
                error => error,
            });
        }
    }
    checked(draft, path, watch)
}

/// Checks a draft that is a log; fails if its structure is damaged. Then `origin`, of which it is a copy, is too, and the
/// name of the draft would mean nothing to the caller.
pub(super) fn checked(draft: &Draft, origin: &Path, watch: &Watch) -> Result<check::Report, Error> {
    let damaged = |problem: String| Error::Damaged { path: origin.to_owned(), problem };
    let failed = |error| match named(draft.path(), &error) {
        Error::Damaged { problem, .. } => damaged(problem),
        error => error,
    };
    let mut conn = connect(draft.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    let report = check::of(&mut conn, watch).map_err(failed)?;
    match report.problems.first() {
        Some(problem) => Err(damaged(problem.clone())),
        None => Ok(report),
    }
}

/// Returns the number of bytes in used pages.
fn len(conn: &Connection) -> rusqlite::Result<u64> {
    let number = |pragma: &str| -> rusqlite::Result<u64> {
        conn.query_row(&format!("PRAGMA {pragma}"), (), |row| row.get::<_, i64>(0))
            .map(|number| number as u64)
    };
    Ok(number("page_count")?.saturating_sub(number("freelist_count")?) * number("page_size")?)
}

/// The growth of the write-ahead log since the copy began.
#[derive(Debug, Clone)]
struct Growth {
    wal: PathBuf,
    before: u64,
}

impl Growth {
    fn watch(path: &Path) -> Growth {
        let wal = wal_path(path);
        let before = fs::metadata(&wal).map_or(0, |found| found.len());
        Growth { wal, before }
    }

    /// Returns whether it is about to fill the disk of the log.
    fn is_too_much(&self) -> bool {
        let now = fs::metadata(&self.wal).map_or(0, |found| found.len());
        now > self.before + RESERVE && room::free(directory(&self.wal)).is_some_and(|free| free < RESERVE)
    }

    fn refusal(&self) -> Error {
        let path = directory(&self.wal).to_owned();
        let free = room::free(&path).unwrap_or(0);
        Error::NoRoom { path, needed: RESERVE, free }
    }
}
