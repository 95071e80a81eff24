//! Traces of what retention removed, as rows. They are read in the same snapshot as a page, so they match its
//! events.

use fanfare_core::{Arrival, Channel};
use rusqlite::{Connection, Row};

use crate::spared::Which;
use fanfare_store::traces::{Missed, TRACES_DROPPED, TRACES_MAX, Trace, Untraced};
use fanfare_store::{Read, Removed};

/// Returns the number of traces.
pub(super) fn count(conn: &Connection) -> rusqlite::Result<usize> {
    conn.query_row("SELECT count(*) FROM traces", (), |row| row.get::<_, i64>(0).map(|count| count as usize))
}

/// Records events from `first` to before `cut`, which are about to be removed, except those that have expired by `now`: nobody would have been sent them. With them, `removed` events are removed. The log
/// has at most `known` traces; returns the new upper bound.
///
/// A row without a channel is damaged. Such events, and those in `damaged`, are recorded as lost to every
/// reader.
pub(super) fn note(
    conn: &Connection,
    (first, cut): (u64, u64),
    which: Which,
    now: Arrival,
    damaged: Option<u64>,
    (known, removed): (usize, u64),
) -> rusqlite::Result<usize> {
    let range = (first as i64, cut as i64, now.as_micros(), removed as i64);
    let condition = which.condition();
    conn.prepare_cached(&format!(
        "INSERT INTO traces (channel, type, priority, last, count, at)
             SELECT name, coalesce(type, 'info'), coalesce(priority, 'default'), max(seq), count(*), ?4
             FROM events JOIN channels ON channels.id = events.channel
             WHERE seq >= ?1 AND seq < ?2 {condition}
                 AND (expires IS NULL OR coalesce(arrival, timestamp) + expires - timestamp > ?3)
             GROUP BY 1, 2, 3
             ON CONFLICT DO UPDATE SET
                 last = max(last, excluded.last), count = count + excluded.count, at = excluded.at",
    ))?
    .execute(range)?;
    let strange: Option<i64> = conn
        .prepare_cached(&format!(
            "SELECT max(seq) FROM events WHERE seq >= ?1 AND seq < ?2 {condition}
                 AND NOT EXISTS (SELECT 1 FROM channels WHERE id = channel)",
        ))?
        .query_row((range.0, range.1), |row| row.get(0))?;
    if let Some(lost) = strange.max(damaged.map(|seq| seq as i64)) {
        lose(conn, lost as u64, removed)?;
    }
    // Each event has added at most one. They are counted only if the limit could be exceeded.
    let known = known + (cut - first) as usize;
    if known <= TRACES_MAX {
        return Ok(known);
    }
    let known = count(conn)?;
    if known <= TRACES_MAX { Ok(known) } else { drop_oldest(conn, known, removed) }
}

/// Records that of the events up to `seq`, anything may have been removed, with which `removed` events are: every
/// reader of them is told.
pub(super) fn lose(conn: &Connection, seq: u64, removed: u64) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE log SET untraced_to = ?1, untraced_at = ?2 WHERE untraced_to < ?1")?
        .execute((seq as i64, removed as i64))
        .map(|_| ())
}

/// Drops the traces of the oldest events; returns how many are left.
fn drop_oldest(conn: &Connection, known: usize, removed: u64) -> rusqlite::Result<usize> {
    let dropped = known - TRACES_MAX + TRACES_DROPPED;
    let up_to: i64 = conn
        .prepare_cached("SELECT last FROM traces ORDER BY last LIMIT 1 OFFSET ?1")?
        .query_row([dropped as i64 - 1], |row| row.get(0))?;
    lose(conn, up_to as u64, removed)?;
    let dropped = conn.prepare_cached("DELETE FROM traces WHERE last <= ?1")?.execute([up_to])?;
    Ok(known - dropped)
}

/// Returns what the reader of a page has missed, and how many removed events it is told of by that. The log starts at
/// `first`, and retention had removed `removed` events of it, or more by now.
pub(super) fn missed(
    conn: &Connection,
    read: &Read,
    first: u64,
    removed: u64,
) -> rusqlite::Result<(Option<Removed>, u64)> {
    let Read { filter, after, told, .. } = read;
    let (after, told) = (*after, *told);
    if after.saturating_add(1) >= first {
        return Ok((None, removed));
    }
    let (untraced, removed) =
        conn.prepare_cached("SELECT untraced_to, untraced_at, removed FROM log")?.query_row((), |row| {
            let (to, at, removed): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((Untraced { to: to as u64, at: at as u64 }, removed as u64))
        })?;
    if told >= removed {
        return Ok((None, told));
    }
    let mut missed = Missed::new(filter, after, told, removed);
    let exact: Option<Vec<&str>> = filter.patterns().iter().map(|pattern| pattern.exact()).collect();
    match exact {
        Some(names) => {
            let mut statement = conn.prepare_cached(
                "SELECT channel, type, priority, last, count, at FROM traces WHERE channel = ?1 AND last > ?2",
            )?;
            for name in names {
                let mut rows = statement.query((name, after as i64))?;
                while let Some(row) = rows.next()? {
                    add(&mut missed, row)?;
                }
            }
        }
        None => {
            let mut statement = conn.prepare_cached(
                "SELECT channel, type, priority, last, count, at FROM traces WHERE last > ?1",
            )?;
            let mut rows = statement.query([after as i64])?;
            while let Some(row) = rows.next()? {
                add(&mut missed, row)?;
            }
        }
    }
    Ok(missed.finish(untraced, first))
}

fn add(missed: &mut Missed<'_>, row: &Row<'_>) -> rusqlite::Result<()> {
    let text = |index: usize| row.get_ref(index).map(|value| value.as_str().unwrap_or_default());
    let number = |index: usize| row.get::<_, i64>(index).map(i64::unsigned_abs);
    let trace = Trace { last: number(3)?, count: number(4)?, at: number(5)? };
    match (text(0)?.parse::<Channel>(), text(1)?.parse(), text(2)?.parse()) {
        (Ok(channel), Ok(event_type), Ok(priority)) => missed.add(&channel, &event_type, priority, trace),
        // Whatever it was: better one gap too many than one too few.
        _ => missed.add_certainly(trace),
    }
    Ok(())
}
