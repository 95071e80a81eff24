//! What one sweep removes.

use fanfare_core::Arrival;
use rusqlite::Connection;

use crate::failure;
use crate::floor::BLOCKS_MAX;
use crate::places::{UNREADABLE_MAX, bytes_before, partition};
use crate::spared::{self, Entry};
use crate::state::{State, Tail};
use fanfare_store::Head;
use fanfare_store::retention::{FORGET_LEN_MAX, SWEEP_BYTES_MAX, SWEEP_LEN_MAX};

/// The events that one sweep removes, and those that it spares.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The spared events that are removed.
    pub(super) released: Vec<Entry>,
    /// The new start of the log.
    pub(super) cut: u64,
    /// The events before it that are spared from now on.
    pub(super) spared: Vec<Entry>,
    /// Whether there is more to remove.
    pub(super) has_more: bool,
}

impl Plan {
    /// Returns whether a log with this head stays as it is.
    pub(super) fn is_empty(&self, head: Head) -> bool {
        self.released.is_empty() && self.cut == head.first
    }

    /// Returns how many events a log with this head loses.
    pub(super) fn removed(&self, head: Head) -> u64 {
        self.released.len() as u64 + (self.cut - head.first) - self.spared.len() as u64
    }
}

/// Plans a sweep of the log with this head. First go spared events with enough newer ones on their channel, then those
/// that are too old. If there are none, the start of the log moves; and if it stays, spared events that are too many go.
pub(super) fn plan(state: &mut State, head: Head, now: Arrival) -> rusqlite::Result<Plan> {
    let stays = Plan { cut: head.first, ..Plan::default() };
    let mut looks = BLOCKS_MAX;
    let (released, has_due) = surplus(state, &mut looks)?;
    if !released.is_empty() || has_due {
        return Ok(Plan { released, has_more: true, ..stays });
    }
    let oldest = now.before(state.retention.age);
    let released = too_old(state, oldest)?;
    if !released.is_empty() {
        return Ok(Plan { released, has_more: true, ..stays });
    }
    let (keep_from, by_age) = keep_from(state, head.first, oldest)?;
    let cut = bounded(&state.conn, head.first, keep_from.min(head.first + SWEEP_LEN_MAX))?;
    if cut > head.first {
        let (spared, cut) = spared_of(state, (head.first, cut), by_age, &mut looks)?;
        // If events are spared, others may have to go for them.
        let is_exceeded = !spared.is_empty() || state.retention.is_exceeded_by(state.floor.extent());
        return Ok(Plan { cut, spared, has_more: cut < keep_from || is_exceeded, ..stays });
    }
    let released = too_many(state)?;
    Ok(Plan { has_more: !released.is_empty(), released, ..stays })
}

/// Returns spared events of channels with enough newer ones, and whether there may be more.
fn surplus(state: &mut State, looks: &mut usize) -> rusqlite::Result<(Vec<Entry>, bool)> {
    let State { conn, floor, totals, .. } = state;
    let mut found = Vec::new();
    while let Some(channel) = floor.next_due() {
        let Some(start) = floor.start_of(conn, channel, totals.tail.seq, looks)? else {
            return Ok((found, true));
        };
        let max = FORGET_LEN_MAX - found.len() as u64;
        let of_channel = spared::first_of(conn, channel, start, max)?;
        let is_full = of_channel.len() as u64 == max;
        found.extend(of_channel);
        if is_full {
            return Ok((found, true));
        }
        floor.settle(channel);
    }
    Ok((found, false))
}

/// Returns the oldest spared events, as far as they arrived before `oldest`. One that cannot be read is not kept.
fn too_old(state: &State, oldest: Arrival) -> rusqlite::Result<Vec<Entry>> {
    let mut arrival =
        state.conn.prepare_cached("SELECT coalesce(arrival, timestamp) FROM events WHERE seq = ?1")?;
    let mut found = Vec::new();
    if state.floor.extent().events == 0 {
        return Ok(found);
    }
    let mut len = 1;
    // Most of the time, the first is not too old.
    while found.len() < FORGET_LEN_MAX as usize {
        let entries = spared::first(&state.conn, len)?;
        for entry in &entries[found.len()..] {
            let arrived = match arrival.query_row([entry.seq as i64], |row| row.get::<_, i64>(0)) {
                Ok(arrived) => Some(arrived),
                Err(rusqlite::Error::QueryReturnedNoRows) => None,
                Err(error) if failure::is_damage(&error) => None,
                Err(error) => return Err(error),
            };
            if arrived.is_some_and(|arrived| arrived >= oldest.as_micros()) {
                return Ok(found);
            }
            found.push(*entry);
        }
        if (entries.len() as u64) < len {
            break;
        }
        len = FORGET_LEN_MAX;
    }
    Ok(found)
}

