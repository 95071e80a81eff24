//! Imports the events of another log, as history.
//!
//! An imported event keeps its timestamp, and gets the next seq: an id names a place in one log. The log
//! remembers which events it has from which other log, so the same file can be imported again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fanfare_core::{Arrival, Event, HttpMessage, Original, Position};
use rusqlite::OptionalExtension;

use crate::Embedded;
use crate::failure;
use crate::group::{Group, Size};
use crate::sweep::save_tail;
use fanfare_store::{Error, ReaderRow};

/// The result of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Number of events that were appended.
    pub added: u64,
    /// Number of events that the log already had.
    pub known: u64,
    /// The arrival of the first event that was appended.
    pub oldest: Option<Arrival>,
}

impl Embedded {
    /// Appends events of another log, given with their ids in that log and the requests that are kept with them: all of
    /// them, or none. Skips those that this log already has. Readers and webhooks that are up to date are not sent them.
    ///
    /// Events that one request brought belong into one call.
    pub async fn import(&self, events: Vec<(Event, Option<HttpMessage>)>) -> Result<Imported, Error> {
        let len = |message: &HttpMessage| message.as_bytes().len();
        let bytes = events
            .iter()
            .map(|(event, original)| event.stored_len() as usize + original.as_ref().map_or(0, len))
            .sum();
        let size = Size { rows: events.len(), bytes };
        self.writer.change(size, move |group| group.import(events)).await
    }
}

impl Group<'_> {
    fn import(
        &mut self,
        events: Vec<(Event, Option<HttpMessage>)>,
    ) -> rusqlite::Result<Result<Imported, Error>> {
        if let Err(refusal) = self.check_imported(&events)? {
            return Ok(Err(refusal));
        }
        let before = self.head().position();
        let mut imported = Imported::default();
        let mut newest = self.newest_arrival()?;
        // The new seqs of events with originals.
        let mut firsts = HashMap::new();
        for (event, message) in events {
            if self.has(event.position)? {
                imported.known += 1;
                continue;
            }
            self.note_imported(event.position)?;
            // Arrivals never decrease along the log, and are never in the future.
            newest = newest.max(event.arrival.min(self.now.arrival));
            let position = self.position(self.effect.tail.seq + 1);
            let message = message.filter(|_| event.has_original());
            if message.is_some() {
                firsts.insert(event.position, position.seq);
            }
            let original = event.original.and_then(|original| match original {
                Original::With(seq) => {
                    firsts.get(&Position { seq, ..event.position }).map(|seq| Original::With(*seq))
                }
                Original::TooLong => Some(original),
            });
            let event = Arc::new(Event { position, arrival: newest, original, ..event });
            self.put(event, message.as_ref())?;
            imported.added += 1;
            imported.oldest.get_or_insert(newest);
        }
        // Normally the last event shows how the two clocks differ; an imported one does not.
        self.effect.tail.stamp = self.now;
        save_tail(self.conn, self.effect.tail)?;
        self.move_along(before);
        Ok(Ok(imported))
    }

    /// Fails if there would be too many channels with those of `events`, before any is written: what is refused leaves the
    /// transaction as it is.
    fn check_imported(&self, events: &[(Event, Option<HttpMessage>)]) -> rusqlite::Result<Result<(), Error>> {
        let channels = &self.ahead.channels;
        let mut new = HashSet::new();
        for (event, _) in events {
            if !channels.has(&event.channel) && !new.contains(&event.channel) && !self.has(event.position)? {
                new.insert(&event.channel);
            }
        }
        Ok(channels.check_new(new.len()))
    }

    /// Returns the arrival of the last event.
    fn newest_arrival(&self) -> rusqlite::Result<Arrival> {
        let newest = self
            .conn
            .prepare_cached("SELECT coalesce(arrival, timestamp) FROM events ORDER BY seq DESC LIMIT 1")?
            .query_row((), |row| row.get::<_, i64>(0))
            .optional();
        match newest {
            Ok(newest) => Ok(Arrival::from_micros(newest.unwrap_or(0))),
            Err(error) if failure::is_damage(&error) => Ok(self.now.arrival),
            Err(error) => Err(error),
        }
    }

    /// Returns whether the log has the event that is at this position of another log, or of this one.
    fn has(&self, position: Position) -> rusqlite::Result<bool> {
        let shared_to = self.shared.epochs.shared_with(position.epoch);
        if shared_to.is_some_and(|to| position.seq <= to.min(self.effect.tail.seq)) {
            return Ok(true);
        }
        self.conn
            .prepare_cached(
                "SELECT coalesce((SELECT last FROM imported WHERE epoch = ?1 AND first <= ?2
                     ORDER BY first DESC LIMIT 1) >= ?2, 0)",
            )?
            .query_row((position.epoch.as_str(), position.seq as i64), |row| row.get(0))
    }

    /// Records that the log now has an event of another log.
    fn note_imported(&self, position: Position) -> rusqlite::Result<()> {
        let (epoch, seq) = (position.epoch.as_str(), position.seq as i64);
        let first: Option<i64> = self
            .conn
            .prepare_cached("SELECT first FROM imported WHERE epoch = ?1 AND last = ?2 - 1 AND first < ?2")?
            .query_row((epoch, seq), |row| row.get(0))
            .optional()?;
        let last: Option<i64> = self
            .conn
            .prepare_cached("DELETE FROM imported WHERE epoch = ?1 AND first = ?2 + 1 RETURNING last")?
            .query_row((epoch, seq), |row| row.get(0))
            .optional()?;
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO imported (epoch, first, last) VALUES (?1, ?2, ?3)")?
            .execute((epoch, first.unwrap_or(seq), last.unwrap_or(seq)))
            .map(|_| ())
    }

    /// Moves readers and webhooks that are past everything up to `before` to the end of the log.
    fn move_along(&mut self, before: Position) {
        let head = self.head();
        let readers: Vec<ReaderRow> =
            self.shared.readers().values().filter(|row| row.acknowledged == before).cloned().collect();
        for row in readers {
            let row = ReaderRow { acknowledged: head.position(), ..row };
            self.effect.readers.insert(row.key.clone(), Some(row));
        }
        for row in self.ahead.webhooks.rows() {
            let Some(number) = self.ahead.webhooks.number(&row.id).filter(|_| row.cursor == before) else {
                continue;
            };
            if let Some(entry) = self.ahead.webhooks.get_mut(number) {
                entry.row.advance(head.position(), head);
                self.effect.webhooks.entry(number).or_default().cursor = true;
            }
        }
    }
}
