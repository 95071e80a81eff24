//! Removing events that retention no longer keeps: always a run at the old end.

use fanfare_core::Arrival;
use rusqlite::Connection;

use crate::deliveries;
use crate::epochs::Place;
use crate::failure;
use crate::group::in_transaction;
use crate::read::{BLOCK_LEN, bytes_before, partition};
use crate::state::{State, Tail};
use crate::traces;
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store::retention::{SWEEP_BYTES_MAX, SWEEP_LEN_MAX};
use fanfare_store::{Error, IDEMPOTENCY_KEYS_MAX, IDEMPOTENCY_WINDOW, Swept};

/// Removes a limited part, in a transaction of its own; returns what was removed.
pub(super) fn sweep(state: &mut State) -> Result<Swept, Error> {
    let path = state.shared.path.clone();
    let named = |error| failure::named(&path, &error);
    let first = state.shared.head().first;
    let now = state.shared.clock.for_deleting().arrival;
    let keep_from = keep_from(state, first, now).map_err(named)?;
    let cut = bounded(&state.conn, first, keep_from.min(first + SWEEP_LEN_MAX)).map_err(named)?;
    let oldest_key = now.before(IDEMPOTENCY_WINDOW);
    let too_many_keys = state.totals.keys.saturating_sub(IDEMPOTENCY_KEYS_MAX).min(SWEEP_LEN_MAX as usize);
    let conn = &state.conn;
    let has_old_keys = has_keys_until(conn, oldest_key.as_micros()).map_err(named)?;
    if cut == first && !has_old_keys && too_many_keys == 0 {
        return Ok(Swept::default());
    }
    let tail = state.totals.tail;
    reach(FailPoint::SweepBegun);
    let (forgotten_keys, traces) = in_transaction(&state.shared, conn, || {
        let mut traces = state.totals.traces;
        if cut > first {
            let damaged = state.shared.damaged_before(cut);
            traces = match traces::note(conn, (first, cut), state.shared.clock.now(), damaged, traces) {
                // What a damaged row was is not known. It must not keep everything after it from being removed.
                Err(error) if failure::is_of_content(&error) => {
                    traces::lose(conn, cut - 1)?;
                    traces + (cut - first) as usize
                }
                noted => noted?,
            };
            remove(conn, state.shared.first(), cut)?;
            save_tail(conn, tail)?;
        }
        let forgotten_keys = forget_keys(conn, oldest_key.as_micros(), too_many_keys)?;
        reach(FailPoint::SweepWritten);
        Ok((forgotten_keys, traces))
    })?;
    reach(FailPoint::SweepDone);
    state.totals.traces = traces;
    state.totals.keys = state.totals.keys.saturating_sub(forgotten_keys);
    state.shared.set_first(cut);
    let more_keys = has_keys_until(&state.conn, oldest_key.as_micros()).map_err(named)?
        || state.totals.keys > IDEMPOTENCY_KEYS_MAX;
    Ok(Swept { events: cut - first, has_more: cut < keep_from || more_keys, ..Swept::default() })
}

/// Returns the first seq that is kept.
fn keep_from(state: &State, first: u64, now: Arrival) -> rusqlite::Result<u64> {
    let (retention, tail) = (state.retention, state.totals.tail);
    let end = tail.seq + 1;
    let by_count = end.saturating_sub(retention.count);
    let oldest = now.before(retention.age).as_micros();
    let by_age = partition(&state.conn, first, end, |arrival, _| arrival < oldest)?;
    let bytes_before = tail.bytes.saturating_sub(retention.bytes) as i64;
    let by_bytes = partition(&state.conn, first, end, |_, before| before < bytes_before)?;
    Ok(first.max(by_count).max(by_age).max(by_bytes))
}

/// Moves `cut` back so far that the events `first..cut` have a bounded number of bytes; never to the first.
fn bounded(conn: &Connection, first: u64, cut: u64) -> rusqlite::Result<u64> {
    if cut == first {
        return Ok(cut);
    }
    match bytes_before(conn, first..cut)? {
        Some(start) => partition(conn, first, cut, |_, before| {
            before.saturating_sub(start as i64) < SWEEP_BYTES_MAX as i64
        }),
        // No row can be read. They are few.
        None => Ok(cut),
    }
}

/// Removes the events from `first` to before `cut`.
fn remove(conn: &Connection, first: Place, cut: u64) -> rusqlite::Result<()> {
    let range = (first.seq as i64, cut as i64);
    let mut statement =
        conn.prepare_cached("SELECT DISTINCT channel FROM events WHERE seq >= ?1 AND seq < ?2")?;
    let mut channels: Vec<i64> = Vec::new();
    for channel in statement.query_map(range, |row| row.get(0))? {
        match channel {
            Ok(channel) => channels.push(channel),
            // The blocks that stay behind are removed with the next event of that channel.
            Err(error) if failure::is_damage(&error) => {}
            Err(error) => return Err(error),
        }
    }
    deliveries::keep_events(conn, first, cut)?;
    conn.prepare_cached("DELETE FROM events WHERE seq >= ?1 AND seq < ?2")?.execute(range)?;
    let mut statement =
        conn.prepare_cached("DELETE FROM channel_blocks WHERE channel = ?1 AND block < ?2")?;
    for channel in channels {
        statement.execute((channel, (cut / BLOCK_LEN) as i64))?;
    }
    Ok(())
}

/// Records the end of the log, which remains even if no event is left.
pub(super) fn save_tail(conn: &Connection, tail: Tail) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE log SET last_seq = ?1, last_timestamp = ?2, last_arrival = ?3, bytes = ?4")?
        .execute((
            tail.seq as i64,
            tail.stamp.timestamp.as_micros(),
            tail.stamp.arrival.as_micros(),
            tail.bytes as i64,
        ))
        .map(|_| ())
}

/// Returns whether the oldest key is that old. Keys are as old as their seqs show.
fn has_keys_until(conn: &Connection, timestamp: i64) -> rusqlite::Result<bool> {
    conn.prepare_cached(
        "SELECT coalesce((SELECT timestamp FROM idempotency_keys ORDER BY seq LIMIT 1) <= ?1, 0)",
    )?
    .query_row([timestamp], |row| row.get(0))
}

/// Removes keys up to that time, and a limited number of the others; returns how many.
fn forget_keys(conn: &Connection, timestamp: i64, too_many: usize) -> rusqlite::Result<usize> {
    let old = conn
        .prepare_cached(
            "DELETE FROM idempotency_keys WHERE seq IN
                 (SELECT seq FROM idempotency_keys ORDER BY seq LIMIT ?2) AND timestamp <= ?1",
        )?
        .execute((timestamp, SWEEP_LEN_MAX as i64))?;
    let more = too_many.saturating_sub(old);
    if more == 0 {
        return Ok(old);
    }
    let others = conn
        .prepare_cached(
            "DELETE FROM idempotency_keys WHERE seq IN
                 (SELECT seq FROM idempotency_keys ORDER BY seq LIMIT ?1)",
        )?
        .execute([more as i64])?;
    Ok(old + others)
}
