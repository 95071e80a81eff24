//! The events of a log in order, including those that cannot be read.

use fanfare_core::{Event, Position};
use rusqlite::{Connection, Row};

use crate::channels::Channels;
use crate::columns::COLUMNS;
use crate::epochs::Epochs;
use crate::failure;
use crate::read::{event_at, is_purged};
use crate::row::{self, Decoder};
use crate::spared;
use fanfare_store::Order;

/// The context for reading rows.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) epochs: Epochs,
    pub(super) channels: Channels,
    /// The first event that must have a checksum.
    pub(super) checked_from: Position,
}

impl Names {
    pub(super) fn load(conn: &Connection) -> rusqlite::Result<Names> {
        let epochs = Epochs::read(conn)?;
        let seq: i64 = conn.query_row("SELECT checksums_from FROM log", (), |row| row.get(0))?;
        let checked_from = Position { epoch: epochs.current(), seq: seq as u64 };
        Ok(Names { epochs, channels: Channels::load(conn)?, checked_from })
    }
}

/// Returns the last seq of the log.
pub(super) fn last(conn: &Connection) -> rusqlite::Result<u64> {
    // The log's own row has that of the last sweep or close.
    conn.query_row("SELECT max(last_seq, coalesce((SELECT max(seq) FROM events), 0)) FROM log", (), |row| {
        row.get::<_, i64>(0).map(|seq| seq as u64)
    })
}

/// The content at a seq.
#[derive(Debug)]
pub(super) enum Found {
    /// An event.
    Event(Event),
    /// An event that was purged.
    Purged,
    /// Something that cannot be read.
    Damage,
}

/// Calls `each` for the seqs of spared events from `low` to `high`, at most `max`, with their content.
pub(super) fn walk_spared<E: From<rusqlite::Error>>(
    conn: &Connection,
    names: &Names,
    (low, high): (u64, u64),
    max: u64,
    mut each: impl FnMut(u64, Found) -> Result<(), E>,
) -> Result<(), E> {
    for (seq, _) in spared::within(conn, (low, high), Order::Oldest, max)? {
        walk(conn, names, seq, seq, &mut each)?;
    }
    Ok(())
}

/// Calls `each` for every seq from `first` to `last`, with its content: the log has no holes there.
pub(super) fn walk<E: From<rusqlite::Error>>(
    conn: &Connection,
    names: &Names,
    first: u64,
    last: u64,
    mut each: impl FnMut(u64, Found) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, purged FROM events WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq"
    ))?;
    let mut decoder = Decoder::new(names.checked_from);
    let mut next = first;
    while next <= last {
        let mut rows = statement.query((next as i64, last as i64))?;
        while next <= last {
            let row = match rows.next() {
                // The log has no holes, so a missing row is lost.
                Ok(Some(row)) if row::seq(row).is_ok_and(|seq| seq == next) => row,
                Ok(_) => break,
                Err(error) if failure::is_damage(&error) => break,
                Err(error) => return Err(error.into()),
            };
            each(next, found(row, names, &mut decoder)?)?;
            next += 1;
        }
        if next <= last {
            // Where a page cannot be read, others may still lead to the row.
            let alone = event_at(conn, names.checked_from, &names.channels, next);
            let found = match readable(alone)?.flatten() {
                Some(event) => Found::Event(event),
                None if readable(is_purged(conn, next))? == Some(true) => Found::Purged,
                None => Found::Damage,
            };
            each(next, found)?;
            next += 1;
        }
    }
    Ok(())
}

/// Returns the content of a row. The channel of a purged one may be forgotten.
fn found(row: &Row<'_>, names: &Names, decoder: &mut Decoder) -> rusqlite::Result<Found> {
    if readable(row::is_purged(row))? == Some(true) {
        return Ok(Found::Purged);
    }
    let channel = row::channel(row).ok().and_then(|id| names.channels.row(id));
    let event = match channel {
        Some(channel) => readable(decoder.event(row, channel.channel.clone()))?,
        None => None,
    };
    Ok(event.map_or(Found::Damage, Found::Event))
}

/// Returns what was read; `None` if it is damaged.
fn readable<T>(read: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if failure::is_damage(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
