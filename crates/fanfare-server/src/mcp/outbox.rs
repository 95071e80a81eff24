//! Messages in flight to one client, in order.
//!
//! An outbox is a small log: writers wait for room, and each consumer has a position in it. A client that does not read
//! blocks those who would send it more; a client that returns finds what it lacks.
//!
//! Answers do not wait, because a finished call would hold its answer meanwhile, where nothing counts it. They go over the
//! capacity, and no call may start until that is read. All messages count in the caller's share of the budget. An answer
//! that does not fit is replaced by an error that says so.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use fanfare_mcp::Error;
use fanfare_runtime::budget::{Account, SMALL_LEN_MAX};
use tokio::sync::Notify;

use crate::mcp::answer::{Answer, Held, no_room};

/// Maximum messages waiting to be sent: answers to all calls of a session, and some progress.
const WAITING_MAX: usize = 128;
/// Maximum bytes waiting; one message may be larger.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Maximum bytes waiting with the answers of calls that ran when the outbox became full: a few pages of history.
const ANSWERS_BYTES_MAX: usize = 4 * WAITING_BYTES_MAX;
/// Maximum sent messages kept for a client that lost its connection, if it can return.
const KEPT_MAX: usize = 256;
/// Maximum bytes of those messages.
const KEPT_BYTES_MAX: usize = 1024 * 1024;

/// The messages in flight.
#[derive(Debug)]
pub struct Outbox {
    /// Whether to keep sent messages for a client that returns.
    resumable: bool,
    account: Account,
    /// Guards the messages; held for one look or change.
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// The messages `first + 1 ..= first + messages.len()`.
    messages: VecDeque<(Bytes, Held)>,
    first: u64,
    /// The last message that was sent.
    taken: u64,
    /// Bytes of the messages after `taken`.
    waiting_bytes: usize,
    /// Bytes of the messages up to `taken`.
    kept_bytes: usize,
    ended: bool,
    /// The number of the newest attachment, which is the one that gets messages.
    attachment: u64,
}

/// A message, and its number.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The number of the message, starting at 1.
    pub seq: u64,
    /// The message.
    pub message: Bytes,
    /// Its count in the budget.
    pub held: Held,
    /// Whether this is the last message.
    pub is_last: bool,
}

/// The outbox is closed: no one will read further messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client is gone")]
pub struct ClientGone;

impl Outbox {
    /// Creates an outbox for a client that is gone when its connection is. Its messages count in `account`.
    pub fn new(account: Account) -> Outbox {
        Outbox::with(account, false)
    }

    /// Creates an outbox for a client that can return and continue.
    pub fn resumable(account: Account) -> Outbox {
        Outbox::with(account, true)
    }

    /// Creates an outbox for another stream to the same client, which can return and continue.
    pub fn another(&self) -> Outbox {
        Outbox::resumable(self.account.clone())
    }

