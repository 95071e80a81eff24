//! The files of clients: they are read whole, backed up next to the original, and replaced atomically.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;

/// Maximum size of a file. Claude Code's file holds much more than servers, but a larger one is something else.
const BYTES_MAX: u64 = 64 << 20;

/// Maximum number of backups to read, newest first.
const BACKUPS_MAX: usize = 64;

/// Maximum number of backups per second.
const BACKUPS_PER_SECOND_MAX: usize = 99;

/// Suffix of a backup's name.
const BACKUP_END: &str = ".fanfare-backup";

/// A file and its content.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Path of the file after links are followed.
    pub(crate) target: PathBuf,
    pub(crate) text: String,
    permissions: Permissions,
}

/// A backup next to a file.
#[derive(Debug, Clone)]
pub(crate) struct Backup {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Reads the file at `path`. `None` if it does not exist.
pub(crate) fn read(path: &Path) -> Result<Option<Found>, Failure> {
    let failed = |error: &io::Error| Failure::file("read", path, error);
    match fs::symlink_metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error).fix("check who can read it")),
    }
    let target = path
        .canonicalize()
        .map_err(|error| failed(&error).fix("it is a broken link: repair or remove it"))?;
    let metadata = fs::metadata(&target).map_err(|error| failed(&error))?;
    let refused = |why: String, fix: &str| {
        Err(Failure::usage(format!("cannot change `{}`", path.display())).why(why).fix(fix.to_owned()))
    };
    if !metadata.is_file() {
        return refused("it is not a file".to_owned(), "move it out of the way");
    }
    if metadata.len() > BYTES_MAX {
        return refused(format!("it is larger than {} MiB", BYTES_MAX >> 20), "check what is in it");
    }
    let bytes = fs::read(&target).map_err(|error| failed(&error).fix("check who can read it"))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(Found { target, text, permissions: metadata.permissions() })),
        Err(error) => {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            refused(format!("line {line} is not UTF-8"), "save it as UTF-8")
        }
    }
}

/// Returns the backups of `target`, newest first. Unreadable backups are left out.
pub(crate) fn backups(target: &Path) -> Vec<Backup> {
    let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else { return Vec::new() };
    let start = format!("{}.", name.to_string_lossy());
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            name.starts_with(&start) && name.ends_with(BACKUP_END)
        })
        .collect();
    paths.sort_unstable_by(|one, two| two.cmp(one));
    let read = |path: PathBuf| Some(Backup { text: read(&path).ok()??.text, path });
    paths.into_iter().take(BACKUPS_MAX).filter_map(read).collect()
}

/// Saves a dated copy next to the file.
pub(crate) fn back_up(found: &Found) -> Result<PathBuf, Failure> {
    let date = jiff::Timestamp::now().strftime("%Y-%m-%dT%H%M%SZ").to_string();
    let name = found.target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    for number in 0..BACKUPS_PER_SECOND_MAX {
        let more = if number == 0 { String::new() } else { format!("-{number:02}") };
        let path = found.target.with_file_name(format!("{name}.{date}{more}{BACKUP_END}"));
        match create(&path, &found.text, Some(&found.permissions)) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Failure::file("write the backup", &path, &error)),
        }
    }
    Err(Failure::failed("cannot write a backup")
        .why("too many backups were saved this second")
        .fix("run the same command again"))
}

/// Replaces the content of the file atomically: a client that reads it sees either the old or the new content.
pub(crate) fn replace(path: &Path, found: Option<&Found>, text: &str) -> Result<(), Failure> {
    unchanged(path, found)?;
    let target = found.map_or(path, |found| &found.target);
    let failed = |error: io::Error| {
        Failure::file("write", target, &error).fix("nothing was changed; check who can write there")
    };
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let new = target.with_file_name(format!(".{name}.{}.fanfare-new", std::process::id()));
    let written =
        create(&new, text, found.map(|found| &found.permissions)).and_then(|()| fs::rename(&new, target));
    written.map_err(|error| {
        // A leftover does no harm if it cannot be removed.
        let _ = fs::remove_file(&new);
        failed(error)
    })
}

/// Removes a file and, `with_folder`, its folder if that is empty then.
pub(crate) fn remove(path: &Path, found: &Found, with_folder: bool) -> Result<(), Failure> {
    unchanged(path, Some(found))?;
    fs::remove_file(path).map_err(|error| Failure::file("remove", path, &error))?;
    if let Some(folder) = path.parent().filter(|_| with_folder) {
        // This fails if the folder is not empty, as intended.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// Fails if the client has written the file since it was read.
fn unchanged(path: &Path, found: Option<&Found>) -> Result<(), Failure> {
    let now = read(path)?;
    if now.as_ref().map(|now| &now.text) == found.map(|found| &found.text) {
        return Ok(());
    }
    Err(Failure::failed(format!("`{}` changed in the meantime", path.display()))
        .why("something else wrote to it after it was read; nothing was changed")
        .fix("run the same command again"))
}

fn create(path: &Path, text: &str, permissions: Option<&Permissions>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if permissions.is_some() {
        // Other users must not read the file before it has the permissions of the original.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file: File = options.open(path)?;
    file.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions.clone())?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{back_up, backups, read, remove, replace};

    #[test]
    fn a_file_that_changed_in_the_meantime_is_not_overwritten() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("x.json");
        replace(&path, None, "1").expect("made");
        let found = read(&path).expect("readable").expect("there");
        std::fs::write(&path, "2").expect("written");
        assert_eq!(&*replace(&path, Some(&found), "3").expect_err("changed").code, "failed");
        assert!(replace(&path, None, "3").is_err());
        assert!(remove(&path, &found, true).is_err());
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "2");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn backups_of_one_second_do_not_replace_each_other() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("x.json");
        for text in ["1", "2", "3"] {
            std::fs::write(&path, text).expect("written");
            back_up(&read(&path).expect("readable").expect("there")).expect("kept");
        }
        std::fs::write(folder.path().join("y.json.fanfare-backup"), "other").expect("written");
        let target = path.canonicalize().expect("there");
        let mut texts: Vec<String> = backups(&target).into_iter().map(|backup| backup.text).collect();
        texts.sort();
        assert_eq!(texts, ["1", "2", "3"]);
    }
}
