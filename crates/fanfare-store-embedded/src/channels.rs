//! The channels of the log, in memory.

use std::collections::HashMap;

use fanfare_core::{Channel, Filter, Timestamp};
use rusqlite::Connection;

use fanfare_store::ChannelRow;

/// All channels and their statistics. The id in the file is the index here plus 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Channels {
    rows: Vec<ChannelRow>,
    ids: HashMap<Channel, usize>,
}

impl Channels {
    /// Reads them from the file.
    pub(super) fn load(conn: &Connection) -> rusqlite::Result<Channels> {
        let mut channels = Channels::default();
        let mut statement =
            conn.prepare("SELECT id, name, events, last_seq, last_timestamp FROM channels ORDER BY id")?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let channel: Channel = row.get_ref(1)?.as_str()?.parse().map_err(|_| {
                rusqlite::Error::InvalidColumnType(1, "name".to_owned(), rusqlite::types::Type::Text)
            })?;
            if row.get::<_, i64>(0)? != channels.rows.len() as i64 + 1 {
                return Err(rusqlite::Error::IntegralValueOutOfRange(0, row.get(0)?));
            }
            channels.push(ChannelRow {
                channel,
                events: row.get::<_, i64>(2)? as u64,
                last_seq: row.get::<_, i64>(3)? as u64,
                last_timestamp: Timestamp::from_micros(row.get(4)?),
            });
        }
        Ok(channels)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn id(&self, channel: &Channel) -> Option<usize> {
        self.ids.get(channel).copied()
    }

    pub(super) fn row(&self, id: usize) -> Option<&ChannelRow> {
        self.rows.get(id.checked_sub(1)?)
    }

    /// Returns all, in order of their names.
    pub(super) fn sorted(&self) -> Vec<ChannelRow> {
        let mut rows = self.rows.clone();
        rows.sort_unstable_by(|a, b| a.channel.cmp(&b.channel));
        rows
    }

    /// Returns the ids of the channels that `filter` matches and that had an event after `after`; `None` if it matches
    /// every channel.
    pub(super) fn wanted(&self, filter: &Filter, after: u64) -> Option<Vec<usize>> {
        let is_all = filter.patterns().iter().any(|pattern| pattern.is_all());
        if is_all {
            return None;
        }
        let exact: Option<Vec<Channel>> = filter
            .patterns()
            .iter()
            .map(|pattern| pattern.exact().and_then(|name| name.parse().ok()))
            .collect();
        let is_live = |id: &usize| self.rows[id - 1].last_seq > after;
        Some(match exact {
            Some(names) => names.iter().filter_map(|name| self.id(name)).filter(is_live).collect(),
            None => (1..=self.rows.len())
                .filter(is_live)
                .filter(|id| filter.matches_channel(&self.rows[id - 1].channel))
                .collect(),
        })
    }

    /// Adds a channel without events; returns its id.
    pub(super) fn add(&mut self, channel: Channel) -> usize {
        self.push(ChannelRow { channel, events: 0, last_seq: 0, last_timestamp: Timestamp::from_micros(0) })
    }

    /// Returns the row of a channel, to count an event.
    pub(super) fn row_mut(&mut self, id: usize) -> &mut ChannelRow {
        &mut self.rows[id - 1]
    }

    /// Copies the rows `ids` from `newer`, which has every channel of ours under the same id.
    pub(super) fn update(&mut self, newer: &Channels, ids: &[usize]) {
        for row in &newer.rows[self.rows.len()..] {
            self.push(row.clone());
        }
        for id in ids {
            self.rows[id - 1].clone_from(&newer.rows[id - 1]);
        }
    }

    /// Restores the rows `ids` from `older`, and drops the channels that it does not have.
    pub(super) fn revert(&mut self, older: &Channels, ids: &[usize]) {
        for row in self.rows.drain(older.rows.len()..) {
            self.ids.remove(&row.channel);
        }
        for id in ids.iter().filter(|id| **id <= older.rows.len()) {
            self.rows[id - 1].clone_from(&older.rows[id - 1]);
        }
    }

    fn push(&mut self, row: ChannelRow) -> usize {
        let id = self.rows.len() + 1;
        self.ids.insert(row.channel.clone(), id);
        self.rows.push(row);
        id
    }
}
