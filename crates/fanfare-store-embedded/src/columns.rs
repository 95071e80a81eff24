//! The columns of an event, in the order in which they are read, written and summed up.

/// The columns that [`Decoder::event`](crate::row::Decoder::event) reads, in its order.
pub(super) const COLUMNS: &str = "seq, channel, priority, type, expires, timestamp, audience, door, principal, key, message, data, agent, \
     arrival, checksum";

/// The index of the first of these columns.
pub(super) const SEQ: usize = 0;

/// The index of the last of these columns, the checksum over those before it.
pub(super) const CHECKSUM: usize = 14;

/// The index of the column `purged`, where it is read after these columns.
pub(super) const PURGED: usize = 15;
