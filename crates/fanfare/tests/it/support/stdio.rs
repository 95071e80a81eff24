//! An agent's host: starts `fanfare mcp` and talks to it.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::cli::{DEADLINE, Said, Shell, json};

/// A running `fanfare mcp`.
pub(crate) struct Agent {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    last: u64,
}

impl Agent {
    /// Starts a process in `shell`, with `words` after `fanfare mcp`.
    pub(crate) fn start(shell: &Shell, words: &[&str]) -> Agent {
        let words: Vec<&str> = ["mcp"].iter().chain(words).copied().collect();
        let mut child = shell.command(&words).stdin(Stdio::piped()).spawn().expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Agent { input: child.stdin.take(), child, output, last: 0 }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Writes a line.
    pub(crate) async fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("an input");
        let line = format!("{line}\n");
        let written = tokio::time::timeout(DEADLINE, input.write_all(line.as_bytes())).await;
        written.expect("a write in time").expect("a write");
    }

    /// Sends a request; returns its id.
    pub(crate) async fn send(&mut self, method: &str, params: Value) -> u64 {
        self.last += 1;
        let request = json!({ "jsonrpc": "2.0", "id": self.last, "method": method, "params": params });
        self.say(&request.to_string()).await;
        self.last
    }

    /// Returns the next message.
    pub(crate) async fn hear(&mut self) -> Value {
        let line = tokio::time::timeout(DEADLINE, self.output.next_line()).await;
        json(&line.expect("a line in time").expect("UTF-8").expect("a line before the end"))
    }

    /// Returns the next line; `None` at the end.
    pub(crate) async fn line_or_end(&mut self) -> Option<String> {
        let line = tokio::time::timeout(DEADLINE, self.output.next_line()).await;
        line.expect("a line or the end in time").expect("UTF-8")
    }

    /// Returns the next answer, skipping notifications before it.
    pub(crate) async fn answer(&mut self) -> Value {
        loop {
            let said = self.hear().await;
            if said["method"].is_null() {
                return said;
            }
        }
    }

    /// Sends a request; its answer must be the next one.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params).await;
        let answer = self.answer().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Starts a legacy session.
    pub(crate) async fn initialize(&mut self) -> Value {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let answer = self.ask("initialize", params).await;
        self.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        answer
    }

    /// Pushes; the gateway must accept it.
    pub(crate) async fn push(&mut self, channel: &str, message: &str) {
        let answer = self.ask("tools/call", push(channel, message)).await;
        assert!(answer["result"]["structuredContent"]["id"].is_string(), "{answer}");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).expect("a process");
        rustix::process::kill_process(pid, signal).expect("it runs");
    }

    /// Ends its input.
    pub(crate) fn close(&mut self) {
        self.input = None;
    }

    /// Closes its input and waits for its end; returns the messages that were not read yet.
    pub(crate) async fn end(mut self) -> Said {
        self.close();
        let mut out = String::new();
        let rest = async {
            while let Some(line) = self.output.next_line().await.expect("UTF-8") {
                out.push_str(&line);
                out.push('\n');
            }
            self.child.wait_with_output().await.expect("an end")
        };
        let output = tokio::time::timeout(DEADLINE, rest).await.expect("an end in time");
        let err = String::from_utf8(output.stderr).expect("UTF-8");
        Said { code: output.status.code().unwrap_or(-1), out, err }
    }
}

/// Returns the parameters of a push.
pub(crate) fn push(channel: &str, message: &str) -> Value {
    json!({ "name": "push_stream", "arguments": { "channel": channel, "message": message } })
}

/// Makes parameters modern.
pub(crate) fn modern(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}
