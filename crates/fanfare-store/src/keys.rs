//! Idempotency keys as engines store them, and what must be the same when a key is repeated.

use std::borrow::Cow;
use std::collections::HashMap;

use fanfare_core::{Door, NewEvent, Principal};
use ring::digest::{Context, SHA256};
use serde_json::Value;

use crate::{Append, Error};

/// The separator of a principal's name and its key; neither has control characters.
const SEPARATOR: char = '\u{1f}';

/// The separator of the key of a batch and the index of an event in it.
const INDEX_SEPARATOR: char = '\u{1e}';

/// Returns the stored form of the idempotency key of `event`, if it has one: the key of [`Principal::LOCAL`] unchanged,
/// as in stores that knew no other principal; a key of another principal after its name. The keys of two principals
/// never collide, nor do those of two events of a batch.
pub fn kept_key(event: &NewEvent) -> Option<Cow<'_, str>> {
    let (key, principal) = (event.idempotency_key.as_ref()?, &*event.source.principal);
    let owned = match principal {
        Principal::LOCAL => Cow::Borrowed(key.as_str()),
        other => Cow::Owned(format!("{other}{SEPARATOR}{}", key.as_str())),
    };
    Some(match key.place() {
        None => owned,
        Some(place) => Cow::Owned(format!("{owned}{INDEX_SEPARATOR}{}", place.index)),
    })
}

/// A digest of what was pushed, which a push with the same idempotency key must share.
pub type Digest = [u8; 16];

/// Returns the digest of what the pusher gave: everything but the door, the time and who it says that it is. `None` for
/// an event without a key, and for one of `/ingest`, whose sender alone decides what is the same delivery.
pub fn digest(event: &NewEvent) -> Option<Digest> {
    let key = event.idempotency_key.as_ref().filter(|_| event.source.door != Door::Ingest)?;
    let mut context = Context::new(&SHA256);
    let mut add = |part: Option<&[u8]>| match part {
        None => context.update(&[0]),
        Some(bytes) => {
            context.update(&[1]);
            context.update(&(bytes.len() as u64).to_le_bytes());
            context.update(bytes);
        }
    };
    add(Some(event.channel.as_str().as_bytes()));
    add(Some(event.event_type.as_str().as_bytes()));
    add(Some(event.message.as_bytes()));
    let data = event.data.as_ref().map(|data| canonical(data.as_str()));
    add(data.as_deref().map(str::as_bytes));
    add(Some(event.priority.as_str().as_bytes()));
    add(event.key.as_ref().map(|key| key.as_str().as_bytes()));
    add(Some(event.audience.as_str().as_bytes()));
    let lasts = event.expires_in.map(|lasts| lasts.as_nanos().to_le_bytes());
    add(lasts.as_ref().map(<[u8; 16]>::as_slice));
    let of = key.place().map(|place| place.of.to_le_bytes());
    add(of.as_ref().map(<[u8; 8]>::as_slice));
    let mut digest = Digest::default();
    digest.copy_from_slice(&context.finish().as_ref()[..16]);
    Some(digest)
}

/// Returns JSON whose members are in order, without white space: two texts that mean the same become the same.
fn canonical(json: &str) -> String {
    match serde_json::from_str::<Value>(json) {
        Ok(mut value) => {
            value.sort_all_objects();
            value.to_string()
        }
        // Nested deeper than the parser goes: the same only if it is the same text.
        Err(_) => json.to_owned(),
    }
}

/// Finds the first event of `append` that has the idempotency key of another: of one that `known` knows, which returns
/// the digest of a key that counts, or of one before it.
pub fn conflict<E>(
    append: &Append,
    mut known: impl FnMut(&str) -> Result<Option<Option<Digest>>, E>,
) -> Result<Option<Error>, E> {
    let mut here: HashMap<Cow<'_, str>, Option<Digest>> = HashMap::new();
    for (index, (event, pushed)) in append.events.iter().zip(&append.digests).enumerate() {
        let Some(key) = kept_key(event) else { continue };
        let before = match here.get(&key) {
            Some(before) => Some(*before),
            None => known(&key)?,
        };
        if before.is_some_and(|before| !is_same(before, *pushed)) {
            return Ok(Some(Error::IdempotencyConflict { index }));
        }
        here.entry(key).or_insert(*pushed);
    }
    Ok(None)
}

/// Returns whether a push can be the repetition of the one whose digest is `known`. Keys of earlier versions have none.
fn is_same(known: Option<Digest>, pushed: Option<Digest>) -> bool {
    known.zip(pushed).is_none_or(|(known, pushed)| known == pushed)
}
