//! Deliveries as rows. Their events stay in the log; only events that retention removes from there while a delivery
//! needs them are kept separately. So a failure writes one short row, and an event that a thousand webhooks did not
//! accept is stored once.

use std::sync::Arc;

use fanfare_core::{Event, Position, Timestamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use crate::columns::COLUMNS;
use crate::epochs::Place;
use crate::failure;
use crate::names::Names;
use crate::read::start_of;
use crate::row::{self, Decoder};
use crate::spared;
use crate::state::Shared;
use fanfare_store::page::Rows;
use fanfare_store::registry::Registry;
use fanfare_store::{BatchSpan, DeliveryRow, DeliveryStatus, ReadDeliveries};

/// Counts the rows of every webhook.
pub(super) fn count(conn: &Connection, registry: &mut Registry) -> rusqlite::Result<()> {
    let mut statement =
        conn.prepare("SELECT webhook, dead, count(*) FROM deliveries GROUP BY webhook, dead")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        if let Some(entry) = registry.get_mut(row.get::<_, i64>(0)? as u64) {
            let count = row.get::<_, i64>(2)? as u64;
            match row.get(1)? {
                true => entry.failed = count,
                false => entry.waiting = count,
            }
        }
    }
    Ok(())
}

/// The key of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) webhook: u64,
    /// The place of the event.
    pub(super) event: Place,
}

impl Key {
    fn columns(self) -> (i64, i64, i64) {
        (self.webhook as i64, self.event.epoch, self.event.seq as i64)
    }
}

