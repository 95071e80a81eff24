//! Work on the file of a log from outside the gateway: backups and their way back, checks, copies as text.
//!
//! Operations that read work beside a running gateway: each reads one snapshot of the log. Operations that
//! change a log take its lock, so they fail while a gateway runs.

mod backup;
mod check;
mod compact;
mod copying;
mod error;
mod examine;
mod export;
mod restore;
mod room;
mod rows;
mod source;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::files::beside;

pub use backup::{Backup, backup};
pub use check::{Report, check};
pub use compact::{Compacted, compact};
pub use error::Error;
pub use examine::{Examined, examine};
pub use export::{Exported, export};
pub use restore::{Restored, restore};

/// The progress of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The current phase.
    pub phase: Phase,
    /// Bytes or events done, approximately.
    pub done: u64,
    /// Bytes or events in total, approximately.
    pub total: u64,
}

/// A part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Copying the file; counts bytes.
    Copying,
    /// Checking the structure of the file; reports no amounts.
    CheckingStructure,
    /// Checking the events; counts them.
    CheckingEvents,
}

/// Called often with the progress; returns whether to continue.
pub type Watch = Arc<dyn Fn(Progress) -> bool + Send + Sync>;

/// Refuses a place where SQLite would take a file beside it for part of the new file.
fn check_no_remains(path: &Path, suffixes: &[&str]) -> Result<(), Error> {
    let mut remains = suffixes.iter().map(|suffix| beside(path, suffix));
    match remains.find(|path| fs::symlink_metadata(path).is_ok()) {
        Some(path) => Err(Error::Remains { path }),
        None => Ok(()),
    }
}
