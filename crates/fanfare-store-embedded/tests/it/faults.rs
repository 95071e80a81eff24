//! Files that the embedded store cannot use: a clear error, and the file as it was, to the byte.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fanfare_store::{Append, Error, Retention, Store};
use fanfare_store_embedded::{self, Embedded, OpenError};

use fanfare_store_suite::disk::{Disk, is_root, not_checked, run};
use fanfare_store_suite::harness::event;

struct Place {
    directory: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Place {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log.db");
        Place { directory, path }
    }

    /// Leaves a store with some events, closed.
    async fn with_events(count: usize) -> Place {
        let place = Place::new();
        let store = place.open().expect("a new store");
        for _ in 0..count / 100 {
            let batch = (0..100).map(|_| event(&"x".repeat(200))).collect();
            store.log.append(Append::new(batch)).await.expect("appended");
        }
        store.engine.close().await;
        place
    }

    fn open(&self) -> Result<Store, OpenError> {
        Embedded::open(&self.path, Retention::default()).map(Store::new)
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.directory.path())
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Opens a file that must be refused, and checks that nothing happened to it.
    fn refused(&self) -> OpenError {
        let (before, files) = (fs::read(&self.path).expect("a file"), self.files());
        let error = self.open().expect_err("it cannot be opened");
        assert!(fs::read(&self.path).expect("a file") == before, "the file was touched: {error}");
        let mut left = self.files();
        left.retain(|name| name != "log.db.lock" || files.contains(name));
        assert_eq!(left, files, "nothing is left beside it: {error}");
        error
    }
}

/// Anyone who can write to the directory could otherwise make the gateway empty any of its user's files.
#[test]
fn a_lock_that_leads_to_another_file_is_left_alone() {
    let place = Place::new();
    let (other, lock) = (place.directory.path().join("other"), place.directory.path().join("log.db.lock"));
    fs::write(&other, "precious").expect("written");
    let cases: [(&str, &dyn Fn()); 4] = [
        ("symbolic link", &|| std::os::unix::fs::symlink(&other, &lock).expect("a link")),
        ("symbolic link", &|| std::os::unix::fs::symlink("not there", &lock).expect("a link")),
        ("hard link", &|| fs::hard_link(&other, &lock).expect("a link")),
        ("directory", &|| fs::create_dir(&lock).expect("a directory")),
    ];
    for (reason, make) in cases {
        make();
        let error = place.open().expect_err("it cannot be opened");
        assert!(error.to_string().to_lowercase().contains(reason), "{error}");
        assert_eq!(fs::read_to_string(&other).expect("a file"), "precious");
        assert!(
            !place.files().contains(&"not there".to_owned()) && !place.files().contains(&"log.db".to_owned())
        );
        fs::remove_file(&lock).or_else(|_| fs::remove_dir(&lock)).expect("removed");
    }
    run("mkfifo", &[lock.as_os_str()]);
    let error = place.open().expect_err("it cannot be opened");
    assert!(error.to_string().contains("not a regular file"), "{error}");
    fs::remove_file(&lock).expect("removed");
    if is_root() {
        fs::write(&lock, "").expect("written");
        std::os::unix::fs::chown(&lock, Some(12_345), None).expect("given away");
        let error = place.open().expect_err("it cannot be opened");
        assert!(error.to_string().contains("belongs to another user"), "{error}");
    }
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let place = Place::new();
    for content in ["notes of mine\n".repeat(100), "x".to_owned(), "SQLite format 3\0".to_owned()] {
        fs::write(&place.path, content).expect("written");
        let error = place.refused();
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
        assert_eq!(place.files(), ["log.db"], "not even a lock");
    }
    let garbage: Vec<u8> =
        (0..10_000u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(&place.path, garbage).expect("written");
    assert!(matches!(place.refused(), OpenError::Foreign { .. }));

    fs::remove_file(&place.path).expect("removed");
    let conn = rusqlite::Connection::open(&place.path).expect("a database");
    conn.execute_batch("CREATE TABLE cookies (name); INSERT INTO cookies VALUES ('x')").expect("written");
    conn.close().expect("closed");
    let error = place.refused();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("another program") && error.to_string().contains("log.db"), "{error}");
    assert_eq!(place.files(), ["log.db"]);
}

#[test]
fn a_directory_is_no_store() {
    let place = Place::new();
    let error = Embedded::open(place.directory.path(), Retention::default()).expect_err("a directory");
    assert!(error.to_string().contains("directory"), "{error}");
    let below = place.path.join("log.db");
    fs::write(&place.path, "a file").expect("written");
    let error = Embedded::open(&below, Retention::default()).expect_err("a file is no directory");
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
}

