//! The names of channels, in a transaction: how many there can be, and which are forgotten.

use std::collections::HashSet;

use fanfare_core::{Channel, NewEvent};

use crate::deliveries;
use crate::group::Group;
use fanfare_store::{ChannelRow, Error, NEW_CHANNELS_MAX};

impl Group<'_> {
    /// Fails if there would be too many channels with those of `events`.
    pub(super) fn check_channels(&self, events: &[NewEvent]) -> Result<(), Error> {
        let channels = &self.ahead.channels;
        // No more can be new than there are events.
        if events.len() <= NEW_CHANNELS_MAX && channels.check_new(events.len()).is_ok() {
            return Ok(());
        }
        let new: HashSet<_> =
            events.iter().map(|event| &event.channel).filter(|channel| !channels.has(channel)).collect();
        channels.check_new(new.len())?;
        match new.len() > NEW_CHANNELS_MAX {
            true => Err(Error::TooManyNewChannels { max: NEW_CHANNELS_MAX }),
            false => Ok(()),
        }
    }

    /// Writes each channel with new events once, regardless of their number.
    pub(super) fn write_channels(&mut self) -> rusqlite::Result<()> {
        let mut statement = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO channels (id, name, events, last_seq, last_timestamp) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let mut last_id = 0;
        for id in &self.effect.channels {
            last_id = last_id.max(*id);
            let Some(row) = self.ahead.channels.row(*id) else {
                self.conn.prepare_cached("DELETE FROM channels WHERE id = ?1")?.execute([*id as i64])?;
                continue;
            };
            statement.execute((
                *id as i64,
                row.channel.as_str(),
                row.events as i64,
                row.last_seq as i64,
                row.last_timestamp.as_micros(),
            ))?;
        }
        if last_id > self.shared.channels().last_id() {
            self.conn.prepare_cached("UPDATE log SET last_channel = ?1")?.execute([last_id as i64])?;
        }
        Ok(())
    }

    /// Forgets those of these channels that have no events, and returns them; also forgets purged channels.
    pub(super) fn forget_channels(&mut self, channels: Vec<Channel>) -> rusqlite::Result<Vec<Channel>> {
        let first = self.shared.head().first;
        let mut forgotten = Vec::new();
        for channel in channels {
            let Some(id) = self.ahead.channels.id(&channel) else { continue };
            let is_empty = |row: &ChannelRow| row.events > 0 && row.last_seq < first;
            if self.ahead.channels.row(id).is_some_and(is_empty) && self.forget_channel(id)? {
                forgotten.push(channel);
            }
        }
        for id in self.ahead.channels.purged_before(first) {
            self.forget_channel(id)?;
        }
        Ok(forgotten)
    }

    /// Forgets a channel without events, unless a delivery needs one of its former events. Returns whether it
    /// did.
    fn forget_channel(&mut self, id: usize) -> rusqlite::Result<bool> {
        if !deliveries::kept_on(self.conn, id, 1)?.is_empty() {
            return Ok(false);
        }
        self.conn.prepare_cached("DELETE FROM channel_blocks WHERE channel = ?1")?.execute([id as i64])?;
        self.ahead.channels.forget(id);
        self.effect.channels.push(id);
        Ok(true)
    }
}
