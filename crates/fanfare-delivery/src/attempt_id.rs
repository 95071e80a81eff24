//! Ids of attempts: the same for an attempt in memory, in the store, or in both.

use std::fmt;
use std::str::FromStr;

use fanfare_core::WebhookId;
use fanfare_core::{Code, Invalid, Timestamp};
use serde::{Serialize, Serializer};

use crate::attempt::Attempt;
use fanfare_store::webhooks::AttemptRow;

/// The prefix of every id.
const PREFIX: &str = "at_";
/// The prefix of the id of a webhook, and the number of characters that follow it.
const WEBHOOK_PREFIX: &str = "wh_";
const WEBHOOK_LEN: usize = 16;
/// The alphabet of ids of webhooks: no character has to be escaped anywhere.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The id of an attempt. To callers it is opaque; it holds what finds the attempt again in memory and in the store,
/// which have no number in common.
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
        let webhook = self.webhook.as_str().trim_start_matches(WEBHOOK_PREFIX);
        let mut rest = Vec::with_capacity(24);
        for number in [self.seq, u64::from(self.number), self.at.as_micros().cast_unsigned()] {
            write_number(&mut rest, number);
        }
        write!(f, "{PREFIX}{webhook}{}", letters(&rest))
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
    let (webhook, rest) = text.strip_prefix(PREFIX)?.split_at_checked(WEBHOOK_LEN)?;
    let rest = bytes(rest)?;
    let mut rest = rest.as_slice();
    let seq = read_number(&mut rest)?;
    let number = u32::try_from(read_number(&mut rest)?).ok()?;
    let at = Timestamp::from_micros(read_number(&mut rest)?.cast_signed());
    let id = AttemptId { webhook: format!("{WEBHOOK_PREFIX}{webhook}").parse().ok()?, seq, number, at };
    // An attempt has one id, so that two texts are never the same attempt.
    (rest.is_empty() && id.to_string() == text).then_some(id)
}

/// Appends a number as LEB128: seven bits in each byte, the lowest first, and the eighth bit set on all but the last.
fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0u64, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

/// Returns `bytes` in base32, five bits in each letter.
fn letters(bytes: &[u8]) -> String {
    let bit = |nth: usize| bytes.get(nth / 8).map_or(0, |byte| byte >> (7 - nth % 8) & 1);
    let value = |letter: usize| (0..5).fold(0, |value, nth| value << 1 | bit(5 * letter + nth));
    (0..(bytes.len() * 8).div_ceil(5))
        .map(|letter| char::from(ALPHABET[usize::from(value(letter))]))
        .collect()
}

fn bytes(letters: &str) -> Option<Vec<u8>> {
    let value = |letter: u8| ALPHABET.iter().position(|known| *known == letter);
    let values: Vec<usize> = letters.bytes().map(value).collect::<Option<_>>()?;
    let bit = |nth: usize| values[nth / 5] >> (4 - nth % 5) & 1;
    let byte = |at: usize| (0..8).fold(0, |byte, nth| byte << 1 | bit(8 * at + nth) as u8);
    Some((0..values.len() * 5 / 8).map(byte).collect())
}

#[cfg(test)]
mod tests {
    use fanfare_core::Timestamp;
    use fanfare_core::WebhookId;
    use proptest::prelude::*;

    use super::AttemptId;

    #[test]
    fn an_id_of_earlier_stays_the_same() {
        let id = AttemptId {
            webhook: "wh_k3f7x2ab5cdefghi".parse().expect("an id"),
            seq: 1042,
            number: 1,
            at: Timestamp::from_micros(1_795_282_915_791_336),
        };
        assert_eq!(id.to_string(), "at_k3f7x2ab5cdefghisiead2fd32b45gmyam");
    }

    proptest! {
        #[test]
        fn an_id_is_read_as_it_was_written(random: [u8; 10], seq: u64, number: u32, micros: i64) {
            let webhook = WebhookId::from_random(random);
            let id = AttemptId { webhook, seq, number, at: Timestamp::from_micros(micros) };
            prop_assert_eq!(id.to_string().parse::<AttemptId>().expect("well formed"), id);
        }

        #[test]
        fn what_is_no_id_is_refused_without_a_panic(text in "(at_)?[a-z0-9_-]{0,60}") {
            if let Ok(id) = text.parse::<AttemptId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn an_id_is_short_and_needs_no_escape(random: [u8; 10], seq in 0..1u64 << 40, number in 0..40u32) {
            let at = Timestamp::from_micros(1_795_132_800_000_000);
            let id = AttemptId { webhook: WebhookId::from_random(random), seq, number, at }.to_string();
            prop_assert!(id.starts_with("at_") && id.len() <= 45, "{}", id);
            prop_assert!(id[3..].bytes().all(|letter| super::ALPHABET.contains(&letter)), "{}", id);
        }
    }
}
