//! Following the log: a cursor that is woken.

use std::sync::Arc;

use fanfare_core::{Event, Filter};
use tokio::sync::broadcast;

use crate::{Error, Order, Read, Store};
use fanfare_runtime::clock;

/// Consecutive events that were committed together, oldest first; never empty.
pub type Batch = Arc<[Arc<Event>]>;

/// Most batches that wait for a follower; one that lags further reads them from the store instead. A batch can
/// have a few MB, and all that wait stay in memory.
pub const FOLLOW_QUEUE_LEN: usize = 256;

/// A cursor on the log that waits for what comes. Events arrive in order, each once.
#[derive(Debug)]
pub struct Follow {
    /// What the engine committed. A hint: the cursor decides what is new.
    committed: broadcast::Receiver<Batch>,
    /// Everything up to here was given out.
    after: u64,
}

impl Follow {
    /// Starts after `after`, woken by `committed`, which must have been subscribed to already: otherwise a batch
    /// could be missed in between.
    pub fn new(committed: broadcast::Receiver<Batch>, after: u64) -> Follow {
        Follow { committed, after }
    }

    /// Waits for the next events. Fails when the store cannot be read, or was closed. Cancelling loses nothing.
    pub async fn next(&mut self, store: &dyn Store) -> Result<Batch, Error> {
        loop {
            if self.committed.is_empty() && store.extent().last > self.after {
                // A page can be empty and yet have more behind it, so look again before waiting.
                match self.read(store).await? {
                    Some(batch) => return Ok(batch),
                    None => continue,
                }
            }
            match self.committed.recv().await {
                Ok(batch) => {
                    let (first, last) = (batch[0].position.seq, batch[batch.len() - 1].position.seq);
                    if first == self.after + 1 {
                        self.after = last;
                        return Ok(batch);
                    }
                    if last > self.after
                        && let Some(batch) = self.read(store).await?
                    {
                        return Ok(batch);
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    if let Some(batch) = self.read(store).await? {
                        return Ok(batch);
                    }
                }
                Err(broadcast::error::RecvError::Closed) => return Err(Error::Closed),
            }
        }
    }

    /// Reads what the queue does not hold. What retention removed meanwhile is passed over: the subscriptions
    /// find the gap themselves, from their own cursors.
    async fn read(&mut self, store: &dyn Store) -> Result<Option<Batch>, Error> {
        const READ_LEN: usize = 4_096;
        let until = store.extent().last;
        let read = Read {
            after: self.after,
            until,
            filter: Filter::all(),
            order: Order::Oldest,
            limit: READ_LEN,
            now: clock::now(),
        };
        let page = store.read(read).await?;
        self.after = self.after.max(page.scanned);
        Ok((!page.events.is_empty()).then(|| page.events.into()))
    }
}