#[tokio::test]
async fn an_empty_file_becomes_a_store() {
    let place = Place::new();
    fs::write(&place.path, "").expect("written");
    // The remains of a crash during the creation of a store.
    for name in ["log.db.part", "log.db.part-journal", "log.db.part-wal", "log.db.part-shm"] {
        fs::write(place.directory.path().join(name), "half a store").expect("written");
    }
    let store = place.open().expect("a new store");
    store.log.append(Append::new(vec![event("x")])).await.expect("appended");
    store.engine.close().await;
    assert_eq!(place.files(), ["log.db", "log.db.lock"]);
}

/// Commits would go to a file that nobody can open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_removed_or_replaced_while_it_is_open_stops_the_store() {
    /// Ample, as the files are looked at once a second.
    const SOON: std::time::Duration = std::time::Duration::from_secs(20);
    let wal = |place: &Place| place.directory.path().join("log.db-wal");
    type Harm<'a> = (&'a str, &'a dyn Fn(&Place));
    let cases: [Harm<'_>; 4] = [
        ("log.db` was removed", &|place| fs::remove_file(&place.path).expect("removed")),
        ("log.db` was removed", &|place| fs::remove_dir_all(place.directory.path()).expect("removed")),
        ("log.db` was replaced", &|place| {
            let copy = place.directory.path().join("copy");
            fs::copy(&place.path, &copy).expect("copied");
            fs::rename(&copy, &place.path).expect("replaced");
        }),
        ("log.db-wal` was removed", &|place| fs::remove_file(wal(place)).expect("removed")),
    ];
    for (reason, harm) in cases {
        let place = Place::new();
        let store = place.open().expect("a new store");
        let append = async || store.log.append(Append::new(vec![event("x")])).await;
        for _ in 0..3 {
            append().await.expect("appended");
        }
        harm(&place);
        let begun = std::time::Instant::now();
        let error = loop {
            match append().await {
                Err(error) => break error,
                Ok(_) => assert!(begun.elapsed() < SOON, "{reason}: it goes on"),
            }
        };
        assert!(
            matches!(error, Error::Fatal { .. }) && error.to_string().contains(reason),
            "{reason}: {error}"
        );
        store.engine.failed().await;
        append().await.expect_err("nothing more is written");
    }
}

/// SQLite would take the pages of the old log into the new one, with its epoch.
#[tokio::test]
async fn the_write_ahead_log_of_a_log_that_is_gone_is_left_alone() {
    let old = Place::new();
    let store = old.open().expect("a new store");
    store.log.append(Append::new(vec![event("x")])).await.expect("appended");
    let wal = fs::read(old.directory.path().join("log.db-wal")).expect("a write-ahead log");
    store.engine.close().await;
    for has_empty_file in [false, true] {
        let place = Place::new();
        let remains = place.directory.path().join("log.db-wal");
        fs::write(&remains, &wal).expect("written");
        if has_empty_file {
            fs::write(&place.path, "").expect("written");
        }
        let before = place.files();
        let error = place.open().expect_err("it cannot be opened");
        assert!(error.to_string().contains("the last events of a log that is gone"), "{error}");
        assert_eq!((place.files(), fs::read(&remains).expect("a file")), (before, wal.clone()));
        fs::remove_file(&remains).expect("moved away");
        let store = place.open().expect("a new store");
        assert_eq!(store.log.head().borrow().last, 0);
        store.engine.close().await;
    }
}

#[tokio::test]
async fn only_the_owner_can_read_it() {
    let mut place = Place::new();
    place.path = place.directory.path().join("a/b/log.db");
    let store = place.open().expect("a new store");
    store.log.append(Append::new(vec![event("x")])).await.expect("appended");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let parent = place.path.parent().expect("a parent");
    assert_eq!(mode(parent), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(parent).expect("a directory") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 4, "the file, its lock, and two of SQLite");
    store.engine.close().await;
}

#[tokio::test]
async fn a_store_of_a_later_version_is_left_alone() {
    let place = Place::with_events(100).await;
    let conn = rusqlite::Connection::open(&place.path).expect("a database");
    conn.pragma_update(None, "user_version", 99).expect("written");
    conn.close().expect("closed");
    let error = place.refused();
    assert!(matches!(error, OpenError::TooNew { found: 99, .. }), "{error}");

    // Also when the version is still in the write-ahead log only.
    let conn = rusqlite::Connection::open(&place.path).expect("a database");
    conn.pragma_update(None, "user_version", 1).expect("written");
    conn.close().expect("closed");
    let other = Place::new();
    let conn = rusqlite::Connection::open(&place.path).expect("a database");
    conn.pragma_update(None, "user_version", 98).expect("written");
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        fs::copy(name(&place.path), name(&other.path)).expect("copied");
    }
    conn.close().expect("closed");
    let wal = fs::read(other.directory.path().join("log.db-wal")).expect("read");
    let file = fs::read(&other.path).expect("read");
    let error = other.open().expect_err("too new");
    assert!(matches!(error, OpenError::TooNew { found: 98, .. }), "{error}");
    assert!(fs::read(&other.path).expect("read") == file, "the file was touched");
    assert!(fs::read(other.directory.path().join("log.db-wal")).expect("read") == wal, "nor its log");
}