/// Returns the oldest spared events while there are too many.
fn too_many(state: &State) -> rusqlite::Result<Vec<Entry>> {
    let is_exceeded = |rest| state.retention.is_exceeded_by(rest);
    if !is_exceeded(state.floor.extent()) {
        return Ok(Vec::new());
    }
    let mut entries = spared::first(&state.conn, FORGET_LEN_MAX)?;
    entries.truncate(state.floor.count_surplus(&entries, is_exceeded));
    Ok(entries)
}

/// Returns the first seq that is kept unless it is spared, and the first that is young enough.
fn keep_from(state: &State, first: u64, oldest: Arrival) -> rusqlite::Result<(u64, u64)> {
    let (count, bytes) = state.retention.left_by(state.floor.extent());
    let tail = state.totals.tail;
    let end = tail.seq + 1;
    let by_count = end.saturating_sub(count);
    let by_age = partition(&state.conn, first, end, |arrival, _| arrival < oldest.as_micros())?;
    let bytes_before = tail.bytes.saturating_sub(bytes) as i64;
    let by_bytes = partition(&state.conn, first, end, |_, before| before < bytes_before)?;
    Ok((first.max(by_count).max(by_age).max(by_bytes), by_age))
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

/// Returns which of the events from `first` to before `cut` are spared, if they are not before `by_age`; and `cut`, or the
/// event before it whose channel takes more looks than are left.
fn spared_of(
    state: &mut State,
    (first, cut): (u64, u64),
    by_age: u64,
    looks: &mut usize,
) -> rusqlite::Result<(Vec<Entry>, u64)> {
    let State { conn, floor, totals, ahead, .. } = state;
    let mut spared = Vec::new();
    if !floor.is_on() {
        return Ok((spared, cut));
    }
    for entry in entries(conn, (first.max(by_age), cut), totals.tail)? {
        // The channel of a damaged row is any number.
        if ahead.channels.row(entry.channel).is_none() {
            continue;
        }
        match floor.start_of(conn, entry.channel, totals.tail.seq, looks)? {
            Some(start) if entry.seq >= start => spared.push(entry),
            Some(_) => {}
            None => return Ok((spared, entry.seq)),
        }
    }
    Ok((spared, cut))
}

/// Returns the events from `first` to before `cut` that can be read, with their bytes.
fn entries(conn: &Connection, (first, cut): (u64, u64), tail: Tail) -> rusqlite::Result<Vec<Entry>> {
    let mut end = bytes_before(conn, (cut..=tail.seq).take(UNREADABLE_MAX as usize))?.unwrap_or(tail.bytes);
    let rows = match rows(conn, (first, cut)) {
        Err(error) if failure::is_damage(&error) => {
            let each = (first..cut).rev().map(|seq| match rows(conn, (seq, seq + 1)) {
                Err(error) if failure::is_damage(&error) => Ok(Vec::new()),
                rows => rows,
            });
            each.collect::<rusqlite::Result<Vec<_>>>()?.concat()
        }
        rows => rows?,
    };
    // From the newest on, so that it is known where each ends.
    let entry = |(seq, channel, before): (i64, i64, i64)| {
        let bytes = end.saturating_sub(before as u64);
        end = before as u64;
        Entry { channel: channel as usize, seq: seq as u64, bytes }
    };
    let mut entries: Vec<_> = rows.into_iter().map(entry).collect();
    entries.reverse();
    Ok(entries)
}

/// Returns the seqs of events from `first` to before `cut` with their channels, and the bytes before each, newest first.
fn rows(conn: &Connection, (first, cut): (u64, u64)) -> rusqlite::Result<Vec<(i64, i64, i64)>> {
    conn.prepare_cached(
        "SELECT seq, channel, bytes_before FROM events WHERE seq >= ?1 AND seq < ?2 ORDER BY seq DESC",
    )?
    .query_map((first as i64, cut as i64), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
    .collect()
}
