//! The full check of a log: its structure with the indexes, and the checksum of every event.

use std::path::Path;

use fanfare_core::{Epoch, Position};
use rusqlite::Connection;

use super::rows::{Found, Names, last, walk, walk_spared};
use super::source::{self, named};
use super::{Error, Phase, Progress, Watch};
use crate::columns::COLUMNS;
use crate::originals::Content;
use crate::places::{self, BLOCK_LEN};
use crate::problems::{all_problems, is_of_one_event};
use crate::row::{self, Decoder};
use crate::{failure, originals, readers, sources, webhooks};

/// Maximum damaged events that a report names.
const NAMED_MAX: usize = 100;

/// Number of events between two reports of progress.
const EVENTS_PER_LOOK: u64 = 1_024;

/// Number of SQLite steps between two checks whether to continue.
const STEPS_PER_LOOK: i32 = 10_000;

/// The result of a check.
#[derive(Debug, Clone)]
pub struct Report {
    /// The epoch of the log.
    pub epoch: Epoch,
    /// The oldest seq that the log keeps.
    pub oldest: u64,
    /// The seq from which on the log has no holes.
    pub first: u64,
    /// Number of events before it.
    pub spared: u64,
    /// The last seq.
    pub last: u64,
    /// The first damaged events, at most 100.
    pub damaged: Vec<Position>,
    /// Number of damaged events, of the log and of those that deliveries keep.
    pub damaged_events: u64,
    /// What is wrong with the structure, a line each.
    pub problems: Vec<String>,
    /// Number of readers.
    pub readers: usize,
    /// Number of webhooks.
    pub webhooks: usize,
}

impl Report {
    /// Returns whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.damaged_events == 0 && self.problems.is_empty()
    }

    /// Returns how many events there should be.
    pub fn events(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first) + self.spared
    }

    fn note_damage(&mut self, event: Position) {
        self.damaged_events += 1;
        if self.damaged.len() < NAMED_MAX {
            self.damaged.push(event);
        }
    }
}

/// Checks one snapshot of the log at `path`, and changes nothing. Blocks.
pub fn check(path: &Path, watch: &Watch) -> Result<Report, Error> {
    let mut conn = source::open_current(path)?;
    let failed = |error| named(path, &error);
    conn.pragma_update(None, "query_only", true).map_err(failed)?;
    // Everything is read from one snapshot of the log, until the connection is closed.
    conn.execute_batch("BEGIN").map_err(failed)?;
    of(&mut conn, watch).map_err(failed)
}

/// Checks the log of a connection.
pub(super) fn of(conn: &mut Connection, watch: &Watch) -> rusqlite::Result<Report> {
    let problems = match watched(conn, watch, all_problems) {
        Err(error) if failure::is_damage(&error) => vec![error.to_string()],
        problems => problems?,
    };
    let names = Names::load(conn)?;
    let mut report = Report {
        epoch: names.epochs.current(),
        oldest: 1,
        first: 1,
        spared: 0,
        last: conn.query_row("SELECT last_seq FROM log", (), |row| row.get::<_, i64>(0))? as u64,
        damaged: Vec::new(),
        damaged_events: 0,
        // Damaged rows of events are found individually below.
        problems: problems.into_iter().filter(|problem| !is_of_one_event(problem)).collect(),
        readers: 0,
        webhooks: 0,
    };
    ends(conn, &mut report)?;
    events(conn, &names, &mut report, watch)?;
    lists(conn, &names, &mut report)?;
    watched(conn, watch, |conn| {
        kept(conn, &names, &mut report)?;
        indexes(conn, &mut report)
    })?;
    Ok(report)
}

/// Runs long work of SQLite, which asks `watch` whether to continue.
fn watched<T>(
    conn: &mut Connection,
    watch: &Watch,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let goes_on = watch.clone();
    let look = move || !goes_on(Progress { phase: Phase::CheckingStructure, done: 0, total: 0 });
    conn.progress_handler(STEPS_PER_LOOK, Some(look))?;
    let done = work(conn);
    conn.progress_handler(0, None::<fn() -> bool>)?;
    done
}