#[tokio::test]
async fn damage_is_said_and_left_as_it_is() {
    let place = Place::with_events(10_000).await;
    let whole = fs::read(&place.path).expect("read");
    const PAGE_LEN: usize = 4_096;
    let pages = whole.len() / PAGE_LEN;
    for part in 1..10 {
        let mut damaged = whole.clone();
        let start = pages * part / 10 * PAGE_LEN;
        damaged[start..start + PAGE_LEN].fill(0xA5);
        fs::write(&place.path, damaged).expect("written");
        let error = place.refused();
        assert!(matches!(error, OpenError::Corrupt { .. }), "page {} of {pages}: {error}", start / PAGE_LEN);
        assert!(error.to_string().contains("log.db") && error.to_string().contains("backup"), "{error}");
    }
    let mut damaged = whole.clone();
    damaged[100..PAGE_LEN].fill(0xA5);
    fs::write(&place.path, damaged).expect("written");
    let error = place.refused();
    assert!(matches!(error, OpenError::Corrupt { .. } | OpenError::Foreign { .. }), "{error}");

    fs::write(&place.path, &whole[..pages / 2 * PAGE_LEN]).expect("written");
    let error = place.refused();
    assert!(matches!(error, OpenError::Corrupt { .. }), "cut off: {error}");

    fs::write(&place.path, &whole).expect("written");
    let store = place.open().expect("the whole file opens");
    assert_eq!(store.head().last, 10_000);
    store.engine.close().await;
}

#[tokio::test]
async fn a_second_user_learns_of_the_first() {
    let place = Place::new();
    let store = place.open().expect("a new store");
    let pid = std::process::id();
    let error = place.open().expect_err("in use");
    assert!(
        matches!(&error, OpenError::Locked { owner: Some(owner), .. } if *owner == format!("pid {pid}")),
        "{error}"
    );
    store.engine.announce("http://127.0.0.1:8000").expect("written");
    let error = place.open().expect_err("in use");
    assert!(error.to_string().contains("http://127.0.0.1:8000"), "{error}");
    let owner = fanfare_store_embedded::owner(&place.path).expect("somebody");
    assert_eq!((owner.pid, owner.url.as_deref()), (pid, Some("http://127.0.0.1:8000")));
    store.log.append(Append::new(vec![event("x")])).await.expect("the first one does not notice");
    store.engine.close().await;
    assert_eq!(fanfare_store_embedded::owner(&place.path), None);
    assert!(matches!(store.engine.announce("http://127.0.0.1:1"), Err(Error::Closed)));
    place.open().expect("it is free again").engine.close().await;
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_said() {
    let Some(disk) = Disk::mount("4m") else {
        return not_checked("not checked: only root may mount a disk and make it read-only");
    };
    let path = disk.path().join("log.db");
    let store = Store::new(Embedded::open(&path, Retention::default()).expect("a new store"));
    store.engine.close().await;
    disk.make_read_only();
    for path in [path, disk.path().join("other.db")] {
        let error = Embedded::open(&path, Retention::default()).expect_err("read-only");
        assert!(matches!(error, OpenError::Io { .. }), "{error}");
        assert!(error.to_string().contains("Read-only"), "{error}");
    }
}

/// A file that cannot be written until this is dropped.
struct Immutable<'a>(&'a Path);

impl Immutable<'_> {
    /// Returns nothing where the file system does not know that.
    fn make(path: &Path) -> Option<Immutable<'_>> {
        // Permissions do not bind root; this attribute does.
        let done = match is_root() {
            true => run("chattr", &[OsStr::new("+i"), path.as_os_str()]),
            false => fs::set_permissions(path, fs::Permissions::from_mode(0o400)).is_ok(),
        };
        done.then_some(Immutable(path))
    }
}

impl Drop for Immutable<'_> {
    fn drop(&mut self) {
        if is_root() {
            run("chattr", &[OsStr::new("-i"), self.0.as_os_str()]);
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_said() {
    let place = Place::with_events(100).await;
    let Some(_immutable) = Immutable::make(&place.path) else {
        return not_checked("not checked: this file system knows no immutable files");
    };
    let error = place.refused();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert!(error.to_string().contains("not written"), "{error}");
}
