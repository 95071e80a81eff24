//! Which event of an append the request that brought it is kept with, for every engine.

use fanfare_core::{HttpMessage, Original, Received};

/// The request of an append, while its events get their places.
#[derive(Debug)]
pub struct Origin {
    received: Option<Received>,
    /// The seq of the event that the request is kept with.
    first: Option<u64>,
}

impl Origin {
    /// Starts with none of the events placed.
    pub fn new(received: Option<Received>) -> Origin {
        Origin { received, first: None }
    }

    /// Returns what the event that is appended at `seq` knows of the request, and the request if it is kept with that
    /// event. A repeated event is not appended, so the request may be kept with a later one.
    pub fn place(&mut self, seq: u64) -> (Option<Original>, Option<HttpMessage>) {
        match &self.received {
            None => (None, None),
            Some(Received::TooLong) => (Some(Original::TooLong), None),
            Some(Received::Message(message)) => {
                let first = *self.first.get_or_insert(seq);
                (Some(Original::With(first)), (first == seq).then(|| message.clone()))
            }
        }
    }
}
