//! What the log of a gateway says of webhooks that fail.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::support::gateway::reqwest_client;
use crate::support::process::post;
use crate::support::receiver::Receiver;
use crate::support::soon;

/// A gateway with its log.
struct Logged {
    _child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    http: reqwest::Client,
    url: String,
}

impl Logged {
    async fn start() -> Logged {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--log-format", "json", "--store", "memory", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut logged = Logged { _child: child, lines, http: reqwest_client(false), url: String::new() };
        let first = logged.line().await;
        logged.url = first["url"].as_str().expect("an address").to_owned();
        logged
    }

    async fn line(&mut self) -> Value {
        let line = soon("a line", self.lines.next_line()).await.expect("text").expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        post(&self.http, &format!("{}{path}", self.url), body).await.expect("an answer")
    }

    /// Pushes this many events, one after the other, and waits until each was tried.
    async fn push(&self, times: usize) {
        for _ in 0..times {
            self.post("/api/push", &json!({ "message": "a secret" })).await;
        }
    }
}

#[tokio::test]
async fn a_webhook_that_fails_has_one_line_for_each_change_of_its_state() {
    let mut gateway = Logged::start().await;
    let receiver = Receiver::start().await;
    let address = receiver.address;
    let hook = json!({
        "webhook_url": format!("http://{address}/token?key=secret"),
        "retry": [],
    });
    let registered = gateway.post("/api/register", &hook).await;
    let id = registered["id"].as_str().expect("an id").to_owned();

    receiver.answer(500);
    gateway.push(3).await;
    receiver.answer(200);
    gateway.push(3).await;
    receiver.answer(503);
    gateway.push(6).await;
    for (level, begins, failures) in [
        ("WARN", "a webhook is failing", json!(1)),
        ("INFO", "a webhook has recovered", Value::Null),
        ("WARN", "a webhook is failing", json!(1)),
        ("WARN", "a webhook is held", json!(5)),
    ] {
        let line = gateway.line().await;
        let message = line["message"].as_str().expect("a message");
        assert!(message.starts_with(begins), "{begins}: {line}");
        assert_eq!((&line["level"], &line["failures"]), (&json!(level), &failures), "{line}");
        assert_eq!((&line["webhook"], &line["host"]), (&json!(id), &json!(address.to_string())), "{line}");
        assert_eq!(line["last_failure"], "http_5xx", "{line}");
        let line = line.to_string();
        assert!(!["secret", "token"].iter().any(|secret| line.contains(secret)), "{line}");
    }
    gateway.post(&format!("/api/webhooks/{id}/pause"), &json!({})).await;
    assert_eq!(gateway.line().await["message"], "a webhook was paused by hand");
    receiver.answer(410);
    gateway.post(&format!("/api/webhooks/{id}/resume"), &json!({})).await;
    let resumed = gateway.line().await;
    assert_eq!(resumed["message"], "a webhook was resumed");
}
