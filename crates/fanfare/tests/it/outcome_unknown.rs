//! A disk that fails while a push is written.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::gateway::reqwest_client;
use crate::support::rpc::Era;
use crate::support::socket::Socket;
use crate::support::soon;

/// The size of a file beyond which the disk fails, in blocks of 512 bytes, which is how the shell counts: a new log
/// fits.
const FAILS_AT: u64 = 512;
/// With the pages of a new log, more than that; it is what a message may have.
const MESSAGE_LEN: usize = 250_000;

/// A gateway whose files can grow up to a size; writes beyond it fail, with an error other than a full disk.
struct Failing {
    child: Child,
    url: String,
}

impl Failing {
    async fn start(store: &Path) -> Failing {
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -f {FAILS_AT}; trap '' XFSZ; exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--listen", "127.0.0.1:0", "-o", "json", "--store"])
            .arg(store)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let line = soon("the start", lines.next_line()).await.expect("text").expect("a line");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        Failing { child, url: said["url"].as_str().expect("an address").to_owned() }
    }
}

/// The ways to push an event; each returns `None` if it was appended, or what the pusher is told.
enum Door {
    Http(reqwest::Client),
    Mcp(reqwest::Client),
    Shell,
    WebSocket(Box<Socket>),
}

impl Door {
    async fn push(&mut self, url: &str, message: &str) -> Option<String> {
        match self {
            Door::Http(http) => {
                let sent = http.post(format!("{url}/api/push")).json(&json!({ "message": message })).send();
                let answer: Value =
                    soon("an answer", sent).await.expect("an answer").json().await.expect("JSON");
                (answer["status"] != "success").then(|| {
                    assert_eq!(
                        (&answer["code"], &answer["status"]),
                        (&"outcome_unknown".into(), &500.into())
                    );
                    format!("{} {}", answer["detail"], answer["fix"])
                })
            }
            Door::Mcp(http) => {
                let params = json!({ "name": "push_stream", "arguments": { "message": message } });
                let request = Era::Modern.request(1, "tools/call", params.clone());
                let mut sent = http.post(format!("{url}/mcp")).json(&request);
                sent = sent.header("accept", "application/json, text/event-stream");
                for (name, value) in Era::Modern.headers("tools/call", &params) {
                    sent = sent.header(name, value);
                }
                let text =
                    soon("an answer", sent.send()).await.expect("an answer").text().await.expect("text");
                let json = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or(&text);
                let answer: Value = serde_json::from_str(json).expect("JSON");
                let result = &answer["result"];
                (result["isError"] == true).then(|| result["content"][0]["text"].to_string())
            }
            Door::Shell => {
                let said = shell(url, message).await;
                (!said.status.success()).then(|| {
                    assert_eq!(said.status.code(), Some(1), "{said:?}");
                    String::from_utf8(said.stderr).expect("text")
                })
            }
            Door::WebSocket(socket) => {
                socket.say(&json!({ "op": "publish", "id": 1, "event": { "message": message } })).await;
                let answer = socket.json().await;
                (answer["op"] == "error").then(|| {
                    let problem = &answer["error"];
                    assert_eq!(problem["code"], "outcome_unknown", "{answer}");
                    format!("{} {}", problem["detail"], problem["fix"])
                })
            }
        }
    }
}

/// Pushes from the shell; through a pipe, because an argument cannot be this long.
async fn shell(url: &str, message: &str) -> std::process::Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(["push", "-", "--server", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(message.as_bytes()).await.expect("written");
    drop(stdin);
    soon("the shell", child.wait_with_output()).await.expect("it runs")
}

#[tokio::test]
async fn a_push_during_which_the_disk_fails_has_an_unknown_outcome_at_every_door() {
    let message = "x".repeat(MESSAGE_LEN);
    for name in ["http", "mcp", "shell", "websocket"] {
        let directory = tempfile::tempdir().expect("a directory");
        let mut gateway = Failing::start(&directory.path().join("log.db")).await;
        let http = reqwest_client(false);
        let mut door = match name {
            "http" => Door::Http(http),
            "mcp" => Door::Mcp(http),
            "shell" => Door::Shell,
            _ => {
                let address = gateway.url.trim_start_matches("http://").parse().expect("an address");
                Door::WebSocket(Box::new(Socket::open(address).await))
            }
        };
        assert_eq!(door.push(&gateway.url, "it works at first").await, None, "{name}");
        let told = door.push(&gateway.url, &message).await.expect("the disk fails");
        assert!(told.contains("it is unknown whether this was written"), "{name}: {told}");
        assert!(told.contains("`idempotency_key`") && !told.contains("othing was"), "{name}: {told}");
        // It ends rather than go on with a disk of which it knows nothing.
        let ended = soon("the end", gateway.child.wait()).await.expect("a status");
        assert!(!ended.success(), "{name}: {ended}");
    }
}