    fn with(account: Account, resumable: bool) -> Outbox {
        let state = State {
            messages: VecDeque::new(),
            first: 0,
            taken: 0,
            waiting_bytes: 0,
            kept_bytes: 0,
            ended: false,
            attachment: 0,
        };
        Outbox { resumable, account, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Adds a message; waits for room.
    pub async fn send(&self, message: impl Into<Bytes>) -> Result<(), ClientGone> {
        self.put(message.into(), false).await
    }

    async fn put(&self, message: Bytes, is_last: bool) -> Result<(), ClientGone> {
        let mut message = Some(message);
        self.find(|state| state.put(&self.account, &mut message, is_last)).await?;
        self.changed.notify_waiters();
        Ok(())
    }

    /// Counts an answer that does not wait here; fails if it does not fit.
    pub fn count(&self, answer: Vec<u8>) -> Result<Answer, Error> {
        Answer::new(answer, &self.account)
    }

    /// Counts an error, which is sent even if it does not fit.
    pub fn count_error(&self, error: Vec<u8>) -> Answer {
        Answer::in_any_case(error, &self.account)
    }

    /// Adds the answer of a finished call, without waiting. If it does not fit, adds what `instead` makes of the reason.
    pub fn answer(
        &self,
        message: impl Into<Bytes>,
        instead: impl FnOnce(&Error) -> Vec<u8>,
    ) -> Result<(), ClientGone> {
        self.put_answer(Answer::new(message, &self.account), instead, false)
    }

    /// Adds an answer that is counted already, as [`Outbox::answer`] does.
    pub fn answer_counted(
        &self,
        answer: Answer,
        instead: impl FnOnce(&Error) -> Vec<u8>,
    ) -> Result<(), ClientGone> {
        self.put_answer(Ok(answer), instead, false)
    }

    /// Adds the answer as [`Outbox::answer`] does, and closes the outbox.
    pub fn finish(
        &self,
        message: impl Into<Bytes>,
        instead: impl FnOnce(&Error) -> Vec<u8>,
    ) -> Result<(), ClientGone> {
        self.put_answer(Answer::new(message, &self.account), instead, true)
    }

    fn put_answer(
        &self,
        answer: Result<Answer, Error>,
        instead: impl FnOnce(&Error) -> Vec<u8>,
        is_last: bool,
    ) -> Result<(), ClientGone> {
        let mut state = self.state();
        if state.ended {
            return Err(ClientGone);
        }
        let fits = |answer: Answer| match state.has_room_for(answer.len()) {
            true => Ok(answer),
            false => Err(no_room(answer.len())),
        };
        let answer = answer.and_then(fits).unwrap_or_else(|busy| self.count_error(instead(&busy)));
        state.push(answer, is_last);
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Returns whether no further call may start.
    pub fn is_full(&self) -> bool {
        self.state().is_full()
    }

    /// Waits until another call may start.
    pub async fn room(&self) {
        self.find(|state| (!state.is_full()).then_some(())).await;
    }

    /// Closes the outbox; waiting messages can still be sent.
    pub fn end(&self) {
        self.state().ended = true;
        self.changed.notify_waiters();
    }

    /// Returns whether the outbox is closed.
    pub fn is_ended(&self) -> bool {
        self.state().ended
    }

    /// Returns the number of the newest message.
    pub fn last(&self) -> u64 {
        self.state().last()
    }

    /// Returns the number of bytes in the outbox.
    pub fn bytes(&self) -> usize {
        let state = self.state();
        state.waiting_bytes + state.kept_bytes
    }

    /// Returns whether no message follows `seq`.
    pub fn is_over(&self, seq: u64) -> bool {
        let state = self.state();
        state.ended && state.last() <= seq
    }

    /// Attaches the caller as the one that receives messages; the previously attached one sees the end.
    pub fn attach(&self) -> Attachment {
        let mut state = self.state();
        state.attachment += 1;
        let attachment = Attachment(state.attachment);
        drop(state);
        self.changed.notify_waiters();
        attachment
    }

    /// Returns the number of the last message that was sent.
    pub fn taken(&self) -> u64 {
        self.state().taken
    }

    /// Reports the end to the attached consumer, though more messages can follow: the next consumer gets them.
    pub fn hang_up(&self) {
        self.attach();
    }

    /// Waits for the message after `seq`, up to which everything has reached the client. Returns `None` if no message
    /// follows for this attachment. Cancelling loses nothing.
    pub async fn next(&self, attachment: Attachment, seq: u64) -> Option<Entry> {
        self.find(|state| self.look(state, attachment, seq)).await
    }

    /// Returns what [`Outbox::next`] would, if it is already available.
    pub fn try_next(&self, attachment: Attachment, seq: u64) -> Option<Entry> {
        self.look(&mut self.state(), attachment, seq).flatten()
    }

    /// Returns the result of `next`, or `None` if it has to wait.
    fn look(&self, state: &mut State, attachment: Attachment, seq: u64) -> Option<Option<Entry>> {
        if state.attachment != attachment.0 {
            return Some(None);
        }
        if state.take(seq, self.resumable) {
            self.changed.notify_waiters();
        }
        let taken = state.after(seq);
        (taken.is_some() || state.ended).then_some(taken)
    }

    /// Waits until `look` finds something.
    async fn find<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        // Usually it is available, and then there is no need to prepare a wait.
        if let Some(found) = look(&mut self.state()) {
            return found;
        }
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // A change between the check and the wait must not be missed.
            changed.as_mut().enable();
            if let Some(found) = look(&mut self.state()) {
                return found;
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to receive messages from an outbox; lost when another consumer attaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment(u64);

impl State {
    fn last(&self) -> u64 {
        self.first + self.messages.len() as u64
    }

    /// Appends `message`; leaves it in place if there is no room.
    fn put(
        &mut self,
        account: &Account,
        message: &mut Option<Bytes>,
        is_last: bool,
    ) -> Option<Result<(), ClientGone>> {
        if self.ended {
            return Some(Err(ClientGone));
        }
        if self.is_full() {
            return None;
        }
        let mut held = account.hold();
        let fits = held.add(message.as_ref().map_or(0, Bytes::len)).is_ok();
        // If everything is sent, nothing here will make room, and room that is freed elsewhere does not wake
        // this outbox.
        if !fits && self.taken < self.last() {
            return None;
        }
        self.push(Answer::with(message.take()?, held), is_last);
        Some(Ok(()))
    }

    /// Returns whether there is room for the answer of a finished call. Short answers are bounded by the number
    /// of calls.
    fn has_room_for(&self, len: usize) -> bool {
        self.waiting_bytes + len <= ANSWERS_BYTES_MAX || len <= SMALL_LEN_MAX
    }

    fn push(&mut self, message: Answer, is_last: bool) {
        self.waiting_bytes += message.len();
        self.messages.push_back(message.into_parts());
        self.ended = is_last;
    }

    fn is_full(&self) -> bool {
        let waiting = (self.last() - self.taken) as usize;
        !self.ended && (waiting >= WAITING_MAX || self.waiting_bytes >= WAITING_BYTES_MAX)
    }

    /// Records that everything up to `seq` was sent; returns whether that makes room.
    fn take(&mut self, seq: u64, keep: bool) -> bool {
        let seq = seq.min(self.last());
        let makes_room = seq > self.taken;
        while self.taken < seq {
            let len = self.messages[(self.taken - self.first) as usize].0.len();
            self.taken += 1;
            self.waiting_bytes -= len;
            self.kept_bytes += len;
        }
        let kept_max = if keep { KEPT_MAX } else { 0 };
        while (self.taken - self.first) as usize > kept_max
            || (self.taken > self.first && self.kept_bytes > KEPT_BYTES_MAX)
        {
            self.kept_bytes -= self.messages.pop_front().map_or(0, |(message, _)| message.len());
            self.first += 1;
        }
        makes_room
    }

    fn after(&self, seq: u64) -> Option<Entry> {
        // Messages that are no longer kept are skipped: the client was away for too long.
        let seq = seq.max(self.first);
        let (message, held) = self.messages.get((seq - self.first) as usize)?.clone();
        Some(Entry { seq: seq + 1, message, held, is_last: self.ended && seq + 1 == self.last() })
    }
}
