//! Attempts as rows.

use fanfare_core::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use crate::epochs::{Epochs, Place};
use crate::state::Shared;
use fanfare_store::page::Rows;
use fanfare_store::{AttemptFilter, AttemptRow, ReadAttempts};

const COLUMNS: &str = "id, webhook, seq, number, at, is_delivered, detail, epoch, last_seq, status, outcome";

/// Returns the number of attempts.
pub(super) fn count(conn: &Connection) -> rusqlite::Result<u64> {
    conn.query_row("SELECT count(*) FROM attempts", (), |row| row.get::<_, i64>(0).map(|count| count as u64))
}

/// Writes one under the next id.
pub(super) fn insert(
    conn: &Connection,
    epochs: &Epochs,
    webhook: u64,
    row: &AttemptRow,
) -> rusqlite::Result<()> {
    let Place { epoch, seq } = epochs.place(row.position)?;
    let last_seq = (row.last_seq != seq).then_some(row.last_seq as i64);
    let (seq, at) = (seq as i64, row.at.as_micros());
    conn.prepare_cached(
        "INSERT INTO attempts (webhook, seq, number, at, is_delivered, detail, epoch, last_seq, status, outcome)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute((
        webhook as i64,
        seq,
        row.number,
        at,
        row.is_delivered,
        &*row.detail,
        epoch,
        last_seq,
        row.status,
        &*row.outcome,
    ))
    .map(|_| ())
}

/// Reads a page.
pub(super) fn page(
    shared: &Shared,
    conn: &Connection,
    read: &ReadAttempts,
) -> rusqlite::Result<Vec<AttemptRow>> {
    let mut conditions = vec!["id < ?1"];
    let before = i64::try_from(read.before.unwrap_or(u64::MAX)).unwrap_or(i64::MAX);
    let mut values: Vec<Value> = vec![before.into()];
    if let Some(seq) = read.seq {
        conditions.push("seq = ?");
        values.push(i64::try_from(seq).unwrap_or(i64::MAX).into());
    }
    if let Some(webhook) = &read.webhook {
        let Some(number) = shared.webhooks().number(webhook) else { return Ok(Vec::new()) };
        // Those at one event are few: not by this index then.
        conditions.push(if read.seq.is_some() { "+webhook = ?" } else { "webhook = ?" });
        values.push((number as i64).into());
    }
    let AttemptFilter { delivered, status, outcome, since, until } = &read.filter;
    if let Some(delivered) = delivered {
        let is_alone = read.seq.is_none() && read.webhook.is_none();
        conditions.push(if is_alone { "is_delivered = ?" } else { "+is_delivered = ?" });
        values.push(i64::from(*delivered).into());
    }
    if let Some(status) = status {
        conditions.push("status = ?");
        values.push(i64::from(*status).into());
    }
    if let Some(outcome) = outcome {
        conditions.push("outcome = ?");
        values.push(outcome.to_string().into());
    }
    if let Some(since) = since {
        conditions.push("at >= ?");
        values.push(since.as_micros().into());
    }
    if let Some(until) = until {
        conditions.push("at < ?");
        values.push(until.as_micros().into());
    }
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM attempts WHERE {} ORDER BY id DESC",
        conditions.join(" AND ")
    ))?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut page = Rows::new(read.limit);
    while let Some(row) = rows.next()? {
        let Some(attempt) = decode(shared, row)? else { continue };
        let len = attempt.detail.len();
        if !page.take(attempt, len) {
            break;
        }
    }
    Ok(page.finish())
}

/// Returns one, while it is kept.
pub(super) fn find(shared: &Shared, conn: &Connection, id: u64) -> rusqlite::Result<Option<AttemptRow>> {
    let id = i64::try_from(id).unwrap_or(i64::MAX);
    let found = conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM attempts WHERE id = ?1"))?
        .query_row([id], |row| decode(shared, row))
        .optional()?;
    Ok(found.flatten())
}

