//! The program as an operator runs it: its lines, its signals, and the sockets that it inherits.

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::support::soon;

/// `fanfare serve`, which reports in JSON; killed with its drop.
pub(crate) struct Program {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    log: Lines<BufReader<ChildStderr>>,
}

impl Program {
    /// Starts it with these arguments, in a home of its own.
    pub(crate) fn serve(home: &Path, arguments: &[&str]) -> Program {
        Program::with(home, arguments, |_| {})
    }

    /// Starts it with a socket that listens, and without the id of the process that it is for.
    pub(crate) fn inheriting(home: &Path, arguments: &[&str], socket: &TcpListener) -> Program {
        fcntl_setfd(socket, FdFlags::empty()).expect("a socket");
        Program::with(home, arguments, |command| {
            command.env("LISTEN_FDS", "1").env("LISTEN_FDS_FIRST_FD", socket.as_raw_fd().to_string());
        })
    }

    fn with(home: &Path, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
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

async fn read(lines: &mut Lines<BufReader<impl AsyncRead + Unpin>>) -> Value {
    let line = soon("a line", lines.next_line()).await.expect("text").expect("a line");
    serde_json::from_str(&line).expect("JSON")
}
