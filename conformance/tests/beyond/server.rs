//! The program, started on a free port, and a client for it that leaves everything to the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// Maximum time that a test waits for an expected message.
const DEADLINE: Duration = Duration::from_secs(20);

/// A server that runs; killed on drop.
pub(crate) struct Server {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) session: String,
    /// The messages, in order: of a stream all, of JSON the one.
    pub(crate) messages: Vec<Value>,
    pub(crate) is_stream: bool,
}

impl Answer {
    /// Returns the last message: the answer itself.
    pub(crate) fn last(&self) -> &Value {
        self.messages.last().expect("an answer")
    }

    /// Returns the methods of the messages before the answer.
    pub(crate) fn before(&self) -> Vec<&str> {
        let (_, before) = self.messages.split_last().expect("an answer");
        before.iter().map(|message| message["method"].as_str().expect("a notification")).collect()
    }

    /// Returns the status and the error's code.
    pub(crate) fn refused(&self) -> (u16, i64) {
        (self.status, self.last()["error"]["code"].as_i64().unwrap_or_default())
    }
}

impl Server {
    pub(crate) fn start() -> Server {
        // An earlier caller has installed the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut child = Command::new(env!("CARGO_BIN_EXE_conformance"))
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        let stdout = child.stdout.take().expect("its output");
        let mut server = Server { child, url: String::new(), http };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(ready["event"], "listening");
        ready["url"].as_str().expect("an address").clone_into(&mut server.url);
        server
    }

    /// Sends a request and returns the messages as they arrive.
    pub(crate) async fn open(&self, headers: &[(&str, &str)], body: Option<&Value>) -> Stream {
        let request = match body {
            Some(body) => {
                let request = self.http.post(&self.url).header("content-type", "application/json");
                request.header("accept", "application/json, text/event-stream").body(body.to_string())
            }
            None => self.http.get(&self.url).header("accept", "text/event-stream"),
        };
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = tokio::time::timeout(DEADLINE, request.send()).await.expect("in time");
        Stream { response: response.expect("a response"), text: String::new() }
    }

    /// Sends a request and reads the answer to its end.
    pub(crate) async fn send(&self, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut stream = self.open(headers, Some(body)).await;
        let status = stream.response.status().as_u16();
        let header =
            |name| stream.response.headers().get(name).map_or("", |value| value.to_str().expect("ASCII"));
        let is_stream = header("content-type") == "text/event-stream";
        let session = header("mcp-session-id").to_owned();
        while stream.more().await {}
        let messages = match (is_stream, stream.text.is_empty()) {
            (true, _) => stream.messages(),
            (false, true) => Vec::new(),
            (false, false) => vec![serde_json::from_str(&stream.text).expect("JSON")],
        };
        Answer { status, session, messages, is_stream }
    }

    /// Sends a modern request, with `meta` and these headers in addition to the usual ones.
    pub(crate) async fn modern(
        &self,
        headers: &[(&str, &str)],
        meta: Value,
        method: &str,
        params: Value,
    ) -> Answer {
        let (body, name) = modern(meta, method, params);
        let mut all = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
        if !name.is_empty() {
            all.push(("mcp-name", &name));
        }
        all.extend_from_slice(headers);
        self.send(&all, &body).await
    }

    /// Calls a tool without arguments as a modern client that can do `capabilities`.
    pub(crate) async fn call(&self, tool: &str, capabilities: Value, more: Value) -> Answer {
        let meta = json!({ "io.modelcontextprotocol/clientCapabilities": capabilities });
        let mut params = json!({ "name": tool });
        for (name, value) in more.as_object().expect("an object") {
            params[name] = value.clone();
        }
        self.modern(&[], meta, "tools/call", params).await
    }

    /// Starts a legacy session and returns its id.
    pub(crate) async fn begin(&self, capabilities: Value) -> String {
        let client = json!({ "name": "test", "version": "1" });
        let params =
            json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": client });
        let answer = self.send(&[], &request(1, "initialize", params)).await;
        let told = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(self.send(&[("mcp-session-id", &answer.session)], &told).await.status, 202);
        answer.session
    }
}

/// The messages, as they arrive.
#[derive(Debug)]
pub(crate) struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    /// Waits until `wanted` messages have arrived, and returns them.
    pub(crate) async fn wait(&mut self, wanted: usize) -> Vec<Value> {
        while self.messages().len() < wanted {
            assert!(self.more().await, "the stream ended: {}", self.text);
        }
        self.messages()
    }

    async fn more(&mut self) -> bool {
        let chunk = tokio::time::timeout(DEADLINE, self.response.chunk()).await.expect("in time");
        let Some(chunk) = chunk.expect("an unbroken answer") else { return false };
        self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
        true
    }

    fn messages(&self) -> Vec<Value> {
        let whole = self.text.rfind("\n\n").map_or("", |end| &self.text[..end]);
        let data = whole.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter(|data| !data.is_empty()).map(|data| serde_json::from_str(data).expect("JSON")).collect()
    }
}

/// Returns a request.
pub(crate) fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// Returns a modern request, and its target.
pub(crate) fn modern(meta: Value, method: &str, mut params: Value) -> (Value, String) {
    let mut all = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    for (name, value) in meta.as_object().expect("an object") {
        all[name] = value.clone();
    }
    params["_meta"] = all;
    let name = params["name"].as_str().or(params["uri"].as_str()).unwrap_or_default().to_owned();
    (request(7, method, params), name)
}
