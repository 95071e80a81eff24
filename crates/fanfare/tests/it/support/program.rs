//! The program as an operator runs it: its lines, its signals, and the sockets that it inherits.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::support::soon;

/// The program that Cargo has built.
const BUILT: &str = env!("CARGO_BIN_EXE_fanfare");

/// `fanfare serve`, which reports in JSON; killed with its drop.
pub(crate) struct Program {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    log: Lines<BufReader<ChildStderr>>,
}

impl Program {
    /// Starts it with these arguments, in a home of its own.
    pub(crate) fn serve(home: &Path, arguments: &[&str]) -> Program {
        Program::with(Path::new(BUILT), home, arguments, |_| {})
    }

    /// Starts it with these variables.
    pub(crate) fn with_variables(home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Program {
        Program::with(Path::new(BUILT), home, arguments, |command| {
            command.envs(variables.iter().copied());
        })
    }

    /// Starts it from a file of its own, which [`install`] can replace.
    pub(crate) fn installed(file: &Path, home: &Path, arguments: &[&str]) -> Program {
        if fs::hard_link(BUILT, file).is_err() {
            fs::copy(BUILT, file).expect("a copy");
        }
        Program::with(file, home, arguments, |_| {})
    }

    /// Starts it with a socket that listens, and without the id of the process that it is for.
    pub(crate) fn inheriting(home: &Path, arguments: &[&str], socket: &(impl AsFd + AsRawFd)) -> Program {
        fcntl_setfd(socket, FdFlags::empty()).expect("a socket");
        Program::with(Path::new(BUILT), home, arguments, |command| {
            command.env("LISTEN_FDS", "1").env("LISTEN_FDS_FIRST_FD", socket.as_raw_fd().to_string());
        })
    }

    fn with(file: &Path, home: &Path, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Program {
        let mut command = Command::new(file);
        command
            .args(["serve", "-o", "json", "--log-format", "json"])
            .args(arguments)
            .env("HOME", home)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        change(&mut command);
        let mut child = command.spawn().expect("the program starts");
        let said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let log = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        Program { child, said, log }
    }

    /// Waits until it says where it listens; returns the line.
    pub(crate) async fn listening(&mut self) -> Value {
        read(&mut self.said).await
    }

    /// Returns the next line of its log.
    pub(crate) async fn line(&mut self) -> Value {
        read(&mut self.log).await
    }

    /// Waits until it logs a line with `text`; returns the line's message.
    pub(crate) async fn logs(&mut self, text: &str) -> String {
        loop {
            let line = read(&mut self.log).await;
            let message = line["message"].as_str().unwrap_or_default();
            if message.contains(text) {
                return message.to_owned();
            }
        }
    }

    /// Returns whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("a process that runs")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().cast_signed()).expect("a process");
        kill_process(pid, signal).expect("it is ours");
    }

    /// Waits for its end.
    pub(crate) async fn ends(mut self) -> ExitStatus {
        soon("the end", self.child.wait()).await.expect("a status")
    }
}

/// Replaces the file of a program with a shell script, as a package manager would: a process that runs the file keeps
/// the one that it has.
pub(crate) fn install(file: &Path, script: &str) {
    let new = file.with_extension("new");
    fs::write(&new, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).expect("executable");
    fs::rename(&new, file).expect("replaced");
}

async fn read(lines: &mut Lines<BufReader<impl AsyncRead + Unpin>>) -> Value {
    let line = soon("a line", lines.next_line()).await.expect("text").expect("a line");
    serde_json::from_str(&line).expect("JSON")
}