/// Returns the id before which attempts are too old or too many, examining at most the first `limit`; and their number.
pub(super) fn too_many(
    conn: &Connection,
    oldest: Timestamp,
    excess: u64,
    limit: u64,
) -> rusqlite::Result<(i64, u64)> {
    let mut statement = conn.prepare_cached("SELECT id, at FROM attempts ORDER BY id LIMIT ?1")?;
    let mut rows = statement.query([limit as i64])?;
    let (mut cut, mut count) = (0, 0);
    while let Some(row) = rows.next()? {
        if count >= excess && row.get::<_, i64>(1)? >= oldest.as_micros() {
            break;
        }
        cut = row.get::<_, i64>(0)? + 1;
        count += 1;
    }
    Ok((cut, count))
}

/// Removes the attempts that sent one of these events, alone or in a batch; returns how many there were. `seqs` are in
/// order.
pub(super) fn remove_of_events(conn: &Connection, epoch: i64, seqs: &[u64]) -> rusqlite::Result<u64> {
    let (Some(first), Some(last)) = (seqs.first(), seqs.last()) else { return Ok(0) };
    let mut removed = 0;
    let mut alone = conn.prepare_cached("DELETE FROM attempts WHERE epoch = ?1 AND seq = ?2")?;
    for seq in seqs {
        removed += alone.execute((epoch, *seq as i64))?;
    }
    // Batches are found by their last event, and each later one is looked at: once for all events.
    let has_one = |first: u64, last: u64| {
        let next = seqs.partition_point(|seq| *seq < first);
        seqs.get(next).is_some_and(|seq| *seq <= last)
    };
    let mut ids = Vec::new();
    let mut batches = conn.prepare_cached(
        "SELECT id, seq, last_seq FROM attempts WHERE epoch = ?1 AND last_seq >= ?2 AND +seq <= ?3",
    )?;
    let mut rows = batches.query((epoch, *first as i64, *last as i64))?;
    while let Some(row) = rows.next()? {
        if has_one(row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64) {
            ids.push(row.get::<_, i64>(0)?);
        }
    }
    let mut by_id = conn.prepare_cached("DELETE FROM attempts WHERE id = ?1")?;
    for id in ids {
        removed += by_id.execute([id])?;
    }
    Ok(removed as u64)
}

/// Removes those before `cut`.
pub(super) fn remove_before(conn: &Connection, cut: i64) -> rusqlite::Result<u64> {
    conn.prepare_cached("DELETE FROM attempts WHERE id < ?1")?.execute([cut]).map(|count| count as u64)
}

/// Removes a limited number of attempts of one webhook.
pub(super) fn remove_of_webhook(conn: &Connection, webhook: u64, limit: u64) -> rusqlite::Result<u64> {
    conn.prepare_cached(
        "DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE webhook = ?1 ORDER BY id LIMIT ?2)",
    )?
    .execute((webhook as i64, limit as i64))
    .map(|count| count as u64)
}

/// Creates an attempt from a row with [`COLUMNS`]; `None` if its webhook was removed.
fn decode(shared: &Shared, row: &Row<'_>) -> rusqlite::Result<Option<AttemptRow>> {
    let number = row.get::<_, i64>(1)? as u64;
    let webhook = shared.webhooks().get(number).map(|entry| entry.row.id.clone());
    let Some(webhook) = webhook else { return Ok(None) };
    let position = shared.epochs.position(row.get(7)?, row.get(2)?)?;
    let last_seq: Option<i64> = row.get(8)?;
    Ok(Some(AttemptRow {
        id: row.get::<_, i64>(0)? as u64,
        webhook,
        position,
        last_seq: last_seq.map_or(position.seq, |seq| seq as u64),
        number: row.get(3)?,
        at: Timestamp::from_micros(row.get(4)?),
        is_delivered: row.get(5)?,
        status: row.get(9)?,
        // Not known of an attempt whose details an earlier version wrote otherwise.
        outcome: row.get_ref(10)?.as_str_or_null()?.unwrap_or_default().into(),
        detail: row.get_ref(6)?.as_str()?.into(),
    }))
}
