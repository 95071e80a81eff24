//! Durable readers as rows.

use fanfare_core::{EventType, Filter, Pattern, Position, Principal, Priority, Timestamp};
use rusqlite::Connection;
use rusqlite::types::Type;
use serde::Deserialize;

use crate::epochs::{Epochs, Place};
use crate::group::Group;
use crate::state::Readers;
use fanfare_store::{Error, READERS_MAX, ReaderKey, ReaderRow};

/// Reads them from the file.
pub(super) fn load(conn: &Connection, epochs: &Epochs) -> rusqlite::Result<Readers> {
    let mut statement =
        conn.prepare("SELECT owner, name, acknowledged, filter, updated, epoch FROM readers")?;
    let mut rows = statement.query(())?;
    let mut readers = Readers::new();
    while let Some(row) = rows.next()? {
        let strange =
            |index, name: &str| rusqlite::Error::InvalidColumnType(index, name.to_owned(), Type::Text);
        let owner = Principal::named(row.get_ref(0)?.as_str()?).ok_or_else(|| strange(0, "owner"))?.owner();
        let name = row.get_ref(1)?.as_str()?.parse().map_err(|_| strange(1, "name"))?;
        let filter = parse_filter(row.get_ref(3)?.as_str()?).ok_or_else(|| strange(3, "filter"))?;
        let key = ReaderKey { owner, name };
        let reader = ReaderRow {
            key: key.clone(),
            acknowledged: epochs.position(row.get(5)?, row.get(2)?)?,
            filter,
            updated: Timestamp::from_micros(row.get(4)?),
        };
        readers.insert(key, reader);
    }
    Ok(readers)
}

/// Returns readers that were last in use before `moment`, at most `limit`.
pub(super) fn idle_since(readers: &Readers, moment: Timestamp, limit: u64) -> Vec<ReaderKey> {
    let idle = readers.values().filter(|row| row.updated < moment);
    idle.take(limit as usize).map(|row| row.key.clone()).collect()
}

/// Writes a reader, or removes it if there is no row.
pub(super) fn write(
    conn: &Connection,
    epochs: &Epochs,
    key: &ReaderKey,
    row: Option<&ReaderRow>,
) -> rusqlite::Result<()> {
    let key = (key.owner.as_str(), key.name.as_str());
    let Some(row) = row else {
        return conn
            .prepare_cached("DELETE FROM readers WHERE owner = ?1 AND name = ?2")?
            .execute(key)
            .map(|_| ());
    };
    let filter = serde_json::to_string(&row.filter).expect("a filter is text, lists and nothing else");
    let Place { epoch, seq } = epochs.place(row.acknowledged)?;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO readers (owner, name, acknowledged, filter, updated, epoch)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((key.0, key.1, seq as i64, filter, row.updated.as_micros(), epoch))
    .map(|_| ())
}

impl Group<'_> {
    fn reader(&self, key: &ReaderKey) -> Option<ReaderRow> {
        match self.effect.readers.get(key) {
            Some(changed) => changed.clone(),
            None => self.shared.readers().get(key).cloned(),
        }
    }

    /// Records that a reader has everything up to `position`.
    pub(super) fn acknowledge(
        &mut self,
        key: ReaderKey,
        position: Position,
    ) -> Result<Option<ReaderRow>, Error> {
        let head = self.head();
        let position = head.clamp(position)?;
        let Some(mut row) = self.reader(&key) else { return Ok(None) };
        if head.is_progress(row.acknowledged, position) {
            row.acknowledged = position;
            row.updated = self.now.timestamp;
            self.effect.readers.insert(key, Some(row.clone()));
        }
        Ok(Some(row))
    }

    /// Opens a reader, or creates it with this filter.
    pub(super) fn open_reader(
        &mut self,
        key: ReaderKey,
        filter: Filter,
        start: Position,
    ) -> Result<ReaderRow, Error> {
        let acknowledged = self.head().clamp(start)?;
        let row = match self.reader(&key) {
            Some(known) => ReaderRow { updated: self.now.timestamp, ..known },
            None => {
                self.check_room()?;
                ReaderRow { key: key.clone(), acknowledged, filter, updated: self.now.timestamp }
            }
        };
        self.effect.readers.insert(key, Some(row.clone()));
        Ok(row)
    }

    /// Sets the filter of a reader, and its position if one is given; returns whether the reader is new.
    pub(super) fn put_reader(
        &mut self,
        key: ReaderKey,
        filter: Filter,
        position: Option<Position>,
    ) -> Result<(ReaderRow, bool), Error> {
        let head = self.head();
        let position = position.map(|position| head.clamp(position)).transpose()?;
        let known = self.reader(&key);
        if known.is_none() {
            self.check_room()?;
        }
        let kept = known.as_ref().map_or(head.position(), |known| known.acknowledged);
        let acknowledged = position.unwrap_or(kept);
        let row = ReaderRow { key: key.clone(), acknowledged, filter, updated: self.now.timestamp };
        self.effect.readers.insert(key, Some(row.clone()));
        Ok((row, known.is_none()))
    }

    /// Records that these readers are in use.
    pub(super) fn use_readers(&mut self, keys: Vec<ReaderKey>) {
        for key in keys {
            if let Some(known) = self.reader(&key) {
                let row = ReaderRow { updated: self.now.timestamp, ..known };
                self.effect.readers.insert(key, Some(row));
            }
        }
    }

    /// Fails if there can be no further reader.
    fn check_room(&self) -> Result<(), Error> {
        let known = self.shared.readers();
        let added =
            self.effect.readers.iter().filter(|(key, row)| row.is_some() && !known.contains_key(*key));
        // Those that this transaction removes still count: their places are free after it.
        match known.len() + added.count() >= READERS_MAX {
            true => Err(Error::TooManyReaders { max: READERS_MAX }),
            false => Ok(()),
        }
    }

    /// Removes a reader; returns it as it was, if it existed.
    pub(super) fn remove_reader(&mut self, key: ReaderKey) -> Option<ReaderRow> {
        let row = self.reader(&key);
        self.effect.readers.insert(key, None);
        row
    }

    /// Writes the readers that changed.
    pub(super) fn write_readers(&self) -> rusqlite::Result<()> {
        self.effect
            .readers
            .iter()
            .try_for_each(|(key, row)| write(self.conn, &self.shared.epochs, key, row.as_ref()))
    }
}

/// Parses the serialized form of a `Filter`.
fn parse_filter(text: &str) -> Option<Filter> {
    #[derive(Deserialize)]
    struct Stored {
        patterns: Vec<String>,
        types: Vec<String>,
        min_priority: String,
        text: Option<String>,
    }
    let stored: Stored = serde_json::from_str(text).ok()?;
    let patterns: Vec<Pattern> =
        stored.patterns.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?;
    let types: Vec<EventType> = stored.types.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?;
    let min_priority: Priority = stored.min_priority.parse().ok()?;
    Filter::new(patterns, types, min_priority, stored.text.as_deref()).ok()
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Filter, Priority};

    use super::parse_filter;

    #[test]
    fn a_filter_reads_back_as_it_was_written() {
        let patterns = vec!["a.*".parse().expect("pattern"), "b".parse().expect("pattern")];
        let types = vec!["error".parse().expect("type"), "build.failed".parse().expect("type")];
        let narrow = Filter::new(patterns, types, Priority::High, Some("Out of")).expect("filter");
        for filter in [narrow, Filter::all()] {
            let text = serde_json::to_string(&filter).expect("JSON");
            assert_eq!(parse_filter(&text), Some(filter));
        }
    }
}
