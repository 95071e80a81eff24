//! The program as its own successor: after a hand-over, this process continues as the program that is now
//! installed.
//!
//! The process keeps its id, so a service manager or a container notices nothing. The sockets stay open, so
//! connections wait in their queues instead of being refused.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::ensure;
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

use crate::cli::Failure;
use crate::cli::failure::said;
use crate::gateway::Inheritance;
use fanfare_server::net::unix_socket::SocketFile;

/// The descriptors of a successor's sockets are below this number: nothing else uses numbers this high once the
/// gateway has stopped, and every limit on open files that a gateway accepts allows them.
const DESCRIPTORS_END: i32 = 128;
/// Maximum time for the program to print its version.
const START_MAX: Duration = Duration::from_secs(5);

/// The file that this process runs, and the arguments that it was started with.
#[derive(Debug, Clone)]
pub(super) struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
}

impl Program {
    /// Returns the program of this process. Call it first at the start: once the file has been replaced, the
    /// system only knows that it was deleted.
    pub(super) fn running() -> Result<Program, Failure> {
        static RUNNING: OnceLock<Program> = OnceLock::new();
        if let Some(program) = RUNNING.get() {
            return Ok(program.clone());
        }
        let path = std::env::current_exe()
            .map_err(|error| Failure::failed("cannot find the program's own file").why(said(&error)))?;
        Ok(RUNNING.get_or_init(|| Program { path, arguments: std::env::args_os().skip(1).collect() }).clone())
    }

    /// Checks that the file is a program that starts.
    pub(super) async fn can_start(&self) -> Result<(), Failure> {
        let failed =
            |why: String| Failure::failed(format!("`{}` does not start", self.path.display())).why(why);
        let run = tokio::process::Command::new(&self.path)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status();
        match tokio::time::timeout(START_MAX, run).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(failed(status.to_string())),
            Ok(Err(error)) => Err(failed(said(&error))),
            Err(_) => Err(failed(format!("it did not end within {START_MAX:?}"))),
        }
    }

    /// Makes this process continue as the program, and passes it the sockets (`sd_listen_fds(3)`). Returns only
    /// if that fails; the files of the sockets are then removed.
    pub(super) fn continue_with(self, sockets: Inheritance) -> Failure {
        let Inheritance { descriptors, files } = sockets;
        let passed = match in_a_row(descriptors) {
            Ok(passed) => passed,
            Err(error) => return Failure::failed("cannot hand the sockets over").why(format!("{error:#}")),
        };
        let first = passed.first().map_or(0, AsRawFd::as_raw_fd);
        let name = |file: &Option<SocketFile>| file.as_ref().map_or("fanfare".to_owned(), SocketFile::name);
        let names: Vec<String> = files.iter().map(name).collect();
        ignore_signals();
        let error = Command::new(&self.path)
            .args(&self.arguments)
            .env("LISTEN_PID", std::process::id().to_string())
            .env("LISTEN_FDS", passed.len().to_string())
            .env("LISTEN_FDS_FIRST_FD", first.to_string())
            .env("LISTEN_FDNAMES", names.join(":"))
            .exec();
        Failure::failed(format!("cannot continue as `{}`", self.path.display()))
            .why(said(&error))
            .fix("start it again")
    }
}

/// Ignores the signals that a gateway handles and that end any other program: signals stay ignored across `exec`, until
/// the successor handles them.
fn ignore_signals() {
    for signal in [libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2] {
        #[expect(unsafe_code, reason = "no safe function ignores a signal")]
        // SAFETY: this installs no handler, so no code runs when a signal arrives.
        unsafe {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
}

/// Copies the descriptors to consecutive numbers that stay open across `exec`.
fn in_a_row(sockets: Vec<OwnedFd>) -> anyhow::Result<Vec<OwnedFd>> {
    let first = DESCRIPTORS_END - i32::try_from(sockets.len())?;
    let copy = |(number, socket): (i32, OwnedFd)| {
        let copy = fcntl_dupfd_cloexec(&socket, number)?;
        ensure!(copy.as_raw_fd() == number, "descriptor {number} is in use");
        fcntl_setfd(&copy, FdFlags::empty())?;
        Ok(copy)
    };
    (first..).zip(sockets).map(copy).collect()
}
