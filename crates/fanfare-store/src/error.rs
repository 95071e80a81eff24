//! What can go wrong in a store that is open.

use std::path::PathBuf;
use std::time::Duration;

use fanfare_core::WebhookId;

use crate::AppendId;

/// What went wrong. But for `Fatal` and `Unknown`, nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// What is kept cannot be read.
    #[error("the store is damaged: {problem}")]
    Damaged {
        /// What is wrong with it.
        problem: String,
    },
    /// The disk is full.
    #[error("the disk is full: free some space on the volume of `{path}`")]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Nothing is known of the last append, and nothing more will be written.
    #[error("the store stopped after a fatal error: {problem}")]
    Fatal {
        /// What happened.
        problem: String,
    },
    /// The engine said something that has no better name.
    #[error("the store operation failed: {problem}")]
    Other {
        /// What it said.
        problem: String,
    },
    /// The append was settled as one that did not happen, and so cannot happen any more.
    #[error("append {id} was given up before it was made")]
    Settled {
        /// Which one.
        id: AppendId,
    },
    /// The log has as many channels as it may have.
    #[error("the log already has {max} channels; push to one of them")]
    TooManyChannels {
        /// The limit.
        max: usize,
    },
    /// As many durable readers are known as may be.
    #[error("{max} durable readers are known already; remove one with `DELETE /api/readers/NAME`")]
    TooManyReaders {
        /// The limit.
        max: usize,
    },
    /// As many webhooks are registered as may be.
    #[error("{max} webhooks are registered already; unregister one that is no longer needed")]
    TooManyWebhooks {
        /// The limit.
        max: usize,
    },
    /// The engine cannot be reached at the moment. Nothing was changed, and the same call may be made again.
    #[error("the store cannot be reached at the moment; try again in {}", fanfare_core::duration::show(*.retry_after))]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// The answer to an append was lost: it may have happened, or may happen yet. [`Log::settle`](crate::Log::settle)
    /// says which, and makes it final.
    #[error("nobody can say whether append {id} happened")]
    Unknown {
        /// Which one.
        id: AppendId,
    },
    /// The webhook is not, or no longer, as the caller knows it.
    #[error("webhook `{webhook}` {}; look at it again", if .revision.is_some() { "was changed meanwhile" } else { "is not registered" })]
    WebhookChanged {
        /// Which one.
        webhook: WebhookId,
        /// The revision that it has; none when it is not registered.
        revision: Option<u64>,
    },
    /// Another webhook has this address.
    #[error("webhook `{webhook}` already uses this URL; change that webhook, or use another URL")]
    UrlTaken {
        /// Which one.
        webhook: WebhookId,
    },
}

impl Error {
    /// Returns the error of settling an append that happened, of which retention has removed an event.
    pub fn removed(id: AppendId) -> Error {
        Error::Other { problem: format!("retention has removed what append {id} appended") }
    }
}
