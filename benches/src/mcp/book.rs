//! The running calls, their durations, and whether the log agrees with the answers.

use anyhow::{Context, Result, ensure};

use super::{
    answer::Answer,
    call::{Call, FIRST_ID},
};
use crate::{generator::Clock, histogram::Histogram};

/// One answer out of this many is parsed in full: parsing all would make the generator the slower of the two.
const SAMPLE: u64 = 16;

struct UnderWay {
    id: u64,
    sent_at_ns: u64,
    /// The highest seq that had been read when the call was sent: its own must be higher.
    seq_before: u64,
}

pub(super) struct Book {
    clock: Clock,
    call: Call,
    next_id: u64,
    /// A handful, so looking through it costs less than any map.
    under_way: Vec<UnderWay>,
    /// No call starts after this time.
    closes_at_ns: u64,
    highest_seq: u64,
    pub(super) answered: u64,
    /// From before the first byte is written until the last byte of the answer is read.
    pub(super) latency: Histogram,
}

impl Book {
    pub(super) fn new(call: Call) -> Self {
        Self {
            clock: Clock::start(),
            call,
            next_id: FIRST_ID,
            under_way: Vec::new(),
            closes_at_ns: 0,
            highest_seq: 0,
            answered: 0,
            latency: Histogram::new(),
        }
    }

    /// Resets the counts, and issues calls for `length_ns` from now on.
    pub(super) fn open(&mut self, length_ns: u64) {
        self.closes_at_ns = self.clock.ns() + length_ns;
        self.answered = 0;
        self.latency = Histogram::new();
    }

    /// Returns the next call, or `None` when it is time to stop.
    pub(super) fn next_call(&mut self) -> Option<&[u8]> {
        (self.clock.ns() < self.closes_at_ns).then(|| self.one_more())
    }

    /// A call regardless of the time.
    pub(super) fn one_more(&mut self) -> &[u8] {
        let id = self.next_id;
        self.next_id += 1;
        let (sent_at_ns, seq_before) = (self.clock.ns(), self.highest_seq);
        self.under_way.push(UnderWay { id, sent_at_ns, seq_before });
        self.call.with_id(id)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    pub(super) fn answer(&mut self, body: &[u8]) -> Result<()> {
        let at_ns = self.clock.ns();
        let answer = Answer::parse(body)?;
        let index = self.under_way.iter().position(|call| call.id == answer.id);
        let index = index.with_context(|| format!("{} is no call that is under way", answer.id))?;
        let call = self.under_way.swap_remove(index);
        self.answered += 1;
        self.latency.record(at_ns - call.sent_at_ns);
        // A lone call, such as the first and the last one, is always read.
        if self.answered.is_multiple_of(SAMPLE) || self.under_way.is_empty() {
            let seq = answer.seq()?;
            ensure!(
                seq > call.seq_before,
                "an event was appended as {seq} after another had been acknowledged as {}",
                call.seq_before
            );
            self.highest_seq = self.highest_seq.max(seq);
        }
        Ok(())
    }

    /// The end of the log after the last call. The numbers are meaningful only while nothing is in flight.
    pub(super) fn position(&self) -> Position {
        Position { calls: self.next_id - FIRST_ID, seq: self.highest_seq }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Position {
    calls: u64,
    seq: u64,
}

impl Position {
    /// Checks that every call since `earlier` appended exactly one event. Both follow a lone call.
    pub(super) fn check_since(self, earlier: Self) -> Result<()> {
        let (calls, events) = (self.calls - earlier.calls, self.seq.saturating_sub(earlier.seq));
        ensure!(calls == events, "{calls} calls were answered and {events} events are in the log");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Book, Call, FIRST_ID};

    fn answer(id: u64, seq: u64) -> Vec<u8> {
        let body = format!(
            r#"{{"id":{id},"result":{{"resultType":"complete","content":[{{"type":"text","text":"pushed"}}],"structuredContent":{{"id":"k3f9x2ab-{seq}","channel":"bench.mcp","timestamp":"2026","stream_clients":0}}}}}}"#
        );
        body.into_bytes()
    }

    #[test]
    fn the_log_must_have_one_event_for_each_call() {
        let mut book = Book::new(Call::line(20));
        book.one_more();
        book.answer(&answer(FIRST_ID, 5)).expect("right");
        let first = book.position();
        (0..3).for_each(|_| drop(book.one_more().to_vec()));
        for (id, seq) in [(2, 7), (1, 6), (3, 8)] {
            book.answer(&answer(FIRST_ID + id, seq)).expect("in any order");
        }
        assert!(book.is_idle() && book.position().check_since(first).is_ok());
        book.one_more();
        book.answer(&answer(FIRST_ID + 4, 10)).expect("higher is right");
        assert!(book.position().check_since(first).is_err(), "9 is in the log for no call");
    }

    #[test]
    fn an_answer_to_no_call_and_one_from_the_past_are_found_out() {
        let mut book = Book::new(Call::line(20));
        assert!(book.answer(&answer(FIRST_ID, 1)).is_err(), "nobody called");
        book.one_more();
        book.answer(&answer(FIRST_ID, 5)).expect("right");
        assert!(book.answer(&answer(FIRST_ID, 5)).is_err(), "answered twice");
        book.one_more();
        assert!(book.answer(&answer(FIRST_ID + 1, 5)).is_err(), "5 was taken");
    }

    #[test]
    fn calls_are_given_out_until_time_is_up() {
        let mut book = Book::new(Call::line(20));
        assert!(book.next_call().is_none());
        book.open(u64::MAX / 2);
        assert!(book.next_call().is_some());
    }
}
