//! Rotation: a new key signs at once, and the old one beside it until receivers have switched.

use std::time::Duration;

use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::timestamp::Timestamp;

/// Maximum old keys that still sign: each makes the signature header about 50 bytes longer.
pub const PREVIOUS_KEYS_MAX: usize = 4;
/// The default time that an old key signs beside the new one.
pub const OVERLAP_DEFAULT: Duration = Duration::from_secs(24 * 60 * 60);
/// Maximum overlap: after a rotation, the old key should be gone some day.
pub const OVERLAP_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A key, and the earlier keys that still sign for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation<K> {
    current: K,
    /// The earlier keys, newest first, at most [`PREVIOUS_KEYS_MAX`].
    previous: Vec<Previous<K>>,
}

/// A key that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous<K> {
    /// The key.
    pub key: K,
    /// The time from which the key no longer signs.
    pub valid_until: Timestamp,
}

impl<K> Rotation<K> {
    /// Creates a rotation with one key.
    pub fn new(key: K) -> Rotation<K> {
        Rotation { current: key, previous: Vec::new() }
    }

    /// Restores a rotation from the store; of more than four previous keys, keeps the first four.
    pub fn from_parts(current: K, mut previous: Vec<Previous<K>>) -> Rotation<K> {
        previous.truncate(PREVIOUS_KEYS_MAX);
        Rotation { current, previous }
    }

    /// Makes `key` the current key. The previous one keeps signing until `overlap` after `now`, or not at all if
    /// `overlap` is zero. Expired keys are dropped. Fails if `overlap` exceeds seven days or four old keys are still
    /// signing.
    pub fn rotate(&mut self, key: K, overlap: Duration, now: Timestamp) -> Result<(), Invalid> {
        if overlap > OVERLAP_MAX {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                "the overlap exceeds 7 days",
                "keep the old secret for at most `7d`",
            ));
        }
        self.forget_ended(now);
        if self.previous.len() == PREVIOUS_KEYS_MAX && !overlap.is_zero() {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                "four earlier secrets are still signing",
                "wait until one of them expires, or revoke them",
            ));
        }
        let replaced = std::mem::replace(&mut self.current, key);
        if !overlap.is_zero() {
            self.previous.insert(0, Previous { key: replaced, valid_until: now.after(overlap) });
        }
        Ok(())
    }

    /// Removes all old keys at once: one of them has leaked.
    pub fn revoke_previous(&mut self) {
        self.previous.clear();
    }

    /// Removes the old keys that have expired.
    pub fn forget_ended(&mut self, now: Timestamp) {
        self.previous.retain(|previous| now < previous.valid_until);
    }

    /// Returns the newest key.
    pub fn current(&self) -> &K {
        &self.current
    }

    /// Returns the old keys, newest first, including expired ones.
    pub fn previous(&self) -> &[Previous<K>] {
        &self.previous
    }

    /// Returns the keys that sign at `now`, the current one first.
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
