//! What a server says unasked: changes, progress and log messages.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::Error;
use crate::json_rpc::{self, Id};
use crate::meta::SUBSCRIPTION_ID;

/// Most resources of one subscription: each is compared with every event.
pub const RESOURCES_MAX: usize = 64;

/// Which changes a client wants to hear of (2026-07-28, `subscriptions/listen`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Wanted {
    /// Of the list of tools.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tools_list_changed: bool,
    /// Of the list of prompts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub prompts_list_changed: bool,
    /// Of the list of resources.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resources_list_changed: bool,
    /// Of these resources, by address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_subscriptions: Vec<String>,
}

/// The parameters of `subscriptions/listen`.
#[derive(Debug, Deserialize)]
pub struct Listen {
    /// Which changes.
    pub notifications: Wanted,
}

/// Something has changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// The list of prompts.
    Prompts,
    /// This resource.
    Resource(String),
    /// The list of resources.
    Resources,
    /// The list of tools.
    Tools,
}

impl Change {
    /// Writes it as a notification; `subscription` is the modern request that asked for it.
    pub fn write(&self, subscription: Option<&Id>) -> Vec<u8> {
        let (method, uri) = match self {
            Change::Prompts => ("notifications/prompts/list_changed", None),
            Change::Resource(uri) => ("notifications/resources/updated", Some(uri.as_str())),
            Change::Resources => ("notifications/resources/list_changed", None),
            Change::Tools => ("notifications/tools/list_changed", None),
        };
        let mut params = json!({});
        if let Some(uri) = uri {
            params["uri"] = Value::from(uri);
        }
        tag(&mut params, subscription);
        json_rpc::write_notification(method, &params)
    }
}

/// Writes the first message of a subscription: what of it is honoured.
pub fn acknowledged(honoured: &Wanted, subscription: &Id) -> Vec<u8> {
    let mut params = json!({ "notifications": honoured });
    tag(&mut params, Some(subscription));
    json_rpc::write_notification("notifications/subscriptions/acknowledged", &params)
}

/// Writes that the server ends a subscription; its last message is the result (2026-07-28, cancellation).
pub fn torn_down(subscription: &Id) -> Vec<u8> {
    let mut params = json!({ "requestId": subscription, "reason": "the server is stopping" });
    tag(&mut params, Some(subscription));
    json_rpc::write_notification("notifications/cancelled", &params)
}

fn tag(params: &mut Value, subscription: Option<&Id>) {
    if let Some(id) = subscription {
        params["_meta"] = json!({ SUBSCRIPTION_ID: id });
    }
}

/// How much a log message matters (RFC 5424).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For developers.
    Debug,
    /// As it goes.
    Info,
    /// As it should.
    Notice,
    /// Not as it should.
    Warning,
    /// Something failed.
    Error,
    /// A part failed.
    Critical,
    /// Somebody must act.
    Alert,
    /// Nothing works.
    Emergency,
}

impl LogLevel {
    /// Reads a level from JSON.
    pub fn read(json: &str) -> Result<LogLevel, Error> {
        serde_json::from_str(json).map_err(|_| {
            Error::invalid_params(
                "the log level is none of debug, info, notice, warning, error, critical, alert, emergency",
            )
        })
    }
}
