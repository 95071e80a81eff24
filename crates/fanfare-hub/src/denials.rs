//! Denials: clients that an operator disconnected and that may not return yet.
//!
//! A denial lives in memory and ends with the process. It says who is meant by a [`Face`], because a client that returns
//! is another connection, from another port.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Maximum denials. People and scripts deny a few clients; beyond that, the denial that ends first makes room, so that
/// the newest always counts.
const DENIALS_MAX: usize = 1_000;
/// Maximum time for which a client can be denied: a day. Who is to stay out for longer needs a token or a firewall.
pub const DENY_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The traits that a client is recognised by when it returns, as a hash under a key of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Face(u64);

/// The denials that are in force.
#[derive(Debug, Default)]
pub(crate) struct Denials {
    key: RandomState,
    /// Guards the end of each denial; held for one look or change.
    ends: Mutex<HashMap<Face, Instant>>,
}

impl Denials {
    /// Returns the face of a client with these traits.
    pub(crate) fn face(&self, traits: impl Hash) -> Face {
        Face(self.key.hash_one(traits))
    }

    /// Denies clients with this face for `time` from `now` on.
    pub(crate) fn add(&self, face: Face, time: Duration, now: Instant) {
        let mut ends = self.ends();
        ends.retain(|_, end| *end > now);
        if ends.len() >= DENIALS_MAX
            && !ends.contains_key(&face)
            && let Some(first) = ends.iter().min_by_key(|(_, end)| **end).map(|(face, _)| *face)
        {
            ends.remove(&first);
        }
        ends.insert(face, now + time);
    }

    /// Returns the time for which clients with this face are still denied.
    pub(crate) fn left(&self, face: Face, now: Instant) -> Option<Duration> {
        let mut ends = self.ends();
        let left = ends.get(&face)?.checked_duration_since(now).filter(|left| !left.is_zero());
        if left.is_none() {
            ends.remove(&face);
        }
        left
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<Face, Instant>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{DENIALS_MAX, Denials};

    #[test]
    fn a_denial_ends_by_itself_and_the_one_that_ends_first_makes_room() {
        let (denials, now) = (Denials::default(), Instant::now());
        let time = |number: usize| Duration::from_secs(10 + number as u64);
        let faces: Vec<_> = (0..=DENIALS_MAX).map(|number| denials.face(("client", number))).collect();
        for (number, face) in faces.iter().enumerate().take(DENIALS_MAX) {
            denials.add(*face, time(number), now);
        }
        assert_eq!(denials.left(faces[0], now), Some(time(0)));
        assert_eq!(denials.left(faces[0], now + time(0)), None);
        denials.add(faces[0], time(0), now);
        // The table is full: the first to end is the one that is dropped.
        denials.add(faces[DENIALS_MAX], time(DENIALS_MAX), now);
        assert_eq!(denials.left(faces[0], now), None);
        assert_eq!(denials.left(faces[1], now), Some(time(1)));
        assert_eq!(denials.left(faces[DENIALS_MAX], now), Some(time(DENIALS_MAX)));
        assert_eq!(denials.ends().len(), DENIALS_MAX);
    }
}
