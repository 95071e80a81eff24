//! The channels of the log, in memory.

use std::collections::{BTreeMap, HashMap};

use fanfare_core::{Channel, Filter, Timestamp};
use rusqlite::Connection;

use fanfare_store::{CHANNELS_MAX, ChannelRow, Error, PURGED_CHANNELS_MAX};

/// All channels and their statistics, by their ids in the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Channels {
    /// A channel without events was purged. It stays so that readers can be told about its events, until
    /// retention has removed them.
    rows: BTreeMap<usize, ChannelRow>,
    ids: HashMap<Channel, usize>,
    /// Number of `rows` that have events.
    len: usize,
    /// The largest id that any channel ever had. An id is not reused: a page that is being read may still have
    /// events of a forgotten channel.
    last_id: usize,
}

impl Channels {
    /// Reads them from the file.
    pub(super) fn load(conn: &Connection) -> rusqlite::Result<Channels> {
        let last_id = conn.query_row("SELECT last_channel FROM log", (), |row| row.get::<_, i64>(0))?;
        let mut channels = Channels { last_id: last_id as usize, ..Channels::default() };
        let mut statement =
            conn.prepare("SELECT id, name, events, last_seq, last_timestamp FROM channels ORDER BY id")?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let channel: Channel = row.get_ref(1)?.as_str()?.parse().map_err(|_| {
                rusqlite::Error::InvalidColumnType(1, "name".to_owned(), rusqlite::types::Type::Text)
            })?;
            let id = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX);
            if id > channels.last_id {
                return Err(rusqlite::Error::IntegralValueOutOfRange(0, row.get(0)?));
            }
            let loaded = ChannelRow {
                channel,
                events: row.get::<_, i64>(2)? as u64,
                last_seq: row.get::<_, i64>(3)? as u64,
                last_timestamp: Timestamp::from_micros(row.get(4)?),
            };
            channels.put(id, Some(loaded));
        }
        Ok(channels)
    }

    /// Returns the number of channels without events that are not forgotten yet: purged ones, and those of which only
    /// deliveries have an event.
    pub(super) fn purged_len(&self) -> usize {
        self.rows.len() - self.len
    }

    /// Fails if there would be too many with this many more.
    pub(super) fn check_new(&self, new: usize) -> Result<(), Error> {
        if new > 0 && self.len + new > CHANNELS_MAX {
            return Err(Error::TooManyChannels { max: CHANNELS_MAX });
        }
        match new > 0 && self.purged_len() > PURGED_CHANNELS_MAX {
            true => Err(Error::TooManyPurgedChannels { max: PURGED_CHANNELS_MAX }),
            false => Ok(()),
        }
    }

    /// Returns the largest id that any channel ever had.
    pub(super) fn last_id(&self) -> usize {
        self.last_id
    }

    pub(super) fn id(&self, channel: &Channel) -> Option<usize> {
        self.ids.get(channel).copied()
    }

    /// Returns whether a channel has events.
    pub(super) fn has(&self, channel: &Channel) -> bool {
        self.id(channel).and_then(|id| self.row(id)).is_some_and(|row| row.events > 0)
    }

    pub(super) fn row(&self, id: usize) -> Option<&ChannelRow> {
        self.rows.get(&id)
    }

    /// Returns all channels that have events, ordered by name.
    pub(super) fn sorted(&self) -> Vec<ChannelRow> {
        let mut rows: Vec<_> = self.rows.values().filter(|row| row.events > 0).cloned().collect();
        rows.sort_unstable_by(|a, b| a.channel.cmp(&b.channel));
        rows
    }

    /// Returns the first ids after `after`, at most `max`, of purged channels with no rows in the log from `first` on.
    pub(super) fn purged_before(&self, first: u64, after: usize, max: usize) -> Vec<usize> {
        let is_over = |row: &ChannelRow| row.events == 0 && row.last_seq < first;
        let later = self.rows.range(after + 1..);
        later.filter(|(_, row)| is_over(row)).map(|(id, _)| *id).take(max).collect()
    }

    /// Returns the ids of the channels that `filter` matches and that had an event after `after`, in order; `None` if it
    /// matches every channel.
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
        let is_live = |row: &ChannelRow| row.last_seq > after;
        Some(match exact {
            Some(names) => {
                let ids = names.iter().filter_map(|name| self.id(name));
                let mut ids: Vec<_> = ids.filter(|id| self.row(*id).is_some_and(is_live)).collect();
                ids.sort_unstable();
                ids
            }
            None => {
                // Of many channels, few have had an event since: a pattern is compared with those alone.
                let live = self.rows.iter().filter(|(_, row)| is_live(row));
                live.filter(|(_, row)| filter.matches_channel(&row.channel)).map(|(id, _)| *id).collect()
            }
        })
    }

    /// Adds a channel without events; returns its id.
    pub(super) fn add(&mut self, channel: Channel) -> usize {
        self.last_id += 1;
        let last_timestamp = Timestamp::from_micros(0);
        self.put(self.last_id, Some(ChannelRow { channel, events: 0, last_seq: 0, last_timestamp }));
        self.last_id
    }

    /// Counts an event of a channel. Returns the seq of the previous event, if there is one.
    pub(super) fn count(&mut self, id: usize, seq: u64, at: Timestamp) -> Option<u64> {
        let row = self.rows.get_mut(&id)?;
        let before = (row.last_seq > 0).then_some(row.last_seq);
        self.len += usize::from(row.events == 0);
        row.events += 1;
        row.last_seq = seq;
        row.last_timestamp = at;
        before
    }

    /// Subtracts events that a channel has lost.
    pub(super) fn uncount(&mut self, id: usize, events: u64) {
        if let Some(row) = self.rows.get_mut(&id)
            && row.events > 0
        {
            row.events = row.events.saturating_sub(events);
            self.len -= usize::from(row.events == 0);
        }
    }

    /// Removes a channel.
    pub(super) fn forget(&mut self, id: usize) {
        self.put(id, None);
    }

    /// Copies the rows `ids` from `newer`.
    pub(super) fn update(&mut self, newer: &Channels, ids: &[usize]) {
        for id in ids {
            self.put(*id, newer.row(*id).cloned());
        }
        self.last_id = newer.last_id;
    }

    /// Restores the rows `ids` from `older`.
    pub(super) fn revert(&mut self, older: &Channels, ids: &[usize]) {
        self.update(older, ids);
    }

    fn put(&mut self, id: usize, row: Option<ChannelRow>) {
        let before = match &row {
            Some(row) => self.rows.insert(id, row.clone()),
            None => self.rows.remove(&id),
        };
        if let Some(before) = before {
            self.len -= usize::from(before.events > 0);
            // Another row can have got its name since.
            if self.ids.get(&before.channel) == Some(&id) {
                self.ids.remove(&before.channel);
            }
        }
        if let Some(row) = row {
            self.len += usize::from(row.events > 0);
            self.ids.insert(row.channel, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_came_back_in_a_transaction_that_was_undone_is_that_of_its_first_row() {
        let name: Channel = "a".parse().expect("a channel");
        let mut committed = Channels::default();
        let first = committed.add(name.clone());
        committed.count(first, 1, Timestamp::from_micros(1));
        let mut ahead = committed.clone();
        ahead.forget(first);
        let second = ahead.add(name.clone());
        ahead.count(second, 2, Timestamp::from_micros(2));
        ahead.revert(&committed, &[first, second]);
        assert_eq!((ahead.id(&name), ahead.sorted().len()), (Some(first), 1));
        assert_eq!(ahead.row(second), None);
    }
}
