//! Deliveries as rows. Their events stay in the log; only events that retention removes from there while a delivery
//! needs them are kept separately. So a failure writes one short row, and an event that a thousand webhooks did not
//! accept is stored once.

use std::sync::Arc;

use fanfare_core::{Event, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::append;
use crate::channels::Channels;
use crate::epochs::Place;
use crate::read::{Names, first};
use crate::row::{self, COLUMNS, COLUMNS_LEN, Decoder};
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

/// Keeps an event of `epoch` that the log does not have, or no longer.
pub(super) fn keep_event(
    conn: &Connection,
    epoch: i64,
    channels: &Channels,
    event: &Event,
) -> rusqlite::Result<()> {
    match channels.id(&event.channel) {
        Some(channel) => append::keep(conn, epoch, event, channel as i64),
        // An event of this log has a channel of this log.
        None => Err(rusqlite::Error::QueryReturnedNoRows),
    }
}

/// Keeps the events from `first` to before `cut`, which the log is about to lose, if deliveries need them.
pub(super) fn keep_events(conn: &Connection, first: Place, cut: u64) -> rusqlite::Result<()> {
    conn.prepare_cached(&format!(
        "INSERT OR IGNORE INTO kept_events (epoch, {COLUMNS}) SELECT ?1, {COLUMNS} FROM events WHERE seq IN
             (SELECT seq FROM deliveries WHERE epoch = ?1 AND seq >= ?2 AND seq < ?3)"
    ))?
    .execute((first.epoch, first.seq as i64, cut as i64))
    .map(|_| ())
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

/// Reads a page in one snapshot: first events older than the log, then those in the log.
pub(super) fn page(
    shared: &Shared,
    conn: &mut Connection,
    wanted: &ReadDeliveries,
) -> rusqlite::Result<Vec<DeliveryRow>> {
    let Some(number) = shared.webhooks().number(&wanted.webhook) else { return Ok(Vec::new()) };
    let snapshot = conn.transaction()?;
    let mut page = Rows::new(wanted.limit);
    let mut names = Names::new(shared);
    let mut decoder = Decoder::new(shared.epoch);
    let (index, only) = match wanted.failed {
        Some(true) => ("INDEXED BY deliveries_by_status", "AND dead = 1"),
        Some(false) => ("INDEXED BY deliveries_by_status", "AND dead = 0"),
        None => ("", ""),
    };
    let first = Place { seq: first(&snapshot)?, ..shared.first() };
    let from = match wanted.after {
        None => Place::START,
        Some(after) => match shared.epochs.number(after.epoch) {
            Some(epoch) => Place { epoch, seq: after.seq.saturating_add(1) },
            None => return Ok(Vec::new()),
        },
    };
    // Those of earlier epochs, and those that retention removed; then those that the log has.
    let kept = ("kept_events USING (epoch, seq)", from, first);
    let in_log = ("events USING (seq)", from.max(first), Place::END);
    for (events, low, high) in [kept, in_log] {
        // CROSS: in the order of the rows, which is that of their events.
        let mut statement = snapshot.prepare_cached(&format!(
            "SELECT {COLUMNS}, attempts, dead, at, failure, batch_first, batch_last, deliveries.epoch
                 FROM deliveries {index} CROSS JOIN {events}
                 WHERE webhook = ?1 {only} AND (deliveries.epoch, deliveries.seq) >= (?2, ?3)
                 AND (deliveries.epoch, deliveries.seq) < (?4, ?5)
                 ORDER BY deliveries.epoch, deliveries.seq"
        ))?;
        let bound = |place: Place| i64::try_from(place.seq).unwrap_or(i64::MAX);
        let values = (number as i64, low.epoch, bound(low), high.epoch, bound(high));
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            let epoch = shared.epochs.epoch(row.get(COLUMNS_LEN + 6)?)?;
            let event = decoder.of(epoch).event(row, names.name(row::channel(row)?)?)?;
            let len = event.stored_len() as usize;
            let delivery = DeliveryRow {
                webhook: wanted.webhook.clone(),
                event: Arc::new(event),
                attempts: row.get(COLUMNS_LEN)?,
                status: status_of(row, COLUMNS_LEN + 1)?,
                failure: row.get_ref(COLUMNS_LEN + 3)?.as_str()?.into(),
                batch: batch_of(row)?,
            };
            if !page.take(delivery, len) {
                return Ok(page.finish());
            }
        }
    }
    Ok(page.finish())
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

/// Reads the columns after `failure` of a page.
fn batch_of(row: &Row<'_>) -> rusqlite::Result<Option<BatchSpan>> {
    let (first, last): (Option<i64>, Option<i64>) = (row.get(COLUMNS_LEN + 4)?, row.get(COLUMNS_LEN + 5)?);
    Ok(first.zip(last).map(|(first, last)| BatchSpan { first: first as u64, last: last as u64 }))
}

fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    let event = Place { epoch: row.get(1)?, seq: row.get::<_, i64>(2)? as u64 };
    Ok(Key { webhook: row.get::<_, i64>(0)? as u64, event })
}
