//! Things that a caller names and that are not there.

use std::fmt;

use fanfare_core::{Position, WebhookId, WebhookName};

use crate::attempt_id::AttemptId;

/// A thing that does not exist, was removed, or belongs to another principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// An attempt.
    Attempt(AttemptId),
    /// A delivery that waits or failed, by its event.
    Delivery(Position),
    /// An event.
    Event(Position),
    /// A webhook, by its name.
    Named(WebhookName),
    /// A webhook.
    Webhook(WebhookId),
}

impl Missing {
    /// Returns the way to find things of this kind that are there.
    pub(super) fn fix(&self) -> &'static str {
        match self {
            Missing::Attempt(_) => "`GET /api/webhooks/{id}/attempts` lists the attempts that are kept",
            Missing::Delivery(_) => "`GET /api/webhooks/{id}/deliveries` lists those that wait or failed",
            Missing::Event(_) => "`GET /api/events` lists the events that are kept",
            Missing::Named(_) | Missing::Webhook(_) => {
                "`GET /api/webhooks?details=true` lists the webhooks with their ids"
            }
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::Attempt(id) => write!(f, "attempt `{id}`, or it is no longer kept"),
            Missing::Delivery(event) => write!(f, "delivery of `{event}` that waits or failed"),
            Missing::Event(position) => write!(f, "event `{position}`, or it is no longer kept"),
            Missing::Named(name) => write!(f, "webhook named `{name}`"),
            Missing::Webhook(id) => write!(f, "webhook `{id}`"),
        }
    }
}
