//! The names of channels, in a transaction: how many there can be, and which are forgotten.

use std::collections::HashSet;

use fanfare_core::{Channel, NewEvent};

use crate::epochs::Place;
use crate::group::{Group, Size};
use crate::{Embedded, deliveries};
use fanfare_store::retention::FORGET_LEN_MAX;
use fanfare_store::{ChannelRow, Error, NEW_CHANNELS_MAX};

impl Embedded {
    /// Forgets those of these channels that have no events, and returns them; also forgets purged channels.
    pub(super) async fn forget(&self, channels: Vec<Channel>) -> Result<Vec<Channel>, Error> {
        self.shared.check_usable()?;
        let mut forgotten = Vec::new();
        if !channels.is_empty() {
            let size = Size { rows: channels.len(), bytes: 0 };
            forgotten =
                self.writer.change(size, move |group| group.forget_channels(channels).map(Ok)).await?;
        }
        if self.shared.channels().purged_len() > 0 {
            let size = Size { rows: FORGET_LEN_MAX as usize, bytes: 0 };
            let mut after = Some(0);
            while let Some(last) = after {
                after = self.writer.change(size, move |group| group.forget_purged(last).map(Ok)).await?;
            }
        }
        Ok(forgotten)
    }
}

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

    /// Forgets those of these channels that have no events, and returns them.
    fn forget_channels(&mut self, channels: Vec<Channel>) -> rusqlite::Result<Vec<Channel>> {
        let first = self.shared.head().first;
        let mut forgotten = Vec::new();
        for channel in channels {
            let Some(id) = self.ahead.channels.id(&channel) else { continue };
            let is_empty = |row: &ChannelRow| row.events > 0 && row.last_seq < first;
            let is_empty = self.ahead.channels.row(id).is_some_and(is_empty) && !self.floor.has(id);
            if is_empty && self.forget_channel(id)? {
                forgotten.push(channel);
            }
        }
        Ok(forgotten)
    }

    /// Forgets a limited number of purged channels, from the one after `after` on. Returns the last of them, if there may
    /// be more.
    fn forget_purged(&mut self, after: usize) -> rusqlite::Result<Option<usize>> {
        let max = FORGET_LEN_MAX as usize;
        let ids = self.ahead.channels.purged_before(self.shared.head().first, after, max);
        for id in &ids {
            if !self.floor.has(*id) {
                self.forget_channel(*id)?;
            }
        }
        Ok(ids.last().copied().filter(|_| ids.len() == max))
    }

    /// Forgets a channel without events, unless a delivery needs one of its former events. Returns whether it
    /// did.
    fn forget_channel(&mut self, id: usize) -> rusqlite::Result<bool> {
        if !deliveries::kept_on(self.conn, id, Place::END, 1)?.is_empty() {
            return Ok(false);
        }
        self.conn.prepare_cached("DELETE FROM channel_blocks WHERE channel = ?1")?.execute([id as i64])?;
        self.ahead.channels.forget(id);
        self.effect.channels.push(id);
        Ok(true)
    }
}
