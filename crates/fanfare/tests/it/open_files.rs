//! A gateway that may open few files.

use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::bounds_connections::begin;
use crate::support::raw::Raw;
use crate::support::soon;

/// Returns the command that starts a gateway which may open `files`.
fn serve(files: usize) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_fanfare")])
        .args(["serve", "--store", "memory", "--listen", "127.0.0.1:0", "-o", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn few_open_files_allow_few_connections_and_the_refusal_says_why() {
    // Of 200, half are kept, and a quarter of the rest is for webhooks.
    const CONNECTIONS: usize = 75;
    let mut child = serve(200).spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let line = soon("the start", lines.next_line()).await.expect("text").expect("a line");
    let said: Value = serde_json::from_str(&line).expect("JSON");
    let address =
        said["url"].as_str().expect("a URL").trim_start_matches("http://").parse().expect("an address");
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut raw = Raw::connect(address).await;
        begin(&mut raw).await;
        open.push(raw);
    }
    let mut refused = Raw::connect(address).await;
    let head = refused.head().await;
    assert_eq!(head.status, 503);
    let problem: Value = serde_json::from_slice(&refused.body(&head).await).expect("JSON");
    assert_eq!(problem["code"], "too_many_connections");
    assert!(problem["fix"].as_str().expect("text").contains("open files"), "{problem}");
}

#[tokio::test]
async fn too_few_open_files_are_refused_at_the_start() {
    let Output { status, stderr, .. } = soon("the end", serve(100).output()).await.expect("it runs");
    let said = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("the limit on open files is 100") && said.contains("LimitNOFILE"), "{said}");
}