/// Reads the ends of the log.
fn ends(conn: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let spared = |conn: &Connection| {
        conn.query_row("SELECT count(*) FROM spared", (), |row| row.get::<_, i64>(0).map(i64::unsigned_abs))
    };
    match places::start(conn).and_then(|start| Ok((start, last(conn)?, spared(conn)?))) {
        Ok((start, last, spared)) => {
            (report.oldest, report.first, report.last) = (start.oldest, start.first, last);
            report.spared = spared;
        }
        Err(error) if failure::is_damage(&error) => {
            report.problems.push(format!("the ends of the log cannot be read: {error}"));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Checks the events of the log.
fn events(conn: &Connection, names: &Names, report: &mut Report, watch: &Watch) -> rusqlite::Result<()> {
    let (epoch, oldest, first, last) = (report.epoch, report.oldest, report.first, report.last);
    let (total, mut done) = (report.events(), 0);
    let mut look = |seq, found| {
        let is_damaged = match &found {
            Found::Event(event) if event.has_original() => {
                matches!(originals::read(conn, seq)?, Some(Content::Damage) | None)
            }
            Found::Event(_) | Found::Purged => false,
            Found::Damage => true,
        };
        if is_damaged {
            report.note_damage(Position { epoch, seq });
        }
        done += 1;
        let goes_on =
            done % EVENTS_PER_LOOK != 0 || watch(Progress { phase: Phase::CheckingEvents, done, total });
        goes_on.then_some(()).ok_or_else(interrupted)
    };
    walk_spared(conn, names, (oldest, first - 1), u64::MAX, &mut look)?;
    walk(conn, names, first, last, look)
}

/// Checks the events that deliveries keep.
fn kept(conn: &Connection, names: &Names, report: &mut Report) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(&format!("SELECT {COLUMNS}, epoch FROM kept_events"))?;
    let mut rows = statement.query(())?;
    let mut decoder = Decoder::new(names.checked_from);
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(()),
            Err(error) if failure::is_damage(&error) => {
                report.problems.push(format!("events kept for deliveries cannot be read: {error}"));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let epoch = names.epochs.epoch(row.get("epoch")?)?;
        let channel = row::channel(row).ok().and_then(|id| names.channels.row(id));
        let is_whole =
            channel.is_some_and(|channel| decoder.of(epoch).event(row, channel.channel.clone()).is_ok());
        if !is_whole {
            report.note_damage(Position { epoch, seq: row::seq(row)? });
        }
    }
}

/// Reads the lists of readers, sources and webhooks, as a start does.
fn lists(conn: &Connection, names: &Names, report: &mut Report) -> rusqlite::Result<()> {
    match readers::load(conn, &names.epochs) {
        Ok(readers) => report.readers = readers.len(),
        Err(error) => report.problems.push(format!("the readers cannot be read: {error}")),
    }
    if let Err(error) = sources::load(conn) {
        report.problems.push(format!("the sources cannot be read: {error}"));
    }
    match webhooks::load(conn, &names.epochs) {
        Ok(webhooks) => report.webhooks = webhooks.rows().len(),
        Err(error) => report.problems.push(format!("the webhooks cannot be read: {error}")),
    }
    Ok(())
}

/// Checks the indexes that we maintain beside the events, which SQLite knows nothing about.
fn indexes(conn: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let first = report.first;
    let blocks = format!(
        "SELECT count(*) FROM (SELECT channel, seq / {BLOCK_LEN} FROM events
                 WHERE purged IS NOT 1 AND seq >= {first}
             EXCEPT SELECT channel, block FROM channel_blocks)"
    );
    let spared = format!(
        "SELECT count(*) FROM (SELECT channel, seq FROM events WHERE seq < {first}
             EXCEPT SELECT channel, seq FROM spared)"
    );
    let channels = "SELECT count(*) FROM
         (SELECT channel, max(seq) AS last FROM events WHERE purged IS NOT 1 GROUP BY channel) AS found
         LEFT JOIN channels ON channels.id = found.channel
         WHERE channels.last_seq IS NULL OR channels.last_seq < found.last";
    for (sql, what) in [
        (blocks.as_str(), "entries of channels are missing in the index"),
        (channels, "channels have a wrong last event"),
        (spared.as_str(), "events before the start of the log are missing in the index"),
    ] {
        match conn.query_row(sql, (), |row| row.get::<_, i64>(0)) {
            Ok(0) => {}
            // A damaged row can name a channel that does not exist.
            Ok(_) if report.damaged_events > 0 => {}
            Ok(count) => report.problems.push(format!("{count} {what}")),
            // It was found before.
            Err(error) if failure::is_damage(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn interrupted() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_INTERRUPT), None)
}
