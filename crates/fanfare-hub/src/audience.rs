//! The live subscribers of a feed, counted by the place in the log at which they joined.

use std::collections::BTreeMap;

use fanfare_core::Position;

/// The live subscribers of one feed.
#[derive(Debug, Default)]
pub(crate) struct Audience {
    total: usize,
    /// The number of subscribers by the end that the log had when they joined. Those that joined between two pushes
    /// share an entry.
    joined: BTreeMap<Position, usize>,
}

impl Audience {
    /// Adds a subscriber that joins when the log ends at `end`.
    pub(crate) fn join(&mut self, end: Position) {
        self.total += 1;
        *self.joined.entry(end).or_default() += 1;
    }

    /// Removes a subscriber that joined at `end`.
    pub(crate) fn leave(&mut self, end: Position) {
        self.total = self.total.saturating_sub(1);
        if let Some(count) = self.joined.get_mut(&end) {
            *count -= 1;
            if *count == 0 {
                self.joined.remove(&end);
            }
        }
    }

    /// Returns the number of subscribers.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// Returns the number of subscribers that joined before `event`. The work grows with the subscribers that joined
    /// since, so ask about new events only.
    pub(crate) fn before(&self, event: Position) -> usize {
        let later = self.joined.range(event..=Position { seq: u64::MAX, ..event });
        self.total - later.map(|(_, count)| count).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Epoch, Position};

    use super::Audience;

    #[test]
    fn an_event_is_for_those_that_joined_before_it_whatever_became_of_the_log_then() {
        let (old, new) = (Epoch::from_random(1), Epoch::from_random(2));
        let at = |epoch, seq| Position { epoch, seq };
        let mut audience = Audience::default();
        for end in [at(old, 7), at(old, 7), at(old, 8), at(new, 3)] {
            audience.join(end);
        }
        assert_eq!((audience.total(), audience.before(at(old, 8)), audience.before(at(new, 3))), (4, 3, 3));
        assert_eq!((audience.before(at(new, 4)), audience.before(at(old, 9))), (4, 4));
        audience.leave(at(old, 7));
        audience.leave(at(old, 8));
        assert_eq!((audience.total(), audience.before(at(old, 8)), audience.before(at(new, 3))), (2, 2, 1));
    }
}
