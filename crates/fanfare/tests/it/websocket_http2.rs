//! WebSockets over HTTP/2 (RFC 8441), as proxies with an HTTP/2 backend open them: the same as over HTTP/1.1, on one
//! connection with other requests.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::support::gateway::Gateway;
use crate::support::{Engine, soon, until};

/// A connection, and the task that drives it.
struct Connection {
    requests: SendRequest<Empty<Bytes>>,
    host: String,
    _driver: JoinSet<()>,
}

type Wire = WebSocketStream<TokioIo<Upgraded>>;

impl Connection {
    async fn open(gateway: &Gateway) -> Connection {
        let stream = TcpStream::connect(gateway.address).await.expect("a connection");
        let (requests, driver) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(driver.await) });
        let host = gateway.address.to_string();
        let mut connection = Connection { requests, host, _driver: tasks };
        // The settings of the server, which allow what follows, come before its first answer.
        assert_eq!(connection.get("/health").await.status(), 200);
        connection
    }

    async fn get(&mut self, path: &str) -> Response<Incoming> {
        let request =
            Request::get(format!("http://{}{path}", self.host)).body(Empty::new()).expect("a request");
        soon(path, self.requests.send_request(request)).await.expect("an answer")
    }

    async fn connect(
        &mut self,
        path: &str,
        protocol: &'static str,
        headers: &[(&str, &str)],
    ) -> Response<Incoming> {
        let mut request = Request::builder()
            .method(Method::CONNECT)
            .uri(format!("http://{}{path}", self.host))
            .extension(Protocol::from_static(protocol));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::new()).expect("a request");
        soon(path, self.requests.send_request(request)).await.expect("an answer")
    }

    /// Opens a WebSocket, which the gateway must accept.
    async fn socket(&mut self, path: &str, subprotocol: &str) -> Wire {
        let headers = [("sec-websocket-version", "13"), ("sec-websocket-protocol", subprotocol)];
        let response = self.connect(path, "websocket", &headers).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["sec-websocket-protocol"], subprotocol, "{path}");
        assert!(!response.headers().contains_key("sec-websocket-accept"));
        let upgraded = hyper::upgrade::on(response).await.expect("a stream");
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await
    }
}

async fn hear(wire: &mut Wire) -> Message {
    soon("a message", wire.next()).await.expect("a message").expect("a frame")
}

/// Returns the next JSON, past pings.
async fn json_of(wire: &mut Wire) -> Value {
    loop {
        match hear(wire).await {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Ping(_) => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
}

async fn ask(wire: &mut Wire, request: Value) -> Value {
    wire.send(Message::text(request.to_string())).await.expect("a write");
    json_of(wire).await
}

async fn close_code(wire: &mut Wire) -> u16 {
    loop {
        match hear(wire).await {
            Message::Close(Some(frame)) => return frame.code.into(),
            Message::Text(_) | Message::Ping(_) => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_websocket_is_one_stream_of_a_connection() {
    let gateway = Gateway::start().await;
    let mut connection = Connection::open(&gateway).await;
    let mut listener = connection.socket("/ws?keepalive=1s", "fanfare.v1").await;
    let mut pusher = connection.socket("/ws", "fanfare.v1").await;
    assert_eq!(
        ask(&mut listener, json!({"op": "subscribe", "channels": ["builds.*"]})).await["op"],
        "subscribed"
    );
    assert_eq!(gateway.get("/api/clients").await.json()["clients"][0]["transport"], "websocket");
    // A message of several frames of HTTP/2, both ways.
    let text = "x".repeat(200_000);
    let event = json!({"op": "publish", "event": {"channel": "builds.web", "message": text}});
    assert_eq!(ask(&mut pusher, event).await["stream_clients"], 1);
    assert_eq!(json_of(&mut listener).await["event"]["message"], text);
    for _ in 0..2 {
        assert!(matches!(hear(&mut listener).await, Message::Ping(_)));
    }
    assert_eq!(connection.get("/health").await.status(), 200, "the connection still serves requests");
    // The limits are the same, and end one stream only.
    let mut other = connection.socket("/ws", "fanfare.v1").await;
    other.send(Message::Binary(Bytes::from_static(b"x"))).await.expect("a write");
    assert_eq!(close_code(&mut other).await, 1003);
    let mut other = connection.socket("/ws", "fanfare.v1").await;
    other.send(Message::text("x".repeat(1_100_000))).await.expect("a write");
    assert_eq!(close_code(&mut other).await, 1009);
    assert_eq!(ask(&mut pusher, json!({"op": "ping"})).await["op"], "pong");
    // A client that drops its stream leaves.
    drop(listener);
    gateway.clients(0).await;
    gateway.begin_stop();
    assert_eq!(close_code(&mut pusher).await, 1001);
    drop((pusher, other, connection));
    gateway.stop().await;
}

#[tokio::test]
async fn mcp_is_served_on_one_too() {
    let gateway = Gateway::start().await;
    let mut connection = Connection::open(&gateway).await;
    let mut wire = connection.socket("/mcp", "mcp").await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "push_stream", "arguments": {"message": "x"}}});
    let answer = ask(&mut wire, call).await;
    assert_eq!(answer["result"]["structuredContent"]["channel"], "default", "{answer}");
}

#[tokio::test]
async fn a_request_that_opens_no_websocket_says_why() {
    let gateway = Gateway::start().await;
    let mut connection = Connection::open(&gateway).await;
    let version = ("sec-websocket-version", "13");
    for (path, protocol, headers, status) in [
        ("/ws", "websocket", &[][..], 400),
        ("/ws", "websocket", &[("sec-websocket-version", "8")], 400),
        ("/ws?keepalive=1ms", "websocket", &[version], 400),
        ("/ws", "websocket", &[version, ("origin", "https://evil.example")], 403),
        ("/ws", "connect-udp", &[version], 405),
        ("/mcp", "websocket", &[], 400),
        ("/mcp?toolset=some", "websocket", &[version], 400),
        // A stream of events, and something short.
        ("/stream", "websocket", &[version], 400),
        ("/health", "websocket", &[version], 400),
        ("/nowhere", "websocket", &[version], 404),
    ] {
        let response = connection.connect(path, protocol, headers).await;
        assert_eq!(response.status(), status, "{path}");
        let body = soon(path, response.into_body().collect()).await.expect("a body").to_bytes();
        let problem: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(problem.is_object(), "{path}: {problem}");
    }
    gateway.clients(0).await;
}

#[tokio::test]
async fn a_stream_that_takes_nothing_is_let_go_of_and_the_connection_stays() {
    let gateway =
        Gateway::with(Engine::Memory, |config| config.http.stall_timeout = Duration::from_secs(1)).await;
    let mut connection = Connection::open(&gateway).await;
    let mut lazy = connection.socket("/ws", "fanfare.v1").await;
    assert_eq!(ask(&mut lazy, json!({"op": "subscribe"})).await["op"], "subscribed");
    // More than the window of the stream holds.
    let text = "x".repeat(250_000);
    for _ in 0..64 {
        gateway.push("a", &text).await;
    }
    until("the lazy one to go", async || (gateway.hub.client_count() == 0).then_some(())).await;
    assert_eq!(connection.get("/health").await.status(), 200);
}
