//! Room on disks.

use std::path::Path;

use super::Error;

/// Space that copying must leave free: enough for a gateway to keep running until someone notices that the disk
/// is nearly full.
pub(super) const RESERVE: u64 = 16 * 1024 * 1024;

/// Returns the free bytes of the disk with the file or directory at `path`; `None` if not known.
pub(super) fn free(path: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(path).ok()?;
    Some(volume.f_bavail.saturating_mul(volume.f_frsize))
}

/// Fails unless `directory` has room for a file of this size.
pub(super) fn check(directory: &Path, len: u64) -> Result<(), Error> {
    // Of a small file, a part is enough.
    let needed = len.saturating_add(RESERVE.min(len));
    match free(directory) {
        Some(free) if free < needed => Err(Error::NoRoom { path: directory.to_owned(), needed, free }),
        Some(_) | None => Ok(()),
    }
}
