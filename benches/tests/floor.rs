//! The generator against the floor: what the benchmarks rely on, end to end.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

const BENCH: &str = env!("CARGO_BIN_EXE_fanfare-bench");

struct Floor {
    child: Child,
    url: String,
}

impl Floor {
    fn start(method: &str) -> Self {
        let mut command = Command::new(BENCH);
        command.args(["floor", "--method", method]).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program is built");
        let mut line = String::new();
        let stderr = child.stderr.take().expect("stderr is piped");
        BufReader::new(stderr).read_line(&mut line).expect("the floor says where it listens");
        let url = line.trim().strip_prefix("listening on ").expect("an address").to_owned();
        Self { child, url }
    }

    fn fanout(&self, arguments: &[&str]) -> serde_json::Value {
        let pid = self.child.id().to_string();
        let mut command = Command::new(BENCH);
        command.args(["fanout", "--url", &self.url, "--pid", &pid]).args(arguments);
        let output = command.output().expect("the program is built");
        let said = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_subscriber_gets_every_event_of_the_floor_once() {
    for (method, arguments) in [
        ("write", &["--subscribers", "20", "--events", "50"][..]),
        ("coalesce", &["--subscribers", "20", "--events", "200", "--publishers", "16"]),
        ("coalesce", &["--subscribers", "5", "--events", "100", "--publishers", "4", "--rate", "2000"]),
    ] {
        let outcome = Floor::start(method).fanout(arguments);
        for fault in ["lost", "duplicated", "out_of_order", "renumbered", "unexpected", "closed_early"] {
            assert_eq!(outcome[fault], 0, "{method} {arguments:?}: {outcome}");
        }
        assert!(outcome["server_cpu_us_per_delivery"].as_f64().is_some_and(|cpu| cpu > 0.0), "{outcome}");
    }
}

#[test]
fn load_for_another_machine_is_refused() {
    let output = Command::new(BENCH).args(["fanout", "--url", "http://192.0.2.1:80"]).output();
    let output = output.expect("the program is built");
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("loopback"));
}
