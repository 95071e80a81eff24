//! Positions: places in a log.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::code::Code;
use crate::invalid::{Invalid, shown};

/// The identity of one log: eight characters `[a-z0-9]`. A new or restored store has a new one, so that a stale
/// position is recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch([u8; Epoch::LEN]);

impl Epoch {
    /// The length in bytes.
    pub const LEN: usize = 8;

    /// Creates an epoch from 64 random bits.
    pub fn from_random(mut bits: u64) -> Epoch {
        const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let mut text = [0; Epoch::LEN];
        for byte in &mut text {
            *byte = ALPHABET[(bits % 36) as usize];
            bits /= 36;
        }
        Epoch(text)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an epoch is ASCII: both constructors make sure of it")
    }
}

impl FromStr for Epoch {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Epoch, Invalid> {
        let bytes: [u8; Epoch::LEN] = text.as_bytes().try_into().map_err(|_| unreadable(text))?;
        if !bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            return Err(unreadable(text));
        }
        Ok(Epoch(bytes))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A place in a log, `epoch-seq`: the id of the event there. Seqs count from 1 without gaps; seq 0 is the place before
/// the first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The log.
    pub epoch: Epoch,
    /// The place in the log.
    pub seq: u64,
}

impl Position {
    /// Fails if the position is not in the log of `epoch`.
    pub fn check_log(self, epoch: Epoch) -> Result<(), Invalid> {
        if self.epoch == epoch { Ok(()) } else { Err(self.of_another_log(epoch)) }
    }

    /// Creates the refusal of the position for the log of `epoch`, which is another one.
    pub fn of_another_log(self, epoch: Epoch) -> Invalid {
        Invalid::new(
            Code::InvalidPosition,
            format!("position `{self}` is not in this log"),
            format!("positions of this log start with `{epoch}-`"),
        )
    }
}

impl FromStr for Position {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Position, Invalid> {
        let (epoch, seq) = text.split_once('-').ok_or_else(|| unreadable(text))?;
        let canonical = !seq.is_empty()
            && seq.bytes().all(|byte| byte.is_ascii_digit())
            && (seq == "0" || !seq.starts_with('0'));
        let seq = seq.parse::<u64>().ok().filter(|seq| canonical && *seq <= i64::MAX as u64);
        match (epoch.parse(), seq) {
            (Ok(epoch), Some(seq)) => Ok(Position { epoch, seq }),
            _ => Err(unreadable(text)),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn unreadable(text: &str) -> Invalid {
    Invalid::new(
        Code::InvalidPosition,
        format!("`{}` is not a position", shown(text)),
        "give the `id` of an event, such as `k3f9x2ab-1042`",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Epoch, Position};

    #[test]
    fn only_the_canonical_form_is_read() {
        for text in [
            "",
            "-",
            "k3f9x2ab",
            "k3f9x2ab-",
            "k3f9x2ab-01",
            "k3f9x2ab-+1",
            "K3F9X2AB-1",
            "k3f9x2a-1",
            "k3f9x2ab-1 ",
            "k3f9x2ab-1-1",
            "k3f9x2ab-99999999999999999999",
            "k3f9x2ab-9223372036854775808",
        ] {
            assert!(text.parse::<Position>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_position_reads_back_as_it_was_written(bits: u64, seq in 0..i64::MAX as u64) {
            let position = Position { epoch: Epoch::from_random(bits), seq };
            prop_assert_eq!(position.to_string().parse::<Position>().expect("canonical"), position);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<Position>();
        }
    }
}
