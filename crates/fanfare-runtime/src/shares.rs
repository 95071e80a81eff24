//! Shares: a number of things for all callers, and a smaller one for each, so that no caller can take them all.
//!
//! The budget of bytes is one of these; texts and exports are others. Count a thing where it is held, and keep
//! the value from [`Shares::take`] exactly as long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_core::Caller;

/// A limit in all, and one for each caller; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shares(Arc<Limits>);

#[derive(Debug)]
struct Limits {
    in_all_max: usize,
    each_max: usize,
    /// Guards the counts; held for one look or change.
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    in_all: usize,
    /// Callers that hold something.
    by_caller: HashMap<Caller, usize>,
}

/// What one caller holds; returned on drop.
#[derive(Debug)]
pub struct Taken {
    shares: Shares,
    caller: Caller,
    count: usize,
}

/// The limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// All callers together have everything.
    InAll,
    /// This caller has its share.
    Share,
}

impl Shares {
    /// Creates the limits: `in_all_max` for all callers together, `each_max` for each.
    pub fn new(in_all_max: usize, each_max: usize) -> Shares {
        Shares(Arc::new(Limits { in_all_max, each_max, counts: Mutex::default() }))
    }

    /// Starts to count what `caller` holds.
    pub fn nothing(&self, caller: &Caller) -> Taken {
        Taken { shares: self.clone(), caller: caller.clone(), count: 0 }
    }

    /// Takes one thing for `caller`.
    pub fn take(&self, caller: &Caller) -> Result<Taken, Over> {
        let mut taken = self.nothing(caller);
        taken.add(1, 0)?;
        Ok(taken)
    }

    /// Returns the number of things that all callers hold.
    pub fn held(&self) -> usize {
        self.counts().in_all
    }

    /// Returns whether `caller` holds more than its share, or all callers more than there is: see [`Taken::add_anyway`].
    pub fn is_over(&self, caller: &Caller) -> bool {
        let counts = self.counts();
        let own = counts.by_caller.get(caller).copied().unwrap_or(0);
        own > self.0.each_max || counts.in_all > self.0.in_all_max
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Takes `count` more, and leaves one part in `left_free` of either limit to others; 0 leaves nothing.
    pub fn add(&mut self, count: usize, left_free: usize) -> Result<(), Over> {
        let Limits { in_all_max, each_max, .. } = *self.shares.0;
        let fits = |held: usize, max: usize| {
            let max = max - max.checked_div(left_free).unwrap_or(0);
            held.checked_add(count).is_some_and(|held| held <= max)
        };
        let mut counts = self.shares.counts();
        let Counts { in_all, by_caller } = &mut *counts;
        let own = by_caller.get_mut(&self.caller);
        if !fits(own.as_deref().copied().unwrap_or(0), each_max) {
            return Err(Over::Share);
        }
        if !fits(*in_all, in_all_max) {
            return Err(Over::InAll);
        }
        *in_all += count;
        match own {
            Some(own) => *own += count,
            None if count > 0 => drop(by_caller.insert(self.caller.clone(), count)),
            None => {}
        }
        drop(counts);
        self.count += count;
        Ok(())
    }

    /// Takes `count` more, even if that is more than there is.
    pub fn add_anyway(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        let mut counts = self.shares.counts();
        counts.in_all += count;
        match counts.by_caller.get_mut(&self.caller) {
            Some(own) => *own += count,
            None => drop(counts.by_caller.insert(self.caller.clone(), count)),
        }
        drop(counts);
        self.count += count;
    }

    /// Returns `count` of them.
    pub fn give_back(&mut self, count: usize) {
        let count = count.min(self.count);
        if count == 0 {
            return;
        }
        self.count -= count;
        let mut counts = self.shares.counts();
        counts.in_all -= count;
        if let Some(own) = counts.by_caller.get_mut(&self.caller) {
            *own -= count;
            if *own == 0 {
                counts.by_caller.remove(&self.caller);
            }
        }
    }

    /// Returns the number of things.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.give_back(self.count);
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Caller, Principal};

    use super::{Over, Shares};

    fn caller(port_of: &str) -> Caller {
        Caller::new(&Principal::local(), Some(port_of.parse().expect("an address")))
    }

    #[test]
    fn a_caller_with_its_share_leaves_the_rest_to_others() {
        let shares = Shares::new(5, 3);
        let (one, other) = (caller("192.0.2.1:1"), caller("192.0.2.2:1"));
        let mut held: Vec<_> = (0..3).map(|_| shares.take(&one).expect("room")).collect();
        assert_eq!(shares.take(&one).map(|_| ()), Err(Over::Share));
        held.extend((0..2).map(|_| shares.take(&other).expect("room")));
        assert_eq!(shares.take(&other).map(|_| ()), Err(Over::InAll));
        held.remove(0);
        assert!(shares.take(&other).is_ok() && shares.take(&one).is_ok());
        drop(held);
        assert_eq!((shares.held(), shares.counts().by_caller.len()), (0, 0));
    }

    #[test]
    fn what_is_large_leaves_a_part_to_what_is_small() {
        let shares = Shares::new(100, 80);
        let mut large = shares.nothing(&caller("192.0.2.1:1"));
        assert_eq!((large.add(60, 4), large.add(1, 4)), (Ok(()), Err(Over::Share)));
        let mut small = shares.nothing(&caller("192.0.2.1:2"));
        assert_eq!((small.add(20, 0), small.add(1, 0)), (Ok(()), Err(Over::Share)));
        assert_eq!(small.add(usize::MAX, 0), Err(Over::Share));
        large.give_back(50);
        assert_eq!((large.count(), shares.held()), (10, 30));
    }
}
