//! The log as JSON.

use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::support::gateway::reqwest_client;
use crate::support::process::post;
use crate::support::soon;

fn serve(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command
        .args(["serve", "--log-format", "json", "--store", "memory"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[tokio::test]
async fn every_line_is_json_from_the_start_to_the_end() {
    let mut child = serve(&["--listen", "127.0.0.1:0"]).spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let first = soon("a line", lines.next_line()).await.expect("text").expect("a line");
    let first = parsed(&first);
    assert_eq!((&first["level"], &first["message"]), (&"INFO".into(), &"listening".into()));
    assert!(first["url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")), "{first}");
    let pid = Pid::from_raw(child.id().expect("a process").cast_signed()).expect("a pid");
    kill_process(pid, Signal::TERM).expect("told to stop");
    let mut messages = Vec::new();
    while let Some(line) = soon("a line", lines.next_line()).await.expect("text") {
        messages.push(parsed(&line)["message"].clone());
    }
    assert!(messages.contains(&"shutting down".into()), "{messages:?}");
    assert!(soon("the end", child.wait()).await.expect("a status").success());
}

#[tokio::test]
async fn a_start_that_fails_is_a_line_of_json() {
    for (arguments, code, exit) in [
        (&["--listen", "0.0.0.0:0"][..], "usage", 2),
        (&["--listen", "203.0.113.1:9", "--no-auth"], "failed", 1),
    ] {
        let Output { status, stderr, .. } =
            soon("the end", serve(arguments).output()).await.expect("it runs");
        let said = String::from_utf8(stderr).expect("text");
        let lines: Vec<Value> = said.lines().map(parsed).collect();
        let last = lines.last().unwrap_or_else(|| panic!("{arguments:?}: nothing was said"));
        assert_eq!((&last["level"], &last["code"]), (&"ERROR".into(), &code.into()), "{said}");
        assert!(last["message"].is_string() && last["fix"].is_string(), "{said}");
        assert_eq!(status.code(), Some(exit), "{said}");
    }
}

#[tokio::test]
async fn retention_says_what_it_has_removed() {
    let arguments = ["--listen", "127.0.0.1:0", "--retention-count", "5"];
    let mut child = serve(&arguments).spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let first = soon("a line", lines.next_line()).await.expect("text").expect("a line");
    let url = parsed(&first)["url"].as_str().expect("an address").to_owned();
    let events: Vec<Value> = (0..20).map(|_| json!({ "message": "x" })).collect();
    let pushed = post(&reqwest_client(false), &format!("{url}/api/push"), &json!(events)).await;
    assert_eq!(pushed.expect("an answer")["count"], 20);
    let removed = loop {
        let line = soon("a line", lines.next_line()).await.expect("text").expect("a line");
        let line = parsed(&line);
        if line["message"].as_str().is_some_and(|said| said.starts_with("retention removed")) {
            break line;
        }
    };
    assert_eq!((&removed["events"], &removed["first"]), (&json!(15), &json!(16)), "{removed}");
    child.kill().await.expect("ended");
}
