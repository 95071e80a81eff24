//! The calls of a session that are not answered yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_mcp::{Error, Id};

use crate::mcp::pace::Pace;
use crate::mcp::session::Session;
use fanfare_runtime::shutdown::{Shutdown, Trigger};

/// The calls that are not answered yet.
#[derive(Debug, Default)]
pub struct Calls {
    /// Guards the table; held for one lookup or change.
    open: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// The trigger that cancels each call, and its pace.
    by_id: HashMap<Id, (Trigger, Pace)>,
    /// How many there are of each pace.
    counts: [usize; Pace::COUNT],
}

/// A call that is being answered. It ends when this is dropped, also if no one waits for the answer any longer.
#[derive(Debug)]
pub struct OpenCall {
    session: Arc<Session>,
    id: Id,
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        // This comes first, so that a session without calls always counts as just used.
        self.session.touch();
        self.session.calls.remove(&self.id);
    }
}

impl Calls {
    /// Cancels a call; ignores one that is already answered.
    pub fn cancel(&self, id: &Id) {
        if let Some((cancel, _)) = self.open().by_id.get(id) {
            cancel.pull();
        }
    }

    /// Returns whether every call is answered.
    pub fn is_empty(&self) -> bool {
        self.open().by_id.is_empty()
    }

    pub(super) fn cancel_all(&self) {
        for (cancel, _) in self.open().by_id.values() {
            cancel.pull();
        }
    }

    fn insert(&self, id: &Id, pace: Pace) -> Result<Shutdown, Error> {
        let mut open = self.open();
        if open.counts[pace as usize] >= pace.most() {
            return Err(pace.busy());
        }
        if open.by_id.contains_key(id) {
            return Err(Error::invalid_request(format!(
                "the id {id} is already in use by an unanswered call"
            )));
        }
        let (cancel, cancelled) = Trigger::new();
        open.by_id.insert(id.clone(), (cancel, pace));
        open.counts[pace as usize] += 1;
        Ok(cancelled)
    }

    fn remove(&self, id: &Id) {
        let mut open = self.open();
        if let Some((_, pace)) = open.by_id.remove(id) {
            open.counts[pace as usize] -= 1;
        }
    }

    fn open(&self) -> MutexGuard<'_, Table> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Registers a call, so that the client can cancel it; returns the signal of the cancellation.
    pub fn begin_call(self: &Arc<Session>, id: &Id, pace: Pace) -> Result<(Shutdown, OpenCall), Error> {
        self.touch();
        let cancelled = self.calls.insert(id, pace)?;
        Ok((cancelled, OpenCall { session: Arc::clone(self), id: id.clone() }))
    }

    /// Leaves a call unanswered that the stopping gateway has not started; returns whether the client asks the next
    /// gateway.
    pub fn leave_call(&self, id: &Id) -> bool {
        if self.moves_on {
            self.calls.cancel(id);
        }
        self.moves_on
    }
}
