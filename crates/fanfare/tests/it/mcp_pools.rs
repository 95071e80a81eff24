//! Calls that wait have a limit of their own: with every wait under way, everything else is answered.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::cli::Shell;
use crate::support::gateway::Gateway;
use crate::support::mcp_stream::{Door, McpStream};
use crate::support::raw::Raw;
use crate::support::rpc::{initialize, request};
use crate::support::socket::Socket;
use crate::support::soon;
use crate::support::stdio::{Agent, push};
use fanfare_server::mcp::pace::WAITS_MAX;

/// A session over one of the transports. Answers come in any order.
enum Session {
    Http { id: String, address: std::net::SocketAddr, calls: Vec<Raw> },
    Stdio(Agent),
    Stream(McpStream),
    WebSocket(Socket),
}

impl Session {
    async fn http(gateway: &Gateway) -> Session {
        let begun = gateway.post_json("/mcp", &initialize("2025-11-25")).await;
        let id = begun.header("mcp-session-id").to_owned();
        Session::Http { id, address: gateway.address, calls: Vec::new() }
    }

    async fn websocket(gateway: &Gateway) -> Session {
        let request = format!("ws://{}/mcp", gateway.address).into_client_request().expect("a request");
        let connected = soon("a handshake", tokio_tungstenite::connect_async(request)).await;
        Session::WebSocket(Socket { wire: connected.expect("a handshake").0 })
    }

    async fn send(&mut self, gateway: &Gateway, message: Value) {
        match self {
            Session::Http { id, address, calls } => {
                let mut raw = Raw::connect(*address).await;
                let body = message.to_string();
                raw.send(format!(
                    "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: \
                     application/json, text/event-stream\r\nmcp-session-id: {id}\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                ))
                .await;
                calls.push(raw);
            }
            Session::Stdio(agent) => agent.say(&message.to_string()).await,
            Session::Stream(stream) => {
                assert_eq!(stream.door.send(gateway, &stream.id, &message).await.status, 202);
            }
            Session::WebSocket(socket) => socket.say(&message).await,
        }
    }

    /// Returns the answer to the message that was sent last, which is the next one. Over HTTP, it has a status.
    async fn answer(&mut self) -> (Value, Option<(u16, String)>) {
        match self {
            Session::Http { calls, .. } => {
                let raw = calls.last_mut().expect("a call");
                let head = raw.head().await;
                let body = raw.body(&head).await;
                let status = (head.status, head.header("retry-after").to_owned());
                (serde_json::from_slice(&body).expect("JSON"), Some(status))
            }
            Session::Stdio(agent) => (agent.answer().await, None),
            Session::Stream(stream) => {
                let event = if stream.door == Door::HttpSse { "message" } else { "mcp_response" };
                (stream.json(event).await, None)
            }
            Session::WebSocket(socket) => (socket.json().await, None),
        }
    }

    async fn ask(&mut self, gateway: &Gateway, message: Value) -> (Value, Option<(u16, String)>) {
        let id = message["id"].clone();
        self.send(gateway, message).await;
        let (answer, status) = self.answer().await;
        assert_eq!(answer["id"], id, "{answer}");
        (answer, status)
    }

    /// Ends the session. Over HTTP, its calls outlive their connections.
    async fn end(self, gateway: &Gateway) {
        if let Session::Http { id, .. } = &self {
            let ended =
                gateway.request("DELETE", "/mcp", |request| request.header("mcp-session-id", id)).await;
            assert_eq!(ended.status, 204);
        }
    }
}

fn wait(id: usize) -> Value {
    request(
        id,
        "tools/call",
        json!({ "name": "wait_for", "arguments": { "channels": ["never"], "wait": "55s" } }),
    )
}

#[tokio::test]
async fn with_every_wait_under_way_the_rest_is_answered_and_one_wait_more_is_refused() {
    let gateway = crate::cli::Gateway::start().await;
    let shell = Shell::new();
    let inside = Gateway::start().await;
    let sessions = [
        Session::http(&inside).await,
        Session::Stream(Door::HttpSse.open(&inside).await),
        Session::Stream(Door::Connection.open(&inside).await),
        Session::websocket(&inside).await,
        Session::Stdio(Agent::start(&shell, &["--listen", "127.0.0.1:0"])),
        Session::Stdio(Agent::start(&gateway.shell, &[])),
    ];
    for mut session in sessions {
        let is_inside = !matches!(session, Session::Stdio(_));
        for id in 0..WAITS_MAX {
            session.send(&inside, wait(id)).await;
        }
        if is_inside {
            inside.clients(WAITS_MAX).await;
        }
        let (answer, status) = session.ask(&inside, wait(100)).await;
        assert_eq!(answer["error"]["code"], 429, "{answer}");
        let message = answer["error"]["message"].as_str().expect("text");
        assert!(message.contains("64 calls that wait"), "{message}");
        if let Some(status) = status {
            assert_eq!(status, (429, "1".to_owned()));
        }
        for number in 0..2 {
            let (answer, _) = session.ask(&inside, request(200 + number, "ping", json!({}))).await;
            assert_eq!(answer["result"], json!({}));
            let (answer, _) = session.ask(&inside, request(300 + number, "tools/call", push("a", "x"))).await;
            assert!(answer["result"]["structuredContent"]["id"].is_string(), "{answer}");
            let webhook = json!({ "name": "push_webhook", "arguments": { "message": "x" } });
            let (answer, _) = session.ask(&inside, request(400 + number, "tools/call", webhook)).await;
            assert_eq!(answer["result"]["structuredContent"]["total_webhooks"], 0, "{answer}");
        }
        session.end(&inside).await;
        inside.clients(0).await;
    }
    gateway.stop().await;
}
