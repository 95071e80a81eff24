//! The write-ahead log: how long it is, and copying it into the file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::hooks;

use crate::failure;
use crate::state::Shared;
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

/// Number of pages left after copying at which a program must be reading an earlier snapshot of the log.
const LEFT_PAGES_MIN: u64 = 2_000;

/// Interval between two attempts to copy the pages that are left: each attempt looks at all of them again.
const LEFT_INTERVAL: Duration = Duration::from_secs(1);

/// Interval between two waits for such a long read, and between two lines in the server log about it. Waiting
/// delays pushes.
const HELD_INTERVAL: Duration = Duration::from_secs(60);

/// The bytes of a page in the write-ahead log: 4 KiB, and its head.
const PAGE_LEN: u64 = 4_096 + 24;

/// The length of the write-ahead log.
#[derive(Debug)]
pub(super) struct Wal {
    length: Length,
    /// The pages that were there when they were last copied into the file.
    checkpointed: u64,
    /// When copying left pages.
    left: Option<Instant>,
    /// When the log was last found held by a program that reads it.
    held: Option<Instant>,
}

/// The pages of the write-ahead log, as of the last commit; reported by SQLite.
#[derive(Debug, Clone, Default)]
struct Length(Arc<AtomicU64>);

impl Length {
    fn pages(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, pages: u64) {
        self.0.store(pages, Ordering::Relaxed);
    }
}

impl Wal {
    /// Makes SQLite report the length.
    pub(super) fn watch(conn: &mut Connection) -> rusqlite::Result<Wal> {
        let length = Length::default();
        let told = length.clone();
        conn.wal_hook(Some(move |_: &mut hooks::Wal, count| {
            told.set(u64::try_from(count).unwrap_or(0));
            Ok(())
        }))?;
        Ok(Wal { length, checkpointed: 0, left: None, held: None })
    }

    /// Copies the write-ahead log into the file if it has become long. PASSIVE does not wait.
    pub(super) fn checkpoint(
        &mut self,
        conn: &Connection,
        shared: &Shared,
        is_somebody_waiting: bool,
    ) -> Result<(), Error> {
        let pages = self.length.pages();
        if pages < self.checkpointed {
            // It started over.
            self.checkpointed = 0;
        }
        let fresh = pages - self.checkpointed;
        let is_short = fresh < CHECKPOINT_PAGES_MIN || (fresh < CHECKPOINT_PAGES_MAX && is_somebody_waiting);
        let is_due = match self.left {
            Some(left) => left.elapsed() >= LEFT_INTERVAL,
            None => !is_short,
        };
        if !is_due {
            return Ok(());
        }
        self.checkpointed = pages;
        let waits = pages >= TRUNCATE_PAGES_MIN && !self.is_known_held();
        let mode = if waits { Mode::Truncate } else { Mode::Passive };
        match self.copy(conn, shared, mode) {
            Err(Error::DiskFull { path }) => {
                // The write-ahead log still has everything; the next attempt comes when it has grown again.
                tracing::warn!(path = %path.display(), "the disk is full: cannot tidy up the store");
                Ok(())
            }
            copied => copied.map(|_| ()),
        }
    }

    /// Copies all of it into the file, and empties it. Returns whether it is empty: a program that reads can
    /// prevent it.
    pub(super) fn erase(&mut self, conn: &Connection, shared: &Shared) -> Result<bool, Error> {
        self.copy(conn, shared, Mode::Truncate)
    }

    /// Copies it into the file; returns whether it is then empty.
    fn copy(&mut self, conn: &Connection, shared: &Shared, mode: Mode) -> Result<bool, Error> {
        reach(FailPoint::CheckpointBegun);
        let begun = Instant::now();
        let done = conn.prepare_cached(mode.sql()).and_then(|mut statement| {
            statement.query_row((), |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
        });
        shared.times.checkpointed(begun.elapsed());
        reach(FailPoint::CheckpointDone);
        let path = shared.path.as_path();
        match done {
            Ok((pages, copied)) => {
                self.note(pages.max(0) as u64, copied.max(0) as u64, matches!(mode, Mode::Truncate), path);
                Ok(pages == 0)
            }
            Err(error) if failure::is_disk_full(&error) => Err(Error::DiskFull { path: path.to_owned() }),
            Err(error) => Err(failure::fatal(path, "checkpointing", &error)),
        }
    }

    /// Returns whether it was found not long ago that a program holds the log.
    fn is_known_held(&self) -> bool {
        self.held.is_some_and(|held| held.elapsed() < HELD_INTERVAL)
    }

    /// Records that `copied` of `pages` pages are in the file.
    fn note(&mut self, pages: u64, copied: u64, has_waited: bool, path: &Path) {
        if pages == 0 {
            self.length.set(0);
            self.checkpointed = 0;
        }
        let has_left = pages.saturating_sub(copied) >= LEFT_PAGES_MIN;
        self.left = has_left.then(Instant::now);
        if !has_left {
            self.held = None;
        } else if has_waited && !self.is_known_held() {
            self.held = Some(Instant::now());
            tracing::warn!(
                path = %path.display(), wal_bytes = pages * PAGE_LEN,
                "another program has been reading the log for a long time, so the write-ahead log cannot start over \
                 and grows with each push; end that program (`fuser` lists those that have the file open)"
            );
        }
    }
}

/// The mode of copying the write-ahead log into the file.
#[derive(Debug, Clone, Copy)]
enum Mode {
    /// Copies the pages that nobody still reads.
    Passive,
    /// Copies all of it, after waiting for readers; then it is empty.
    Truncate,
}

impl Mode {
    fn sql(self) -> &'static str {
        match self {
            Mode::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
            Mode::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
        }
    }
}
