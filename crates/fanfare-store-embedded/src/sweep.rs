//! Removing events that retention no longer keeps: a run at the start of the log, except for those that its floor spares.

mod plan;

use rusqlite::Connection;

use crate::epochs::Place;
use crate::group::in_transaction;
use crate::places::BLOCK_LEN;
use crate::spared::Which;
use crate::state::{State, Tail};
use crate::{deliveries, failure, spared, traces};
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store::retention::SWEEP_LEN_MAX;
use fanfare_store::{Error, IDEMPOTENCY_KEYS_MAX, IDEMPOTENCY_WINDOW, Swept};

/// Removes a limited part, in a transaction of its own; returns what was removed.
pub(super) fn sweep(state: &mut State) -> Result<Swept, Error> {
    let path = state.shared.path.clone();
    let named = |error| failure::named(&path, &error);
    let head = state.shared.head();
    let now = state.shared.clock.for_deleting().arrival;
    let plan = plan::plan(state, head, now).map_err(named)?;
    let oldest_key = now.before(IDEMPOTENCY_WINDOW);
    let too_many_keys = state.totals.keys.saturating_sub(IDEMPOTENCY_KEYS_MAX).min(SWEEP_LEN_MAX as usize);
    let conn = &state.conn;
    let has_old_keys = has_keys_until(conn, oldest_key.as_micros()).map_err(named)?;
    if plan.is_empty(head) && !has_old_keys && too_many_keys == 0 {
        return Ok(Swept { has_more: plan.has_more, ..Swept::default() });
    }
    let removed = head.removed() + plan.removed(head);
    let tail = state.totals.tail;
    reach(FailPoint::SweepBegun);
    let (forgotten_keys, traces, oldest) = in_transaction(&state.shared, conn, || {
        let mut traces = state.totals.traces;
        for entry in &plan.released {
            spared::remove(conn, *entry)?;
            traces = remove(state, (entry.seq, entry.seq + 1), Which::All, (traces, removed))?;
        }
        for entry in &plan.spared {
            spared::add(conn, *entry)?;
        }
        if plan.cut > head.first {
            let which = if plan.spared.is_empty() { Which::All } else { Which::NotSpared };
            traces = remove(state, (head.first, plan.cut), which, (traces, removed))?;
        }
        if !plan.is_empty(head) {
            save_tail(conn, tail)?;
            conn.prepare_cached("UPDATE log SET removed = ?1")?.execute([removed as i64])?;
        }
        let forgotten_keys = forget_keys(conn, oldest_key.as_micros(), too_many_keys)?;
        let oldest = spared::oldest(conn)?.unwrap_or(plan.cut);
        reach(FailPoint::SweepWritten);
        Ok((forgotten_keys, traces, oldest))
    })?;
    reach(FailPoint::SweepDone);
    state.totals.traces = traces;
    state.totals.keys = state.totals.keys.saturating_sub(forgotten_keys);
    plan.released.iter().for_each(|entry| state.floor.remove(*entry));
    plan.spared.iter().for_each(|entry| state.floor.add(*entry));
    state.shared.set_start(plan.cut, oldest, state.floor.extent().events);
    let more_keys = has_keys_until(&state.conn, oldest_key.as_micros()).map_err(named)?
        || state.totals.keys > IDEMPOTENCY_KEYS_MAX;
    Ok(Swept { events: plan.removed(head), has_more: plan.has_more || more_keys, ..Swept::default() })
}

/// Removes events from `low` to before `cut`, with which `removed` events are removed. The log has at most `traces`
/// traces; returns the new upper bound.
fn remove(
    state: &State,
    (low, cut): (u64, u64),
    which: Which,
    (traces, removed): (usize, u64),
) -> rusqlite::Result<usize> {
    let State { shared, conn, .. } = state;
    let damaged = shared.damaged_before(cut);
    let noted = traces::note(conn, (low, cut), which, shared.clock.now(), damaged, (traces, removed));
    let traces = match noted {
        // What a damaged row was is not known. It must not keep everything after it from being removed.
        Err(error) if failure::is_of_content(&error) => {
            traces::lose(conn, cut - 1, removed)?;
            traces + (cut - low) as usize
        }
        noted => noted?,
    };
    delete(conn, Place { seq: low, ..shared.first() }, cut, which)?;
    Ok(traces)
}

/// Deletes events from `first` to before `cut`.
fn delete(conn: &Connection, first: Place, cut: u64, which: Which) -> rusqlite::Result<()> {
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
    let condition = which.condition();
    conn.prepare_cached(&format!("DELETE FROM events WHERE seq >= ?1 AND seq < ?2 {condition}"))?
        .execute(range)?;
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
