//! Results, and the members that each era adds to them.

use serde::Serialize;

use crate::json_rpc::Id;
use crate::version::Era;

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// A JSON object, without the members that the envelope adds.
    json: Vec<u8>,
    kind: Kind,
    cache: Option<Cache>,
    /// The subscription id that notifications were tagged with.
    subscription: Option<Id>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Complete,
    InputRequired,
}

/// The time that a client may keep a result (2026-07-28, caching).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cache {
    /// The time in milliseconds.
    pub ttl_ms: u64,
    /// The callers that the result is for.
    pub scope: Scope,
}

/// The callers that may share a kept result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Only this caller.
    Private,
    /// Every caller.
    Public,
}

impl Cache {
    /// A result of this moment and of this caller, which must not be kept.
    pub const NONE: Cache = Cache { ttl_ms: 0, scope: Scope::Private };
}

impl Outcome {
    /// Creates a complete result; `result` is written as a JSON object.
    pub fn complete(result: &impl Serialize) -> Outcome {
        Outcome { json: object(result), kind: Kind::Complete, cache: None, subscription: None }
    }

    /// Creates an empty result.
    pub fn empty() -> Outcome {
        Outcome { json: b"{}".to_vec(), kind: Kind::Complete, cache: None, subscription: None }
    }

    /// Creates the result of a subscription that the server ends; `id` is the request that asked for it.
    pub fn listened(id: &Id) -> Outcome {
        Outcome { subscription: Some(id.clone()), ..Outcome::empty() }
    }

    /// Creates a request for input: the client sends its request again with the input (2026-07-28, multi-round-trip
    /// requests).
    pub fn input_required(asked: &InputRequired) -> Outcome {
        Outcome { json: object(asked), kind: Kind::InputRequired, cache: None, subscription: None }
    }

    /// Sets how long the result may be kept; required for lists and resources in the modern era.
    #[must_use]
    pub fn cached(mut self, cache: Cache) -> Outcome {
        self.cache = Some(cache);
        self
    }

    /// Sets how long the result may be kept, unless that is already set.
    #[must_use]
    pub fn or_cached(mut self, cache: Cache) -> Outcome {
        self.cache.get_or_insert(cache);
        self
    }

    /// Returns whether the result asks for input, which only a modern client understands.
    pub fn asks_back(&self) -> bool {
        self.kind == Kind::InputRequired
    }

    /// Returns the JSON object, without the members of the envelope.
    pub fn as_json(&self) -> &[u8] {
        &self.json
    }

    /// Writes the response to `id`. `server_info` is JSON: the server's identity, in every modern result.
    pub fn write(&self, id: &Id, era: Era, server_info: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.json.len() + server_info.len() + 256);
        bytes.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
        bytes.extend_from_slice(id.as_json().as_bytes());
        bytes.extend_from_slice(b",\"result\":");
        match era {
            Era::Legacy => bytes.extend_from_slice(&self.json),
            Era::Modern => self.write_modern(server_info, &mut bytes),
        }
        bytes.push(b'}');
        bytes
    }

    fn write_modern(&self, server_info: &str, bytes: &mut Vec<u8>) {
        let kind = match self.kind {
            Kind::Complete => "complete",
            Kind::InputRequired => "input_required",
        };
        let members = &self.json[..self.json.len() - 1];
        bytes.extend_from_slice(members);
        if members.len() > 1 {
            bytes.push(b',');
        }
        bytes.extend_from_slice(format!("\"resultType\":\"{kind}\"").as_bytes());
        if let (Some(cache), Kind::Complete) = (self.cache, self.kind) {
            let scope = match cache.scope {
                Scope::Private => "private",
                Scope::Public => "public",
            };
            let hints = format!(",\"ttlMs\":{},\"cacheScope\":\"{scope}\"", cache.ttl_ms);
            bytes.extend_from_slice(hints.as_bytes());
        }
        bytes.extend_from_slice(b",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":");
        bytes.extend_from_slice(server_info.as_bytes());
        if let Some(id) = &self.subscription {
            bytes.extend_from_slice(b",\"io.modelcontextprotocol/subscriptionId\":");
            bytes.extend_from_slice(id.as_json().as_bytes());
        }
        bytes.extend_from_slice(b"}}");
    }
}

/// The input that a server needs before it can respond.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputRequired {
    /// The requests to the client, each `{"method", "params"}`, by a key of ours.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub input_requests: serde_json::Map<String, serde_json::Value>,
    /// The state that the client sends back unchanged; to be treated like any untrusted input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
}

fn object(result: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_vec(result).expect("results have text for keys and finite numbers");
    debug_assert!(json.starts_with(b"{") && json.ends_with(b"}"), "a result is an object");
    json
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Cache, Outcome, Scope};
    use crate::json_rpc::Id;
    use crate::version::Era;

    fn written(outcome: &Outcome, era: Era) -> Value {
        let bytes = outcome.write(&Id::number(7), era, r#"{"name":"x"}"#);
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[test]
    fn each_era_gets_its_envelope() {
        let meta = json!({ "io.modelcontextprotocol/serverInfo": { "name": "x" } });
        let outcome = Outcome::complete(&json!({ "a": 1 }));
        let legacy = json!({ "jsonrpc": "2.0", "id": 7, "result": { "a": 1 } });
        assert_eq!(written(&outcome, Era::Legacy), legacy);
        assert_eq!(
            written(&outcome.cached(Cache { ttl_ms: 5, scope: Scope::Public }), Era::Modern)["result"],
            json!({ "a": 1, "resultType": "complete", "ttlMs": 5, "cacheScope": "public", "_meta": meta })
        );
        assert_eq!(written(&Outcome::empty(), Era::Legacy)["result"], json!({}));
        assert_eq!(
            written(&Outcome::empty(), Era::Modern)["result"],
            json!({ "resultType": "complete", "_meta": meta })
        );
    }
}
