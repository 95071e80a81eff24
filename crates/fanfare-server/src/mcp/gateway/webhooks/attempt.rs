//! The attempt of an on-demand request, as tools show it.

use fanfare_core::Timestamp;
use fanfare_webhook::advice::advice;
use fanfare_webhook::outcome::Outcome as AttemptOutcome;
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::gateway::answer::{integer, output, text};
use fanfare_delivery::attempt::Attempt;

/// The outcome of an attempt. It leaves out the body of the response, which is untrusted text.
#[derive(Debug, Serialize)]
pub(super) struct AttemptRow {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
    total_us: u64,
    started_at: Timestamp,
}

impl AttemptRow {
    /// Describes an answer with these members and `more`.
    pub(super) fn schema_with(more: Value) -> Value {
        let mut properties = AttemptRow::properties();
        if let (Value::Object(properties), Value::Object(more)) = (&mut properties, more) {
            properties.extend(more);
        }
        output(properties)
    }

    pub(super) fn properties() -> Value {
        json!({
            "outcome": text(),
            "status_code": integer(),
            "problem": text(),
            "advice": text(),
            "total_us": integer(),
            "started_at": text(),
        })
    }

    pub(super) fn is_delivered(&self) -> bool {
        self.outcome == "delivered"
    }

    /// Describes the outcome, and what it means for the operator of the receiver.
    pub(super) fn to_text(&self) -> String {
        let took = format!("{} ms", self.total_us as f64 / 1_000.0);
        let result = match self.status_code {
            Some(status) => format!("the receiver responded with {status} after {took}"),
            None => {
                let problem = self.problem.map_or_else(String::new, |problem| format!(" ({problem})"));
                format!("{}{problem} after {took}", self.outcome)
            }
        };
        match self.advice {
            None => result,
            Some(advice) => format!("{result}; {advice}"),
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
            problem: attempt.problem,
            advice: advice(attempt.outcome.as_str(), status_code),
            total_us: attempt.times.total_us,
            started_at: attempt.at,
        }
    }
}
