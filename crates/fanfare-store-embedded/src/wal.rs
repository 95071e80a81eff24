//! The write-ahead log: how long it is, and copying it into the file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use rusqlite::hooks;

use crate::failure;
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store::Error;

/// Number of pages from which the write-ahead log is copied into the file if no one waits: 1–2 ms.
const CHECKPOINT_PAGES_MIN: u64 = 250;

/// Number of pages from which it is copied even if a caller waits: 2–3 ms of delay. Copying less, more often, costs no
/// throughput: the start of the write-ahead log is overwritten repeatedly, which syncs twice as fast as a growing file.
/// Copying more at once would show in the 99th percentile of append latency.
const CHECKPOINT_PAGES_MAX: u64 = 500;

/// Number of pages (64 MiB) from which the writer waits for current reads to finish their pages, so that the
/// write-ahead log starts over. Before that, it starts over by itself once no connection reads from it.
const TRUNCATE_PAGES_MIN: u64 = 16_000;

/// The length of the write-ahead log.
#[derive(Debug)]
pub(super) struct Wal {
    /// Its pages, as of the last commit; reported by SQLite.
    pages: Arc<AtomicU64>,
    /// The pages that were there when they were last copied into the file.
    checkpointed: u64,
}

impl Wal {
    /// Makes SQLite report the length.
    pub(super) fn watch(conn: &mut Connection) -> rusqlite::Result<Wal> {
        let pages = Arc::new(AtomicU64::new(0));
        let told = pages.clone();
        conn.wal_hook(Some(move |_: &mut hooks::Wal, count| {
            told.store(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Wal { pages, checkpointed: 0 })
    }

    /// Copies the write-ahead log into the file if it has become long. PASSIVE does not wait.
    pub(super) fn checkpoint(
        &mut self,
        conn: &Connection,
        path: &Path,
        is_somebody_waiting: bool,
    ) -> Result<(), Error> {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.checkpointed {
            // It started over.
            self.checkpointed = 0;
        }
        let fresh = pages - self.checkpointed;
        if fresh < CHECKPOINT_PAGES_MIN || (fresh < CHECKPOINT_PAGES_MAX && is_somebody_waiting) {
            return Ok(());
        }
        self.checkpointed = pages;
        let mode = if pages >= TRUNCATE_PAGES_MIN { "TRUNCATE" } else { "PASSIVE" };
        reach(FailPoint::CheckpointBegun);
        let done =
            conn.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})")).and_then(|mut statement| {
                statement.query_row((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            });
        reach(FailPoint::CheckpointDone);
        match done {
            Ok((_, 0)) => {
                self.pages.store(0, Ordering::Relaxed);
                self.checkpointed = 0;
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) if failure::is_disk_full(&error) => {
                // The write-ahead log still has everything; the next attempt comes when it has grown again.
                tracing::warn!(path = %path.display(), "the disk is full: cannot tidy up the store");
                Ok(())
            }
            Err(error) => Err(failure::fatal(path, "checkpointing", &error)),
        }
    }
}
