//! Which of the events that match its filter a webhook is sent.

use fanfare_core::Epoch;
use fanfare_core::event::{Audience, Event};
use fanfare_core::original::Original;
use fanfare_core::wire::payload::Payload;

/// Selects the events that a webhook is sent, in the order of the log. With the payload `original`, these are the ones
/// that came with a request, and one of each request: what is sent is the request, not the event.
#[derive(Debug, Clone)]
pub struct Selector {
    payload: Payload,
    /// The request whose event passed last: the log, and the seq of its first event. The events of a request follow each
    /// other.
    last: Option<(Epoch, u64)>,
}

impl Selector {
    /// Creates a selector that nothing has passed yet.
    pub fn new(payload: Payload) -> Selector {
        Selector { payload, last: None }
    }

    /// Returns whether a webhook is sent `event`, if its filter matches.
    pub fn takes(&self, event: &Event) -> bool {
        // The delivery of a request that is not kept fails, so that its owner hears of it.
        let has_body = self.payload != Payload::Original || event.original.is_some();
        event.audience == Audience::All && has_body && !self.repeats(event)
    }

    /// Returns whether what is sent for `event` was sent for the one that passed before it.
    pub fn repeats(&self, event: &Event) -> bool {
        self.payload == Payload::Original && self.last.is_some() && self.last == request(event)
    }

    /// Notes that `event` has passed, which was sent or is about to be.
    pub fn pass(&mut self, event: &Event) {
        if let Some(request) = request(event) {
            self.last = Some(request);
        }
    }
}

/// Returns the request that brought `event` and is kept.
fn request(event: &Event) -> Option<(Epoch, u64)> {
    match event.original {
        Some(Original::With(first)) => Some((event.position.epoch, first)),
        Some(Original::TooLong) | None => None,
    }
}
