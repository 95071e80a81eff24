//! The changes of one transaction.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use fanfare_core::{Event, Filter, NewEvent, Position, ReaderName, Timestamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use crate::channels::Channels;
use crate::read::{BLOCK_LEN, event_at};
use crate::readers;
use crate::request::{Change, Made};
use crate::row;
use crate::shared::Shared;
use crate::webhooks::Touched;
use fanfare_store::registry::Registry;
use fanfare_store::{Appended, CHANNELS_MAX, Error, IDEMPOTENCY_WINDOW, READERS_MAX, ReaderRow};

/// The end of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    pub(super) seq: u64,
    pub(super) timestamp: Timestamp,
    /// Of all events ever appended.
    pub(super) bytes: u64,
}

/// What a transaction changed; it counts only once that is committed.
#[derive(Debug)]
pub(super) struct Effect {
    pub(super) tail: Tail,
    /// The events that were appended, in order.
    pub(super) batch: Vec<Arc<Event>>,
    /// The ids of the channels that got an event.
    pub(super) channels: Vec<usize>,
    /// What became of durable readers; nothing when one was removed.
    pub(super) readers: BTreeMap<ReaderName, Option<ReaderRow>>,
    /// The webhooks of which something changed.
    pub(super) webhooks: BTreeMap<u64, Touched>,
    /// How many attempts were added.
    pub(super) attempts: u64,
    /// How many idempotency keys were added.
    pub(super) keys: usize,
}

impl Effect {
    pub(super) fn new(tail: Tail) -> Effect {
        Effect {
            tail,
            batch: Vec::new(),
            channels: Vec::new(),
            readers: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            attempts: 0,
            keys: 0,
        }
    }
}

/// A transaction under way.
pub(super) struct Group<'a> {
    pub(super) shared: &'a Shared,
    pub(super) conn: &'a Connection,
    /// The writer's own copy, which is ahead of the shared one until the commit.
    pub(super) channels: &'a mut Channels,
    /// As `channels`.
    pub(super) webhooks: &'a mut Registry,
    pub(super) effect: &'a mut Effect,
    /// When it is; never before the log's last event.
    pub(super) now: Timestamp,
}

