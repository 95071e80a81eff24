//! Errors of the protocol. A tool that fails does not return such an error: its failure is a result, for the model to
//! read.

use serde::Serialize;
use serde_json::{Value, json};

use crate::version::Version;

/// Malformed JSON.
pub const PARSE_ERROR: i64 = -32700;
/// JSON that is not a JSON-RPC message.
pub const INVALID_REQUEST: i64 = -32600;
/// An unknown method in this era.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// Invalid parameters.
pub const INVALID_PARAMS: i64 = -32602;
/// A defect of the gateway.
pub const INTERNAL: i64 = -32603;
/// An unknown resource; legacy only.
pub const LEGACY_RESOURCE_NOT_FOUND: i64 = -32002;
/// A header that is missing or differs from the body (2026-07-28, Streamable HTTP).
pub const HEADER_MISMATCH: i64 = -32020;
/// The client lacks a capability that the request needs (2026-07-28).
pub const MISSING_CAPABILITY: i64 = -32021;
/// A revision that is not supported (2026-07-28).
pub const UNSUPPORTED_VERSION: i64 = -32022;
/// Our own code, outside the range that the standard reserves: a limit is reached, try again later.
pub const BUSY: i64 = 429;
/// Our own code: an unknown session.
pub const NO_SESSION: i64 = 404;

/// An error of JSON-RPC.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Error {
    /// The code.
    pub code: i64,
    /// The problem, and the fix.
    pub message: String,
    /// Further data for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl Error {
    /// Creates an error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Error {
        Error { code, message: message.into(), data: None }
    }

    /// Adds data.
    #[must_use]
    pub fn with(mut self, data: Value) -> Error {
        self.data = Some(data);
        self
    }

    /// Creates the error for bytes that are not valid JSON.
    pub fn parse(problem: impl std::fmt::Display) -> Error {
        Error::new(PARSE_ERROR, format!("this is not valid JSON: {problem}"))
    }

    /// Creates the error for JSON that is not a message.
    pub fn invalid_request(problem: impl Into<String>) -> Error {
        Error::new(INVALID_REQUEST, problem)
    }

    /// Creates the error for an unknown method.
    pub fn method_not_found(method: &str) -> Error {
        Error::new(METHOD_NOT_FOUND, format!("unknown method `{}`", shown(method)))
    }

    /// Creates the error for invalid parameters.
    pub fn invalid_params(problem: impl Into<String>) -> Error {
        Error::new(INVALID_PARAMS, problem)
    }

    /// Creates the error for a defect of the gateway; the cause is in its server log.
    pub fn internal(problem: impl Into<String>) -> Error {
        Error::new(INTERNAL, problem)
    }

    /// Creates the error for a header that is missing or differs from the body.
    pub fn header_mismatch(problem: impl Into<String>) -> Error {
        Error::new(HEADER_MISMATCH, problem)
    }

    /// Creates the error for a capability that the client has not declared; `required` is an object keyed by
    /// capability.
    pub fn missing_capability(required: Value) -> Error {
        Error::new(MISSING_CAPABILITY, "this requires a capability that the client has not declared")
            .with(json!({ "requiredCapabilities": required }))
    }

    /// Creates the error for a revision that is not supported.
    pub fn unsupported_version(requested: &str) -> Error {
        let supported: Vec<_> = Version::ALL.iter().map(|version| version.as_str()).collect();
        Error::new(UNSUPPORTED_VERSION, format!("protocol revision `{}` is not supported", shown(requested)))
            .with(json!({ "supported": supported, "requested": shown(requested) }))
    }

    /// Creates the error for a URI that no resource has. The code differs between the eras.
    pub fn resource_not_found(uri: &str, era: crate::version::Era) -> Error {
        let code = match era {
            crate::version::Era::Legacy => LEGACY_RESOURCE_NOT_FOUND,
            crate::version::Era::Modern => INVALID_PARAMS,
        };
        Error::new(code, format!("there is no resource `{}`", shown(uri))).with(json!({ "uri": shown(uri) }))
    }

    /// Creates the error for a limit that is reached.
    pub fn busy(problem: impl Into<String>) -> Error {
        Error::new(BUSY, problem)
    }

    /// Creates the error for an unknown session id; the client should start a new session.
    pub fn no_session() -> Error {
        Error::new(NO_SESSION, "no such session; start a new one with `initialize`")
    }

    /// Returns the status with which Streamable HTTP responds if the error is the whole response.
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

/// Shortens a caller's text before an error repeats it.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    let mut chars = text.chars().flat_map(char::escape_debug);
    let head: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
    if chars.next().is_some() { format!("{head}…") } else { head }
}
