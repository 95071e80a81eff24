//! An attempt that somebody waited for, as tools tell of it.

use fanfare_core::Timestamp;
use fanfare_webhook::outcome::Outcome as AttemptOutcome;
use serde::Serialize;
use serde_json::{Value, json};

use fanfare_delivery::attempt::Attempt;

/// How an attempt ended. What the receiver said is not in it: that is anybody's text.
#[derive(Debug, Serialize)]
pub(super) struct AttemptRow {
    pub(super) delivered: bool,
    category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    milliseconds: f64,
    at: Timestamp,
}

impl AttemptRow {
    pub(super) fn properties() -> Value {
        json!({
            "delivered": { "type": "boolean", "description": "The receiver answered with 2xx" },
            "category": {
                "type": "string",
                "description": "`delivered`, `http_3xx`, `http_4xx`, `http_5xx`, `timeout`, `connection_refused`, \
                                `broken_off`, `dns_error`, `tls_error`, `protocol_error` or `target_refused`",
            },
            "status_code": { "type": "integer", "description": "Of the answer, if there was one" },
            "milliseconds": { "type": "number", "description": "How long it took" },
            "at": { "type": "string", "description": "When it began, ISO 8601" },
        })
    }

    pub(super) const REQUIRED: [&str; 4] = ["delivered", "category", "milliseconds", "at"];

    /// Says how it ended, and what that means for whoever runs the receiver.
    pub(super) fn to_text(&self) -> String {
        let took = format!("{} ms", self.milliseconds);
        let answered = self.status_code.map_or_else(String::new, |status| format!(" with {status}"));
        match self.category {
            "delivered" => format!("it was answered{answered} in {took}"),
            "http_3xx" | "http_4xx" | "http_5xx" => {
                format!(
                    "it was answered{answered} after {took}, which is no success: only 2xx is. Redirects are not followed"
                )
            }
            "timeout" => format!(
                "there was no whole answer within {took}; a receiver should answer first and work then"
            ),
            "connection_refused" => {
                "nobody listens there; is the receiver running, and on that port?".to_owned()
            }
            "dns_error" => "its name has no address".to_owned(),
            "target_refused" => {
                "its address is one where webhooks may not go; the operator allows more with `--allow-target`"
                    .to_owned()
            }
            "tls_error" => "the certificate does not fit, or there was no agreement on TLS".to_owned(),
            category => format!("{category} after {took}; what answers there may be no HTTP server"),
        }
    }
}

impl From<&Attempt> for AttemptRow {
    fn from(attempt: &Attempt) -> AttemptRow {
        let status_code = match attempt.outcome {
            AttemptOutcome::Answered { status, .. } => Some(status),
            AttemptOutcome::Failed(_) => None,
        };
        AttemptRow {
            delivered: attempt.is_delivered(),
            category: attempt.outcome.category(),
            status_code,
            milliseconds: attempt.times.total_us as f64 / 1_000.0,
            at: attempt.at,
        }
    }
}
