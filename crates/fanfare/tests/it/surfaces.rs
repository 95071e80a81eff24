//! The surfaces side by side: what can be done over HTTP can be done from the shell, or somebody wrote down why not.

use std::process::Command;

use crate::support::gateway::Gateway;

/// Each route, and the command that does the same.
const SURFACES: [(&str, &str); 16] = [
    ("DELETE /api/readers/{name}", "none yet: a reader is forgotten rarely, and not by the one who reads"),
    ("GET /api/channels", "channels"),
    ("GET /api/clients", "clients"),
    ("GET /api/events", "history"),
    ("GET /api/events/{id}", "none yet: `history` shows events, the dashboard one"),
    ("GET /api/events/{id}/receipts", "none yet"),
    ("GET /api/readers", "none yet: `listen --reader` makes them"),
    ("GET /api/status", "doctor"),
    ("GET /health", "doctor"),
    ("GET /metrics", "none: it is for Prometheus"),
    ("GET /ready", "none: it is for the process manager"),
    ("GET /stream", "listen"),
    ("GET /ws", "none: `listen` and `push` do what it does"),
    ("POST /api/push", "push"),
    ("POST /api/push/{channel}", "push"),
    ("POST /api/readers/{name}/ack", "listen"),
];

/// Routes that speak a protocol of their own, which OpenAPI cannot describe, and the command that speaks it, too.
const PROTOCOLS: [(&str, &str); 1] = [("/mcp", "mcp")];

#[tokio::test]
async fn every_route_has_a_command_or_a_reason() {
    let gateway = Gateway::start().await;
    let document = gateway.get("/openapi.json").await;
    assert_eq!(document.status, 200);
    let paths = document.json()["paths"].as_object().expect("paths").clone();
    let mut routes: Vec<String> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods");
            methods.keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    routes.sort();
    assert_eq!(routes, SURFACES.map(|(route, _)| route));

    let help = Command::new(env!("CARGO_BIN_EXE_fanfare")).arg("--help").output().expect("the program runs");
    let help = String::from_utf8(help.stdout).expect("text");
    for (route, command) in SURFACES.iter().filter(|(_, command)| !command.starts_with("none")) {
        let listed = help.lines().any(|line| line.split_whitespace().next() == Some(command));
        assert!(listed, "{route} is said to be `fanfare {command}`, which is not in the help");
    }
    for (path, command) in PROTOCOLS {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
        let listed = help.lines().any(|line| line.split_whitespace().next() == Some(command));
        assert!(listed, "{path} is said to be `fanfare {command}`, which is not in the help");
    }
}

#[tokio::test]
async fn every_operation_is_named_once() {
    let gateway = Gateway::start().await;
    let document = gateway.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.values().flat_map(|methods| methods.as_object().expect("methods").values());
    let mut names: Vec<&str> =
        operations.map(|operation| operation["operationId"].as_str().expect("a name")).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}
