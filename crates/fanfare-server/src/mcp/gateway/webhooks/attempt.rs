//! The attempt of an on-demand request, as tools show it.

use fanfare_core::Timestamp;
use fanfare_webhook::outcome::Outcome as AttemptOutcome;
use serde::Serialize;
use serde_json::{Value, json};

use fanfare_delivery::attempt::Attempt;

/// The outcome of an attempt. It leaves out the body of the response, which is untrusted text.
#[derive(Debug, Serialize)]
pub(super) struct AttemptRow {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    total_us: u64,
    started_at: Timestamp,
}

impl AttemptRow {
    pub(super) fn properties() -> Value {
        json!({
            "outcome": {
                "type": "string",
                "description": "`delivered`, `http_3xx`, `http_4xx`, `http_5xx`, `timeout`, `connection_refused`, \
                                `broken_off`, `dns_error`, `tls_error`, `protocol_error` or `target_refused`",
            },
            "status_code": { "type": "integer", "description": "HTTP status of the response, if there was one" },
            "total_us": { "type": "integer", "description": "Duration, in microseconds" },
            "started_at": { "type": "string", "description": "Start time, ISO 8601" },
        })
    }

    pub(super) const REQUIRED: [&str; 3] = ["outcome", "total_us", "started_at"];

    pub(super) fn is_delivered(&self) -> bool {
        self.outcome == "delivered"
    }

    /// Describes the outcome, and what it means for the operator of the receiver.
    pub(super) fn to_text(&self) -> String {
        let took = format!("{} ms", self.total_us as f64 / 1_000.0);
        let answered = self.status_code.map_or_else(String::new, |status| format!(" with {status}"));
        match self.outcome {
            "delivered" => format!("the receiver responded{answered} in {took}"),
            "http_3xx" | "http_4xx" | "http_5xx" => {
                format!(
                    "the receiver responded{answered} after {took}; only 2xx counts as success, and redirects are not followed"
                )
            }
            "timeout" => format!(
                "no complete response within {took}; a receiver should respond first and do the work afterwards"
            ),
            "connection_refused" => {
                "nothing is listening there; is the receiver running, and on that port?".to_owned()
            }
            "dns_error" => "its host name does not resolve".to_owned(),
            "target_refused" => {
                "webhooks may not be sent to its address; the operator can allow it with `--allow-target`"
                    .to_owned()
            }
            "tls_error" => {
                "the certificate is not valid for this host, or the TLS handshake failed".to_owned()
            }
            outcome => format!("{outcome} after {took}; the server there may not speak HTTP"),
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
            outcome: attempt.outcome.as_str(),
            status_code,
            total_us: attempt.times.total_us,
            started_at: attempt.at,
        }
    }
}
