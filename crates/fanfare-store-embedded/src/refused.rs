//! Refused events: the disk is full, for example.

use std::path::Path;

use rusqlite::Connection;

use crate::schema;
use fanfare_store::Error;

/// The free space that counts as room again, beyond what was refused: the write-ahead log needs more than the events.
const ROOM_MIN: u64 = 256 * 1024;

/// The last commit of events, if it was refused.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    /// Why it was refused.
    pub(super) error: Error,
    /// How many bytes the events had.
    pub(super) bytes: u64,
}

impl Refused {
    /// Returns whether there is room for the events now, if room is what was missing.
    pub(super) fn has_room(&self, path: &Path) -> bool {
        let is_full = matches!(self.error, Error::DiskFull { .. });
        !is_full || room(path) >= self.bytes.saturating_mul(2).saturating_add(ROOM_MIN)
    }
}

/// Makes a write without an effect, in the caller's transaction. SQLite skips a row that does not change, but
/// always writes the version.
pub(super) fn write_nothing(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "user_version", schema::version(conn)?)
}

/// Returns whether the disk may be full.
pub(super) fn may_be_full(path: &Path) -> bool {
    room(path) < ROOM_MIN
}

fn room(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(0, |volume| volume.f_bavail.saturating_mul(volume.f_frsize))
}
