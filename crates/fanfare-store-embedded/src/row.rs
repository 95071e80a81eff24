//! Events as rows.

use std::sync::Arc;

use fanfare_core::{
    Audience, Channel, Door, Epoch, Event, EventType, Json, Key, Position, Priority, Source, Timestamp,
};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, Statement};

/// The columns that [`Decoder::event`] reads, in its order.
pub(super) const COLUMNS: &str =
    "seq, channel, priority, type, expires, timestamp, audience, door, principal, key, message, data";

/// Takes the parameters that [`insert`] binds.
pub(super) const INSERT: &str = "INSERT INTO events
    (seq, channel, priority, type, expires, timestamp, audience, door, principal, key, message, data, bytes_before)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

/// Takes the parameters that [`keep`] binds.
const KEEP: &str = "INSERT OR IGNORE INTO kept_events
    (seq, channel, priority, type, expires, timestamp, audience, door, principal, key, message, data)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

/// The principal of a gateway that asks nobody: the usual one.
const PRINCIPAL: &str = "local";

/// Appends the row of `event`, which is on the channel with this id, after so many bytes of others.
pub(super) fn insert(
    statement: &mut Statement<'_>,
    event: &Event,
    channel: i64,
    bytes_before: u64,
) -> rusqlite::Result<()> {
    bind(statement, event, channel)?;
    statement.raw_bind_parameter(13, bytes_before as i64)?;
    statement.raw_execute().map(|_| ())
}

/// Keeps the row of an event that the log does not have any more.
pub(super) fn keep(conn: &Connection, event: &Event, channel: i64) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(KEEP)?;
    bind(&mut statement, event, channel)?;
    statement.raw_execute().map(|_| ())
}

/// Binds the columns of [`COLUMNS`].
fn bind(statement: &mut Statement<'_>, event: &Event, channel: i64) -> rusqlite::Result<()> {
    let unless = |usual: bool, text| (!usual).then_some(text);
    let priority = unless(event.priority == Priority::Default, event.priority.as_str());
    let event_type = unless(event.event_type == EventType::Info, event.event_type.as_str());
    let audience = unless(event.audience == Audience::All, event.audience.as_str());
    let door = unless(event.source.door == Door::Http, event.source.door.as_str());
    let principal = unless(&*event.source.principal == PRINCIPAL, &*event.source.principal);
    statement.raw_bind_parameter(1, event.position.seq as i64)?;
    statement.raw_bind_parameter(2, channel)?;
    statement.raw_bind_parameter(3, priority)?;
    statement.raw_bind_parameter(4, event_type)?;
    statement.raw_bind_parameter(5, event.expires.map(Timestamp::as_micros))?;
    statement.raw_bind_parameter(6, event.timestamp.as_micros())?;
    statement.raw_bind_parameter(7, audience)?;
    statement.raw_bind_parameter(8, door)?;
    statement.raw_bind_parameter(9, principal)?;
    statement.raw_bind_parameter(10, event.key.as_ref().map(Key::as_str))?;
    statement.raw_bind_parameter(11, &*event.message)?;
    statement.raw_bind_parameter(12, event.data.as_ref().map(Json::as_str))
}

/// Gives the seq of the row.
pub(super) fn seq(row: &Row<'_>) -> rusqlite::Result<u64> {
    row.get::<_, i64>(0).map(|seq| seq as u64)
}

/// Gives the id of the row's channel.
pub(super) fn channel(row: &Row<'_>) -> rusqlite::Result<usize> {
    row.get::<_, i64>(1).map(|channel| channel as usize)
}

/// Gives when the row stops being delivered.
pub(super) fn expires(row: &Row<'_>) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(4)?.map(Timestamp::from_micros))
}

/// Gives the row's priority.
pub(super) fn priority(row: &Row<'_>) -> rusqlite::Result<Priority> {
    parsed(row, 2)
}

/// Gives the row's type.
pub(super) fn event_type(row: &Row<'_>) -> rusqlite::Result<EventType> {
    parsed(row, 3)
}

/// Makes events of rows.
#[derive(Debug)]
pub(super) struct Decoder {
    epoch: Epoch,
    /// The principal of the row before: most have the same.
    principal: Arc<str>,
}

impl Decoder {
    pub(super) fn new(epoch: Epoch) -> Decoder {
        Decoder { epoch, principal: Arc::from(PRINCIPAL) }
    }

    /// Makes the event of a row with [`COLUMNS`]. A value that we never write is an error.
    pub(super) fn event(&mut self, row: &Row<'_>, channel: Channel) -> rusqlite::Result<Event> {
        let door = text(row, 7)?.map_or(Some(Door::Http), Door::from_name).ok_or_else(|| strange(row, 7))?;
        let principal = text(row, 8)?.unwrap_or(PRINCIPAL);
        if *self.principal != *principal {
            self.principal = Arc::from(principal);
        }
        let data = match text(row, 11)? {
            Some(data) => Some(Json::from_stored(data.to_owned()).ok_or_else(|| strange(row, 11))?),
            None => None,
        };
        let key = text(row, 9)?.map(|key| key.parse().map_err(|_| strange(row, 9))).transpose()?;
        Ok(Event {
            position: Position { epoch: self.epoch, seq: seq(row)? },
            timestamp: Timestamp::from_micros(row.get(5)?),
            channel,
            event_type: event_type(row)?,
            message: text(row, 10)?.ok_or_else(|| strange(row, 10))?.into(),
            data,
            priority: priority(row)?,
            key,
            source: Source { principal: self.principal.clone(), door },
            audience: parsed(row, 6)?,
            expires: expires(row)?,
        })
    }
}

/// Gives the text of a column, when it is not NULL.
fn text<'row>(row: &'row Row<'_>, index: usize) -> rusqlite::Result<Option<&'row str>> {
    row.get_ref(index)?.as_str_or_null().map_err(|_| strange(row, index))
}

/// Reads a column that is NULL when it has the usual value.
fn parsed<T: Default + std::str::FromStr>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    match text(row, index)? {
        Some(text) => text.parse().map_err(|_| strange(row, index)),
        None => Ok(T::default()),
    }
}

/// Makes the error of a column that holds what we never write.
fn strange(row: &Row<'_>, index: usize) -> rusqlite::Error {
    let name = row.as_ref().column_name(index).unwrap_or_default().to_owned();
    rusqlite::Error::InvalidColumnType(index, name, Type::Text)
}
