//! A server started for one run: on cores of its own, found by its output on stderr, killed at the end.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{process::pin_to, target::Target};

const START_DEADLINE: Duration = Duration::from_secs(30);
/// Maximum lines of the server's output that are repeated if it does not start.
const TAIL_LINES: usize = 20;
const READY: &str = "listening on http://";

/// On which cores the server runs, and on which this process.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    pub(crate) server: Vec<usize>,
    pub(crate) generator: Vec<usize>,
}

impl Placement {
    /// Server and generator share all cores.
    pub(crate) fn anywhere() -> Result<Self> {
        let cores: Vec<_> = (0..thread::available_parallelism()?.get()).collect();
        Ok(Self { server: cores.clone(), generator: cores })
    }
}

type Tail = Arc<Mutex<VecDeque<String>>>;

pub(crate) struct Server {
    child: Child,
    ready: Receiver<SocketAddr>,
    tail: Tail,
}

impl Server {
    /// Starts `command` and does not wait until it listens.
    pub(crate) fn spawn(command: &mut Command, placement: &Placement) -> Result<Self> {
        Self::start(command.stdin(Stdio::null()).stdout(Stdio::null()), placement)
    }

    /// Starts `command` and returns the other ends of its standard streams.
    pub(crate) fn spawn_piped(
        command: &mut Command,
        placement: &Placement,
    ) -> Result<(Self, ChildStdin, ChildStdout)> {
        let mut server = Self::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()), placement)?;
        let stdin = server.child.stdin.take().context("stdin is piped")?;
        let stdout = server.child.stdout.take().context("stdout is piped")?;
        Ok((server, stdin, stdout))
    }

    fn start(command: &mut Command, placement: &Placement) -> Result<Self> {
        command.stderr(Stdio::piped());
        // A child inherits the affinity of the thread that starts it, so every thread of the server has it
        // from its first instruction.
        pin_to(&placement.server)?;
        let child = command.spawn();
        pin_to(&placement.generator)?;
        let mut child = child.with_context(|| format!("cannot start {command:?}"))?;
        let stderr = child.stderr.take().context("stderr is piped")?;
        let (announce, ready) = mpsc::channel();
        let tail = Tail::default();
        let kept = Arc::clone(&tail);
        thread::spawn(move || listen_to(stderr, &announce, &kept));
        Ok(Self { child, ready, tail })
    }

    /// Waits until the server reports its address.
    pub(crate) fn wait_ready(&mut self) -> Result<SocketAddr> {
        if let Ok(address) = self.ready.recv_timeout(START_DEADLINE) {
            return Ok(address);
        }
        let said = self.said();
        match self.child.try_wait()? {
            Some(status) => bail!("the server ended with {status} before it listened; it said:\n{said}"),
            None => bail!("the server does not listen after {START_DEADLINE:?}; it said:\n{said}"),
        }
    }

    /// The last lines that it wrote to stderr.
    pub(crate) fn said(&self) -> String {
        self.tail.lock().map(|tail| Vec::from(tail.clone()).join("\n")).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and waits until the process is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Returns whether the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    pub(crate) fn target(&mut self) -> Result<Target> {
        Ok(Target { url: format!("http://{}", self.wait_ready()?), pid: Some(self.pid()) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.kill();
    }
}

/// Reads the server's output until it ends, so that it never waits for a full pipe.
fn listen_to(stderr: ChildStderr, announce: &Sender<SocketAddr>, tail: &Tail) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if let Some(address) = address_in(&line) {
            // No one waits for the address of a server that is killed while it starts.
            let _ = announce.send(address);
        }
        if let Ok(mut tail) = tail.lock() {
            if tail.len() == TAIL_LINES {
                tail.pop_front();
            }
            tail.push_back(line);
        }
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, after) = line.split_once(READY)?;
    let end = after
        .find(|c: char| !matches!(c, '0'..='9' | 'a'..='f' | '.' | ':' | '[' | ']'))
        .unwrap_or(after.len());
    after[..end].trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::address_in;

    #[test]
    fn the_address_is_found_in_a_line_for_people() {
        for (line, address) in [
            ("listening on http://127.0.0.1:8000", Some("127.0.0.1:8000")),
            ("INFO fanfare: listening on http://[::1]:9 store=memory", Some("[::1]:9")),
            ("listening on http://127.0.0.1:8000/, press Ctrl-C", Some("127.0.0.1:8000")),
            ("\u{1b}[32mlistening on http://127.0.0.1:80\u{1b}[0m", Some("127.0.0.1:80")),
            ("opened the store", None),
        ] {
            assert_eq!(address_in(line), address.and_then(|address| address.parse().ok()), "{line}");
        }
    }
}
