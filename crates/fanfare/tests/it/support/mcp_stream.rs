//! A client of the two MCP transports whose answers come on a stream of their own.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::event_source::{Dispatched, EventSource};
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::rpc::Era;
pub(crate) use crate::support::rpc::request;
use crate::support::until;

/// The transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Connection,
    HttpSse,
}

/// A stream, and where its messages go.
#[derive(Debug)]
pub(crate) struct McpStream {
    pub(crate) door: Door,
    pub(crate) id: String,
    pub(crate) raw: Raw,
    browser: EventSource,
    ready: VecDeque<Dispatched>,
}

impl Door {
    pub(crate) const ALL: [Door; 2] = [Door::Connection, Door::HttpSse];

    /// Opens a stream.
    pub(crate) async fn open(self, gateway: &Gateway) -> McpStream {
        self.open_on(Raw::connect(gateway.address).await).await
    }

    /// Opens a stream on a connection.
    pub(crate) async fn open_on(self, mut raw: Raw) -> McpStream {
        let path = match self {
            Door::Connection => "/mcp/sse",
            Door::HttpSse => "/sse",
        };
        let head = raw.get(path, "accept: text/event-stream\r\n").await;
        assert_eq!((head.status, head.header("content-type")), (200, "text/event-stream"));
        assert_eq!(head.header("cache-control"), "no-store, no-transform");
        let (browser, ready) = (EventSource::default(), VecDeque::new());
        let mut stream = McpStream { door: self, id: String::new(), raw, browser, ready };
        stream.id = match self {
            Door::Connection => {
                let connected = stream.json("connected").await;
                connected["connection_id"].as_str().expect("an id").to_owned()
            }
            Door::HttpSse => {
                let endpoint = stream.event("endpoint").await.data;
                stream.event("tools").await;
                endpoint.strip_prefix("/messages/?session_id=").expect("the seed's form").to_owned()
            }
        };
        assert!(stream.id.len() == 32 && stream.id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        stream
    }

    /// Sends a message to a stream.
    pub(crate) async fn send(self, gateway: &Gateway, id: &str, message: &Value) -> Answer {
        match self {
            Door::Connection => {
                let mut message = message.clone();
                message["connection_id"] = id.into();
                gateway.post_json("/mcp/sse/message", &message).await
            }
            Door::HttpSse => gateway.post_json(&format!("/messages/?session_id={id}"), message).await,
        }
    }
}

impl McpStream {
    /// Returns the next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Dispatched> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let chunk = self.raw.chunk().await?;
            self.ready.extend(self.browser.feed(&chunk));
        }
    }

    /// Returns the next event, which must have this name.
    pub(crate) async fn event(&mut self, name: &str) -> Dispatched {
        let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before `{name}`"));
        assert_eq!(event.event, name, "{}", event.data);
        event
    }

    /// Returns the content of the next event, which must have this name.
    pub(crate) async fn json(&mut self, name: &str) -> Value {
        serde_json::from_str(&self.event(name).await.data).expect("JSON")
    }

    /// Returns the next JSON-RPC message.
    pub(crate) async fn message(&mut self) -> Value {
        let name = match self.door {
            Door::Connection => "mcp_response",
            Door::HttpSse => "message",
        };
        self.json(name).await
    }

    /// Sends a message, which must be accepted.
    pub(crate) async fn send(&self, gateway: &Gateway, message: &Value) {
        let answer = self.door.send(gateway, &self.id, message).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }

    /// Sends a request, and returns the next message.
    pub(crate) async fn ask(&mut self, gateway: &Gateway, id: u64, method: &str, params: Value) -> Value {
        self.send(gateway, &request(id, method, params)).await;
        let mut answer = self.message().await;
        // Unrequested messages may precede it.
        while answer.get("method").is_some() {
            answer = self.message().await;
        }
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }
}

/// Writes a request whose answer does not come before the client or the gateway goes.
pub(crate) fn long_request(id: u64) -> Value {
    Era::Modern.request(id, "subscriptions/listen", json!({ "notifications": {} }))
}

/// Waits until the gateway has this many sessions.
pub(crate) async fn sessions(gateway: &Gateway, count: u64) {
    until("sessions", async || (gateway.get("/mcp").await.json()["sessions"] == count).then_some(())).await;
}
