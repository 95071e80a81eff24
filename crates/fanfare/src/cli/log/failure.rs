//! Error messages for work on a log file.

use crate::cli::Failure;
use crate::cli::startup::open_failure;
use crate::cli::text::size;
use fanfare_store_embedded::maintenance::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Busy { path } => Failure::failed(format!("`{}` cannot be read now", path.display()))
                .why("the disk was full when the gateway that uses it started, so it has the file for itself")
                .fix("free space on the disk and restart the gateway"),
            Error::Damaged { path, problem } => Failure::failed(format!("`{}` is damaged", path.display()))
                .why(problem)
                .fix("use a backup, or save what can be read: fanfare log export > events.ndjson"),
            Error::Empty { path } => Failure::failed(format!("`{}` is empty (0 bytes)", path.display()))
                .fix("restore a backup, or delete the file to start a new log"),
            Error::Exists { path } => {
                Failure::failed(format!("`{}` exists, and is not overwritten", path.display())).fix(format!(
                    "choose another file, move it away (and for a log, the files `{0}-wal` and `{0}-shm` with it), \
                     or for a backup add --force",
                    path.display()
                ))
            }
            Error::HasMore { path, with } => {
                Failure::failed(format!("`{}` is a copy of a log that was in use", path.display()))
                    .why(format!("a part of it is in `{}`", with.display()))
                    .fix(format!("make a backup of it first: fanfare backup --store {} FILE", path.display()))
            }
            Error::InUse { path } => {
                Failure::failed(format!("another program has `{}` open", path.display()))
                    .fix(format!("end it; `fuser {}` names it", path.display()))
            }
            Error::Interrupted => Failure::failed("stopped; nothing was written"),
            Error::Io { path, problem } => {
                Failure::failed(format!("cannot use `{}`", path.display())).why(problem)
            }
            Error::NoRoom { path, needed, free } => {
                let failure = Failure::failed(format!("too little room on the disk of `{}`", path.display()));
                let failure = match needed {
                    0 => failure,
                    needed => failure.why(format!("{} are needed, {} are free", size(needed), size(free))),
                };
                failure.fix("free space on that disk")
            }
            Error::Nothing { path } => Failure::failed(format!("there is no file at `{}`", path.display()))
                .fix("name the file of a log with --store PATH or FANFARE_STORE"),
            Error::Old { path } => {
                Failure::failed(format!("`{}` was written by an earlier version of Fanfare", path.display()))
                    .fix("start a gateway with it once, which upgrades it")
            }
            Error::Open(error) => open_failure(&error),
            Error::Own { path } => {
                Failure::usage(format!("`{}` is a file of the log itself", path.display()))
                    .fix("choose another file")
            }
            Error::Remains { path } => Failure::failed(format!("`{}` is in the way", path.display()))
                .why("it belongs to another log, and would be mixed with this one")
                .fix("move it away; if the log it belongs to is lost, delete it"),
        }
    }
}
