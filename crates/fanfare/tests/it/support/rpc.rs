//! Requests as MCP clients of both eras write and send them.

use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::gateway::Gateway;

/// The rules that a client follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

impl Era {
    pub(crate) const ALL: [Era; 2] = [Era::Legacy, Era::Modern];

    /// Returns the newest revision.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Era::Legacy => "2025-11-25",
            Era::Modern => "2026-07-28",
        }
    }

    /// Returns a request with the metadata that the era requires.
    pub(crate) fn request(self, id: impl Into<Value>, method: &str, mut params: Value) -> Value {
        if self == Era::Modern {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(self.version());
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        request(id, method, params)
    }

    /// Returns the headers of a request.
    pub(crate) fn headers(self, method: &str, params: &Value) -> Vec<(&'static str, String)> {
        let mut headers = vec![("mcp-protocol-version", self.version().to_owned())];
        if self == Era::Modern {
            headers.push(("mcp-method", method.to_owned()));
            let names = ["name", "uri"].into_iter().filter_map(|name| params[name].as_str());
            headers.extend(names.map(|name| ("mcp-name", name.to_owned())));
        }
        headers
    }
}

/// Returns a request.
pub(crate) fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

/// Returns the request that starts a session.
pub(crate) fn initialize(version: &str) -> Value {
    let client = json!({ "name": "test", "version": "1" });
    request(0, "initialize", json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client }))
}

impl Gateway {
    /// Posts to `/mcp`, or to `path`.
    pub(crate) async fn post_mcp(
        &self,
        path: &str,
        headers: &[(&str, impl AsRef<str>)],
        body: impl Into<String>,
    ) -> Answer {
        let body = body.into();
        self.request("POST", path, |request| {
            let request = request.header("content-type", "application/json").body(body);
            headers.iter().fold(request, |request, (name, value)| request.header(*name, value.as_ref()))
        })
        .await
    }
}