/// Writes a row; returns the previous one.
pub(super) fn put(
    conn: &Connection,
    key: Key,
    row: &DeliveryRow,
) -> rusqlite::Result<Option<DeliveryStatus>> {
    let key = key.columns();
    let before = status(conn, key)?;
    let (failed, at) = match row.status {
        DeliveryStatus::Waiting(at) => (false, at),
        DeliveryStatus::Failed(at) => (true, at),
    };
    let sql = match before {
        Some(_) => {
            "UPDATE deliveries SET attempts = ?4, dead = ?5, at = ?6, failure = ?7, batch_first = ?8, batch_last = ?9
                 WHERE webhook = ?1 AND epoch = ?2 AND seq = ?3"
        }
        None => {
            "INSERT INTO deliveries (webhook, epoch, seq, attempts, dead, at, failure, batch_first, batch_last)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        }
    };
    let batch = row.batch.map(|batch| (batch.first as i64, batch.last as i64)).unzip();
    let (at, failure) = (at.as_micros(), &*row.failure);
    let values = (key.0, key.1, key.2, row.attempts, failed, at, failure, batch.0, batch.1);
    conn.prepare_cached(sql)?.execute(values)?;
    Ok(before)
}

/// Keeps the events from `first` to before `cut`, which the log is about to lose, if deliveries need them. One that is
/// spared is kept as well, until it is delivered.
pub(super) fn keep_events(conn: &Connection, first: Place, cut: u64) -> rusqlite::Result<()> {
    let seqs: Vec<i64> = conn
        .prepare_cached("SELECT DISTINCT seq FROM deliveries WHERE epoch = ?1 AND seq >= ?2 AND seq < ?3")?
        .query_map((first.epoch, first.seq as i64, cut as i64), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut keep = conn.prepare_cached(&format!(
        "INSERT OR IGNORE INTO kept_events (epoch, {COLUMNS}) SELECT ?1, {COLUMNS} FROM events WHERE seq = ?2"
    ))?;
    for seq in seqs {
        match keep.execute((first.epoch, seq)) {
            Ok(_) => {}
            // A damaged row is not copied, and its delivery is given up.
            Err(error) if failure::is_of_content(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Removes a row, and its event if the log, which starts with `first`, and other rows do not have it; returns the
/// removed row.
pub(super) fn remove(conn: &Connection, key: Key, first: Place) -> rusqlite::Result<Option<DeliveryStatus>> {
    let event = key.event;
    let key = key.columns();
    let Some(before) = status(conn, key)? else { return Ok(None) };
    conn.prepare_cached("DELETE FROM deliveries WHERE webhook = ?1 AND epoch = ?2 AND seq = ?3")?
        .execute(key)?;
    if event.epoch != first.epoch || event.seq < first.seq {
        conn.prepare_cached(
            "DELETE FROM kept_events WHERE epoch = ?1 AND seq = ?2
                 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE epoch = ?1 AND seq = ?2)",
        )?
        .execute((key.1, key.2))?;
    }
    Ok(Some(before))
}

/// Returns the keys of the rows of one event.
pub(super) fn of_event(conn: &Connection, event: Place) -> rusqlite::Result<Vec<Key>> {
    conn.prepare_cached("SELECT webhook, epoch, seq FROM deliveries WHERE epoch = ?1 AND seq = ?2")?
        .query_map((event.epoch, event.seq as i64), key)?
        .collect()
}

/// Returns the places of a limited number of events on a channel, up to `end`, that are kept beside the log.
pub(super) fn kept_on(
    conn: &Connection,
    channel: usize,
    end: Place,
    limit: u64,
) -> rusqlite::Result<Vec<Place>> {
    conn.prepare_cached(
        "SELECT epoch, seq FROM kept_events WHERE channel = ?1 AND (epoch, seq) <= (?2, ?3) LIMIT ?4",
    )?
    .query_map((channel as i64, end.epoch, end.seq as i64, limit as i64), |row| {
        Ok(Place { epoch: row.get(0)?, seq: row.get::<_, i64>(1)? as u64 })
    })?
    .collect()
}

/// Returns the keys of a limited number of rows that failed before that time, oldest first.
pub(super) fn failed_before(conn: &Connection, moment: Timestamp, limit: u64) -> rusqlite::Result<Vec<Key>> {
    conn.prepare_cached(
        "SELECT webhook, epoch, seq FROM deliveries WHERE dead = 1 AND at < ?1 ORDER BY at LIMIT ?2",
    )?
    .query_map((moment.as_micros(), limit as i64), key)?
    .collect()
}

/// Returns the keys of a limited number of rows of one webhook.
pub(super) fn of_webhook(conn: &Connection, webhook: u64, limit: u64) -> rusqlite::Result<Vec<Key>> {
    conn.prepare_cached("SELECT webhook, epoch, seq FROM deliveries WHERE webhook = ?1 LIMIT ?2")?
        .query_map((webhook as i64, limit as i64), key)?
        .collect()
}

/// A page of deliveries.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) rows: Vec<DeliveryRow>,
    /// The events of rows that are left out, because they are damaged.
    pub(super) damaged: Vec<Position>,
}

/// Reads a page in one snapshot, in the order of the events.
pub(super) fn page(
    shared: &Shared,
    conn: &mut Connection,
    wanted: &ReadDeliveries,
) -> rusqlite::Result<Page> {
    let mut page = Page { rows: Vec::new(), damaged: Vec::new() };
    let Some(number) = shared.webhooks().number(&wanted.webhook) else { return Ok(page) };
    let snapshot = conn.transaction()?;
    let mut rows = Rows::new(wanted.limit);
    let mut events = Events::new(shared, &snapshot)?;
    let (index, only) = match wanted.failed {
        Some(true) => ("INDEXED BY deliveries_by_status", "AND dead = 1"),
        Some(false) => ("INDEXED BY deliveries_by_status", "AND dead = 0"),
        None => ("", ""),
    };
    let from = match wanted.after {
        None => Place::START,
        Some(after) => match shared.epochs.number(after.epoch) {
            Some(epoch) => Place { epoch, seq: after.seq.saturating_add(1) },
            None => return Ok(page),
        },
    };
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT epoch, seq, attempts, dead, at, failure, batch_first, batch_last FROM deliveries {index}
             WHERE webhook = ?1 {only} AND (epoch, seq) >= (?2, ?3) ORDER BY epoch, seq"
    ))?;
    let from_seq = i64::try_from(from.seq).unwrap_or(i64::MAX);
    let mut found = statement.query((number as i64, from.epoch, from_seq))?;
    while let Some(row) = found.next()? {
        let place = Place { epoch: row.get(0)?, seq: row.get::<_, i64>(1)? as u64 };
        let Some(event) = events.at(place)? else {
            page.damaged.push(Position { epoch: shared.epochs.epoch(place.epoch)?, seq: place.seq });
            continue;
        };
        let len = event.stored_len() as usize;
        let delivery = DeliveryRow {
            webhook: wanted.webhook.clone(),
            event: Arc::new(event),
            attempts: row.get(2)?,
            status: status_of(row, 3)?,
            failure: row.get_ref(5)?.as_str()?.into(),
            batch: batch_of(row, 6)?,
        };
        if !rows.take(delivery, len) {
            break;
        }
    }
    page.rows = rows.finish();
    Ok(page)
}

/// Finds the events of deliveries, in the log or among those that are kept beside it.
struct Events<'a> {
    shared: &'a Shared,
    in_log: CachedStatement<'a>,
    kept: CachedStatement<'a>,
    conn: &'a Connection,
    /// The place of the oldest event in the log.
    first: Place,
    names: Names<'a>,
    decoder: Decoder,
}

impl<'a> Events<'a> {
    fn new(shared: &'a Shared, conn: &'a Connection) -> rusqlite::Result<Events<'a>> {
        Ok(Events {
            shared,
            in_log: conn.prepare_cached(&format!("SELECT {COLUMNS} FROM events WHERE seq = ?1"))?,
            kept: conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM kept_events WHERE seq = ?1 AND epoch = ?2"
            ))?,
            conn,
            first: Place { seq: start_of(shared, conn)?.first, ..shared.first() },
            names: Names::new(shared, conn),
            decoder: Decoder::new(shared.checked_from),
        })
    }

    /// Returns an event that a delivery needs; `None` if it is damaged.
    fn at(&mut self, place: Place) -> rusqlite::Result<Option<Event>> {
        let epoch = self.shared.epochs.epoch(place.epoch)?;
        let seq = place.seq as i64;
        let is_in_log =
            place >= self.first || (place.epoch == self.first.epoch && spared::has(self.conn, place.seq)?);
        let mut rows = match is_in_log {
            true => self.in_log.query([seq])?,
            false => self.kept.query((seq, place.epoch))?,
        };
        let names = &mut self.names;
        let decoder = self.decoder.of(epoch);
        let read = rows.next().and_then(|row| {
            let row = row.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            decoder.event(row, names.name(row::channel(row)?)?)
        });
        match read {
            Ok(event) => Ok(Some(event)),
            Err(error)
                if failure::is_damage(&error) || matches!(error, rusqlite::Error::QueryReturnedNoRows) =>
            {
                self.shared.note_damage(Position { epoch, seq: place.seq });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn status(conn: &Connection, key: (i64, i64, i64)) -> rusqlite::Result<Option<DeliveryStatus>> {
    conn.prepare_cached("SELECT dead, at FROM deliveries WHERE webhook = ?1 AND epoch = ?2 AND seq = ?3")?
        .query_row(key, |row| status_of(row, 0))
        .optional()
}

/// Reads `dead` and `at`, the columns from `index` on.
fn status_of(row: &Row<'_>, index: usize) -> rusqlite::Result<DeliveryStatus> {
    let at = Timestamp::from_micros(row.get(index + 1)?);
    Ok(if row.get(index)? { DeliveryStatus::Failed(at) } else { DeliveryStatus::Waiting(at) })
}

/// Reads `batch_first` and `batch_last`, the columns from `index` on.
fn batch_of(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<BatchSpan>> {
    let (first, last): (Option<i64>, Option<i64>) = (row.get(index)?, row.get(index + 1)?);
    Ok(first.zip(last).map(|(first, last)| BatchSpan { first: first as u64, last: last as u64 }))
}

fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    let event = Place { epoch: row.get(1)?, seq: row.get::<_, i64>(2)? as u64 };
    Ok(Key { webhook: row.get::<_, i64>(0)? as u64, event })
}
