//! Idempotency keys as engines keep them: those of two principals never meet.

use std::borrow::Cow;

use fanfare_core::{NewEvent, Principal};

/// Stands between a principal's name and its key; neither has control characters.
const SEPARATOR: char = '\u{1f}';

/// Returns what an engine keeps for the idempotency key of `event`, if it has one: the key of [`Principal::LOCAL`] as it is,
/// as stores have it that knew no other principal; another's after the name of whom it belongs to.
pub fn kept_key(event: &NewEvent) -> Option<Cow<'_, str>> {
    let (key, principal) = (event.idempotency_key.as_ref()?.as_str(), &*event.source.principal);
    Some(match principal {
        Principal::LOCAL => Cow::Borrowed(key),
        other => Cow::Owned(format!("{other}{SEPARATOR}{key}")),
    })
}
