//! An agent: an MCP client over Streamable HTTP, in either era.

use std::collections::VecDeque;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::event_source::EventSource;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
pub(crate) use crate::support::rpc::Era;
use crate::support::rpc::initialize;
use crate::support::soon;

/// Waits until the channels of everything that was pushed are known: that is a moment later.
pub(crate) async fn settled(gateway: &Gateway) {
    let last = gateway.hub.last();
    let mut moves = gateway.hub.moves();
    soon("the head of the log", moves.wait_for(|at| *at >= last)).await.expect("a hub");
}

/// A client that sends requests.
pub(crate) struct Agent<'a> {
    gateway: &'a Gateway,
    pub(crate) era: Era,
    /// The session; `None` in the modern era.
    session: Option<String>,
}

impl<'a> Agent<'a> {
    /// Starts a session if the era has any, and reports that it is ready.
    pub(crate) async fn begin(gateway: &'a Gateway, era: Era) -> Agent<'a> {
        let mut agent = Agent { gateway, era, session: None };
        if era == Era::Modern {
            return agent;
        }
        let answer = gateway.post_json("/mcp", &initialize(era.version())).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        agent.session = Some(answer.header("mcp-session-id").to_owned());
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let answer = agent.post(&ready).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        agent
    }

    /// Sends a request and returns the response.
    pub(crate) async fn send(&self, method: &str, params: Value) -> Answer {
        self.post(&self.request(method, params)).await
    }

    /// Sends a request and returns the message that answers it.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let answer = self.send(method, params).await;
        assert_eq!(answer.header("content-type"), "application/json", "{}", answer.text());
        answer.json()
    }

    /// Sends a request and returns its result, after checking what the era adds.
    pub(crate) async fn result(&self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, params).await;
        let result = &answer["result"];
        assert!(result.is_object(), "{method}: {answer}");
        assert_eq!(result["resultType"] == "complete", self.era == Era::Modern, "{method}: {answer}");
        result.clone()
    }

    /// Sends a request and returns the error, after checking its code.
    pub(crate) async fn refused(&self, method: &str, params: Value, code: i64) -> Value {
        let answer = self.ask(method, params).await;
        assert_eq!(answer["error"]["code"], code, "{method}: {answer}");
        answer["error"].clone()
    }

    /// Ends the session, if there is one: it would outlive its connections.
    pub(crate) async fn end(self) {
        if let Some(session) = &self.session {
            let header = ("mcp-session-id", session.as_str());
            let answer =
                self.gateway.request("DELETE", "/mcp", |request| request.header(header.0, header.1)).await;
            assert_eq!(answer.status, 204, "{}", answer.text());
        }
    }

    /// Opens the stream of unrequested messages: that of the session, or the one that `wanted` asks for. Checks the
    /// first message of the latter and returns the honoured part.
    pub(crate) async fn listen(&self, id: Value, wanted: Value) -> (Told, Value) {
        self.listen_over(Raw::connect(self.gateway.address).await, id, wanted).await
    }

    /// Opens the stream over a connection.
    pub(crate) async fn listen_over(&self, mut raw: Raw, id: Value, wanted: Value) -> (Told, Value) {
        if let Some(session) = &self.session {
            let headers = format!("accept: text/event-stream\r\nmcp-session-id: {session}\r\n");
            let head = raw.get("/mcp", &headers).await;
            assert_eq!((head.status, head.header("content-type")), (200, "text/event-stream"));
            return (Told::over(raw, None), Value::Null);
        }
        let mut request = self.request("subscriptions/listen", json!({ "notifications": wanted }));
        request["id"] = id.clone();
        let body = request.to_string();
        let head = self.head(&request, self.gateway.address, body.len());
        raw.send(format!("{head}{body}")).await;
        let head = raw.head().await;
        assert_eq!((head.status, head.header("content-type")), (200, "text/event-stream"));
        let mut told = Told::over(raw, Some(id));
        let first = told.next().await;
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
        (told, first["params"]["notifications"].clone())
    }

    fn request(&self, method: &str, params: Value) -> Value {
        self.era.request("r1", method, params)
    }

    /// Returns the headers that the era requires.
    fn headers(&self, message: &Value) -> Vec<(&'static str, String)> {
        let method = message["method"].as_str().expect("a method");
        let mut headers = self.era.headers(method, &message["params"]);
        headers.push(("accept", "application/json, text/event-stream".to_owned()));
        headers.extend(self.session.clone().map(|session| ("mcp-session-id", session)));
        headers
    }

    fn head(&self, message: &Value, address: SocketAddr, len: usize) -> String {
        let mut head = format!("POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n");
        for (name, value) in self.headers(message) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {len}\r\n\r\n"));
        head
    }

    async fn post(&self, message: &Value) -> Answer {
        self.gateway.post_mcp("/mcp", &self.headers(message), message.to_string()).await
    }
}

/// The unrequested messages for a client.
#[derive(Debug)]
pub(crate) struct Told {
    raw: Raw,
    parser: EventSource,
    messages: VecDeque<Value>,
    /// The request that everything must be tagged with; nothing in the legacy era.
    id: Option<Value>,
}

impl Told {
    fn over(raw: Raw, id: Option<Value>) -> Told {
        Told { raw, parser: EventSource::default(), messages: VecDeque::new(), id }
    }

    /// Returns the next message; `None` at the end.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Some(message);
            }
            let chunk = self.raw.chunk().await?;
            let said = self.parser.feed(&chunk).into_iter().filter(|said| !said.data.is_empty());
            self.messages.extend(said.map(|said| serde_json::from_str(&said.data).expect("JSON")));
        }
    }

    /// Returns the next notification, which must have the right tag.
    pub(crate) async fn next(&mut self) -> Value {
        let message = self.hear().await.expect("a message");
        assert!(message.get("id").is_none(), "a notification was expected: {message}");
        let tag = message["params"]["_meta"].get("io.modelcontextprotocol/subscriptionId");
        assert_eq!(tag, self.id.as_ref(), "{message}");
        message
    }

    /// Returns the subject of the next notification: an address, or the name of a list.
    pub(crate) async fn change(&mut self) -> String {
        let message = self.next().await;
        match message["method"].as_str().expect("a method") {
            "notifications/resources/updated" => {
                message["params"]["uri"].as_str().expect("an address").to_owned()
            }
            "notifications/resources/list_changed" => "list".to_owned(),
            other => panic!("nobody asked for {other}"),
        }
    }
}
