//! Webhooks as rows, and how they change.

use fanfare_core::{Channel, Principal, Timestamp, WebhookId, WebhookName};
use rusqlite::Connection;
use rusqlite::types::Type;

use crate::deliveries::Key;
use crate::epochs::Epochs;
use crate::group::{Group, Size};
use crate::{append, attempts, deliveries, failure, read};
use fanfare_store::registry::{Entry, Registry};
use fanfare_store::{DeliveryChange, Error, Lease, WebhookRow};

/// Reads them from the file.
pub(super) fn load(conn: &Connection, epochs: &Epochs) -> rusqlite::Result<Registry> {
    let mut registry = Registry::default();
    let mut statement = conn.prepare(
        "SELECT number, id, url, settings, state, webhook_cursors.seq, created, revision, owner,
                webhook_cursors.epoch, name FROM webhooks
             JOIN webhook_cursors ON webhook_cursors.webhook = number
             JOIN webhook_states ON webhook_states.webhook = number",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let strange =
            |index, name: &str| rusqlite::Error::InvalidColumnType(index, name.to_owned(), Type::Text);
        let owner = Principal::named(row.get_ref(8)?.as_str()?).ok_or_else(|| strange(8, "owner"))?.owner();
        let name: Option<&str> = row.get_ref(10)?.as_str_or_null()?;
        let webhook = WebhookRow {
            id: row.get_ref(1)?.as_str()?.parse().map_err(|_| strange(1, "id"))?,
            owner,
            name: name.map(str::parse).transpose().map_err(|_| strange(10, "name"))?,
            url: row.get_ref(2)?.as_str()?.into(),
            settings: row.get_ref(3)?.as_str()?.into(),
            state: row.get_ref(4)?.as_str()?.into(),
            cursor: epochs.position(row.get(9)?, row.get(5)?)?,
            created: Timestamp::from_micros(row.get(6)?),
            revision: row.get::<_, i64>(7)? as u64,
        };
        registry.insert(row.get::<_, i64>(0)? as u64, Entry::new(webhook));
    }
    deliveries::count(conn, &mut registry)?;
    Ok(registry)
}

/// Returns the share of a transaction that a webhook's row needs.
pub(super) fn size(row: &WebhookRow) -> Size {
    Size { rows: 1, bytes: row.url.len() + row.settings.len() + row.state.len() }
}

/// Returns the share of a transaction that these changes need.
pub(super) fn size_of_changes(changes: &[DeliveryChange]) -> Size {
    let long = |change: &DeliveryChange| match change {
        DeliveryChange::Attempt(row) => row.detail.len(),
        DeliveryChange::Put(row) => row.failure.len(),
        DeliveryChange::State { state, .. } => state.len(),
        DeliveryChange::Cursor { .. } | DeliveryChange::Remove { .. } => 0,
    };
    Size { rows: changes.len(), bytes: changes.iter().map(long).sum() }
}

