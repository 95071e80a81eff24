//! The usage of a session. An idle session ends, or makes room for another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::mcp::session::Session;

/// The time of a session's last use, and the number of connections that use it.
#[derive(Debug)]
pub(super) struct Usage {
    /// Guards both; held for one look or change.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    last_used: Instant,
    /// Whether it was used after it began.
    is_used: bool,
    /// The connections that receive unrequested messages.
    connections: usize,
}

/// A connection that reads for a session, which counts as used while one exists.
#[derive(Debug)]
pub struct Connection(Arc<Session>);

impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.0.usage.state();
        state.connections -= 1;
        state.last_used = Instant::now();
    }
}

impl Usage {
    pub(super) fn new() -> Usage {
        Usage { state: Mutex::new(State { last_used: Instant::now(), is_used: false, connections: 0 }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Records a use of the session.
    pub fn touch(&self) {
        let mut state = self.usage.state();
        (state.last_used, state.is_used) = (Instant::now(), true);
    }

    /// Records a connection that reads for the session.
    pub fn connect(self: &Arc<Session>) -> Connection {
        let mut state = self.usage.state();
        state.connections += 1;
        state.is_used = true;
        drop(state);
        Connection(Arc::clone(self))
    }

    /// Returns whether the session was used after it began.
    pub fn is_used(&self) -> bool {
        self.usage.state().is_used
    }

    /// Returns the time of its last use; `None` while it is in use.
    pub fn idle_since(&self) -> Option<Instant> {
        // This precedes the reading of the time: a call touches the session before it ends.
        if !self.calls.is_empty() {
            return None;
        }
        let state = self.usage.state();
        (state.connections == 0).then_some(state.last_used)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanfare_core::Principal;
    use fanfare_mcp::Id;

    use super::Session;
    use crate::mcp::client::Client;
    use crate::mcp::outbox::Outbox;
    use crate::mcp::pace::Pace;
    use crate::mcp::toolset::Toolset;
    use crate::net::locality::Locality;
    use fanfare_runtime::budget::Budget;

    fn session() -> Arc<Session> {
        let client = Client {
            principal: Principal::local(),
            address: None,
            agent: None,
            locality: Locality::Here,
            toolset: Toolset::default(),
        };
        let outbox = Outbox::new(Budget::default().account(&client.caller()));
        Session::new("", client, outbox)
    }

    #[test]
    fn a_call_that_nobody_waits_for_any_more_is_over() {
        let session = session();
        let (_, call) = session.begin_call(&Id::number(1), Pace::AtOnce).unwrap();
        assert!(session.begin_call(&Id::number(1), Pace::AtOnce).is_err(), "the id is in use");
        assert_eq!(session.idle_since(), None);
        drop(call);
        assert!(session.idle_since().is_some());
        assert!(session.begin_call(&Id::number(1), Pace::AtOnce).is_ok());
    }

    #[test]
    fn a_session_that_somebody_reads_is_not_idle() {
        let session = session();
        let connections = [session.connect(), session.connect()];
        assert_eq!(session.idle_since(), None);
        let [first, second] = connections;
        drop(first);
        assert_eq!(session.idle_since(), None);
        drop(second);
        assert!(session.idle_since().is_some());
    }
}
