//! The window: which events are on their way, and up to where all are done.

use std::collections::VecDeque;

/// Events between the cursor and what was read last.
#[derive(Debug)]
pub(super) struct Window {
    /// Everything up to here is done.
    cursor: u64,
    /// Everything up to here was read.
    read: u64,
    /// What is on its way, in the order of the log, and whether it is done.
    open: VecDeque<(u64, bool)>,
}

impl Window {
    /// Starts after `cursor`.
    pub(super) fn new(cursor: u64) -> Window {
        Window { cursor, read: cursor, open: VecDeque::new() }
    }

    /// Notes that `seq` is on its way; everything between it and what was read before is not wanted.
    pub(super) fn take(&mut self, seq: u64) {
        self.open.push_back((seq, false));
        self.pass(seq);
    }

    /// Notes that everything up to `seq` was read; what was not taken is not wanted.
    pub(super) fn pass(&mut self, seq: u64) {
        self.read = self.read.max(seq);
        self.advance();
    }

    /// Notes that `seq` is done.
    pub(super) fn done(&mut self, seq: u64) {
        if let Ok(index) = self.open.binary_search_by_key(&seq, |(seq, _)| *seq) {
            self.open[index].1 = true;
        }
        self.advance();
    }

    /// Gives the seq up to which everything was read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Gives the seq up to which everything is done or not wanted.
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
