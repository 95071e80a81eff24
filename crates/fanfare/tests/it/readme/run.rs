//! Running code of a language, and reading its output.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::readme::blocks::Language;
use crate::support::files::root;

/// Maximum run time of a piece of code: generous, because a loaded machine is not a failure.
const DEADLINE: Duration = Duration::from_secs(60);
/// Time to listen between two pushes.
const MOMENT: Duration = Duration::from_millis(300);

/// The programs that run a language.
pub(super) struct Tools {
    language: Language,
    program: PathBuf,
}

/// Code that runs; it and all it started end with this.
pub(super) struct Running {
    child: Child,
    lines: Receiver<String>,
    said: String,
    deadline: Instant,
}

/// The outcome of listening for a moment.
pub(super) enum Outcome {
    /// The awaited output came.
    Said,
    /// It has not come yet.
    NotYet,
    /// The code ended, or its time is over; this is all of its output.
    Never(String),
}

impl Tools {
    /// Finds the programs for `language`, or returns what is missing.
    pub(super) fn find(language: Language) -> Result<Tools, String> {
        let program = match language {
            Language::Shell => "bash".into(),
            Language::Python => python()?,
            Language::JavaScript => node()?,
        };
        Ok(Tools { language, program })
    }

    /// Starts `code` in `directory`, with `url` as the gateway that `fanfare` and the examples call.
    pub(super) fn start(&self, directory: &Path, code: &str, url: &str) -> Running {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = Command::new(&self.program);
        match self.language {
            Language::Shell => command.args(["-euo", "pipefail", "-c", code]),
            Language::Python => command.args(["-u", "-c", code]),
            Language::JavaScript => {
                prepare_node(directory);
                std::fs::write(directory.join("block.mjs"), code).expect("a file");
                command.args(["--import", "./prelude.mjs", "block.mjs"])
            }
        };
        let child = command
            .env_clear()
            .env("PATH", path_with_fanfare())
            .env("HOME", directory)
            .env("FANFARE_URL", url)
            .env("NO_COLOR", "1")
            // The address of receivers of webhooks.
            .env("PORT", "0")
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().expect("a pipe"))
            .stderr(writer)
            .process_group(0)
            .spawn()
            .expect("the program starts");
        // The command holds the other end of the pipe, which must be closed for the reading side to see an end.
        drop(command);
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Running { child, lines, said: String::new(), deadline: Instant::now() + DEADLINE }
    }
}

impl Running {
    /// Reads until a line `is_it`; returns all output if there is none.
    pub(super) fn read_until(&mut self, mut is_it: impl FnMut(&str) -> bool) -> Result<(), String> {
        while let Some(line) = self.line() {
            if is_it(&line) {
                return Ok(());
            }
        }
        Err(std::mem::take(&mut self.said))
    }

    /// Reads for a moment, or until `wanted` is printed.
    pub(super) fn read_for_a_moment(&mut self, wanted: &str) -> Outcome {
        let end = Instant::now() + MOMENT;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.note(&line);
                    if line.contains(wanted) {
                        return Outcome::Said;
                    }
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() < self.deadline => return Outcome::NotYet,
                Err(_) => return Outcome::Never(std::mem::take(&mut self.said)),
            }
        }
    }

    /// Reads to the end; the error is all output if it did not end with success.
    pub(super) fn ended(mut self) -> Result<String, String> {
        while self.line().is_some() {}
        let said = std::mem::take(&mut self.said);
        if Instant::now() >= self.deadline {
            return Err(format!("{said}(it went on)"));
        }
        let status = self.child.wait().expect("a child");
        if status.success() { Ok(said) } else { Err(format!("{said}({status})")) }
    }

    /// Waits for the next line; `None` at the end, and when the time is over.
    fn line(&mut self) -> Option<String> {
        let line = self.lines.recv_timeout(self.deadline.saturating_duration_since(Instant::now())).ok()?;
        self.note(&line);
        Some(line)
    }

    fn note(&mut self, line: &str) {
        self.said.push_str(line);
        self.said.push('\n');
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that has ended cannot be ended again.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn path_with_fanfare() -> std::ffi::OsString {
    let program = Path::new(env!("CARGO_BIN_EXE_fanfare"));
    let directory = program.parent().expect("a directory").to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&path))).expect("a path")
}

/// Returns a Python that has the packages: that of `./test`, or the machine's.
fn python() -> Result<PathBuf, String> {
    let work = std::env::var_os("FANFARE_TEST_DIR").map_or_else(|| root().join(".test"), PathBuf::from);
    let has_packages = |program: &PathBuf| {
        let import = Command::new(program)
            .args(["-c", "import flask, requests, sseclient, standardwebhooks"])
            .output();
        import.is_ok_and(|output| output.status.success())
    };
    [work.join("venv/bin/python"), PathBuf::from("python3")].into_iter().find(has_packages).ok_or_else(|| {
        "no Python with the packages of interop/requirements.txt; ./test interop_python installs them"
            .to_owned()
    })
}

fn node() -> Result<PathBuf, String> {
    let packages = root().join("interop/node_modules");
    for package in ["eventsource", "express", "standardwebhooks", "ws"] {
        if !packages.join(package).is_dir() {
            return Err(format!("no {package} in interop/node_modules; ./test interop_node installs it"));
        }
    }
    match Command::new("node").arg("--version").output() {
        Ok(output) if output.status.success() => Ok("node".into()),
        _ => Err("no node".to_owned()),
    }
}

/// Adds what browsers have and older versions of Node lack.
fn prepare_node(directory: &Path) {
    const PRELUDE: &str = "\
import { EventSource } from 'eventsource';
import { WebSocket } from 'ws';
globalThis.EventSource ??= EventSource;
globalThis.WebSocket ??= WebSocket;
";
    std::fs::write(directory.join("prelude.mjs"), PRELUDE).expect("a file");
    let packages = directory.join("node_modules");
    if !packages.exists() {
        std::os::unix::fs::symlink(root().join("interop/node_modules"), packages).expect("a link");
    }
}
