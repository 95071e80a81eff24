//! Reading events from their rows.

use std::sync::Arc;

use fanfare_core::{
    Agent, Arrival, Channel, Door, Epoch, Event, EventType, Json, Original, Position, Principal, Priority,
    Source, Stamp, Timestamp,
};
use rusqlite::Row;
use rusqlite::types::{Type, ValueRef};

use crate::checksum;
use crate::columns::{CHECKSUM, ORIGINAL_OF, PURGED, SEQ};
use crate::originals::TOO_LONG;

/// Returns the seq of the row.
pub(super) fn seq(row: &Row<'_>) -> rusqlite::Result<u64> {
    row.get::<_, i64>(SEQ).map(|seq| seq as u64)
}

/// Returns the id of the row's channel.
pub(super) fn channel(row: &Row<'_>) -> rusqlite::Result<usize> {
    row.get::<_, i64>(1).map(|channel| channel as usize)
}

/// Returns the time of day at which the row stops being delivered.
fn expires(row: &Row<'_>) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(4)?.map(Timestamp::from_micros))
}

/// Returns the times of the row.
fn stamp(row: &Row<'_>) -> rusqlite::Result<Stamp> {
    let timestamp = Timestamp::from_micros(row.get(5)?);
    let arrival = row.get::<_, Option<i64>>(13)?;
    Ok(Stamp { timestamp, arrival: arrival.map_or_else(|| timestamp.into(), Arrival::from_micros) })
}

/// Returns whether the row was purged.
pub(super) fn is_purged(row: &Row<'_>) -> rusqlite::Result<bool> {
    Ok(row.get_ref(PURGED)? == ValueRef::Integer(1))
}

/// Returns whether the row's event has expired at `now`; see [`Event::is_expired`].
pub(super) fn is_expired(row: &Row<'_>, now: Arrival) -> rusqlite::Result<bool> {
    let Some(expires) = expires(row)? else { return Ok(false) };
    let Stamp { timestamp, arrival } = stamp(row)?;
    let lasts = expires.as_micros().saturating_sub(timestamp.as_micros());
    Ok(arrival.as_micros().saturating_add(lasts) <= now.as_micros())
}

/// Returns the row's priority.
pub(super) fn priority(row: &Row<'_>) -> rusqlite::Result<Priority> {
    parsed(row, 2)
}

/// Returns the row's type.
pub(super) fn event_type(row: &Row<'_>) -> rusqlite::Result<EventType> {
    parsed(row, 3)
}

/// Decodes rows into events.
#[derive(Debug)]
pub(super) struct Decoder {
    epoch: Epoch,
    /// The first event with a checksum, in the log of this epoch.
    checked_from: Position,
    /// The principal of the row before: most have the same.
    principal: Arc<str>,
    /// The claimed agent of the previous row.
    agent: Option<Agent>,
}

impl Decoder {
    /// Creates a decoder of rows of one epoch; those from `checked_from` on have a checksum.
    pub(super) fn new(checked_from: Position) -> Decoder {
        Decoder {
            epoch: checked_from.epoch,
            checked_from,
            principal: Arc::from(Principal::LOCAL),
            agent: None,
        }
    }

    /// Sets the epoch of the rows that follow.
    pub(super) fn of(&mut self, epoch: Epoch) -> &mut Decoder {
        self.epoch = epoch;
        self
    }

    /// Decodes a row with [`COLUMNS`] into an event. A value that we never write is an error.
    pub(super) fn event(&mut self, row: &Row<'_>, channel: Channel) -> rusqlite::Result<Event> {
        let position = Position { epoch: self.epoch, seq: seq(row)? };
        let must_have = position.epoch == self.checked_from.epoch && position.seq >= self.checked_from.seq;
        if !checksum::holds(row, must_have)? {
            return Err(strange(row, CHECKSUM));
        }
        let (door, agent) = match text(row, 7)? {
            // Until schema 4, what the command line said of itself stood in the place of the door.
            Some("cli") => (Door::Http, Some("fanfare-cli")),
            name => {
                let door = name.map_or(Some(Door::Http), Door::from_name).ok_or_else(|| strange(row, 7))?;
                (door, text(row, 12)?)
            }
        };
        if self.agent.as_ref().map(Agent::as_str) != agent {
            self.agent = agent.and_then(Agent::claimed);
        }
        let principal = text(row, 8)?.unwrap_or(Principal::LOCAL);
        if *self.principal != *principal {
            self.principal = Arc::from(principal);
        }
        let data = match text(row, 11)? {
            Some(data) => Some(Json::from_stored(data.to_owned()).ok_or_else(|| strange(row, 11))?),
            None => None,
        };
        let key = text(row, 9)?.map(|key| key.parse().map_err(|_| strange(row, 9))).transpose()?;
        let Stamp { timestamp, arrival } = stamp(row)?;
        Ok(Event {
            position,
            timestamp,
            arrival,
            channel,
            event_type: event_type(row)?,
            message: text(row, 10)?.ok_or_else(|| strange(row, 10))?.into(),
            data,
            priority: priority(row)?,
            key,
            source: Source { principal: self.principal.clone(), door, agent: self.agent.clone() },
            audience: parsed(row, 6)?,
            expires: expires(row)?,
            original: original(row)?,
        })
    }
}

/// Returns what the row's event knows of the request that brought it.
fn original(row: &Row<'_>) -> rusqlite::Result<Option<Original>> {
    match row.get_ref(ORIGINAL_OF)? {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(TOO_LONG) => Ok(Some(Original::TooLong)),
        ValueRef::Integer(seq) if seq > 0 => Ok(Some(Original::With(seq as u64))),
        _ => Err(strange(row, ORIGINAL_OF)),
    }
}

/// Returns the text of a column, when it is not NULL.
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

/// Returns the error for a column with a value that we never write.
fn strange(row: &Row<'_>, index: usize) -> rusqlite::Error {
    let name = row.as_ref().column_name(index).unwrap_or_default().to_owned();
    rusqlite::Error::InvalidColumnType(index, name, Type::Text)
}
