//! The log: appending, which writes rows, looks up keys and counts channels; and reading.

use std::sync::Arc;

use async_trait::async_trait;
use fanfare_core::{
    Agent, Arrival, Audience, Channel, Door, Event, EventType, HttpMessage, Json, Key, NewEvent, Original,
    Position, Principal, Priority, Received, Timestamp,
};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Statement};
use tokio::sync::{broadcast, watch};

use crate::checksum;
use crate::columns::{CHECKSUM, ORIGINAL_OF};
use crate::group::{Group, Size};
use crate::originals::TOO_LONG;
use crate::places::BLOCK_LEN;
use crate::read::event_at;
use crate::state::Tail;
use crate::{Embedded, failure, originals, read};
use fanfare_store::keys::{Digest, conflict, kept_key};
use fanfare_store::origin::Origin;
use fanfare_store::settlement::Made;
use fanfare_store::{
    Append, AppendId, Appended, Batch, ChannelRow, Error, Head, IDEMPOTENCY_WINDOW, Log, Page, Purged, Read,
    Scope, Swept,
};

#[async_trait]
impl Log for Embedded {
    fn head(&self) -> watch::Receiver<Head> {
        self.shared.watch_head()
    }

    fn committed(&self) -> broadcast::Receiver<Batch> {
        self.shared.subscribe()
    }

    async fn append(&self, append: Append) -> Result<Vec<Appended>, Error> {
        let size = size(&append);
        self.writer.change(size, move |group| group.append(append)).await
    }

    async fn settle(&self, id: AppendId) -> Result<Option<Vec<Appended>>, Error> {
        // Behind the append in the queue of the writer, if it is there.
        self.writer.change(Size::ROW, move |group| group.settle(id)).await
    }

    async fn read(&self, read: Read) -> Result<Page, Error> {
        self.shared.head().clamp(read.start())?;
        self.with_reader(move |shared, conn| read::page(shared, conn, &read)).await
    }

    fn now(&self) -> Arrival {
        self.shared.clock.now()
    }

    fn at(&self, moment: Timestamp) -> Arrival {
        self.shared.clock.at(moment)
    }

    async fn original(&self, event: Position) -> Result<Option<HttpMessage>, Error> {
        let Some(seq) = self.shared.epochs.seq_here(event) else { return Ok(None) };
        self.with_reader(move |shared, conn| originals::find(shared, conn, seq)).await
    }

    async fn seq_before(&self, moment: Arrival) -> Result<u64, Error> {
        self.with_reader(move |shared, conn| read::seq_before(shared, conn, moment)).await
    }

    async fn channels(&self) -> Result<Vec<ChannelRow>, Error> {
        self.shared.check_usable()?;
        Ok(self.shared.channels().sorted())
    }

    async fn forget_channels(&self, channels: Vec<Channel>) -> Result<Vec<Channel>, Error> {
        self.forget(channels).await
    }

    fn names(&self, event: Position) -> Vec<Position> {
        self.shared.epochs.names(event)
    }

    async fn purge(&self, scope: &Scope) -> Result<Option<Purged>, Error> {
        self.purge_log(scope).await
    }

    async fn sweep(&self) -> Result<Swept, Error> {
        self.writer.sweep().await
    }
}

/// The statement whose parameters [`insert`] binds.
pub(super) const INSERT: &str = "INSERT INTO events
    (seq, channel, priority, type, expires, timestamp, audience, door, principal, key, message, data, agent, arrival,
     checksum, original_of, bytes_before, original)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

/// The statement whose parameters [`keep`] binds.
const KEEP: &str = "INSERT OR IGNORE INTO kept_events
    (seq, channel, priority, type, expires, timestamp, audience, door, principal, key, message, data, agent, arrival,
     checksum, original_of, epoch)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

/// Returns the share of a transaction that an append needs.
fn size(Append { events, received, .. }: &Append) -> Size {
    let long =
        |event: &NewEvent| event.message.len() + event.data.as_ref().map_or(0, |data| data.as_str().len());
    let original = received.as_ref().map_or(0, Received::kept_len);
    Size { rows: events.len(), bytes: original + events.iter().map(long).sum::<usize>() }
}

/// The use of an idempotency key.
#[derive(Debug, Clone, Copy)]
struct Used {
    /// The seq of its event.
    seq: u64,
    /// When the event arrived.
    at: Arrival,
    /// What was pushed; `None` if any push with the key is the same.
    digest: Option<Digest>,
}

