//! Another program reads one snapshot of the log for a long time, so the write-ahead log cannot start over.

use std::path::Path;

use serde_json::json;

use crate::cli::Shell;
use crate::support::gateway::reqwest_client;
use crate::support::until;

/// The length from which the gateway says so.
const LONG: u64 = 64 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_keeps_the_write_ahead_log_from_starting_over_is_noticed() {
    let shell = Shell::new();
    let mut gateway = shell.start(&["serve", "--listen", "127.0.0.1:0", "--store", "log.db", "-o", "json"]);
    let url = gateway.json().await["url"].as_str().expect("an address").to_owned();
    let http = reqwest_client(false);
    let push = async |messages: usize| {
        let events: Vec<_> = (0..messages).map(|_| json!({ "message": "x".repeat(250_000) })).collect();
        let answer = http.post(format!("{url}/api/push")).json(&events).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
    };
    let wal_bytes = async || {
        let answer = http.get(format!("{url}/metrics")).send().await.expect("an answer");
        let text = answer.text().await.expect("text");
        let line = text.lines().find_map(|line| line.strip_prefix("fanfare_store_wal_bytes "));
        line.and_then(|number| number.parse::<f64>().ok()).expect("a number") as u64
    };
    push(1).await;
    let other = rusqlite::Connection::open(Path::new(shell.home()).join("log.db")).expect("a database");
    other.execute_batch("BEGIN; SELECT count(*) FROM events").expect("a state of it");
    while wal_bytes().await < LONG + LONG / 8 {
        push(20).await;
    }
    gateway.err("another program has been reading the log for a long time").await;

    other.execute_batch("COMMIT").expect("done");
    until("a short one", async || {
        push(1).await;
        (wal_bytes().await <= LONG).then_some(())
    })
    .await;
    gateway.signal(rustix::process::Signal::TERM);
    gateway.end().await;
}
