//! The tasks of an HTTP/2 connection: one for each of its requests.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use fanfare_core::caller::Place;
use fanfare_runtime::turns::Turns;
use hyper::rt::Executor;
use tokio::task::{JoinError, JoinSet};

/// Runs the requests of one connection and ends with it: a request that is still under way is then dropped, as on
/// HTTP/1.1, where the connection's own task serves it.
#[derive(Debug, Clone)]
pub struct RequestTasks {
    turns: Turns,
    place: Place,
    /// Guards the tasks; held to add one and to remove those that have ended. At most one for each stream that the
    /// connection may open, and as many that have just ended.
    running: Arc<Mutex<JoinSet<()>>>,
}

impl RequestTasks {
    /// Lets the requests of a connection from `place` take turns.
    pub fn new(turns: Turns, place: Place) -> RequestTasks {
        RequestTasks { turns, place, running: Arc::default() }
    }
}

impl<F> Executor<F> for RequestTasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, request: F) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = running.try_join_next() {
            note_panic(ended);
        }
        running.spawn(self.turns.take(self.place, request));
    }
}

/// Logs the panic of a connection or a request, which affects no other.
pub fn note_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection panicked");
    }
}
