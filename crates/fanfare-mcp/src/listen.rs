//! Messages that a server sends on its own: changes, progress and log messages.

use serde::{Deserialize, Serialize};

use crate::cancellation;
use crate::error::Error;
use crate::json_rpc::{self, Id};

/// Maximum resources of one subscription: each is compared with every event.
pub const RESOURCES_MAX: usize = 64;

/// The changes that a client wants to be notified of (2026-07-28, `subscriptions/listen`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Interests {
    /// Whether to notify of changes to the list of tools.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tools_list_changed: bool,
    /// Whether to notify of changes to the list of prompts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub prompts_list_changed: bool,
    /// Whether to notify of changes to the list of resources.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resources_list_changed: bool,
    /// The URIs of the resources whose changes to notify of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_subscriptions: Vec<String>,
}

/// The parameters of `subscriptions/listen`.
#[derive(Debug, Deserialize)]
pub struct Listen {
    /// The changes to notify of.
    pub notifications: Interests,
}

/// A change that a client can be notified of.
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
    /// Writes the change as a notification; `subscription` is the modern request that asked for it.
    pub fn write(&self, subscription: Option<&Id>) -> Vec<u8> {
        let (method, uri) = match self {
            Change::Prompts => ("notifications/prompts/list_changed", None),
            Change::Resource(uri) => ("notifications/resources/updated", Some(uri.as_str())),
            Change::Resources => ("notifications/resources/list_changed", None),
            Change::Tools => ("notifications/tools/list_changed", None),
        };
        json_rpc::write_notification(
            method,
            &NotificationParams { uri, ..NotificationParams::of(subscription) },
        )
    }
}

/// Writes the first message of a subscription: the part of it that is honoured.
pub fn acknowledged(honoured: &Interests, subscription: &Id) -> Vec<u8> {
    let told =
        NotificationParams { notifications: Some(honoured), ..NotificationParams::of(Some(subscription)) };
    json_rpc::write_notification("notifications/subscriptions/acknowledged", &told)
}

/// Writes the notification that the server ends a subscription; the last message is the result (2026-07-28,
/// cancellation).
pub fn torn_down(subscription: &Id) -> Vec<u8> {
    let told = NotificationParams {
        request_id: Some(subscription),
        reason: Some("the server is stopping"),
        ..NotificationParams::of(Some(subscription))
    };
    json_rpc::write_notification(cancellation::METHOD, &told)
}

/// The parameters of a notification, with the subscription that it belongs to. An id is written as the client wrote it,
/// so it does not pass through a [`serde_json::Value`].
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct NotificationParams<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notifications: Option<&'a Interests>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<Tag<'a>>,
}

#[derive(Serialize)]
struct Tag<'a> {
    /// The value of [`crate::meta::SUBSCRIPTION_ID`].
    #[serde(rename = "io.modelcontextprotocol/subscriptionId")]
    subscription: &'a Id,
}

impl<'a> NotificationParams<'a> {
    fn of(subscription: Option<&'a Id>) -> NotificationParams<'a> {
        NotificationParams {
            meta: subscription.map(|subscription| Tag { subscription }),
            ..NotificationParams::default()
        }
    }
}

/// The severity of a log message (RFC 5424).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Details for developers.
    Debug,
    /// Normal progress.
    Info,
    /// A normal but significant event.
    Notice,
    /// A possible problem.
    Warning,
    /// Something failed.
    Error,
    /// A component failed.
    Critical,
    /// A person must act at once.
    Alert,
    /// Nothing works.
    Emergency,
}

impl LogLevel {
    /// Parses a level from JSON.
    pub fn read(json: &str) -> Result<LogLevel, Error> {
        serde_json::from_str(json).map_err(|_| {
            Error::invalid_params(
                "the log level is not one of debug, info, notice, warning, error, critical, alert, emergency",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Change, Interests, acknowledged, torn_down};
    use crate::meta::SUBSCRIPTION_ID;

    #[test]
    fn everything_told_is_tagged_with_the_id_as_it_was_written() {
        let raw = r#""\u0061-18446744073709551615""#;
        let id = serde_json::from_str(raw).expect("an id");
        let meta = json!({ SUBSCRIPTION_ID: "a-18446744073709551615" });
        let uri = "fanfare://channels".to_owned();
        let honoured = Interests { resource_subscriptions: vec![uri.clone()], ..Interests::default() };
        let notifications = json!({ "resourceSubscriptions": [uri] });
        let reason = "the server is stopping";
        for (written, params) in [
            (Change::Resource(uri.clone()).write(Some(&id)), json!({ "uri": uri, "_meta": meta })),
            (Change::Tools.write(Some(&id)), json!({ "_meta": meta })),
            (Change::Resource(uri.clone()).write(None), json!({ "uri": uri })),
            (Change::Prompts.write(None), json!({})),
            (acknowledged(&honoured, &id), json!({ "notifications": notifications, "_meta": meta })),
            (
                torn_down(&id),
                json!({ "requestId": "a-18446744073709551615", "reason": reason, "_meta": meta }),
            ),
        ] {
            let text = std::str::from_utf8(&written).expect("text");
            assert_eq!(text.contains(raw), params.get("_meta").is_some(), "{text}");
            let said: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(said["params"], params);
        }
    }
}
