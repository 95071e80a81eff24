//! Runs the real program as a shell would, in a clean environment.

use std::process::{Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// How long anything may take. It is generous, because a slow machine is not a failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A home directory, which is also the working directory, to run the program in.
pub(crate) struct Shell {
    home: TempDir,
    variables: Vec<(String, String)>,
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Shell {
    pub(crate) fn new() -> Shell {
        Shell { home: TempDir::new().expect("a directory"), variables: Vec::new() }
    }

    /// Sets a variable for the following runs.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Shell {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file in the home directory.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    /// Reads a file in the home directory.
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.home.path().join(path)).expect("a file")
    }

    pub(crate) fn home(&self) -> &str {
        self.home.path().to_str().expect("UTF-8")
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
        command
            .args(words)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("TZ", "UTC")
            .envs(self.variables.iter().cloned())
            .current_dir(self.home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs the program until it exits.
    pub(crate) async fn run(&self, words: &[&str]) -> Said {
        let child = self.command(words).spawn().expect("the program starts");
        said(child).await
    }

    /// Runs the program with `stdin` until it exits.
    pub(crate) async fn run_with(&self, words: &[&str], stdin: &str) -> Said {
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().expect("the program starts");
        let mut pipe = child.stdin.take().expect("a pipe");
        let (text, writing) = (stdin.to_owned(), said(child));
        let write = async {
            // This fails if the program stops reading, which it may do.
            let _ = pipe.write_all(text.as_bytes()).await;
            drop(pipe);
        };
        let ((), said) = tokio::join!(write, writing);
        said
    }

    /// Starts the program.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        let mut child = self.command(words).spawn().expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Running { child, lines }
    }
}

/// A running program.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Waits for the next line on stdout.
    pub(crate) async fn line(&mut self) -> String {
        let line = tokio::time::timeout(DEADLINE, self.lines.next_line()).await;
        line.expect("a line in time").expect("UTF-8").expect("a line before the end")
    }

    /// Waits for the next line on stdout and parses it as JSON.
    pub(crate) async fn json(&mut self) -> serde_json::Value {
        json(&self.line().await)
    }

    /// Waits until a line on stderr contains `text`.
    pub(crate) async fn err(&mut self, text: &str) {
        let mut lines = BufReader::new(self.child.stderr.as_mut().expect("a pipe")).lines();
        let seen = async {
            while let Some(line) = lines.next_line().await.expect("UTF-8") {
                if line.contains(text) {
                    return;
                }
            }
            panic!("the end came before `{text}`");
        };
        tokio::time::timeout(DEADLINE, seen).await.expect("a line in time");
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.child.id().expect("it runs").cast_signed();
        let pid = rustix::process::Pid::from_raw(pid).expect("a process");
        rustix::process::kill_process(pid, signal).expect("it runs");
    }

    /// Waits for the exit, and returns the rest of the output.
    pub(crate) async fn end(mut self) -> Said {
        let mut out = String::new();
        let rest = async {
            while let Some(line) = self.lines.next_line().await.expect("UTF-8") {
                out.push_str(&line);
                out.push('\n');
            }
            self.child.wait_with_output().await.expect("an end")
        };
        let output = tokio::time::timeout(DEADLINE, rest).await.expect("an end in time");
        Said { out, ..read(output) }
    }
}

/// A gateway that runs as the real program. Its shell has its URL in the environment.
pub(crate) struct Gateway {
    pub(crate) shell: Shell,
    pub(crate) url: String,
    running: Running,
}

impl Gateway {
    /// Starts a gateway with its log in memory.
    pub(crate) async fn start() -> Gateway {
        Gateway::start_in(Shell::new(), "127.0.0.1:0", "memory").await
    }

    /// Sends the gateway a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        self.running.signal(signal);
    }

    pub(crate) async fn start_in(mut shell: Shell, listen: &str, store: &str) -> Gateway {
        let mut running = shell.start(&["serve", "--listen", listen, "--store", store, "-o", "json"]);
        let listening = running.json().await;
        let url = listening["url"].as_str().expect("an address").to_owned();
        shell.set("FANFARE_URL", &url);
        Gateway { shell, url, running }
    }

    pub(crate) async fn run(&self, words: &[&str]) -> Said {
        self.shell.run(words).await
    }

    /// Runs the program, which must succeed, and parses its output as JSON.
    pub(crate) async fn json(&self, words: &[&str]) -> serde_json::Value {
        done(&self.shell, words).await
    }

    /// Pushes an event and returns its id.
    pub(crate) async fn push(&self, words: &[&str]) -> String {
        let words: Vec<&str> = ["push"].iter().chain(words).copied().collect();
        self.json(&words).await["id"].as_str().expect("an id").to_owned()
    }

    /// Shuts the gateway down cleanly and returns the shell.
    pub(crate) async fn stop(self) -> Shell {
        self.running.signal(rustix::process::Signal::TERM);
        let said = self.running.end().await;
        assert_eq!(said.code, 0, "{said:?}");
        self.shell
    }

    /// Kills the gateway and returns the shell.
    pub(crate) async fn kill(self) -> Shell {
        self.running.signal(rustix::process::Signal::KILL);
        self.running.end().await;
        self.shell
    }
}

/// Runs the program, which must succeed, and parses its output as JSON.
pub(crate) async fn done(shell: &Shell, words: &[&str]) -> serde_json::Value {
    let words: Vec<&str> = ["-o", "json"].iter().chain(words).copied().collect();
    let said = shell.run(&words).await;
    assert_eq!(said.code, 0, "{words:?}: {said:?}");
    json(&said.out)
}

pub(crate) fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

async fn said(child: Child) -> Said {
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output()).await;
    read(output.expect("an end in time").expect("an end"))
}

fn read(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}
