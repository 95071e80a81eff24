//! The spool: events that wait on this machine until their gateway can be reached.
//!
//! Each event is a file of its own in the order of their numbers, and is written as a whole or not at all. It goes with
//! its idempotency key, so sending one again whose outcome is not known appends nothing twice within 24 hours.

mod sending;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use fanfare_api::push::NewEvent;
use serde::{Deserialize, Serialize};

use crate::cli::Failure;
use crate::cli::settings::state_dir;
use crate::cli::text::{grouped, size};

pub(crate) use sending::{Flushed, Sent, Stopped};

/// Maximum events that wait for one gateway: those of a busy script for a night.
const EVENTS_MAX: usize = 10_000;
/// Maximum bytes of the events that wait for one gateway.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The events that wait for one gateway.
#[derive(Debug)]
pub(crate) struct Spool {
    directory: PathBuf,
}

/// An event that waits.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    /// When it was pushed, in milliseconds since 1970: `expires_in` counts from here.
    pushed_ms: i64,
    event: NewEvent,
}

impl Spool {
    /// Returns the spool for the gateway at `server`; `None` without a home directory. Nothing is created yet.
    pub(crate) fn of(server: &str) -> Option<Spool> {
        Some(Spool { directory: state_dir()?.join("spool").join(file_name(server)) })
    }

    /// Returns the number of events that wait.
    pub(crate) fn len(&self) -> Result<usize, Failure> {
        Ok(self.files()?.len())
    }

    /// Returns the directory of the events.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Adds an event at the end. It is on the disk when this returns.
    pub(crate) fn add(&self, event: &NewEvent) -> Result<(), Failure> {
        let failure = |error: io::Error| Failure::file("write to the spool in", &self.directory, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory).map_err(failure)?;
        let waiting = Waiting { pushed_ms: jiff::Timestamp::now().as_millisecond(), event: event.clone() };
        let json = serde_json::to_vec(&waiting).map_err(|error| failure(error.into()))?;
        // One at a time, so that no number is given twice. It is held for one write.
        let _locked = self.lock("add.lock").and_then(|file| file.lock().map(|()| file)).map_err(failure)?;
        let files = self.files()?;
        let bytes: u64 =
            files.iter().filter_map(|(_, path)| path.metadata().ok()).map(|found| found.len()).sum();
        if files.len() >= EVENTS_MAX || bytes + json.len() as u64 > BYTES_MAX {
            return Err(Failure::failed("the spool is full")
                .why(format!(
                    "{} events with {} wait in {}",
                    grouped(files.len() as u64),
                    size(bytes),
                    self.directory.display()
                ))
                .fix("start the gateway, then run: fanfare push --flush")
                .coded("spool_full"));
        }
        let number = files.last().map_or(1, |(number, _)| number + 1);
        self.write(number, &json).map_err(failure)
    }

    /// Writes the file of an event under another name first: nobody ever sees half of it.
    fn write(&self, number: u64, bytes: &[u8]) -> io::Result<()> {
        let (unfinished, path) = (self.directory.join("unfinished"), self.path(number));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(&self.directory)?.sync_all()
    }

    fn lock(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).open(self.directory.join(name))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:020}.json"))
    }

    /// Returns the numbers and paths of the events, oldest first.
    fn files(&self) -> Result<Vec<(u64, PathBuf)>, Failure> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            // Programs that start others often leave them the HOME of somebody else, or one that is not a directory.
            Err(error) if is_passed_over(error.kind()) => return Ok(Vec::new()),
            Err(error) => return Err(Failure::file("read the spool in", &self.directory, &error)),
        };
        let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
        let mut files: Vec<(u64, PathBuf)> = paths.filter_map(|path| Some((number(&path)?, path))).collect();
        files.sort_unstable();
        Ok(files)
    }
}

fn is_passed_over(problem: io::ErrorKind) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(problem, NotADirectory | NotFound | PermissionDenied)
}

/// Returns the number of the event in a file, if it is one.
fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".json")?.parse().ok()
}

/// Returns the name of the directory for a gateway: its URL, with what file names cannot have as `%` and two digits.
fn file_name(server: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    server
        .bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
