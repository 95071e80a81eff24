//! Reads the events of a log one by one, skipping those that cannot be read.

use std::path::Path;

use fanfare_core::{Arrival, Event, HttpMessage, Timestamp};
use rusqlite::Connection;

use super::Error;
use super::rows::{Found, Names, last, walk, walk_spared};
use super::source::{self, named};
use crate::originals::Content;
use crate::places::{self, Start, first_since};
use crate::{ends, failure, originals};
use fanfare_store::{ArrivalClock, Clock};

/// Number of events that are read in one snapshot: the consumer may be slow, and an open snapshot keeps the
/// gateway's write-ahead log from starting over.
const PAGE_LEN: u64 = 256;

/// The result of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Number of events.
    pub events: u64,
    /// Number of events that could not be read, or whose original could not be.
    pub damaged: u64,
}

/// Calls `each` with the events of the log at `path` that are there now, oldest first, and the requests that are kept with
/// them; with `since`, those that arrived then or later. Leaves out what was purged or cannot be read, and changes nothing. Blocks.
pub fn export<E: From<Error>>(
    path: &Path,
    since: Option<Timestamp>,
    mut each: impl FnMut(&Event, Option<&HttpMessage>) -> Result<(), E>,
) -> Result<Exported, E> {
    let failed = |error: &rusqlite::Error| named(path, error);
    let (conn, names, mut next, last) = start(path, since)?;
    let mut exported = Exported::default();
    while next <= last {
        let mut page = Vec::new();
        conn.execute_batch("BEGIN").map_err(|error| failed(&error))?;
        // Retention may have removed some in the meantime; they are not damaged.
        let first = start_of(&conn).map_err(|error| failed(&error))?.first;
        let look = |seq, found| -> rusqlite::Result<()> {
            page.push((seq, found));
            Ok(())
        };
        let read = if next < first {
            walk_spared(&conn, &names, (next, first - 1), PAGE_LEN, look)
        } else {
            walk(&conn, &names, next, last.min(next + PAGE_LEN - 1), look)
        };
        read.map_err(|error| failed(&error))?;
        conn.execute_batch("COMMIT").map_err(|error| failed(&error))?;
        next = page.last().map_or(first, |(seq, _)| seq + 1);
        for (_, found) in page {
            match found {
                Found::Event(event) => {
                    exported.events += 1;
                    // One at a time: a page of them would be long.
                    let original = match event.has_original() {
                        true => originals::read(&conn, event.position.seq).map_err(|error| failed(&error))?,
                        false => None,
                    };
                    match original {
                        Some(Content::Message(message)) => each(&event, Some(&message))?,
                        Some(Content::Damage) => {
                            exported.damaged += 1;
                            each(&event, None)?;
                        }
                        Some(Content::Erased) | None => each(&event, None)?,
                    }
                }
                Found::Damage => exported.damaged += 1,
                Found::Purged => {}
            }
        }
    }
    Ok(exported)
}

/// Opens the log; returns the seqs of the first event to read and of the last.
fn start(path: &Path, since: Option<Timestamp>) -> Result<(Connection, Names, u64, u64), Error> {
    let conn = source::open_current(path)?;
    let failed = |error| named(path, &error);
    conn.pragma_update(None, "query_only", true).map_err(failed)?;
    let names = Names::load(&conn).map_err(failed)?;
    let start = start_of(&conn).map_err(failed)?;
    let last = last(&conn).map_err(failed)?;
    let from = match since {
        None => start.oldest,
        Some(since) => {
            let since = arrival(&conn, &names, since).map_err(failed)?;
            first_since(&conn, start, last, since).map_err(failed)?
        }
    };
    Ok((conn, names, from, last))
}

/// Returns the time on the clock of the log at a time of day, by which a gateway counts as well.
fn arrival(conn: &Connection, names: &Names, moment: Timestamp) -> rusqlite::Result<Arrival> {
    match ends(conn, names.checked_from, &names.channels) {
        Ok((_, tail)) => Ok(ArrivalClock::start(Clock::default(), tail.newest()).at(moment)),
        // Most logs are never ahead of the time of day.
        Err(error) if failure::is_damage(&error) => Ok(Arrival::from(moment)),
        Err(error) => Err(error),
    }
}

/// Returns where the log starts, or the smallest possible seq if it cannot be read.
fn start_of(conn: &Connection) -> rusqlite::Result<Start> {
    match places::start(conn) {
        Err(error) if failure::is_damage(&error) => Ok(Start { oldest: 1, first: 1 }),
        start => start,
    }
}
