//! The answers of a session over Streamable HTTP, kept for a client that reconnects.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::mcp::outbox::Outbox;

/// Maximum answers kept for a client that lost its connection while they were sent.
const ENDED_MAX: usize = 8;
/// Maximum bytes of those answers; the newest is kept whatever its length.
const ENDED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The streams of a session's answers, each with its number.
#[derive(Debug, Default)]
pub struct Streams {
    /// Guards the streams; held for one look or change.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The oldest first.
    kept: VecDeque<(u64, Arc<Outbox>)>,
    last: u64,
}

impl Streams {
    /// Opens the stream of an answer, which goes through `outbox`, and returns its number, from 1.
    pub fn open(&self, outbox: Outbox) -> (u64, Arc<Outbox>) {
        let outbox = Arc::new(outbox);
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        state.kept.push_back((number, Arc::clone(&outbox)));
        (number, outbox)
    }

    /// Finds a stream that a client resumes.
    pub fn find(&self, number: u64) -> Option<Arc<Outbox>> {
        let state = self.state();
        state.kept.iter().find(|(known, _)| *known == number).map(|(_, outbox)| Arc::clone(outbox))
    }

    /// Removes a stream that the client has received completely.
    pub fn close(&self, number: u64) {
        self.state().kept.retain(|(known, _)| *known != number);
    }

    /// Removes the oldest ended streams beyond the limits of number and bytes. A connection that is reading one of them
    /// continues.
    pub fn forget_ended(&self) {
        let (mut count, mut bytes) = (0, 0);
        let mut state = self.state();
        let mut kept = VecDeque::with_capacity(state.kept.len());
        while let Some((number, stream)) = state.kept.pop_back() {
            if stream.is_ended() {
                count += 1;
                bytes += stream.bytes();
                if count > ENDED_MAX || (count > 1 && bytes > ENDED_BYTES_MAX) {
                    continue;
                }
            }
            kept.push_front((number, stream));
        }
        state.kept = kept;
    }

    /// Ends and removes all streams.
    pub(super) fn end_all(&self) {
        for (_, stream) in self.state().kept.drain(..) {
            stream.end();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Caller, Principal};
    use fanfare_runtime::budget::Budget;

    use super::{ENDED_BYTES_MAX, ENDED_MAX, Streams};
    use crate::mcp::outbox::Outbox;

    #[test]
    fn of_answers_that_nobody_fetches_the_newest_are_kept() {
        for (len, kept) in [(10, ENDED_MAX), (ENDED_BYTES_MAX / 4, 4), (2 * ENDED_BYTES_MAX, 1)] {
            let caller = Caller::new(&Principal::local(), None);
            let outbox = || Outbox::resumable(Budget::default().account(&caller));
            let streams = Streams::default();
            let (first, _running) = streams.open(outbox());
            let ended: Vec<u64> = (0..20)
                .map(|_| {
                    let (number, outbox) = streams.open(outbox());
                    assert_eq!(outbox.finish(vec![b' '; len], |_| Vec::new()), Ok(()));
                    streams.forget_ended();
                    number
                })
                .collect();
            let there: Vec<bool> = ended.iter().map(|number| streams.find(*number).is_some()).collect();
            let expected: Vec<bool> = (0..20).map(|index| index >= 20 - kept).collect();
            assert_eq!(there, expected, "{len}");
            assert!(streams.find(first).is_some(), "it has not ended");
        }
    }
}
