//! The checksum of an event's row, by which a row is found damaged rather than misread.

use crc32fast::Hasher;
use rusqlite::Row;
use rusqlite::types::{Value, ValueRef};

use crate::columns::{CHECKSUM, ORIGINAL_OF, SEQ};

/// Returns the checksum of values in the order of [`COLUMNS`](crate::columns::COLUMNS), up to the checksum itself, with the
/// value after it.
pub(super) fn of<'a>(values: impl IntoIterator<Item = ValueRef<'a>>, original_of: ValueRef<'a>) -> u32 {
    let mut sum = Hasher::new();
    values.into_iter().for_each(|value| add(&mut sum, value));
    if original_of != ValueRef::Null {
        add(&mut sum, original_of);
    }
    sum.finalize()
}

/// Returns whether a row with these columns is as it was written. One without a checksum counts as such unless it
/// `must_have` one: it was written before there were any.
pub(super) fn holds(row: &Row<'_>, must_have: bool) -> rusqlite::Result<bool> {
    let Some(expected) = row.get::<_, Option<Value>>(CHECKSUM)? else { return Ok(!must_have) };
    let mut sum = Hasher::new();
    for index in SEQ..CHECKSUM {
        add(&mut sum, row.get_ref(index)?);
    }
    let original_of = row.get_ref(ORIGINAL_OF)?;
    if original_of != ValueRef::Null {
        add(&mut sum, original_of);
    }
    Ok(expected == Value::Integer(i64::from(sum.finalize())))
}

/// Adds a value with its kind, so that a text differs from a number with the same bytes, and its length, so that two
/// texts differ from their concatenation.
fn add(sum: &mut Hasher, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => sum.update(&[0]),
        ValueRef::Integer(number) => {
            sum.update(&[1]);
            sum.update(&number.to_le_bytes());
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            sum.update(&[2]);
            sum.update(&(bytes.len() as u64).to_le_bytes());
            sum.update(bytes);
        }
        ValueRef::Real(number) => {
            sum.update(&[3]);
            sum.update(&number.to_le_bytes());
        }
    }
}
