//! Places in the log: where it starts, and what is found in it by bisection.

use fanfare_core::Arrival;
use rusqlite::{Connection, OptionalExtension};

use crate::failure;

/// Number of consecutive seqs that share an entry per channel in `channel_blocks`. With fewer, a busy channel needs
/// more entries; with more, a sparse one reads more events in vain.
pub(super) const BLOCK_LEN: u64 = 64;

/// Where the log starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// The oldest seq that is kept: spared, or the first of those that follow.
    pub(super) oldest: u64,
    /// The seq after the last hole. If no event is kept, the seq of the next event.
    pub(super) first: u64,
}

/// Returns where the log starts.
pub(super) fn start(conn: &Connection) -> rusqlite::Result<Start> {
    conn.prepare_cached(
        "SELECT coalesce((SELECT min(seq) FROM events WHERE seq > (SELECT coalesce(max(seq), 0) FROM spared)),
             (SELECT last_seq + 1 FROM log)), (SELECT min(seq) FROM spared)",
    )?
    .query_row((), |row| {
        let (first, spared): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
        Ok(Start { first: first as u64, oldest: spared.unwrap_or(first) as u64 })
    })
}

/// Returns the seq of the first event, in a log that starts and ends there, that arrived at `moment` or later.
pub(super) fn first_since(
    conn: &Connection,
    start: Start,
    last: u64,
    moment: Arrival,
) -> rusqlite::Result<u64> {
    let end = last.max(start.first - 1) + 1;
    let found = partition(conn, start.first, end, |arrival, _| arrival < moment.as_micros())?;
    match found > start.first || start.oldest == start.first {
        true => Ok(found),
        false => Ok(first_spared_since(conn, start, moment)?.unwrap_or(found)),
    }
}

/// Returns the seq of the first spared event, in a log that starts there, that arrived at `moment` or later. One that cannot be
/// read counts as the next one that can.
fn first_spared_since(conn: &Connection, start: Start, moment: Arrival) -> rusqlite::Result<Option<u64>> {
    let mut next = conn.prepare_cached(
        "SELECT events.seq, coalesce(arrival, timestamp) FROM spared JOIN events ON events.seq = spared.seq
             WHERE spared.seq >= ?1 ORDER BY spared.seq LIMIT 1",
    )?;
    let mut look = |seq: u64| {
        next.query_row([seq as i64], |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)?)))
            .optional()
    };
    let (mut low, mut high) = (start.oldest, start.first);
    while low < high {
        let middle = low + (high - low) / 2;
        match look(middle) {
            Ok(Some((seq, arrival))) if arrival < moment.as_micros() => low = seq + 1,
            Ok(_) => high = middle,
            Err(error) if failure::is_damage(&error) => high = middle,
            Err(error) => return Err(error),
        }
    }
    match look(low) {
        Err(error) if failure::is_damage(&error) => Ok(None),
        found => Ok(found?.map(|(seq, _)| seq)),
    }
}

/// Maximum unreadable rows that one step of a bisection looks past: many pages of them.
pub(super) const UNREADABLE_MAX: u64 = 10_000;

/// Returns the first of the seqs `low..high` for which `is_before(arrival, bytes_before)` does not hold, or
/// `high`; every one of them must be kept, and `is_before` must hold up to somewhere and not from there on. A row that
/// cannot be read counts as the next one that can.
pub(super) fn partition(
    conn: &Connection,
    mut low: u64,
    mut high: u64,
    is_before: impl Fn(i64, i64) -> bool,
) -> rusqlite::Result<u64> {
    let mut statement =
        conn.prepare_cached("SELECT coalesce(arrival, timestamp), bytes_before FROM events WHERE seq = ?1")?;
    let mut look = |seq: u64| {
        let read = statement.query_row([seq as i64], |row| Ok(is_before(row.get(0)?, row.get(1)?)));
        match read {
            Ok(holds) => Ok(Some(holds)),
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            Err(error) if failure::is_damage(&error) => Ok(None),
            Err(error) => Err(error),
        }
    };
    while low < high {
        let middle = low + (high - low) / 2;
        let mut at = middle;
        let holds = loop {
            match look(at)? {
                Some(holds) => break holds,
                None if at + 1 < high && at - middle < UNREADABLE_MAX => at += 1,
                None => break false,
            }
        };
        if holds {
            low = at + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Returns the bytes of all events before the first of `seqs` whose row can be read.
pub(super) fn bytes_before(
    conn: &Connection,
    mut seqs: impl Iterator<Item = u64>,
) -> rusqlite::Result<Option<u64>> {
    let mut statement = conn.prepare_cached("SELECT bytes_before FROM events WHERE seq = ?1")?;
    let mut look = |seq: u64| statement.query_row([seq as i64], |row| row.get::<_, i64>(0));
    let found = seqs.find_map(|seq| match look(seq) {
        Err(rusqlite::Error::QueryReturnedNoRows) => None,
        Err(error) if failure::is_damage(&error) => None,
        read => Some(read.map(|bytes| bytes as u64)),
    });
    found.transpose()
}
