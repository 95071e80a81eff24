//! Work on the file of a log from outside the gateway: backups and their way back, checks, copies as text.
//!
//! Reading works beside a running gateway: each reads one state of the log. Whatever changes a log takes its lock, so a
//! gateway that runs refuses it.

mod backup;
mod check;
mod compact;
mod copying;
mod draft;
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

/// How far work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is done now.
    pub phase: Phase,
    /// Bytes or events that are done; about right.
    pub done: u64,
    /// Bytes or events in all; about right.
    pub total: u64,
}

/// A part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Copying the file; counts bytes.
    Copying,
    /// Checking the structure of the file, of which no part can be told.
    CheckingStructure,
    /// Checking the events; counts them.
    CheckingEvents,
}

/// Hears of progress, often; returns whether to go on.
pub type Watch = Arc<dyn Fn(Progress) -> bool + Send + Sync>;

/// Refuses a place with a file beside it that SQLite would take for a part of what is put there.
fn check_no_remains(path: &Path, suffixes: &[&str]) -> Result<(), Error> {
    let mut remains = suffixes.iter().map(|suffix| beside(path, suffix));
    match remains.find(|path| fs::symlink_metadata(path).is_ok()) {
        Some(path) => Err(Error::Remains { path }),
        None => Ok(()),
    }
}
