//! Ids of attempts: the same for an attempt in memory, in the store, or in both.

use std::fmt;
use std::str::FromStr;

use fanfare_core::WebhookId;
use fanfare_core::{Code, Invalid, Timestamp};
use serde::{Serialize, Serializer};

use crate::attempt::Attempt;
use fanfare_store::webhooks::AttemptRow;

/// The id of an attempt: webhook, seq, number and moment, joined by `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttemptId {
    /// The webhook that was called.
    pub webhook: WebhookId,
    /// The seq of the event; for a batch, of its first event.
    pub seq: u64,
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The start of the attempt.
    pub at: Timestamp,
}

impl From<&Attempt> for AttemptId {
    fn from(attempt: &Attempt) -> AttemptId {
        AttemptId {
            webhook: attempt.webhook.clone(),
            seq: attempt.sent.position.seq,
            number: attempt.sent.number,
            at: attempt.at,
        }
    }
}

impl From<&AttemptRow> for AttemptId {
    fn from(row: &AttemptRow) -> AttemptId {
        AttemptId { webhook: row.webhook.clone(), seq: row.position.seq, number: row.number, at: row.at }
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.webhook, self.seq, self.number, self.at.as_micros())
    }
}

impl FromStr for AttemptId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<AttemptId, Invalid> {
        read(text).ok_or_else(|| {
            Invalid::new(
                Code::InvalidWebhook,
                "this is not an attempt id",
                "use an id that `GET /api/webhooks/{id}/attempts` lists",
            )
        })
    }
}

impl Serialize for AttemptId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn read(text: &str) -> Option<AttemptId> {
    let mut parts = text.splitn(4, '-');
    Some(AttemptId {
        webhook: parts.next()?.parse().ok()?,
        seq: parts.next()?.parse().ok()?,
        number: parts.next()?.parse().ok()?,
        at: Timestamp::from_micros(parts.next()?.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use fanfare_core::Timestamp;
    use fanfare_core::WebhookId;
    use proptest::prelude::*;

    use super::AttemptId;

    proptest! {
        #[test]
        fn an_id_is_read_as_it_was_written(random: [u8; 10], seq: u64, number: u32, micros: i64) {
            let webhook = WebhookId::from_random(random);
            let id = AttemptId { webhook, seq, number, at: Timestamp::from_micros(micros) };
            prop_assert_eq!(id.to_string().parse::<AttemptId>().expect("well formed"), id);
        }

        #[test]
        fn what_is_no_id_is_refused_without_a_panic(text in "[wh_a-z0-9-]{0,60}") {
            prop_assert!(text.parse::<AttemptId>().is_err());
        }
    }
}
