//! The surfaces side by side: what can be done over HTTP can be done from the shell, or somebody wrote down why not.

use std::process::Command;

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::tools::Era;

/// Each route, and the command that does the same.
const SURFACES: [(&str, &str); 33] = [
    ("DELETE /api/readers/{name}", "none yet: a reader is forgotten rarely, and not by the one who reads"),
    ("DELETE /api/webhooks/{id}", "none yet: `curl` does it"),
    ("DELETE /api/webhooks/{id}/deliveries/{event_id}", "none yet: `curl` does it"),
    ("GET /api/attempts/{id}", "none yet: `curl` does it"),
    ("GET /api/channels", "channels"),
    ("GET /api/clients", "clients"),
    ("GET /api/events", "history"),
    ("GET /api/events/{id}", "none yet: `history` shows events, the dashboard one"),
    ("GET /api/events/{id}/receipts", "none yet"),
    ("GET /api/readers", "none yet: `listen --reader` makes them"),
    ("GET /api/status", "doctor"),
    ("GET /api/webhooks", "none yet: `curl` does it"),
    ("GET /api/webhooks/{id}", "none yet: `curl` does it"),
    ("GET /api/webhooks/{id}/attempts", "none yet: `curl` does it"),
    ("GET /api/webhooks/{id}/deliveries", "none yet: `curl` does it"),
    ("GET /health", "doctor"),
    ("GET /metrics", "none: it is for Prometheus"),
    ("GET /ready", "none: it is for the process manager"),
    ("GET /stream", "listen"),
    ("GET /ws", "none: `listen` and `push` do what it does"),
    ("PATCH /api/webhooks/{id}", "none yet: `curl` does it"),
    ("POST /api/push", "push"),
    ("POST /api/push/{channel}", "push"),
    ("POST /api/readers/{name}/ack", "listen"),
    ("POST /api/register", "none yet: `curl` does it"),
    ("POST /api/unregister", "none yet: `curl` does it"),
    ("POST /api/webhooks/{id}/deliveries/{event_id}/resend", "none yet: `curl` does it"),
    ("POST /api/webhooks/{id}/pause", "none yet: `curl` does it"),
    ("POST /api/webhooks/{id}/replay", "none yet: `curl` does it"),
    ("POST /api/webhooks/{id}/resume", "none yet: `curl` does it"),
    ("POST /api/webhooks/{id}/secret/rotate", "none yet: `curl` does it"),
    ("POST /api/webhooks/{id}/test", "none yet: `curl` does it"),
    ("POST /ingest/{kind}", "none: other programs call it in their own words; ours is `push`"),
];

/// Each tool of agents, and the command that does the same.
const TOOLS: [(&str, &str); 14] = [
    ("delete_webhook", "none yet: `curl` does it"),
    ("delivery_status", "none yet: `GET /api/events/{id}/receipts` says a part of it"),
    ("list_deliveries", "none yet: `curl` does it"),
    ("list_targets", "channels"),
    ("pause_webhook", "none yet: `curl` does it"),
    ("push_stream", "push"),
    ("push_webhook", "push"),
    ("read_history", "history"),
    ("register_webhook", "none yet: `curl` does it"),
    ("replay_webhook", "none yet: `curl` does it"),
    ("resume_webhook", "none yet: `curl` does it"),
    ("retry_delivery", "none yet: `curl` does it"),
    ("test_webhook", "none yet: `curl` does it"),
    ("wait_for", "listen"),
];

fn help() -> String {
    let help = Command::new(env!("CARGO_BIN_EXE_fanfare")).arg("--help").output().expect("the program runs");
    String::from_utf8(help.stdout).expect("text")
}

fn is_command(help: &str, command: &str) -> bool {
    help.lines().any(|line| line.split_whitespace().next() == Some(command))
}

#[tokio::test]
async fn every_tool_has_a_command_or_a_reason() {
    let gateway = Gateway::with_every_tool(Engine::Memory).await;
    let tools = gateway.tools(Era::Modern, "all").await;
    let mut names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().expect("a name")).collect();
    names.sort_unstable();
    assert_eq!(names, TOOLS.map(|(tool, _)| tool));
    let help = help();
    for (tool, command) in TOOLS.iter().filter(|(_, command)| !command.starts_with("none")) {
        assert!(
            is_command(&help, command),
            "{tool} is said to be `fanfare {command}`, which is not in the help"
        );
    }
}

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

    let help = help();
    for (route, command) in SURFACES.iter().filter(|(_, command)| !command.starts_with("none")) {
        assert!(
            is_command(&help, command),
            "{route} is said to be `fanfare {command}`, which is not in the help"
        );
    }
    for (path, command) in PROTOCOLS {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
        assert!(
            is_command(&help, command),
            "{path} is said to be `fanfare {command}`, which is not in the help"
        );
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