impl Group<'_> {
    /// Appends all of it, or nothing.
    pub(super) fn append(&mut self, append: Append) -> rusqlite::Result<Result<Vec<Appended>, Error>> {
        let Append { id, ref events, .. } = append;
        if self.volatile.settlement.is_given_up(id) || self.effect.given_up.contains(&id) {
            return Ok(Err(Error::Settled { id }));
        }
        if let Err(refusal) = self.check_channels(events) {
            return Ok(Err(refusal));
        }
        let known = |key: &str| -> rusqlite::Result<_> {
            Ok(self.used(key)?.filter(|used| self.counts(used)).map(|used| used.digest))
        };
        if let Some(conflict) = conflict(&append, known)? {
            return Ok(Err(conflict));
        }
        let mut appended = Vec::with_capacity(events.len());
        let mut origin = Origin::new(append.received);
        for (event, digest) in append.events.into_iter().zip(append.digests) {
            appended.push(self.append_one(event, digest, &mut origin)?);
        }
        self.effect.made.push(Made::new(id, &appended));
        Ok(Ok(appended))
    }

    /// Returns the outcome of an append; if it did not happen, it never will.
    pub(super) fn settle(&mut self, id: AppendId) -> rusqlite::Result<Result<Option<Vec<Appended>>, Error>> {
        let here = self.effect.made.iter().find(|made| made.is(id));
        let Some(made) = here.or_else(|| self.volatile.settlement.find(id)) else {
            self.effect.given_up.push(id);
            return Ok(Ok(None));
        };
        let mut appended = Vec::with_capacity(made.events.len());
        for (seq, repeated) in made.events.clone() {
            match self.find(seq)? {
                Some(event) => appended.push(Appended { event, repeated }),
                None => return Ok(Err(Error::removed(id))),
            }
        }
        Ok(Ok(Some(appended)))
    }

    fn append_one(
        &mut self,
        event: NewEvent,
        digest: Option<Digest>,
        origin: &mut Origin,
    ) -> rusqlite::Result<Appended> {
        let seq = self.effect.tail.seq + 1;
        if let Some(key) = kept_key(&event) {
            let known = self.used(&key)?;
            if let Some(Used { seq, at, .. }) = known.filter(|used| self.counts(used)) {
                let event = match self.find(seq)? {
                    Some(first) => first,
                    None => Arc::new(event.into_event(self.position(seq), self.now.back_to(at))),
                };
                return Ok(Appended { event, repeated: true });
            }
            self.conn
                .prepare_cached(
                    "INSERT INTO idempotency_keys (seq, timestamp, key, digest) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (key) DO UPDATE SET seq = ?1, timestamp = ?2, digest = ?4",
                )?
                .execute((seq as i64, self.now.arrival.as_micros(), &*key, digest))?;
            self.effect.keys += usize::from(known.is_none());
        }
        let (original, message) = origin.place(seq);
        let event = event.into_event(self.position(seq), self.now);
        let event = Arc::new(Event { original, ..event });
        self.put(event.clone(), message.as_ref())?;
        Ok(Appended { event, repeated: false })
    }

    /// Writes an event, which has the next seq, with the request that is kept with it, and moves the end of the log to it.
    pub(super) fn put(&mut self, event: Arc<Event>, original: Option<&HttpMessage>) -> rusqlite::Result<()> {
        let seq = event.position.seq;
        let channel = self.ahead.channels.id(&event.channel);
        let channel = channel.unwrap_or_else(|| self.ahead.channels.add(event.channel.clone()));
        let shared_last = self.shared_last();
        let before = self.ahead.channels.count(channel, seq, event.timestamp);
        if before.is_none_or(|before| before <= shared_last) {
            self.effect.channels.push(channel);
        }
        if before.is_none_or(|before| before / BLOCK_LEN != seq / BLOCK_LEN) {
            self.conn
                .prepare_cached("INSERT OR IGNORE INTO channel_blocks (channel, block) VALUES (?1, ?2)")?
                .execute((channel as i64, (seq / BLOCK_LEN) as i64))?;
        }
        let before = self.effect.tail.bytes;
        insert(&mut self.insert, &event, channel as i64, before, original)?;
        let original_len = original.map_or(0, |message| message.as_bytes().len() as u64);
        let bytes = before + event.stored_len() + original_len;
        self.effect.tail = Tail { seq, stamp: self.now, bytes };
        self.effect.batch.push(event);
        Ok(())
    }

    /// Returns the last use of an idempotency key; it can be too old to count.
    fn used(&self, key: &str) -> rusqlite::Result<Option<Used>> {
        self.conn
            .prepare_cached("SELECT seq, timestamp, digest FROM idempotency_keys WHERE key = ?1")?
            .query_row([key], |row| {
                let (seq, at): (i64, i64) = (row.get(0)?, row.get(1)?);
                Ok(Used { seq: seq as u64, at: Arrival::from_micros(at), digest: row.get(2)? })
            })
            .optional()
    }

    /// Returns whether a key still counts.
    fn counts(&self, used: &Used) -> bool {
        self.now.arrival < used.at.after(IDEMPOTENCY_WINDOW)
    }

    /// Returns an event of the log, or of this transaction; nothing when retention removed it, or its row is damaged.
    fn find(&self, seq: u64) -> rusqlite::Result<Option<Arc<Event>>> {
        if let Some(index) = seq.checked_sub(self.shared_last() + 1) {
            return Ok(self.effect.batch.get(index as usize).cloned());
        }
        match event_at(self.conn, self.shared.checked_from, &self.ahead.channels, seq) {
            Ok(event) => Ok(event.map(Arc::new)),
            Err(error) if failure::is_damage(&error) => {
                self.shared.note_damage(self.position(seq));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Inserts the row of `event` on the channel with this id; `bytes_before` counts the bytes of the events before it.
fn insert(
    statement: &mut Statement<'_>,
    event: &Event,
    channel: i64,
    bytes_before: u64,
    original: Option<&HttpMessage>,
) -> rusqlite::Result<()> {
    bind(statement, event, channel)?;
    statement.raw_bind_parameter(ORIGINAL_OF + 2, bytes_before as i64)?;
    statement.raw_bind_parameter(ORIGINAL_OF + 3, original.map(originals::encode))?;
    statement.raw_execute().map(|_| ())
}

/// Keeps the row of an event, of the epoch with this number, that the log does not have.
pub(super) fn keep(conn: &Connection, epoch: i64, event: &Event, channel: i64) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(KEEP)?;
    bind(&mut statement, event, channel)?;
    statement.raw_bind_parameter(ORIGINAL_OF + 2, epoch)?;
    statement.raw_execute().map(|_| ())
}

/// Binds the columns of [`COLUMNS`](crate::columns::COLUMNS), with the checksum over the others.
fn bind(statement: &mut Statement<'_>, event: &Event, channel: i64) -> rusqlite::Result<()> {
    let values = values(event, channel);
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, ToSqlOutput::Borrowed(*value))?;
    }
    let original_of = original_of(event);
    statement.raw_bind_parameter(CHECKSUM + 1, checksum::of(values, original_of))?;
    statement.raw_bind_parameter(ORIGINAL_OF + 1, ToSqlOutput::Borrowed(original_of))
}

