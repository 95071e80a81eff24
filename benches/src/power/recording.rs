//! The real program, recorded from its start to its end.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::{
    conversation::Exchange,
    disk::{Disk, File, SHARED_MEMORY},
    image::Image,
    interpret::interpret,
    trace::{BYTES_MAX, CALLS, Reader},
};
use crate::{
    pause::pause,
    server::{Placement, Server},
};

/// The log's directory, below the root. The program creates it, so the record begins before it exists.
const STORE: &str = "data/fanfare.db";
const END_DEADLINE: Duration = Duration::from_secs(60);

/// Everything known about one run of the program.
pub(super) struct Recording {
    pub(super) disk: Disk,
    pub(super) exchanges: Vec<Exchange>,
    /// The log's file. Only checkpoints write to it once it has its name.
    pub(super) log: File,
    /// The moments at which it listened, at which it began to end, and after which nothing happened.
    pub(super) ready: usize,
    pub(super) ending: usize,
    pub(super) moments: usize,
}

pub(super) fn store_below(root: &Path) -> PathBuf {
    root.join(STORE)
}

/// The command that starts a gateway on the log below `root`.
pub(super) fn serve(server_bin: &Path, root: &Path, retention: u64) -> Command {
    let mut command = Command::new(server_bin);
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--retention-count",
        &retention.to_string(),
        "--store",
    ]);
    command.arg(store_below(root));
    command
}

/// Fails with the reason if programs cannot be recorded here.
pub(super) fn ensure_possible() -> Result<()> {
    let tried =
        Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).stderr(Stdio::piped()).output();
    let tried = tried.context("strace is needed to record what the gateway asks of the kernel")?;
    ensure!(
        tried.status.success(),
        "strace may not trace here: {}",
        String::from_utf8_lossy(&tried.stderr).trim_end()
    );
    Ok(())
}

/// A gateway that is being recorded.
pub(super) struct Recorded {
    /// The recorder, whose child is the gateway.
    server: Server,
    trace: PathBuf,
    root: PathBuf,
    base: Image,
    gateway: Option<Pid>,
}

impl Recorded {
    /// Starts `command` on `base`, which it writes below `root`.
    pub(super) fn start(
        command: &Command,
        root: &Path,
        trace: &Path,
        base: Image,
    ) -> Result<(Self, SocketAddr)> {
        base.write(root)?;
        let mut strace = Command::new("strace");
        strace.args(["-f", "--seccomp-bpf", "-qq", "-xx", "-e", "signal=none", "-s", &BYTES_MAX.to_string()]);
        strace.arg("-e").arg(format!("trace={CALLS}")).arg("-o").arg(trace).arg("--");
        strace.arg(command.get_program()).args(command.get_args());
        let server = Server::spawn(&mut strace, &Placement::anywhere()?)?;
        let (trace, root) = (trace.to_owned(), root.to_owned());
        let mut recorded = Self { server, trace, root, base, gateway: None };
        let address = recorded.server.wait_ready()?;
        // The first line is the first thread's, whose number is that of the process.
        let mut line = String::new();
        BufReader::new(fs::File::open(&recorded.trace)?).read_line(&mut line)?;
        let id = line.split(' ').next().and_then(|id| id.parse().ok());
        recorded.gateway = id.and_then(Pid::from_raw);
        ensure!(recorded.gateway.is_some(), "the record does not begin with a process: {line}");
        Ok((recorded, address))
    }

    /// Stops the gateway cleanly, and reads the record.
    pub(super) fn end(mut self) -> Result<Recording> {
        let gateway = self.gateway.take().context("there is a process")?;
        kill_process(gateway, Signal::TERM)?;
        let deadline = Instant::now() + END_DEADLINE;
        while !self.server.has_ended()? {
            if Instant::now() > deadline {
                kill_process(gateway, Signal::KILL)?;
                bail!("the gateway does not end; it said:\n{}", self.server.said());
            }
            pause(Duration::from_millis(5));
        }
        let mut reader = Reader::default();
        let mut file = BufReader::new(fs::File::open(&self.trace)?);
        let mut line = Vec::new();
        while file.read_until(b'\n', &mut line)? > 0 {
            reader.line(line.trim_ascii_end()).context("the record cannot be read")?;
            line.clear();
        }
        let (calls, moments) = reader.calls()?;
        let meaning = interpret(&calls, &self.root, &self.base)?;
        let log = meaning.names.get(Path::new(STORE)).copied().flatten().context("there is no log")?;
        let disk = Disk { base: std::mem::take(&mut self.base), ops: meaning.ops, ignores_syncs: false };
        let mut found = Image::read(&self.root)?;
        let mut end = disk.end();
        for image in [&mut found, &mut end] {
            image.0.retain(|name, _| !name.to_string_lossy().ends_with(SHARED_MEMORY));
        }
        end.ensure_equals(&found).context("the record is not complete")?;
        Ok(Recording {
            disk,
            exchanges: meaning.exchanges,
            log,
            ready: meaning.ready.context("the record does not say when the gateway listened")?,
            ending: meaning.ending.unwrap_or(moments),
            moments,
        })
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        // strace would leave it alone.
        if let Some(gateway) = self.gateway {
            let _ = kill_process(gateway, Signal::KILL);
        }
    }
}