impl Group<'_> {
    /// Makes the changes, and gives what to answer once they are committed. When the file fails, nobody was
    /// answered: the changes that were made, and those that were not, are in `made` and `changes`.
    pub(super) fn make(&mut self, changes: &mut Vec<Change>, made: &mut Vec<Made>) -> rusqlite::Result<()> {
        changes.reverse();
        let mut insert = self.conn.prepare_cached(row::INSERT)?;
        while let Some(change) = changes.pop() {
            made.push(match change {
                Change::Acknowledge { name, seq, answer } => {
                    Made::Acknowledged(answer, self.acknowledge(name, seq))
                }
                Change::Append { events, answer } => match self.append(&mut insert, events) {
                    Ok(appended) => Made::Appended(answer, appended),
                    Err(error) => {
                        changes.push(Change::Append { events: Vec::new(), answer });
                        return Err(error);
                    }
                },
                Change::OpenReader { name, filter, start, answer } => {
                    Made::OpenedReader(answer, self.open_reader(name, filter, start))
                }
                Change::PutWebhook { row, answer } => match self.put_webhook(&row) {
                    Ok(put) => Made::PutWebhook(answer, put),
                    Err(error) => {
                        changes.push(Change::PutWebhook { row, answer });
                        return Err(error);
                    }
                },
                Change::Record { changes: recorded, answer } => match self.record(recorded) {
                    Ok(()) => Made::Recorded(answer),
                    Err(error) => {
                        changes.push(Change::Record { changes: Vec::new(), answer });
                        return Err(error);
                    }
                },
                Change::RemoveReader { name, answer } => {
                    let known = self.reader(&name).is_some();
                    self.effect.readers.insert(name, None);
                    Made::RemovedReader(answer, known)
                }
                Change::RemoveWebhook { id, answer } => match self.remove_webhook(&id) {
                    Ok(known) => Made::RemovedWebhook(answer, known),
                    Err(error) => {
                        changes.push(Change::RemoveWebhook { id, answer });
                        return Err(error);
                    }
                },
            });
        }
        self.write_channels()?;
        self.write_webhooks()?;
        for (name, row) in &self.effect.readers {
            readers::write(self.conn, name, row.as_ref())?;
        }
        Ok(())
    }

    fn append(
        &mut self,
        insert: &mut CachedStatement<'_>,
        events: Vec<NewEvent>,
    ) -> rusqlite::Result<Result<Vec<Appended>, Error>> {
        let room = CHANNELS_MAX - self.channels.len();
        if room < events.len() {
            let unknown: HashSet<_> = events
                .iter()
                .map(|event| &event.channel)
                .filter(|channel| self.channels.id(channel).is_none())
                .collect();
            if unknown.len() > room {
                return Ok(Err(Error::TooManyChannels { max: CHANNELS_MAX }));
            }
        }
        let mut appended = Vec::with_capacity(events.len());
        for event in events {
            appended.push(self.append_one(insert, event)?);
        }
        Ok(Ok(appended))
    }

    fn append_one(
        &mut self,
        insert: &mut CachedStatement<'_>,
        event: NewEvent,
    ) -> rusqlite::Result<Appended> {
        let seq = self.effect.tail.seq + 1;
        if let Some(key) = &event.idempotency_key {
            let known = self.known_key(key.as_str())?;
            if let Some((seq, timestamp)) = known
                && self.now < timestamp.after(IDEMPOTENCY_WINDOW)
            {
                let event = match self.find(seq)? {
                    Some(first) => first,
                    None => Arc::new(event.into_event(self.position(seq), timestamp)),
                };
                return Ok(Appended { event, repeated: true });
            }
            let sql = match known {
                Some(_) => "UPDATE idempotency_keys SET seq = ?1, timestamp = ?2 WHERE key = ?3",
                None => "INSERT INTO idempotency_keys (seq, timestamp, key) VALUES (?1, ?2, ?3)",
            };
            let values = (seq as i64, self.now.as_micros(), key.as_str());
            self.conn.prepare_cached(sql)?.execute(values)?;
            self.effect.keys += usize::from(known.is_none());
        }
        let event = Arc::new(event.into_event(self.position(seq), self.now));
        let channel = self.channels.id(&event.channel);
        let channel = channel.unwrap_or_else(|| self.channels.add(event.channel.clone()));
        let shared_last = self.shared_last();
        let row = self.channels.row_mut(channel);
        if row.last_seq <= shared_last {
            self.effect.channels.push(channel);
        }
        let is_new_block = row.events == 0 || row.last_seq / BLOCK_LEN != seq / BLOCK_LEN;
        row.events += 1;
        row.last_seq = seq;
        row.last_timestamp = self.now;
        if is_new_block {
            self.conn
                .prepare_cached("INSERT OR IGNORE INTO channel_blocks (channel, block) VALUES (?1, ?2)")?
                .execute((channel as i64, (seq / BLOCK_LEN) as i64))?;
        }
        row::insert(insert, &event, channel as i64, self.effect.tail.bytes)?;
        self.effect.tail =
            Tail { seq, timestamp: self.now, bytes: self.effect.tail.bytes + event.stored_len() };
        self.effect.batch.push(event.clone());
        Ok(Appended { event, repeated: false })
    }

    /// Gives the last seq before this transaction.
    fn shared_last(&self) -> u64 {
        self.effect.tail.seq - self.effect.batch.len() as u64
    }

    fn position(&self, seq: u64) -> Position {
        Position { epoch: self.shared.epoch, seq }
    }

    /// Gives where and when the last event with this key was appended; it may be too long ago to count.
    fn known_key(&self, key: &str) -> rusqlite::Result<Option<(u64, Timestamp)>> {
        self.conn
            .prepare_cached("SELECT seq, timestamp FROM idempotency_keys WHERE key = ?1")?
            .query_row([key], |row| Ok((row.get::<_, i64>(0)? as u64, Timestamp::from_micros(row.get(1)?))))
            .optional()
    }

    /// Gives an event of the log, or of this transaction; nothing when retention removed it.
    fn find(&self, seq: u64) -> rusqlite::Result<Option<Arc<Event>>> {
        if let Some(index) = seq.checked_sub(self.shared_last() + 1) {
            return Ok(self.effect.batch.get(index as usize).cloned());
        }
        Ok(event_at(self.conn, self.shared.epoch, self.channels, seq)?.map(Arc::new))
    }

    fn reader(&self, name: &ReaderName) -> Option<ReaderRow> {
        match self.effect.readers.get(name) {
            Some(changed) => changed.clone(),
            None => self.shared.readers().get(name).cloned(),
        }
    }

    fn acknowledge(&mut self, name: ReaderName, seq: u64) -> Option<ReaderRow> {
        let mut row = self.reader(&name)?;
        let seq = seq.min(self.effect.tail.seq);
        if seq > row.acknowledged {
            row.acknowledged = seq;
            row.updated = self.now;
            self.effect.readers.insert(name, Some(row.clone()));
        }
        Some(row)
    }

    fn open_reader(&mut self, name: ReaderName, filter: Filter, start: u64) -> Result<ReaderRow, Error> {
        let row = match self.reader(&name) {
            Some(known) => ReaderRow { filter, updated: self.now, ..known },
            None => {
                let known = self.shared.readers();
                let added = self
                    .effect
                    .readers
                    .iter()
                    .filter(|(name, row)| row.is_some() && !known.contains_key(name));
                // Those that this transaction removes still count: their places are free after it.
                if known.len() + added.count() >= READERS_MAX {
                    return Err(Error::TooManyReaders { max: READERS_MAX });
                }
                let acknowledged = start.min(self.effect.tail.seq);
                ReaderRow { name: name.clone(), acknowledged, filter, updated: self.now }
            }
        };
        self.effect.readers.insert(name, Some(row.clone()));
        Ok(row)
    }

    /// Writes each channel that got events once, however many those are.
    fn write_channels(&mut self) -> rusqlite::Result<()> {
        let mut statement = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO channels (id, name, events, last_seq, last_timestamp) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for id in &self.effect.channels {
            let row = self.channels.row_mut(*id);
            statement.execute((
                *id as i64,
                row.channel.as_str(),
                row.events as i64,
                row.last_seq as i64,
                row.last_timestamp.as_micros(),
            ))?;
        }
        Ok(())
    }
}
