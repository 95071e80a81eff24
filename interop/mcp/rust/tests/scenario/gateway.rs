//! The real gateway, in a process of its own, with a store of its own.

use std::env;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use regex_lite::Regex;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, copy, sink};
use tokio::process::{Child, ChildStderr, Command};

pub struct Gateway {
    pub url: String,
    process: Child,
    _folder: TempDir,
}

impl Gateway {
    pub async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = program()?;
        command.args(["serve", "--listen", "127.0.0.1:0", "--toolset", "all", "--store"]).arg(folder.path().join("fanfare.db"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let stderr = process.stderr.take().context("its standard error")?;
        let url = where_it_listens(stderr, r"listening on (http://[\d.]+:\d+)").await?;
        Ok(Self { url, process, _folder: folder })
    }

    pub async fn stop(mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }
}

/// Gives the program, which ends when nobody holds it any more, and goes by no setting of whoever runs the tests.
pub fn program() -> Result<Command> {
    let program = env::var_os("FANFARE_BIN").context("FANFARE_BIN does not name the gateway")?;
    let mut command = Command::new(program);
    command.kill_on_drop(true);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FANFARE_")) {
        command.env_remove(name);
    }
    Ok(command)
}

/// Reads what the gateway logs up to its address, and lets the rest of it go by, so that it does not fill the pipe.
#[expect(clippy::disallowed_methods, reason = "it ends with the process whose log it reads")]
pub async fn where_it_listens(stderr: ChildStderr, pattern: &str) -> Result<String> {
    let pattern = Regex::new(pattern)?;
    let (mut lines, mut said) = (BufReader::new(stderr).lines(), String::new());
    while let Some(line) = lines.next_line().await? {
        if let Some(found) = pattern.captures(&line) {
            let url = found[1].to_owned();
            tokio::spawn(async move { copy(&mut lines.into_inner(), &mut sink()).await });
            return Ok(url);
        }
        said = said + &line + "\n";
    }
    bail!("it did not say where it listens:\n{said}")
}
