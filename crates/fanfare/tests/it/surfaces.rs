//! The surfaces side by side: everything possible over HTTP is possible from the shell, or the reason is recorded here.

use std::process::Command;

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::tools::Era;

/// Each route, and the command that does the same.
const SURFACES: [(&str, &str); 55] = [
    ("DELETE /api/channels/{name}", "channels rm"),
    ("DELETE /api/clients/{id}", "clients kick"),
    ("DELETE /api/events/{id}", "events redact"),
    ("DELETE /api/readers/{name}", "readers rm"),
    ("DELETE /api/sources/{name}", "sources rm"),
    ("DELETE /api/webhooks/{id}", "webhooks rm"),
    ("DELETE /api/webhooks/{id}/deliveries/{event_id}", "deliveries discard"),
    ("GET /api/attempts", "none yet: `webhooks attempts` lists those of one webhook"),
    ("GET /api/attempts/{id}", "deliveries show"),
    ("GET /api/channels", "channels"),
    ("GET /api/clients", "clients ls"),
    ("GET /api/deliveries", "deliveries ls"),
    ("GET /api/events", "history"),
    ("GET /api/events/{id}", "none yet: `history` shows events, the dashboard one"),
    ("GET /api/events/{id}/original", "listen"),
    ("GET /api/events/{id}/receipts", "deliveries show"),
    ("GET /api/log-level", "none: it is for operators, who have curl and SIGUSR1"),
    ("GET /api/readers", "readers ls"),
    ("GET /api/sources", "sources ls"),
    ("GET /api/sources/{name}", "sources show"),
    ("GET /api/stats/events", "none: it is for charts"),
    ("GET /api/status", "doctor"),
    ("GET /api/webhooks", "webhooks ls"),
    ("GET /api/webhooks/{id}", "webhooks show"),
    ("GET /api/webhooks/{id}/attempts", "webhooks attempts"),
    ("GET /api/webhooks/{id}/deliveries", "deliveries discard"),
    (
        "GET /api/webhooks/{id}/deliveries/{event_id}",
        "none yet: the dashboard shows the body before it is edited",
    ),
    ("GET /api/webhooks/{id}/stats", "webhooks show"),
    ("GET /health", "doctor"),
    ("GET /ingest/{kind}", "none: other programs look there before they send"),
    ("GET /metrics", "none: it is for Prometheus"),
    ("GET /ready", "none: it is for the process manager"),
    ("GET /stream", "listen"),
    ("GET /ws", "none: `listen` and `push` do what it does"),
    ("PATCH /api/webhooks/{id}", "webhooks edit"),
    ("POST /api/log-level", "none: it is for operators, who have curl and SIGUSR1"),
    ("POST /api/push", "push"),
    ("POST /api/push/{channel}", "push"),
    ("POST /api/readers/{name}/ack", "listen"),
    ("POST /api/register", "receive"),
    ("POST /api/unregister", "webhooks rm"),
    ("POST /api/webhooks", "webhooks add"),
    ("POST /api/webhooks/preview", "webhooks preview"),
    (
        "POST /api/webhooks/test",
        "none: `webhooks add --test` tries what it has registered, the dashboard an address",
    ),
    ("POST /api/webhooks/{id}/deliveries/{event_id}/resend", "deliveries resend"),
    ("POST /api/webhooks/{id}/pause", "webhooks pause"),
    ("POST /api/webhooks/{id}/preview", "webhooks preview"),
    ("POST /api/webhooks/{id}/replay", "webhooks replay"),
    ("POST /api/webhooks/{id}/resume", "webhooks resume"),
    ("POST /api/webhooks/{id}/secret/rotate", "webhooks rotate-secret"),
    ("POST /api/webhooks/{id}/test", "webhooks test"),
    ("POST /ingest/{kind}", "none: other programs call it in their own words; ours is `push`"),
    ("PUT /api/push/{channel}", "push"),
    ("PUT /api/readers/{name}", "readers set"),
    ("PUT /api/sources/{name}", "sources add"),
];

/// Each tool of agents, and the command that does the same.
const TOOLS: [(&str, &str); 14] = [
    ("delete_webhook", "webhooks rm"),
    ("delivery_status", "deliveries show"),
    ("list_deliveries", "deliveries ls"),
    ("list_targets", "channels"),
    ("pause_webhook", "webhooks pause"),
    ("push_stream", "push"),
    ("push_webhook", "push"),
    ("read_history", "history"),
    ("register_webhook", "webhooks add"),
    ("replay_webhook", "webhooks replay"),
    ("resend_delivery", "deliveries resend"),
    ("resume_webhook", "webhooks resume"),
    ("test_webhook", "webhooks test"),
    ("wait_for", "listen"),
];

/// Returns whether a command exists, also as a subcommand: the help above it names it.
fn is_command(command: &str) -> bool {
    let (above, name) = command.rsplit_once(' ').unwrap_or(("", command));
    let help =
        Command::new(env!("CARGO_BIN_EXE_fanfare")).args(above.split_whitespace()).arg("--help").output();
    let help = String::from_utf8(help.expect("the program runs").stdout).expect("text");
    help.lines().any(|line| line.split_whitespace().next() == Some(name))
}

#[test]
fn a_command_that_is_not_there_is_noticed() {
    assert!(is_command("push") && is_command("webhooks add"));
    assert!(!is_command("webhooks fly") && !is_command("fly"));
}

#[tokio::test]
async fn every_tool_has_a_command_or_a_reason() {
    let gateway = Gateway::with_every_tool(Engine::Memory).await;
    let tools = gateway.tools(Era::Modern, "all").await;
    let mut names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().expect("a name")).collect();
    names.sort_unstable();
    assert_eq!(names, TOOLS.map(|(tool, _)| tool));
    for (tool, command) in TOOLS.iter().filter(|(_, command)| !command.starts_with("none")) {
        assert!(is_command(command), "{tool} is said to be `fanfare {command}`, which is not in the help");
    }
}

/// Routes with a protocol of their own, which OpenAPI cannot describe, and the command that uses the same protocol.
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

    for (route, command) in SURFACES.iter().filter(|(_, command)| !command.starts_with("none")) {
        assert!(is_command(command), "{route} is said to be `fanfare {command}`, which is not in the help");
    }
    for (path, command) in PROTOCOLS {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
        assert!(is_command(command), "{path} is said to be `fanfare {command}`, which is not in the help");
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
