//! Cancellations of requests.

use serde::Deserialize;

use crate::json_rpc::{Id, Incoming, Message};

/// The notification that cancels a request. Both sides send it.
pub const METHOD: &str = "notifications/cancelled";

/// The parameters of [`METHOD`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancellation {
    /// The request to cancel.
    pub request_id: Id,
}

impl Cancellation {
    /// Returns the cancellation in `incoming`, if it is one that can be parsed.
    pub fn of(incoming: &Incoming) -> Option<Cancellation> {
        match incoming {
            Incoming::One(Message::Notification { method, params }) if &**method == METHOD => {
                params.read().ok()
            }
            Incoming::One(_) | Incoming::Batch(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cancellation;
    use crate::json_rpc::{Id, parse};

    #[test]
    fn only_a_notification_that_names_a_request_calls_one_off() {
        let of = |text: &str| {
            let incoming = parse(text.as_bytes()).expect("a message");
            Cancellation::of(&incoming).map(|cancellation| cancellation.request_id)
        };
        let cancelled = r#""method": "notifications/cancelled""#;
        let named =
            format!(r#"{{"jsonrpc": "2.0", {cancelled}, "params": {{"requestId": 7, "reason": "x"}}}}"#);
        assert_eq!(of(&named), Some(Id::number(7)));
        for other in [
            format!(r#"{{"jsonrpc": "2.0", {cancelled}}}"#),
            format!(r#"{{"jsonrpc": "2.0", {cancelled}, "params": {{"requestId": {{}}}}}}"#),
            format!(r#"{{"jsonrpc": "2.0", "id": 1, {cancelled}, "params": {{"requestId": 7}}}}"#),
            r#"{"jsonrpc": "2.0", "method": "notifications/initialized", "params": {"requestId": 7}}"#
                .to_owned(),
            format!("[{named}]"),
        ] {
            assert_eq!(of(&other), None, "{other}");
        }
    }
}
