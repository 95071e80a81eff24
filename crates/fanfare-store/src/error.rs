//! What can go wrong in a store.

use std::path::PathBuf;

use fanfare_core::WebhookId;

/// What went wrong. But for `Fatal`, nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The file is one of ours, but damaged; it was left untouched.
    #[error("`{path}` is damaged: {problem}; restore it from a backup, or move it away to start a new log")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What the check said.
        problem: String,
    },
    /// The disk is full.
    #[error("the disk is full: free some space on the volume of `{path}`")]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Nothing is known of the last append, and nothing more will be written.
    #[error("the store had to stop: {problem}")]
    Fatal {
        /// What happened.
        problem: String,
    },
    /// The file belongs to another program; it was left untouched.
    #[error("`{path}` is no Fanfare store: {problem}; give another path, or move the file away")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Why we think so.
        problem: String,
    },
    /// The file cannot be opened or written.
    #[error("`{path}` cannot be used: {problem}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        problem: String,
    },
    /// Another process uses the file.
    #[error("`{path}` is in use by another process{}; stop it, or use another store", .owner.as_ref().map(|owner| format!(" ({owner})")).unwrap_or_default())]
    Locked {
        /// The file.
        path: PathBuf,
        /// What the other process wrote into the lock file.
        owner: Option<String>,
    },
    /// The engine said something that has no better name.
    #[error("the store could not do it: {problem}")]
    Other {
        /// What it said.
        problem: String,
    },
    /// The file was written by a later version of the program; it was left untouched.
    #[error(
        "`{path}` was written by a later version (schema {found}, this program knows {known}); use that version"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
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
    /// The webhook is not, or no longer, as the caller knows it.
    #[error("webhook `{webhook}` {}; look at it again", if .revision.is_some() { "was changed meanwhile" } else { "is not registered" })]
    WebhookChanged {
        /// Which one.
        webhook: WebhookId,
        /// The revision that it has; none when it is not registered.
        revision: Option<u64>,
    },
    /// Another webhook has this address.
    #[error("webhook `{webhook}` already has this address; change that one, or give another address")]
    UrlTaken {
        /// Which one.
        webhook: WebhookId,
    },
}
