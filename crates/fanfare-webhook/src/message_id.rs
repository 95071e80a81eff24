//! The value of `webhook-id`: the same for every attempt, so that a receiver can recognize a repetition.

use std::fmt::{self, Write};
use std::str::FromStr;

use serde::{Serialize, Serializer};

use fanfare_core::code::Code;
use fanfare_core::invalid::{Invalid, shown};
use fanfare_core::position::Position;

/// Maximum length of an id, in bytes: room for two positions and more.
pub const MESSAGE_ID_LEN_MAX: usize = 128;

/// The id of a delivered message: 1–128 `[A-Za-z0-9_-]`. A `.` is not allowed, because it separates the parts of the
/// signed text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(Box<str>);

impl MessageId {
    /// Creates the id of a batch from its first position and the seq of its last, `k3f9x2ab-1042_1050`.
    pub fn of_batch(first: Position, last: Position) -> MessageId {
        MessageId(format!("{first}_{}", last.seq).into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Position> for MessageId {
    fn from(position: Position) -> MessageId {
        // An id is created for every attempt: with its final length allocated at once, nothing is moved.
        let digits = position.seq.checked_ilog10().map_or(1, |log| log as usize + 1);
        let mut text = String::with_capacity(position.epoch.as_str().len() + 1 + digits);
        text.push_str(position.epoch.as_str());
        // Writing to a `String` cannot fail.
        let _ = write!(text, "-{}", position.seq);
        MessageId(text.into())
    }
}

impl FromStr for MessageId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<MessageId, Invalid> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !(1..=MESSAGE_ID_LEN_MAX).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                format!("`{}` is not a message id", shown(text)),
                "use 1–128 letters, digits, `_` or `-`",
            ));
        }
        Ok(MessageId(text.into()))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::MessageId;
    use fanfare_core::position::{Epoch, Position};

    #[test]
    fn an_id_with_a_dot_could_be_read_in_two_ways_and_is_refused() {
        for text in ["", "a.b", "a b", "ä", "a\n", "a,b", &"x".repeat(129)] {
            assert!(text.parse::<MessageId>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn positions_and_batches_have_well_formed_ids(bits: u64, seq in 0..i64::MAX as u64, count in 0..10_000u64) {
            let first = Position { epoch: Epoch::from_random(bits), seq };
            let last = Position { seq: seq.saturating_add(count), ..first };
            for id in [MessageId::from(first), MessageId::of_batch(first, last)] {
                prop_assert_eq!(id.as_str().parse::<MessageId>().expect("well formed"), id);
            }
        }
    }
}
