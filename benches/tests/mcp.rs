//! Calls of `tools/call` against the floor: what the comparison with rmcp relies on, end to end.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
};

const BENCH: &str = env!("CARGO_BIN_EXE_fanfare-bench");
const SHORT: [&str; 5] = ["mcp", "--seconds", "0.2", "--warm-up", "0.1"];

struct Floor {
    child: Child,
    url: String,
}

impl Floor {
    fn start() -> Self {
        let mut child = Command::new(BENCH).arg("floor").stderr(Stdio::piped()).spawn().expect("it is built");
        let mut line = String::new();
        let stderr = child.stderr.take().expect("stderr is piped");
        BufReader::new(stderr).read_line(&mut line).expect("the floor says where it listens");
        let url = line.trim().strip_prefix("listening on ").expect("an address").to_owned();
        Self { child, url }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn load(arguments: &[&str]) -> Output {
    Command::new(BENCH).args(SHORT).args(arguments).output().expect("the program is built")
}

#[track_caller]
fn check(output: &Output, transport: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    let outcome: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!(outcome["transport"], transport, "{outcome}");
    assert!(outcome["calls"].as_u64().is_some_and(|calls| calls > 100), "{outcome}");
    let [p50, p99] = ["p50_us", "p99_us"].map(|name| outcome[name].as_f64().expect("a number"));
    assert!(0.0 < p50 && p50 <= p99, "{outcome}");
}

#[test]
fn every_call_of_the_floor_is_answered_over_http() {
    for concurrency in ["1", "32"] {
        let floor = Floor::start();
        check(&load(&["--url", &floor.url, "--concurrency", concurrency]), "http");
    }
}

#[test]
fn every_call_of_the_floor_is_answered_over_standard_streams() {
    for concurrency in ["1", "32"] {
        check(&load(&["--concurrency", concurrency, "--", BENCH, "floor", "--stdio"]), "stdio");
    }
}

/// `cat` answers each call with the call itself.
#[test]
fn a_server_that_answers_nonsense_is_no_fast_server() {
    let output = load(&["--", "cat"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("neither result nor error"), "{said}");
}