impl Group<'_> {
    /// Registers a webhook.
    pub(super) fn insert_webhook(&mut self, row: WebhookRow) -> rusqlite::Result<Result<WebhookRow, Error>> {
        let cursor = match self.head().clamp(row.cursor) {
            Ok(cursor) => cursor,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = self.ahead.webhooks.check_new(&row) {
            return Ok(Err(refusal));
        }
        let row = WebhookRow { revision: 1, cursor, ..row };
        let number = self.write_new_webhook(&row)?;
        self.ahead.webhooks.insert(number, Entry::new(row.clone()));
        self.touch_list(number);
        Ok(Ok(row))
    }

    /// Changes a webhook that has the revision `expected`.
    pub(super) fn update_webhook(
        &mut self,
        row: &WebhookRow,
        expected: u64,
    ) -> rusqlite::Result<Result<WebhookRow, Error>> {
        let (number, entry) = match self.ahead.webhooks.changed(row, expected) {
            Ok(changed) => changed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let row = entry.row.clone();
        self.conn
            .prepare_cached(
                "UPDATE webhooks SET url = ?2, settings = ?3, revision = ?4, name = ?5 WHERE number = ?1",
            )?
            .execute((
                number as i64,
                &*row.url,
                &*row.settings,
                row.revision as i64,
                row.name.as_ref().map(WebhookName::as_str),
            ))?;
        self.ahead.webhooks.insert(number, entry);
        self.touch_list(number);
        Ok(Ok(row))
    }

    /// Writes a new one; returns its number.
    fn write_new_webhook(&mut self, row: &WebhookRow) -> rusqlite::Result<u64> {
        self.conn
            .prepare_cached(
                "INSERT INTO webhooks (owner, id, url, settings, created, name) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((
                row.owner.as_str(),
                row.id.as_str(),
                &*row.url,
                &*row.settings,
                row.created.as_micros(),
                row.name.as_ref().map(WebhookName::as_str),
            ))?;
        let number = self.conn.last_insert_rowid();
        self.conn
            .prepare_cached("INSERT INTO webhook_cursors (webhook, seq, epoch) VALUES (?1, ?2, ?3)")?
            .execute((number, row.cursor.seq as i64, self.shared.epochs.place(row.cursor)?.epoch))?;
        self.conn
            .prepare_cached("INSERT INTO webhook_states (webhook, state) VALUES (?1, ?2)")?
            .execute((number, &*row.state))?;
        Ok(number as u64)
    }

    /// Removes a webhook. Its rows are no longer found, and later sweeps delete them.
    pub(super) fn remove_webhook(&mut self, id: &WebhookId) -> rusqlite::Result<bool> {
        let Some(number) = self.ahead.webhooks.number(id) else { return Ok(false) };
        for sql in [
            "DELETE FROM webhooks WHERE number = ?1",
            "DELETE FROM webhook_cursors WHERE webhook = ?1",
            "DELETE FROM webhook_states WHERE webhook = ?1",
            "INSERT INTO removed_webhooks (webhook) VALUES (?1)",
        ] {
            self.conn.prepare_cached(sql)?.execute([number as i64])?;
        }
        self.ahead.webhooks.remove(number);
        self.touch_list(number);
        Ok(true)
    }

    pub(super) fn record(
        &mut self,
        leases: &[Lease],
        changes: Vec<DeliveryChange>,
    ) -> rusqlite::Result<Result<(), Error>> {
        match self.volatile.claims.check(&self.ahead.webhooks, leases) {
            Ok(()) => changes.into_iter().try_for_each(|change| self.record_one(change)).map(Ok),
            Err(fenced) => Ok(Err(fenced)),
        }
    }

    fn record_one(&mut self, change: DeliveryChange) -> rusqlite::Result<()> {
        let Some(number) = self.ahead.webhooks.number(change.webhook()) else { return Ok(()) };
        let head = self.head();
        let (shared, epochs) = (self.shared, &self.shared.epochs);
        let is_in_log = match &change {
            DeliveryChange::Put(row) => self.keeps(epochs.place(row.event.position)?)?,
            _ => false,
        };
        let touched = self.effect.webhooks.entry(number).or_default();
        let Some(entry) = self.ahead.webhooks.get_mut(number) else { return Ok(()) };
        match change {
            DeliveryChange::Cursor { position, .. } => {
                entry.row.advance(position, head);
                touched.cursor = true;
            }
            DeliveryChange::State { state, .. } => {
                entry.row.state = state;
                touched.state = true;
            }
            DeliveryChange::Put(row) => {
                let event = epochs.place(row.event.position)?;
                if let Some(seq) = epochs.seq_here(row.event.position)
                    && is_purged(self.conn, seq)?
                {
                    return Ok(());
                }
                let before = deliveries::put(self.conn, Key { webhook: number, event }, &row)?;
                entry.count(before, Some(row.status));
                if !is_in_log {
                    let channel = self.channel_of_kept(&row.event.channel);
                    append::keep(self.conn, event.epoch, &row.event, channel as i64)?;
                }
            }
            DeliveryChange::Remove { position, .. } => {
                let Ok(event) = epochs.place(position) else { return Ok(()) };
                let before = deliveries::remove(self.conn, Key { webhook: number, event }, shared.first())?;
                entry.count(before, None);
            }
            DeliveryChange::Attempt(row) => {
                attempts::insert(self.conn, epochs, number, &row)?;
                self.effect.attempts += 1;
            }
        }
        Ok(())
    }

    /// Returns the id of the channel of an event that is kept beside the log. A channel that was forgotten
    /// since gets an id again, but has no events.
    fn channel_of_kept(&mut self, channel: &Channel) -> usize {
        self.ahead.channels.id(channel).unwrap_or_else(|| {
            let id = self.ahead.channels.add(channel.clone());
            self.effect.channels.push(id);
            id
        })
    }

    /// Records that the set of webhooks, or a registration, has changed.
    fn touch_list(&mut self, number: u64) {
        self.effect.webhooks.entry(number).or_default();
        self.effect.is_list_changed = true;
    }

    /// Writes the cursors and states that changed.
    pub(super) fn write_webhooks(&self) -> rusqlite::Result<()> {
        let mut cursor =
            self.conn.prepare_cached("UPDATE webhook_cursors SET seq = ?2, epoch = ?3 WHERE webhook = ?1")?;
        let mut state =
            self.conn.prepare_cached("UPDATE webhook_states SET state = ?2 WHERE webhook = ?1")?;
        for (number, touched) in &self.effect.webhooks {
            // A webhook that was removed since has no row.
            let Some(entry) = self.ahead.webhooks.get(*number) else { continue };
            if touched.cursor {
                let place = self.shared.epochs.place(entry.row.cursor)?;
                cursor.execute((*number as i64, place.seq as i64, place.epoch))?;
            }
            if touched.state {
                state.execute((*number as i64, &*entry.row.state))?;
            }
        }
        Ok(())
    }
}

/// Returns whether an event in the log was purged.
fn is_purged(conn: &Connection, seq: u64) -> rusqlite::Result<bool> {
    match read::is_purged(conn, seq) {
        // The next attempt finds the damage.
        Err(error) if failure::is_damage(&error) => Ok(false),
        is_purged => is_purged,
    }
}
