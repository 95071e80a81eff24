//! Opening the file: checks its origin and integrity, and migrates it. A file that is refused here is left unchanged,
//! to the byte.

use std::fs;
use std::path::Path;
use std::time::Duration;

use fanfare_core::{Epoch, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::draft::Draft;
use crate::failure;
use crate::files::{
    Found, beside, check_version, give_to_owner, inspect, make_directory, open_mode, wal_path,
};
use crate::lock::Lock;
use crate::open_error::OpenError;
use crate::problems::{is_of_one_event, quick_problems};
use crate::schema::{self, APPLICATION_ID, STEPS};

/// Older libraries can lose commits when the write-ahead log starts over while another connection checkpoints.
const LIBRARY_MIN: (i32, &str) = (3_051_003, "3.51.3");

/// Maximum duration of the check of an existing file: enough for a few hundred MB; damage beyond that is found when it
/// is read.
const CHECK_TIME_MAX: Duration = Duration::from_millis(150);

/// Maximum wait for another program that reads the file; appends wait as long.
const BUSY_TIME_MAX: Duration = Duration::from_millis(250);

/// Length to which the file of the write-ahead log is cut when it starts over.
const WAL_LEN_MAX: i64 = 64 * 1024 * 1024;

/// Pages that the writer caches: the right edge of every table, the idempotency index, and the changes of one
/// transaction.
const WRITER_CACHE_KIB: i64 = 16 * 1024;

/// Pages that each reading connection caches: it drops them after each commit, so more would be useless.
const READER_CACHE_KIB: i64 = 8 * 1024;

/// Where the connections to a file keep the index of its write-ahead log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WalIndex {
    /// In a file beside it, so other processes can read the log at the same time.
    InFile,
    /// In the memory of this process, which then has exclusive use of the log: for a disk without room for that
    /// file.
    InMemory,
}

/// Opens the file for the writer at the time of day `now`, and makes it when it is not there.
pub(super) fn open(path: &Path, now: Timestamp) -> Result<(Lock, Connection, WalIndex), OpenError> {
    if rusqlite::version_number() < LIBRARY_MIN.0 {
        let problem = format!("SQLite {} is older than {}", rusqlite::version(), LIBRARY_MIN.1);
        return Err(OpenError::Other { problem });
    }
    // Before the lock, so that nothing is left beside a file that is not ours.
    if matches!(inspect(path)?, Found::Nothing) {
        make_directory(path)?;
    }
    let lock = Lock::take(path)?;
    // Again: another process may have made the file, and ended, since.
    match inspect(path)? {
        Found::Nothing => create(path, now, false)?,
        Found::Empty => {
            // An operator who expects events there must learn that there are none.
            tracing::warn!(path = %path.display(), "the file of the log was empty; a new log begins");
            create(path, now, true)?;
        }
        Found::Ours => {}
    }
    warn_of_readers(path);
    let had_wal = wal_path(path).exists();
    let (opened, index) = match open_existing(path, now, WalIndex::InFile) {
        Err(OpenError::DiskFull { .. }) => (open_existing(path, now, WalIndex::InMemory), WalIndex::InMemory),
        opened => (opened, WalIndex::InFile),
    };
    if opened.is_err() && !had_wal {
        // Reading made these; they are empty, as nothing was written.
        let _ = fs::remove_file(wal_path(path));
        let _ = fs::remove_file(beside(path, "-shm"));
    }
    Ok((lock, opened?, index))
}

/// Warns that other users can read the log.
fn warn_of_readers(path: &Path) {
    if let Some(mode) = fs::metadata(path).ok().as_ref().and_then(open_mode) {
        tracing::warn!(
            path = %path.display(),
            "other users can read the log (mode {mode:04o}), which has the secrets of webhooks: run `chmod 600 {}`",
            path.display()
        );
    }
}

/// Opens the file for reading.
pub(super) fn open_reader(path: &Path, index: WalIndex) -> rusqlite::Result<Connection> {
    let conn = connect_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE, index)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(conn)
}

