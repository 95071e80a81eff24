//! The spared events as rows: each stays in the log, and its seq stands in a list beside it. So a hole is told from a row
//! that was lost.

use rusqlite::Connection;

use fanfare_store::Order;
use fanfare_store::floor::Spared;

/// The events of a range from `?1` to before `?2` that are meant: the end of a `WHERE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// All of them, because none is spared: without a floor, nothing is compared.
    All,
    /// Those that are not spared.
    NotSpared,
}

impl Which {
    pub(super) fn condition(self) -> &'static str {
        match self {
            Which::All => "",
            Which::NotSpared => "AND seq NOT IN (SELECT seq FROM spared WHERE seq >= ?1 AND seq < ?2)",
        }
    }
}

/// The entry of one spared event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) channel: usize,
    pub(super) seq: u64,
    /// Bytes that the event counts for retention.
    pub(super) bytes: u64,
}

/// Returns the seq of the oldest one.
pub(super) fn oldest(conn: &Connection) -> rusqlite::Result<Option<u64>> {
    conn.prepare_cached("SELECT min(seq) FROM spared")?
        .query_row((), |row| Ok(row.get::<_, Option<i64>>(0)?.map(|seq| seq as u64)))
}

/// Returns whether the event at `seq` is spared.
pub(super) fn has(conn: &Connection, seq: u64) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM spared WHERE seq = ?1)")?
        .query_row([seq as i64], |row| row.get(0))
}

/// Returns the extent for each channel that has any, with the channel's id.
pub(super) fn extents(conn: &Connection) -> rusqlite::Result<Vec<(usize, Spared)>> {
    conn.prepare("SELECT channel, count(*), sum(bytes) FROM spared GROUP BY channel")?
        .query_map((), |row| {
            let (channel, events, bytes): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((channel as usize, Spared { events: events as u64, bytes: bytes as u64, channels: 1 }))
        })?
        .collect()
}

/// Adds an entry.
pub(super) fn add(conn: &Connection, entry: Entry) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT INTO spared (channel, seq, bytes) VALUES (?1, ?2, ?3)")?
        .execute((entry.channel as i64, entry.seq as i64, entry.bytes as i64))
        .map(|_| ())
}

/// Removes an entry.
pub(super) fn remove(conn: &Connection, entry: Entry) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM spared WHERE channel = ?1 AND seq = ?2")?
        .execute((entry.channel as i64, entry.seq as i64))
        .map(|_| ())
}

/// Returns the oldest entries of all channels, at most `max`.
pub(super) fn first(conn: &Connection, max: u64) -> rusqlite::Result<Vec<Entry>> {
    conn.prepare_cached("SELECT channel, seq, bytes FROM spared ORDER BY seq LIMIT ?1")?
        .query_map([max as i64], entry)?
        .collect()
}

/// Returns the oldest entries of a channel before `end`, at most `max`.
pub(super) fn first_of(
    conn: &Connection,
    channel: usize,
    end: u64,
    max: u64,
) -> rusqlite::Result<Vec<Entry>> {
    conn.prepare_cached(
        "SELECT channel, seq, bytes FROM spared WHERE channel = ?1 AND seq < ?2 ORDER BY seq LIMIT ?3",
    )?
    .query_map((channel as i64, end as i64, max as i64), entry)?
    .collect()
}

/// Returns the seqs from `low` to `high` of some channels, in order.
pub(super) fn of_channels(
    conn: &Connection,
    channels: &[usize],
    (low, high): (u64, u64),
    order: Order,
) -> rusqlite::Result<Vec<u64>> {
    let mut statement =
        conn.prepare_cached("SELECT seq FROM spared WHERE channel = ?1 AND seq >= ?2 AND seq <= ?3")?;
    let mut seqs = Vec::new();
    for channel in channels {
        let range = (*channel as i64, low as i64, high as i64);
        for seq in statement.query_map(range, |row| row.get::<_, i64>(0))? {
            seqs.push(seq? as u64);
        }
    }
    seqs.sort_unstable();
    if order == Order::Newest {
        seqs.reverse();
    }
    Ok(seqs)
}

/// Returns the seqs from `low` to `high` with the ids of their channels, in order, at most `max`.
pub(super) fn within(
    conn: &Connection,
    (low, high): (u64, u64),
    order: Order,
    max: u64,
) -> rusqlite::Result<Vec<(u64, usize)>> {
    let direction = match order {
        Order::Newest => "DESC",
        Order::Oldest => "ASC",
    };
    conn.prepare_cached(&format!(
        "SELECT seq, channel FROM spared WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq {direction} LIMIT ?3"
    ))?
    .query_map((low as i64, high as i64, i64::try_from(max).unwrap_or(i64::MAX)), |row| {
        Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as usize))
    })?
    .collect()
}

fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    let (channel, seq, bytes): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Entry { channel: channel as usize, seq: seq as u64, bytes: bytes as u64 })
}
