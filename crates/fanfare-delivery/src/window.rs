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
        self.open.push_back((seq, false));
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

    /// Returns the seq up to which every event was read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Returns the seq up to which every event is done or does not match.
    pub(super) fn cursor(&self) -> u64 {
        self.cursor
    }

    fn advance(&mut self) {
        while self.open.front().is_some_and(|(_, done)| *done) {
            self.open.pop_front();
        }
        self.cursor = self.open.front().map_or(self.read, |(seq, _)| seq - 1);
    }
}

#[cfg(test)]
mod tests {
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
