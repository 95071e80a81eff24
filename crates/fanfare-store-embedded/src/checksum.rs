//! The checksum of an event's row, by which a row is found damaged rather than misread.

use crc32fast::Hasher;
use rusqlite::Row;
use rusqlite::types::{Value, ValueRef};

use crate::columns::{CHECKSUM, SEQ};

/// Returns the checksum of values in the order of [`COLUMNS`](crate::columns::COLUMNS), up to the checksum itself.
pub(super) fn of<'a>(values: impl IntoIterator<Item = ValueRef<'a>>) -> u32 {
    let mut hasher = Hasher::new();
    for value in values {
        // The kind, so that a text differs from a number with the same bytes; the length, so that two texts differ from
        // their concatenation.
        match value {
            ValueRef::Null => hasher.update(&[0]),
            ValueRef::Integer(number) => {
                hasher.update(&[1]);
                hasher.update(&number.to_le_bytes());
            }
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                hasher.update(&[2]);
                hasher.update(&(bytes.len() as u64).to_le_bytes());
                hasher.update(bytes);
            }
            ValueRef::Real(number) => {
                hasher.update(&[3]);
                hasher.update(&number.to_le_bytes());
            }
        }
    }
    hasher.finalize()
}

/// Returns whether a row with these columns is as it was written. One without a checksum counts as such unless it
/// `must_have` one: it was written before there were any.
pub(super) fn holds(row: &Row<'_>, must_have: bool) -> rusqlite::Result<bool> {
    let Some(expected) = row.get::<_, Option<Value>>(CHECKSUM)? else { return Ok(!must_have) };
    let values: Vec<ValueRef<'_>> =
        (SEQ..CHECKSUM).map(|index| row.get_ref(index)).collect::<Result<_, _>>()?;
    Ok(expected == Value::Integer(i64::from(of(values))))
}
