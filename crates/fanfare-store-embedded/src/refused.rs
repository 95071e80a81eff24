//! Refused events: the disk is full, for example.

use std::path::Path;

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
        let room =
            rustix::fs::statvfs(path).map_or(0, |volume| volume.f_bavail.saturating_mul(volume.f_frsize));
        let is_full = matches!(self.error, Error::DiskFull { .. });
        !is_full || room >= self.bytes.saturating_mul(2).saturating_add(ROOM_MIN)
    }
}
