//! Idempotency keys as engines store them: those of two principals never collide.

use std::borrow::Cow;

use fanfare_core::{NewEvent, Principal};

/// The separator of a principal's name and its key; neither has control characters.
const SEPARATOR: char = '\u{1f}';

/// Returns the stored form of the idempotency key of `event`, if it has one: the key of [`Principal::LOCAL`] unchanged,
/// as in stores that knew no other principal; a key of another principal after its name.
pub fn kept_key(event: &NewEvent) -> Option<Cow<'_, str>> {
    let (key, principal) = (event.idempotency_key.as_ref()?.as_str(), &*event.source.principal);
    Some(match principal {
        Principal::LOCAL => Cow::Borrowed(key),
        other => Cow::Owned(format!("{other}{SEPARATOR}{key}")),
    })
}
