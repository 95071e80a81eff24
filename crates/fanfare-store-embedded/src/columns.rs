//! The columns of an event, in the order in which they are read, written and summed up.

/// The columns that [`Decoder::event`](crate::row::Decoder::event) reads, in its order.
pub(super) const COLUMNS: &str = "seq, channel, priority, type, expires, timestamp, audience, door, principal, key, message, data, agent, \
     arrival, checksum, original_of";

/// The index of the first of these columns.
pub(super) const SEQ: usize = 0;

/// The index of the checksum over the other columns.
pub(super) const CHECKSUM: usize = 14;

/// The index of the last of these columns: where the event's original is. Rows of earlier versions do not have it, so the
/// checksum has it only if it is not NULL.
pub(super) const ORIGINAL_OF: usize = 15;

/// The index of the column `purged`, where it is read after these columns.
pub(super) const PURGED: usize = 16;
