//! The requests that brought events: each in the row of the first event that it brought, with a checksum of its own, so
//! that events are read without it.

use std::collections::BTreeSet;

use fanfare_core::HttpMessage;
use rusqlite::{Connection, OptionalExtension};

use crate::failure;
use crate::state::Shared;

/// What stands in the place of a seq if the request was too long to be kept.
pub(super) const TOO_LONG: i64 = 0;

/// Bytes of the checksum before the request.
const CHECKSUM_LEN: usize = 4;

/// The content of the column.
#[derive(Debug)]
pub(super) enum Content {
    /// The request.
    Message(HttpMessage),
    /// Zeros: the request was purged, with this event or another that it brought.
    Erased,
    /// Something else than was written.
    Damage,
}

/// Returns the bytes to store.
pub(super) fn encode(message: &HttpMessage) -> Vec<u8> {
    let bytes = message.as_bytes();
    let mut stored = Vec::with_capacity(CHECKSUM_LEN + bytes.len());
    stored.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    stored.extend_from_slice(bytes);
    stored
}

fn decode(stored: &[u8]) -> Content {
    let Some((sum, bytes)) = stored.split_first_chunk::<CHECKSUM_LEN>() else { return Content::Damage };
    if stored.iter().all(|byte| *byte == 0) {
        return Content::Erased;
    }
    let is_whole = crc32fast::hash(bytes).to_le_bytes() == *sum;
    let message = is_whole.then(|| HttpMessage::from_bytes(bytes)).flatten();
    message.map_or(Content::Damage, Content::Message)
}

/// Reads the request that is kept with the event at `seq`; `None` if there is none.
pub(super) fn read(conn: &Connection, seq: u64) -> rusqlite::Result<Option<Content>> {
    let stored = conn
        .prepare_cached("SELECT original FROM events WHERE seq = ?1 AND purged IS NOT 1")?
        .query_row([seq as i64], |row| Ok(row.get_ref(0)?.as_blob_or_null()?.map(decode)))
        .optional();
    match stored {
        Err(error) if failure::is_damage(&error) => Ok(Some(Content::Damage)),
        stored => Ok(stored?.flatten()),
    }
}

/// Returns the request that brought the event at `seq`; see [`Log::original`](fanfare_store::Log::original).
pub(super) fn find(shared: &Shared, conn: &Connection, seq: u64) -> rusqlite::Result<Option<HttpMessage>> {
    let named = conn
        .prepare_cached("SELECT original_of FROM events WHERE seq = ?1 AND purged IS NOT 1")?
        .query_row([seq as i64], |row| row.get::<_, Option<i64>>(0))
        .optional()?;
    let Some(first) = named.flatten().filter(|first| *first != TOO_LONG) else { return Ok(None) };
    let first = first as u64;
    match read(conn, first)? {
        Some(Content::Message(message)) => Ok(Some(message)),
        Some(Content::Damage) => {
            shared.note_damage(fanfare_core::Position { seq: first, ..shared.head().position() });
            Ok(None)
        }
        Some(Content::Erased) | None => Ok(None),
    }
}

/// Returns the bytes that the request with the event at `seq` counts for retention.
pub(super) fn counted_len(conn: &Connection, seq: u64) -> rusqlite::Result<u64> {
    let len: Option<i64> = conn
        .prepare_cached("SELECT octet_length(original) FROM events WHERE seq = ?1")?
        .query_row([seq as i64], |row| row.get(0))
        .optional()?
        .flatten();
    Ok(len.map_or(0, |len| len.unsigned_abs().saturating_sub(CHECKSUM_LEN as u64)))
}

/// Overwrites the requests that are kept with these events. They stay as long as they are, like all that a purge blanks.
pub(super) fn blank(conn: &Connection, seqs: &BTreeSet<i64>) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(
        "UPDATE events SET original = zeroblob(octet_length(original)) WHERE seq = ?1 AND original IS NOT NULL",
    )?;
    for seq in seqs {
        statement.execute([seq])?;
    }
    Ok(())
}
