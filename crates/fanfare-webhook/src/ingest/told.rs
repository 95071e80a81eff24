//! What a sender says, and the event that it becomes.

use crate::ingest::document::Document;
use crate::ingest::{Incoming, delivered_once, event_type};
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;
use fanfare_core::priority::Priority;

/// What a sender says.
#[derive(Debug)]
pub(super) struct Told {
    /// The sender's own name for what happened, such as `push`.
    pub(super) name: String,
    /// The sentence.
    pub(super) message: String,
    /// The importance.
    pub(super) priority: Priority,
    /// The sender's id of the delivery, which is the same when it is repeated.
    pub(super) id: Option<String>,
}

impl Told {
    /// Returns the event; the names of its types begin with `prefix`.
    pub(super) fn event(
        self,
        incoming: &Incoming<'_>,
        prefix: &str,
        document: &Document,
    ) -> Result<NewEvent, Invalid> {
        let mut event = NewEvent::new(self.message, incoming.source.clone())?;
        event.data = Some(document.data.clone());
        event.event_type = event_type(prefix, &self.name);
        event.priority = self.priority;
        event.idempotency_key = self.id.and_then(|id| delivered_once(incoming.name, &id));
        Ok(event)
    }
}
