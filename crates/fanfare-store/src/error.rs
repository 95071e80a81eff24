//! The errors of an open store.

use std::path::PathBuf;
use std::time::Duration;

use fanfare_core::{Epoch, Position, WebhookId, WebhookName};

use crate::{AppendId, Lease};

/// An error of the store. Except for `Fatal` and `Unknown`, nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Stored data cannot be read.
    #[error("the store is damaged: {problem}")]
    Damaged {
        /// The damage.
        problem: String,
    },
    /// The disk is full.
    #[error("the disk is full: free some space on the volume of `{path}`")]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The position belongs to another epoch than the log: the log was replaced, or the position is of another log.
    #[error("position `{position}` is not in this log, whose epoch is `{epoch}`")]
    EpochChanged {
        /// The position.
        position: Position,
        /// The epoch of the log.
        epoch: Epoch,
    },
    /// The outcome of the last append is unknown, and nothing more will be written.
    #[error("the store stopped after a fatal error: {problem}")]
    Fatal {
        /// The cause.
        problem: String,
    },
    /// Other instances have claimed webhooks since the caller did.
    #[error("another instance has taken over {} of the webhooks", .leases.len())]
    Fenced {
        /// The leases that were lost.
        leases: Vec<Lease>,
    },
    /// An idempotency key was used for another event.
    #[error("the idempotency key was used for another event within the last 24 h")]
    IdempotencyConflict {
        /// The index of the event in the append.
        index: usize,
    },
    /// The event was purged.
    #[error("event `{position}` was purged")]
    Purged {
        /// The event.
        position: Position,
    },
    /// An error of the engine that has no better name.
    #[error("the store operation failed: {problem}")]
    Other {
        /// The error text.
        problem: String,
    },
    /// The append was settled as one that did not happen, so it can no longer happen.
    #[error("append {id} was given up before it happened")]
    Settled {
        /// The append.
        id: AppendId,
    },
    /// The log has the maximum number of channels.
    #[error("the log already has the maximum of {max} channels; push to an existing channel")]
    TooManyChannels {
        /// The limit.
        max: usize,
    },
    /// Too many purged channels still have events in the log, so there can be no new channel.
    #[error("more than {max} purged channels still have events in the log; push to an existing channel")]
    TooManyPurgedChannels {
        /// The limit.
        max: usize,
    },
    /// One append adds too many channels.
    #[error("the push names more than {max} new channels")]
    TooManyNewChannels {
        /// The limit.
        max: usize,
    },
    /// The maximum number of durable readers has been reached.
    #[error(
        "the maximum of {max} durable readers already exists; remove one with `DELETE /api/readers/NAME`"
    )]
    TooManyReaders {
        /// The limit.
        max: usize,
    },
    /// The maximum number of sources has been reached.
    #[error("the log already has the maximum of {max} sources; remove one that you no longer need")]
    TooManySources {
        /// The limit.
        max: usize,
    },
    /// The maximum number of webhooks has been reached.
    #[error("the maximum of {max} webhooks is already registered; unregister one that is no longer needed")]
    TooManyWebhooks {
        /// The limit.
        max: usize,
    },
    /// The engine cannot be reached. Nothing was changed, and the call can be repeated.
    #[error("the store cannot be reached right now; try again in {}", fanfare_core::duration::show(*.retry_after))]
    Unavailable {
        /// The delay before a retry.
        retry_after: Duration,
    },
    /// The answer to an append was lost: it may have happened, or may happen yet. [`Log::settle`](crate::Log::settle)
    /// finds out which, and makes it final.
    #[error("it is unknown whether append {id} happened")]
    Unknown {
        /// The append.
        id: AppendId,
    },
    /// The webhook differs from the caller's version, or no longer exists.
    #[error("webhook `{webhook}` {}; read it again", if .revision.is_some() { "was changed meanwhile" } else { "is not registered" })]
    WebhookChanged {
        /// The webhook.
        webhook: WebhookId,
        /// Its current revision; `None` if it is not registered.
        revision: Option<u64>,
    },
    /// Another webhook without a name has this URL.
    #[error("webhook `{webhook}` already uses this URL; change that webhook, or give this one a name")]
    UrlTaken {
        /// The webhook.
        webhook: WebhookId,
    },
    /// Another webhook has this name.
    #[error("webhook `{webhook}` is already named `{name}`; use another name")]
    NameTaken {
        /// The webhook.
        webhook: WebhookId,
        /// The name.
        name: WebhookName,
    },
}

impl Error {
    /// Returns the error for settling an append that happened, but has since lost an event.
    pub fn removed(id: AppendId) -> Error {
        Error::Other { problem: format!("the events of append {id} were removed") }
    }
}