/// Creates the file; with `replaces`, in place of the empty one that is there. It gets its name only once it is complete:
/// a crash before leaves nothing ambiguous.
fn create(path: &Path, now: Timestamp, replaces: bool) -> Result<(), OpenError> {
    let io = |error| failure::io(path, &error);
    let draft = Draft::new(path).map_err(io)?;
    fill(draft.path(), now).map_err(|error| failure::opening(path, &error))?;
    give_to_owner(draft.path()).map_err(io)?;
    draft.place(replaces).map_err(io)
}

fn fill(draft: &Path, now: Timestamp) -> rusqlite::Result<()> {
    let mut conn = connect(draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    schema::migrate(&mut conn, STEPS, now)?;
    let epoch = Epoch::from_random(rand::random());
    conn.execute("INSERT INTO log (id, epoch, last_seq, last_timestamp, last_arrival, bytes) VALUES (1, ?1, 0, 0, 0, 0)", [epoch.as_str()])?;
    conn.close().map_err(|(_, error)| error)
}

/// Opens an existing, locked file, and migrates it.
pub(super) fn open_existing(path: &Path, now: Timestamp, index: WalIndex) -> Result<Connection, OpenError> {
    let named = |error| failure::opening(path, &error);
    let mut conn = connect_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE, index).map_err(named)?;
    // Until every check has passed: closing would write the content of the write-ahead log into the file.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(named)?;
    if conn.is_readonly("main").map_err(named)? {
        let problem = "it can be read, but not written".to_owned();
        return Err(OpenError::Io { path: path.to_owned(), problem });
    }
    check_version(path, schema::version(&conn).map_err(named)?)?;
    check(path, &mut conn)?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0)).map_err(named)?;
    if mode != "wal" {
        let problem = format!("the file system cannot do without journal mode `{mode}`; use a local disk");
        return Err(OpenError::Io { path: path.to_owned(), problem });
    }
    conn.pragma_update(None, "synchronous", "FULL").map_err(named)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0).map_err(named)?;
    conn.pragma_update(None, "journal_size_limit", WAL_LEN_MAX).map_err(named)?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(named)?;
    // Overwrites deleted content where that writes no additional page.
    conn.pragma_update(None, "secure_delete", "FAST").map_err(named)?;
    if schema::migrate(&mut conn, STEPS, now).map_err(named)? {
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).map_err(named)?;
    }
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(named)?;
    Ok(conn)
}

/// Checks the file for damage, for a limited time.
fn check(path: &Path, conn: &mut Connection) -> Result<(), OpenError> {
    let found = quick_problems(conn, CHECK_TIME_MAX).map_err(|error| failure::opening(path, &error))?;
    for problem in &found {
        if !is_of_one_event(problem) {
            return Err(OpenError::Corrupt { path: path.to_owned(), problem: problem.clone() });
        }
        tracing::error!(path = %path.display(), "an event is damaged: {problem}");
    }
    Ok(())
}

/// Connects to a file.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    connect_with(path, flags, WalIndex::InFile)
}

fn connect_with(path: &Path, flags: OpenFlags, index: WalIndex) -> rusqlite::Result<Connection> {
    // Without SQLITE_OPEN_URI: a path is a path. Without the mutex: a connection is with one thread at a time.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match index {
        WalIndex::InFile => Connection::open_with_flags(path, flags)?,
        WalIndex::InMemory => Connection::open_with_flags_and_vfs(path, flags, c"unix-excl")?,
    };
    conn.busy_timeout(BUSY_TIME_MAX)?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use fanfare_core::Timestamp;

    #[test]
    fn every_commit_is_synced_and_only_the_writer_checkpoints() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log.db");
        let (_lock, writer, index) = super::open(&path, Timestamp::from_micros(0)).expect("a new store");
        let reader = super::open_reader(&path, index).expect("a reader");
        let number = |conn: &rusqlite::Connection, pragma: &str| -> i64 {
            conn.query_row(&format!("PRAGMA {pragma}"), (), |row| row.get(0)).expect("a number")
        };
        const FULL: i64 = 2;
        assert_eq!((number(&writer, "synchronous"), number(&writer, "wal_autocheckpoint")), (FULL, 0));
        assert_eq!(number(&reader, "query_only"), 1);
        assert!(reader.execute("DELETE FROM events", ()).is_err());
    }
}
