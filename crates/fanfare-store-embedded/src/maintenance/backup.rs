//! Backs up a log, whether or not a gateway uses it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::check::Report;
use super::error::failed;
use super::source;
use super::{Error, Watch, check_no_remains, copying};
use crate::draft::Draft;
use crate::files::beside;

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct Backup {
    /// The result of checking its content.
    pub report: Report,
    /// Its bytes.
    pub bytes: u64,
}

/// Copies one snapshot of the log at `path` to `target`, and checks the copy. The copy gets its name once it is
/// complete and on the disk. With `replaces`, it replaces an existing file. Blocks.
pub fn backup(path: &Path, target: &Path, replaces: bool, watch: &Watch) -> Result<Backup, Error> {
    check_target(path, target, replaces)?;
    let mut conn = source::open_current(path)?;
    let io = |error: std::io::Error| failed(target, &error);
    let draft = Draft::new(target).map_err(io)?;
    let report = copying::copy(&mut conn, path, &draft, watch)?;
    let bytes = draft.file().metadata().map_err(io)?.len();
    draft.place(replaces).map_err(io)?;
    Ok(Backup { report, bytes })
}

/// Refuses a target that is a file of the log, or that exists and must not be replaced.
fn check_target(path: &Path, target: &Path, replaces: bool) -> Result<(), Error> {
    let id = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let own: [PathBuf; 4] =
        [path.to_owned(), beside(path, "-wal"), beside(path, "-shm"), beside(path, ".lock")];
    let is_own = own.iter().any(|own| own == target || (id(own).is_some() && id(own) == id(target)));
    if is_own {
        return Err(Error::Own { path: target.to_owned() });
    }
    check_no_remains(target, &["-wal", "-journal"])?;
    match fs::symlink_metadata(target) {
        Ok(found) if found.is_dir() => {
            let problem = "it is a directory; name a file in it".to_owned();
            Err(Error::Io { path: target.to_owned(), problem })
        }
        Ok(found) if replaces && !found.is_file() => {
            let problem = "it is not a regular file".to_owned();
            Err(Error::Io { path: target.to_owned(), problem })
        }
        Ok(_) if !replaces => Err(Error::Exists { path: target.to_owned() }),
        Ok(_) | Err(_) => Ok(()),
    }
}
