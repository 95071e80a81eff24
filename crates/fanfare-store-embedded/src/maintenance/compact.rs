//! Returns the free pages of a log to the disk.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use fanfare_core::Timestamp;

use super::error::failed;
use super::source::named;
use super::{Error, Watch, copying};
use crate::draft::Draft;
use crate::files::{Found, inspect, wal_path};
use crate::lock::Lock;
use crate::open::{WalIndex, open_existing};

/// A log that was made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes before.
    pub before: u64,
    /// Bytes after.
    pub after: u64,
}

/// Rewrites the log at `path` without its free pages. Fails while a gateway uses the log. Blocks.
pub fn compact(path: &Path, now: Timestamp, watch: &Watch) -> Result<Compacted, Error> {
    match inspect(path)? {
        Found::Nothing => return Err(Error::Nothing { path: path.to_owned() }),
        Found::Empty => return Err(Error::Empty { path: path.to_owned() }),
        Found::Ours => {}
    }
    let _lock = Lock::take(path)?;
    let mut conn = open_existing(path, now, WalIndex::InFile)?;
    let sql = |error| named(path, &error);
    let io = |error: std::io::Error| failed(path, &error);
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).map_err(sql)?;
    let before = fs::metadata(path).map_err(io)?;
    let draft = Draft::new(path).map_err(io)?;
    copying::copy(&mut conn, path, &draft, watch)?;
    // Closing removes the write-ahead log, unless another program reads the log. A write-ahead log that stays
    // would be taken for that of the new file.
    conn.close().map_err(|(_, error)| sql(error))?;
    if fs::metadata(wal_path(path)).is_ok() {
        return Err(Error::InUse { path: path.to_owned() });
    }
    let file = draft.file();
    file.set_permissions(fs::Permissions::from_mode(before.mode() & 0o777)).map_err(io)?;
    let made = file.metadata().map_err(io)?;
    if (made.uid(), made.gid()) != (before.uid(), before.gid()) {
        chown(draft.path(), Some(before.uid()), Some(before.gid())).map_err(io)?;
    }
    draft.place(true).map_err(io)?;
    Ok(Compacted { before: before.len(), after: made.len() })
}
