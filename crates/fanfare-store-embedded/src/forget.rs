//! Removing old data beside the log: failed deliveries, attempts, the rows of removed webhooks, and unused
//! readers.

use rusqlite::{Connection, OptionalExtension};

use crate::deliveries::Key;
use crate::epochs::{Epochs, Place};
use crate::group::in_transaction;
use crate::state::State;
use crate::{attempts, deliveries, failure, readers};
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store::retention::FORGET_LEN_MAX;
use fanfare_store::{ATTEMPTS_MAX, Error, ReaderKey, Swept};

/// Removes a limited part in a transaction of its own; returns what was removed.
pub(super) fn forget(state: &mut State) -> Result<Swept, Error> {
    let path = state.shared.path.clone();
    let forgetting = Forgetting::find(state).map_err(|error| failure::named(&path, &error))?;
    if forgetting.is_empty() {
        return Ok(Swept::default());
    }
    let (conn, epochs, first) = (&state.conn, &state.shared.epochs, state.shared.first());
    reach(FailPoint::SweepBegun);
    let forgotten = in_transaction(&state.shared, conn, || {
        let forgotten = forgetting.run(conn, epochs, first)?;
        reach(FailPoint::SweepWritten);
        Ok(forgotten)
    })?;
    reach(FailPoint::SweepDone);
    let swept = Swept {
        deliveries: forgotten.failed.len() as u64,
        attempts: forgotten.attempts,
        readers: forgotten.readers.len() as u64,
        has_more: forgetting.has_more,
        ..Swept::default()
    };
    forgotten.publish(state);
    Ok(swept)
}

/// The work of one sweep.
#[derive(Debug)]
struct Forgetting {
    /// Failed deliveries that are too old.
    failed: Vec<Key>,
    /// A webhook that was removed.
    removed: Option<u64>,
    /// Attempts before this id are too old or too many.
    attempts_cut: i64,
    /// Unused readers.
    readers: Vec<ReaderKey>,
    /// Whether there is, or may be, more.
    has_more: bool,
}

/// The removed rows, once the removal is committed.
#[derive(Debug, Default)]
struct Forgotten {
    attempts: u64,
    /// The webhooks that lost a failed delivery, once for each.
    failed: Vec<u64>,
    readers: Vec<ReaderKey>,
}

impl Forgetting {
    /// Finds the rows to remove.
    fn find(state: &State) -> rusqlite::Result<Forgetting> {
        let (conn, retention, now) =
            (&state.conn, state.retention, state.shared.clock.for_deleting().timestamp);
        let failed =
            deliveries::failed_before(conn, now.before(retention.failed_deliveries), FORGET_LEN_MAX)?;
        let removed = conn
            .prepare_cached("SELECT webhook FROM removed_webhooks LIMIT 1")?
            .query_row((), |row| row.get::<_, i64>(0).map(|webhook| webhook as u64))
            .optional()?;
        let excess = state.totals.attempts.saturating_sub(ATTEMPTS_MAX);
        let oldest = now.before(retention.attempts);
        let (attempts_cut, attempts) = attempts::too_many(conn, oldest, excess, FORGET_LEN_MAX)?;
        let idle_since = now.before(retention.readers);
        let readers = readers::idle_since(&state.shared.readers(), idle_since, FORGET_LEN_MAX);
        let is_full = |len: u64| len == FORGET_LEN_MAX;
        let has_more = removed.is_some()
            || is_full(failed.len() as u64)
            || is_full(attempts)
            || is_full(readers.len() as u64);
        Ok(Forgetting { failed, removed, attempts_cut, readers, has_more })
    }

    fn is_empty(&self) -> bool {
        self.failed.is_empty() && self.removed.is_none() && self.attempts_cut == 0 && self.readers.is_empty()
    }

    /// Removes the rows in a transaction of the caller; the log starts with `first`.
    fn run(&self, conn: &Connection, epochs: &Epochs, first: Place) -> rusqlite::Result<Forgotten> {
        let mut forgotten = Forgotten::default();
        for key in &self.readers {
            readers::write(conn, epochs, key, None)?;
            forgotten.readers.push(key.clone());
        }
        for key in &self.failed {
            if deliveries::remove(conn, *key, first)?.is_some() {
                forgotten.failed.push(key.webhook);
            }
        }
        if self.attempts_cut > 0 {
            forgotten.attempts += attempts::remove_before(conn, self.attempts_cut)?;
        }
        if let Some(webhook) = self.removed {
            forgotten.attempts += forget_removed(conn, webhook, first)?;
        }
        Ok(forgotten)
    }
}

impl Forgotten {
    /// Publishes the removal in memory.
    fn publish(self, state: &mut State) {
        state.totals.attempts = state.totals.attempts.saturating_sub(self.attempts);
        let mut readers = state.shared.readers_mut();
        self.readers.iter().for_each(|key| drop(readers.remove(key)));
        drop(readers);
        if self.failed.is_empty() {
            return;
        }
        let mut shared = state.shared.webhooks_mut();
        for number in self.failed {
            // A row of a webhook that was removed is not counted.
            for registry in [&mut state.ahead.webhooks, &mut *shared] {
                if let Some(entry) = registry.get_mut(number) {
                    entry.failed -= 1;
                }
            }
        }
    }
}

/// Removes a limited part of the rows of a removed webhook, and at the end the record of its removal. Returns the
/// number of removed attempts.
fn forget_removed(conn: &Connection, webhook: u64, first: Place) -> rusqlite::Result<u64> {
    let rows = deliveries::of_webhook(conn, webhook, FORGET_LEN_MAX)?;
    for key in &rows {
        deliveries::remove(conn, *key, first)?;
    }
    let attempts = attempts::remove_of_webhook(conn, webhook, FORGET_LEN_MAX)?;
    if (rows.len() as u64) < FORGET_LEN_MAX && attempts < FORGET_LEN_MAX {
        conn.prepare_cached("DELETE FROM removed_webhooks WHERE webhook = ?1")?.execute([webhook as i64])?;
    }
    Ok(attempts)
}
