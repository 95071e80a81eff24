//! Requests that brought events, on their way to a webhook.

use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::HttpMessage;
use fanfare_core::limits::ORIGINAL_LEN_MAX;
use fanfare_core::original::Parts;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Maximum bytes of requests that are held while they are sent, by all webhooks together. Those of senders have some
/// kilobytes; the largest that is kept fits 32 times.
const HELD_MAX: usize = 32 * ORIGINAL_LEN_MAX;
/// The bytes that one permit stands for: a semaphore counts to less than bytes do.
const UNIT: usize = 1024;

/// The room for requests that are being sent.
#[derive(Debug)]
pub(super) struct Originals(Arc<Semaphore>);

impl Default for Originals {
    fn default() -> Originals {
        Originals(Arc::new(Semaphore::new(HELD_MAX / UNIT)))
    }
}

impl Originals {
    /// Waits for room for the largest request.
    pub(super) async fn room(&self) -> Room {
        let units = u32::try_from(ORIGINAL_LEN_MAX / UNIT).expect("a few thousand");
        // Never closed.
        Room(Arc::clone(&self.0).acquire_many_owned(units).await.ok())
    }
}

/// The room for one request.
#[derive(Debug)]
pub(super) struct Room(Option<OwnedSemaphorePermit>);

impl Room {
    /// Keeps what `len` bytes need.
    fn narrowed(self, len: usize) -> Room {
        Room(self.0.and_then(|mut held| held.split(len.div_ceil(UNIT).min(held.num_permits()))))
    }
}

/// A request that is sent on as it was received.
#[derive(Debug)]
pub struct Carried {
    message: HttpMessage,
    /// The seq of the first event that it brought: its id for receivers, whichever of its events leads to it.
    first: u64,
    _room: Room,
}

impl Carried {
    pub(super) fn new(message: HttpMessage, first: u64, room: Room) -> Carried {
        let _room = room.narrowed(message.as_bytes().len());
        Carried { message, first, _room }
    }

    /// Returns the parts of the request.
    pub(super) fn parts(&self) -> Parts<'_> {
        self.message.parts()
    }

    /// Returns the seq of the first event that the request brought.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Returns the body.
    pub(super) fn body(&self) -> Bytes {
        let len = self.parts().body.len();
        let all = Bytes::from_owner(self.message.clone());
        all.slice(all.len() - len..)
    }
}
