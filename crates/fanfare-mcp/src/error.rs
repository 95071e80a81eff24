//! Errors of the protocol. What a tool could not do is no such error: that is a result, for the model to read.

use serde::Serialize;
use serde_json::{Value, json};

use crate::version::Version;

/// Malformed JSON.
pub const PARSE_ERROR: i64 = -32700;
/// JSON that is no JSON-RPC message.
pub const INVALID_REQUEST: i64 = -32600;
/// No such method in this era.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// Parameters that do not fit.
pub const INVALID_PARAMS: i64 = -32602;
/// A defect of the gateway.
pub const INTERNAL: i64 = -32603;
/// No such resource; legacy only.
pub const LEGACY_RESOURCE_NOT_FOUND: i64 = -32002;
/// A header that is missing or says something else than the body (2026-07-28, Streamable HTTP).
pub const HEADER_MISMATCH: i64 = -32020;
/// The client lacks a capability that the request needs (2026-07-28).
pub const MISSING_CAPABILITY: i64 = -32021;
/// A revision that is not served (2026-07-28).
pub const UNSUPPORTED_VERSION: i64 = -32022;
/// Ours, outside the range that the standard keeps: too much at once, try again later.
pub const BUSY: i64 = 429;
/// Ours: no such session.
pub const NO_SESSION: i64 = 404;

/// An error as JSON-RPC says it.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Error {
    /// The number.
    pub code: i64,
    /// What is wrong, and what would be right.
    pub message: String,
    /// More for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl Error {
    /// Makes an error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Error {
        Error { code, message: message.into(), data: None }
    }

    /// Adds data.
    #[must_use]
    pub fn with(mut self, data: Value) -> Error {
        self.data = Some(data);
        self
    }

    /// The bytes are no JSON.
    pub fn parse(problem: impl std::fmt::Display) -> Error {
        Error::new(PARSE_ERROR, format!("this is no JSON: {problem}"))
    }

    /// The JSON is no message.
    pub fn invalid_request(problem: impl Into<String>) -> Error {
        Error::new(INVALID_REQUEST, problem)
    }

    /// Nobody knows the method.
    pub fn method_not_found(method: &str) -> Error {
        Error::new(METHOD_NOT_FOUND, format!("there is no method `{}` here", shown(method)))
    }

    /// The parameters do not fit.
    pub fn invalid_params(problem: impl Into<String>) -> Error {
        Error::new(INVALID_PARAMS, problem)
    }

    /// The gateway's own fault; what happened is in its log.
    pub fn internal(problem: impl Into<String>) -> Error {
        Error::new(INTERNAL, problem)
    }

    /// A header is missing or says something else than the body.
    pub fn header_mismatch(problem: impl Into<String>) -> Error {
        Error::new(HEADER_MISMATCH, problem)
    }

    /// The client has not declared what the request needs; `required` is an object keyed by capability.
    pub fn missing_capability(required: Value) -> Error {
        Error::new(MISSING_CAPABILITY, "this needs a capability that the client has not declared")
            .with(json!({ "requiredCapabilities": required }))
    }

    /// The revision is not served.
    pub fn unsupported_version(requested: &str) -> Error {
        let supported: Vec<_> = Version::ALL.iter().map(|version| version.as_str()).collect();
        Error::new(UNSUPPORTED_VERSION, format!("the revision `{}` is not served here", shown(requested)))
            .with(json!({ "supported": supported, "requested": shown(requested) }))
    }

    /// No resource has the address. The number differs between the eras.
    pub fn resource_not_found(uri: &str, era: crate::version::Era) -> Error {
        let code = match era {
            crate::version::Era::Legacy => LEGACY_RESOURCE_NOT_FOUND,
            crate::version::Era::Modern => INVALID_PARAMS,
        };
        Error::new(code, format!("there is no resource `{}`", shown(uri))).with(json!({ "uri": shown(uri) }))
    }

    /// Too much at once.
    pub fn busy(problem: impl Into<String>) -> Error {
        Error::new(BUSY, problem)
    }

    /// No session has the id; the client should begin a new one.
    pub fn no_session() -> Error {
        Error::new(NO_SESSION, "there is no such session; begin a new one with `initialize`")
    }

    /// Returns the status that Streamable HTTP answers with, when the error is all there is to say.
    pub fn status(&self) -> http::StatusCode {
        match self.code {
            METHOD_NOT_FOUND | NO_SESSION => http::StatusCode::NOT_FOUND,
            PARSE_ERROR | INVALID_REQUEST | HEADER_MISMATCH | MISSING_CAPABILITY | UNSUPPORTED_VERSION => {
                http::StatusCode::BAD_REQUEST
            }
            BUSY => http::StatusCode::TOO_MANY_REQUESTS,
            _ => http::StatusCode::OK,
        }
    }
}

/// Shortens what a caller said before it is said back.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    let mut chars = text.chars().flat_map(char::escape_debug);
    let head: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
    if chars.next().is_some() { format!("{head}…") } else { head }
}
