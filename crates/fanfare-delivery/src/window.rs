//! The window: the events in flight, and the position up to which all events are done.

use std::collections::VecDeque;

/// The events between the cursor and the last one read.
#[derive(Debug)]
pub(super) struct Window {
    /// The seq up to which every event is done.
    cursor: u64,
    /// The seq up to which every event was read.
    read: u64,
    /// The events in flight, in log order, each with whether it is done.
    open: VecDeque<(u64, bool)>,
}

impl Window {
    /// Creates a window that starts after `cursor`.
    pub(super) fn new(cursor: u64) -> Window {
        Window { cursor, read: cursor, open: VecDeque::new() }
    }

    /// Records that `seq` is in flight; the events between it and the last one read do not match.
    pub(super) fn take(&mut self, seq: u64) {
        match self.open.binary_search_by_key(&seq, |(seq, _)| *seq) {
            Ok(_) => {}
            // At the end, unless the log is read again.
            Err(index) => self.open.insert(index, (seq, false)),
        }
        self.pass(seq);
    }

    /// Records that everything up to `seq` was read; events that were not taken do not match.
    pub(super) fn pass(&mut self, seq: u64) {
        self.read = self.read.max(seq);
        self.advance();
    }

    /// Records that `seq` is done.
    pub(super) fn done(&mut self, seq: u64) {
        if let Ok(index) = self.open.binary_search_by_key(&seq, |(seq, _)| *seq) {
            self.open[index].1 = true;
        }
        self.advance();
    }

    /// Goes back to `after`, to read again what follows. Forgets the events for which `is_unsent`, and returns the others
    /// after that place: those in flight or done, which must not be sent again.
    pub(super) fn go_back(&mut self, after: u64, is_unsent: impl Fn(u64) -> bool) -> Vec<u64> {
        self.open.retain(|(seq, _)| *seq <= after || !is_unsent(*seq));
        self.read = after;
        self.advance();
        self.open.iter().map(|(seq, _)| *seq).filter(|seq| *seq > after).collect()
    }

    /// Returns the seq up to which every event was read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Returns the seq up to which every event is done or does not match.
    pub(super) fn cursor(&self) -> u64 {
        self.cursor
    }

    fn advance(&mut self) {
        // What is done after the place that is read from is kept: it must not be sent again.
        while self.open.front().is_some_and(|(seq, done)| *done && *seq <= self.read) {
            self.open.pop_front();
        }
        self.cursor = self.open.front().map_or(self.read, |(seq, _)| self.read.min(seq - 1));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Window;

    #[test]
    fn the_cursor_stays_before_the_first_that_is_not_done() {
        let mut window = Window::new(10);
        window.take(12);
        assert_eq!(window.cursor(), 11);
        window.take(15);
        window.pass(20);
        window.done(15);
        assert_eq!(window.cursor(), 11);
        window.done(12);
        assert_eq!(window.cursor(), 20);
    }

    proptest! {
        #[test]
        fn reading_again_sends_nothing_twice_and_loses_nothing(steps in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8), 1..200)) {
            const LAST: u64 = 40;
            // The log has each seq; those that are read and not sent can be forgotten, and are read again.
            let mut window = Window::new(0);
            let (mut unsent, mut flying, mut settled, mut sent) =
                (BTreeSet::new(), Vec::new(), BTreeSet::new(), BTreeSet::new());
            for (which, step) in steps {
                match step {
                    0 if window.read() < LAST => {
                        let seq = window.read() + 1;
                        if settled.contains(&seq) {
                            window.pass(seq);
                        } else {
                            window.take(seq);
                            unsent.insert(seq);
                        }
                    }
                    1 if !unsent.is_empty() => {
                        let seq = *unsent.iter().nth(which.index(unsent.len())).expect("one");
                        unsent.remove(&seq);
                        prop_assert!(sent.insert(seq), "{} was sent twice", seq);
                        flying.push(seq);
                    }
                    2 if !flying.is_empty() => window.done(flying.remove(which.index(flying.len()))),
                    3 => {
                        let after = unsent.first().map_or(window.read(), |oldest| oldest - 1);
                        settled.extend(window.go_back(after, |seq| unsent.contains(&seq)));
                        unsent.clear();
                    }
                    _ => {}
                }
                let is_open = |seq: &u64| !sent.contains(seq) || flying.contains(seq);
                let first = (1..=LAST).find(is_open).unwrap_or(LAST + 1);
                prop_assert!(window.cursor() < first, "{} is not done", first);
            }
        }

        #[test]
        fn nothing_on_its_way_is_ever_behind_the_cursor(steps in prop::collection::vec((1..5u64, any::<prop::sample::Index>(), any::<bool>()), 1..200)) {
            let mut window = Window::new(0);
            let (mut read, mut flying) = (0, Vec::new());
            for (step, which, lands) in steps {
                if lands && !flying.is_empty() {
                    window.done(flying.remove(which.index(flying.len())));
                } else {
                    read += step;
                    window.take(read);
                    flying.push(read);
                }
                let expected = flying.iter().min().map_or(read, |first| first - 1);
                prop_assert_eq!(window.cursor(), expected);
            }
        }
    }
}
