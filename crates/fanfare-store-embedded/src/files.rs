//! The files of a log: their names, and the header of the main file.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::failure;
use crate::open_error::OpenError;
use crate::schema::{APPLICATION_ID, STEPS};

/// Returns the path of the write-ahead log.
pub(super) fn wal_path(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

/// Returns the path of a file that belongs to the one at `path`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns the directory that a file is in.
pub(super) fn directory(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The kind of file at the path of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A file without content.
    Empty,
    /// No file.
    Nothing,
    /// A log.
    Ours,
}

/// Checks the header of the file without SQLite, which would write files beside it. On creation and migration,
/// the mark and the version are written directly to the file, so they are never only in the write-ahead log.
pub(super) fn inspect(path: &Path) -> Result<Found, OpenError> {
    const HEAD_LEN: usize = 100;
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let foreign = |problem: &str| OpenError::Foreign { path: path.to_owned(), problem: problem.to_owned() };
    let mut head = Vec::new();
    match File::open(path) {
        Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_dir()) => {
            let problem = "it is a directory; name a file in it".to_owned();
            return Err(OpenError::Io { path: path.to_owned(), problem });
        }
        Ok(file) => {
            file.take(HEAD_LEN as u64).read_to_end(&mut head).map_err(|error| failure::io(path, &error))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            check_no_remains(path)?;
            return Ok(Found::Nothing);
        }
        Err(error) => return Err(failure::io(path, &error)),
    }
    if head.is_empty() {
        check_no_remains(path)?;
        return Ok(Found::Empty);
    }
    if head.len() < HEAD_LEN || !head.starts_with(MAGIC) {
        return Err(foreign("it is not a database"));
    }
    let word = |at: usize| i32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if word(68) != APPLICATION_ID {
        return Err(foreign("it is the database of another program"));
    }
    check_version(path, i64::from(word(60)))?;
    Ok(Found::Ours)
}

/// Refuses the write-ahead log of a file that is gone. A new log would get its pages: SQLite notices neither
/// that they belong to another file nor that they are older. We never leave one behind, because a log gets its
/// name before its first commit.
fn check_no_remains(path: &Path) -> Result<(), OpenError> {
    let wal = wal_path(path);
    match fs::metadata(&wal) {
        Ok(found) if found.len() > 0 => {
            let problem = format!(
                "it has the last events of a log that is gone; put `{}` back beside it, or move it away to start a new log",
                path.display()
            );
            Err(OpenError::Io { path: wal, problem })
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failure::io(&wal, &error)),
    }
}

/// Refuses a file of a later version.
pub(super) fn check_version(path: &Path, found: i64) -> Result<(), OpenError> {
    let known = STEPS.len() as i64;
    if found > known {
        return Err(OpenError::TooNew { path: path.to_owned(), found, known });
    }
    Ok(())
}

/// Creates the directory, for the owner only: events can be private.
pub(super) fn make_directory(path: &Path) -> Result<(), OpenError> {
    let directory = directory(path);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| failure::io(directory, &error))
}

/// Syncs the name of the file, and those of the directories above it: [`make_directory`] may have made them, in this
/// process or in one that was killed. Without its directory, the file is gone after a power failure.
pub(super) fn sync_names(path: &Path) -> io::Result<()> {
    let sync = |directory: &Path| File::open(directory).and_then(|directory| directory.sync_all());
    let mut above = path.ancestors().filter(|path| path.parent().is_some()).map(directory);
    above.next().map_or(Ok(()), sync)?;
    for directory in above {
        // A directory that cannot be opened or synced is one that we have not changed.
        let _ = sync(directory);
    }
    Ok(())
}

/// Returns the permissions of a file with these metadata if other users have any.
pub(super) fn open_mode(found: &Metadata) -> Option<u32> {
    let mode = found.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Sets the owner of a file to that of its directory, if root made it for the user of the gateway.
pub(super) fn give_to_owner(file: &Path) -> io::Result<()> {
    let owner = fs::metadata(directory(file))?;
    if !geteuid().is_root() || owner.uid() == 0 {
        return Ok(());
    }
    chown(file, Some(owner.uid()), Some(owner.gid()))
}
