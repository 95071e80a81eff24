//! The checks of the log file, and of its disk.

use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::cli::Failure;
use crate::cli::doctor::Finding;
use crate::cli::failure::said;
use crate::cli::settings::{Key, Settings};
use crate::cli::text::{count, grouped, size};
use fanfare_store_embedded::maintenance::{self, Error, Examined};
use fanfare_store_embedded::{Owner, owner};

/// Bytes that must fit on the disk: what the smallest pushes need.
const ROOM_MIN: usize = 256 * 1024;

/// Length of a write-ahead log from which another program must be keeping it from starting over. The gateway
/// allows 64 MiB.
const WAL_LEN_MAX: u64 = 128 * 1024 * 1024;

/// Checks the log file and its directory.
pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    const CHECK: &str = "data";
    let Some(store) = settings.text(Key::Store) else {
        return vec![Finding::bad(
            CHECK,
            "no home directory found for the log",
            "choose a file with --store PATH or FANFARE_STORE",
        )];
    };
    if store == "memory" {
        return vec![Finding::good(CHECK, "the log is in memory and is lost when the gateway stops")];
    }
    let path = Path::new(&store);
    let mut findings = vec![directory(CHECK, path, &store)];
    findings.extend(log(path));
    findings
}

/// Checks whether the log can be written where it is.
fn directory(check: &'static str, path: &Path, store: &str) -> Finding {
    // `serve` creates the directory. Until then, its nearest ancestor must be writable.
    let above = path.ancestors().skip(1).map(|above| match above.as_os_str().is_empty() {
        true => Path::new("."),
        false => above,
    });
    let Some(directory) = above.into_iter().find(|ancestor| ancestor.is_dir()) else {
        return Finding::good(check, store);
    };
    match write_in(directory) {
        Ok(()) if path.exists() => Finding::good(
            check,
            host(path).map_or(store.to_owned(), |host| format!("{store} (used by {host})")),
        ),
        Ok(()) => Finding::good(check, format!("{store} (`fanfare serve` will create it)")),
        Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            Finding::bad(
                check,
                format!("the disk is full, so pushes are refused: {}", directory.display()),
                "free space on that disk; `fanfare log compact` gives back what the log does not use",
            )
        }
        Err(error) => Finding::bad(
            check,
            format!("cannot write in {}: {}", directory.display(), said(&error)),
            "choose another file with --store PATH or FANFARE_STORE",
        ),
    }
}

/// Returns the process that has the log open: a `fanfare serve`, or a `fanfare mcp` that hosts the gateway.
fn host(path: &Path) -> Option<Owner> {
    let owner = owner(path)?;
    // A killed process leaves its name in the file.
    let pid = rustix::process::Pid::from_raw(owner.pid.cast_signed())?;
    rustix::process::test_kill_process(pid).is_ok().then_some(owner)
}

/// Writes a file and removes it. Reading the permissions would not find a full or read-only disk.
fn write_in(directory: &Path) -> std::io::Result<()> {
    let path = directory.join(format!(".fanfare-doctor-{:016x}", rand::random::<u64>()));
    let written = std::fs::File::create_new(&path).and_then(|mut file| file.write_all(&vec![0; ROOM_MIN]));
    let removed = std::fs::remove_file(&path);
    written.and(removed)
}

/// Examines the log briefly: problems that keep a gateway from starting, and what else is worth knowing.
fn log(path: &Path) -> Vec<Finding> {
    const CHECK: &str = "log";
    let examined = match maintenance::examine(path) {
        Ok(examined) => examined,
        // It will be created.
        Err(Error::Nothing { .. }) => return Vec::new(),
        Err(error) => return vec![Finding::failed(CHECK, &Failure::from(error))],
    };
    let Examined { events, looked_at, damaged, wal_bytes, open_mode } = examined;
    let mut findings = Vec::new();
    findings.push(match (damaged, looked_at < events) {
        (0, false) => Finding::good(CHECK, format!("{}, whole", count(events, "event"))),
        (0, true) => Finding::good(
            CHECK,
            format!(
                "{} of {} checked, all intact; `fanfare log check` checks the rest",
                grouped(looked_at),
                count(events, "event")
            ),
        ),
        (damaged, _) => Finding::bad(
            CHECK,
            format!("{} of {} damaged", grouped(damaged), count(looked_at, "event")),
            "`fanfare log check` lists them; readers skip them. Check the disk before there are more",
        ),
    });
    if let Some(mode) = open_mode {
        findings.push(Finding::note(
            CHECK,
            format!("other users can read it (mode {mode:04o}), and it has the secrets of webhooks"),
            format!("chmod 600 {}", path.display()),
        ));
    }
    if wal_bytes > WAL_LEN_MAX {
        findings.push(Finding::note(
            CHECK,
            format!(
                "{} wait in its write-ahead log, because another program has been reading it for a long time",
                size(wal_bytes)
            ),
            "end that program; `fuser` lists those that have the file open",
        ));
    }
    findings
}
