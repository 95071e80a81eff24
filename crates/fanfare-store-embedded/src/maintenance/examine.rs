//! A quick examination of a log, for `fanfare doctor`.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::Error;
use super::rows::{Found, Names, last, walk, walk_spared};
use super::source::{self, named};
use crate::failure;
use crate::files::{open_mode, wal_path};
use crate::places::{Start, start};
use crate::problems::{is_of_one_event, quick_problems};
use crate::schema::{self, STEPS};

/// Number of events between two looks at the clock.
const PAGE_LEN: u64 = 256;

/// Maximum duration of the check of the structure, and of that of the events: a person waits for both.
const TIME_MAX: Duration = Duration::from_secs(1);

/// The result of examining a log that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Examined {
    /// Number of events that the log should have.
    pub events: u64,
    /// Number of events examined, starting with the oldest.
    pub looked_at: u64,
    /// Number of damaged ones among them.
    pub damaged: u64,
    /// Bytes of the write-ahead log.
    pub wal_bytes: u64,
    /// The permissions of the file if other users have any: it has the secrets of webhooks.
    pub open_mode: Option<u32>,
}

/// Examines the log at `path` for a limited time, and changes nothing. Fails if a gateway would not start with
/// it. Blocks.
pub fn examine(path: &Path) -> Result<Examined, Error> {
    let mut conn = source::open(path)?;
    let failed = |error| named(path, &error);
    let found = fs::metadata(path).map_err(|error| super::error::failed(path, &error))?;
    let wal_bytes = fs::metadata(wal_path(path)).map_or(0, |wal| wal.len());
    let missing = if wal_bytes == 0 { missing(path, found.len()) } else { None };
    if let Some(missing) = missing {
        let problem = format!("it is cut off: its last {missing} bytes are missing");
        return Err(Error::Damaged { path: path.to_owned(), problem });
    }
    conn.pragma_update(None, "query_only", true).map_err(failed)?;
    if let Some(problem) = structure(&mut conn).map_err(failed)? {
        return Err(Error::Damaged { path: path.to_owned(), problem });
    }
    let mut examined =
        Examined { events: 0, looked_at: 0, damaged: 0, wal_bytes, open_mode: open_mode(&found) };
    // The next start upgrades it.
    if schema::version(&conn).map_err(failed)? == STEPS.len() as i64 {
        events(&conn, &mut examined).map_err(failed)?;
    }
    Ok(examined)
}

/// Returns how many bytes are missing from a file of this length, according to its header.
fn missing(path: &Path, len: u64) -> Option<u64> {
    let mut head = [0; 32];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).ok()?;
    let page = match u16::from_be_bytes([head[16], head[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let pages = u32::from_be_bytes([head[28], head[29], head[30], head[31]]);
    (page * u64::from(pages)).checked_sub(len).filter(|missing| *missing > 0)
}

/// Returns what is wrong with the structure, if it is more than damaged events.
fn structure(conn: &mut Connection) -> rusqlite::Result<Option<String>> {
    match quick_problems(conn, TIME_MAX) {
        Ok(problems) => Ok(problems.into_iter().find(|problem| !is_of_one_event(problem))),
        Err(error) if failure::is_damage(&error) => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

/// Checks the events until all are done, or the time is over.
fn events(conn: &Connection, examined: &mut Examined) -> rusqlite::Result<()> {
    let names = Names::load(conn)?;
    let Start { oldest, first } = start(conn)?;
    let last = last(conn)?;
    let spared: i64 = conn.query_row("SELECT count(*) FROM spared", (), |row| row.get(0))?;
    examined.events = (last + 1).saturating_sub(first) + spared.unsigned_abs();
    let started = Instant::now();
    let mut next = oldest;
    while next <= last && started.elapsed() < TIME_MAX {
        let mut seen = None;
        let mut look = |seq, found| -> rusqlite::Result<()> {
            seen = Some(seq);
            examined.looked_at += 1;
            examined.damaged += u64::from(matches!(found, Found::Damage));
            Ok(())
        };
        if next < first {
            walk_spared(conn, &names, (next, first - 1), PAGE_LEN, look)?;
            next = seen.map_or(first, |seq| seq + 1);
        } else {
            let end = last.min(next + PAGE_LEN - 1);
            walk(conn, &names, next, end, &mut look)?;
            next = end + 1;
        }
    }
    Ok(())
}