/// Returns the value of the column after the checksum.
fn original_of(event: &Event) -> ValueRef<'static> {
    match event.original {
        None => ValueRef::Null,
        Some(Original::TooLong) => ValueRef::Integer(TOO_LONG),
        Some(Original::With(seq)) => ValueRef::Integer(seq as i64),
    }
}

/// Returns the values of the columns before the checksum; those with their usual value are NULL.
fn values(event: &Event, channel: i64) -> [ValueRef<'_>; CHECKSUM] {
    fn text(text: Option<&str>) -> ValueRef<'_> {
        text.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
    }
    let number = |number: Option<i64>| number.map_or(ValueRef::Null, ValueRef::Integer);
    let unless = |usual: bool, word| text((!usual).then_some(word));
    let agrees = event.arrival == Arrival::from(event.timestamp);
    [
        ValueRef::Integer(event.position.seq as i64),
        ValueRef::Integer(channel),
        unless(event.priority == Priority::Default, event.priority.as_str()),
        unless(event.event_type == EventType::Info, event.event_type.as_str()),
        number(event.expires.map(Timestamp::as_micros)),
        ValueRef::Integer(event.timestamp.as_micros()),
        unless(event.audience == Audience::All, event.audience.as_str()),
        unless(event.source.door == Door::Http, event.source.door.as_str()),
        unless(&*event.source.principal == Principal::LOCAL, &*event.source.principal),
        text(event.key.as_ref().map(Key::as_str)),
        ValueRef::Text(event.message.as_bytes()),
        text(event.data.as_ref().map(Json::as_str)),
        text(event.source.agent.as_ref().map(Agent::as_str)),
        number((!agrees).then_some(event.arrival.as_micros())),
    ]
}
