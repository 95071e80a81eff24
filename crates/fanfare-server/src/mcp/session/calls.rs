//! The calls of a session that are not answered yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_mcp::{Error, Id};

use crate::mcp::limits::CALLS_MAX;
use crate::mcp::session::Session;
use fanfare_runtime::shutdown::{Shutdown, Trigger};

/// The calls that are not answered yet.
#[derive(Debug, Default)]
pub struct Calls {
    /// The trigger that cancels each call. Guards the table; held for one lookup or change.
    open: Mutex<HashMap<Id, Trigger>>,
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
        self.session.calls.open().remove(&self.id);
    }
}

impl Calls {
    /// Cancels a call; ignores one that is already answered.
    pub fn cancel(&self, id: &Id) {
        if let Some(cancel) = self.open().get(id) {
            cancel.pull();
        }
    }

    /// Returns whether every call is answered.
    pub fn is_empty(&self) -> bool {
        self.open().is_empty()
    }

    pub(super) fn cancel_all(&self) {
        for cancel in self.open().values() {
            cancel.pull();
        }
    }

    fn insert(&self, id: &Id) -> Result<Shutdown, Error> {
        let mut open = self.open();
        if open.len() >= CALLS_MAX {
            return Err(Error::busy(format!(
                "this session already has the maximum of {CALLS_MAX} unanswered calls; wait for one of them to finish"
            )));
        }
        if open.contains_key(id) {
            return Err(Error::invalid_request(format!(
                "the id {id} is already in use by an unanswered call"
            )));
        }
        let (cancel, cancelled) = Trigger::new();
        open.insert(id.clone(), cancel);
        Ok(cancelled)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Id, Trigger>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Registers a call, so that the client can cancel it; returns the signal of the cancellation.
    pub fn begin_call(self: &Arc<Session>, id: &Id) -> Result<(Shutdown, OpenCall), Error> {
        self.touch();
        let cancelled = self.calls.insert(id)?;
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
