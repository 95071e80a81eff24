//! Rotation: a new key signs at once, the old one beside it until receivers have changed over.

use std::time::Duration;

use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::timestamp::Timestamp;

/// Most old keys that still sign: each makes the signature header longer by some 50 bytes.
pub const PREVIOUS_KEYS_MAX: usize = 4;
/// How long an old key signs beside the new one when nothing is said.
pub const OVERLAP_DEFAULT: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest overlap: whoever rotates wants the old key gone some day.
pub const OVERLAP_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A key, and those before it that still sign for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation<K> {
    current: K,
    /// Newest first, at most [`PREVIOUS_KEYS_MAX`].
    previous: Vec<Previous<K>>,
}

/// A key that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous<K> {
    /// The key.
    pub key: K,
    /// The moment from which it no longer signs.
    pub valid_until: Timestamp,
}

impl<K> Rotation<K> {
    /// Starts with one key.
    pub fn new(key: K) -> Rotation<K> {
        Rotation { current: key, previous: Vec::new() }
    }

    /// Takes what the store kept; of more than four previous ones, the first four.
    pub fn from_parts(current: K, mut previous: Vec<Previous<K>>) -> Rotation<K> {
        previous.truncate(PREVIOUS_KEYS_MAX);
        Rotation { current, previous }
    }

    /// Puts `key` in front; what was current signs until `overlap` after `now`, and not at all when that is zero.
    /// Keys whose time has passed are forgotten. Fails when `overlap` is over seven days, or four old keys still sign.
    pub fn rotate(&mut self, key: K, overlap: Duration, now: Timestamp) -> Result<(), Invalid> {
        if overlap > OVERLAP_MAX {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                "the overlap is over 7 days",
                "let the old secret sign for at most `7d`",
            ));
        }
        self.forget_ended(now);
        if self.previous.len() == PREVIOUS_KEYS_MAX && !overlap.is_zero() {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                "four earlier secrets still sign",
                "wait until one of them ends, or revoke them",
            ));
        }
        let replaced = std::mem::replace(&mut self.current, key);
        if !overlap.is_zero() {
            self.previous.insert(0, Previous { key: replaced, valid_until: now.after(overlap) });
        }
        Ok(())
    }

    /// Forgets all old keys at once: one of them has leaked.
    pub fn revoke_previous(&mut self) {
        self.previous.clear();
    }

    /// Forgets old keys whose time has passed.
    pub fn forget_ended(&mut self, now: Timestamp) {
        self.previous.retain(|previous| now < previous.valid_until);
    }

    /// Gives the newest key.
    pub fn current(&self) -> &K {
        &self.current
    }

    /// Gives the old keys, newest first, also those whose time has passed.
    pub fn previous(&self) -> &[Previous<K>] {
        &self.previous
    }

    /// Gives the keys that sign at `now`: the current one first.
    pub fn valid(&self, now: Timestamp) -> impl Iterator<Item = &K> {
        let previous = self.previous.iter().filter(move |previous| now < previous.valid_until);
        std::iter::once(&self.current).chain(previous.map(|previous| &previous.key))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{OVERLAP_MAX, Rotation};
    use fanfare_core::timestamp::Timestamp;

    #[test]
    fn an_old_key_signs_until_its_time_has_passed() {
        let start = Timestamp::from_micros(1_795_132_800_000_000);
        let hour = Duration::from_secs(3600);
        let mut keys = Rotation::new(1);
        keys.rotate(2, hour, start).expect("room");
        assert_eq!(keys.valid(start).collect::<Vec<_>>(), [&2, &1]);
        assert_eq!(keys.valid(start.after(hour)).collect::<Vec<_>>(), [&2]);
        keys.rotate(3, Duration::ZERO, start).expect("room");
        assert_eq!(keys.valid(start).collect::<Vec<_>>(), [&3, &1], "2 was replaced without overlap");
        keys.revoke_previous();
        assert_eq!(keys.valid(start).collect::<Vec<_>>(), [&3]);
    }

    #[test]
    fn there_are_bounds_on_how_many_and_how_long() {
        let start = Timestamp::from_micros(1_795_132_800_000_000);
        let hour = Duration::from_secs(3600);
        let mut keys = Rotation::new(0);
        for key in 1..=4 {
            keys.rotate(key, hour, start).expect("room");
        }
        assert!(keys.rotate(5, hour, start).is_err());
        assert!(keys.rotate(5, OVERLAP_MAX + hour, start.after(hour)).is_err());
        keys.rotate(5, hour, start.after(hour)).expect("the old ones have ended");
        assert_eq!(keys.previous().len(), 1);
    }
}
