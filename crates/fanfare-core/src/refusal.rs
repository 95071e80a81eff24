//! The reason that a verb did nothing, in words that every door repeats.

use std::borrow::Cow;
use std::time::Duration;

use crate::code::Code;
use crate::invalid::Invalid;
use crate::webhook_id::WebhookId;

/// A refusal. It is made once, where the verb is; doors map its code alone, so that all of them say the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {fix}")]
pub struct Refusal {
    /// The public code.
    pub code: Code,
    /// The error: lowercase, without a full stop.
    pub what: String,
    /// The place, as in [`Invalid::at`]; empty if the whole request is meant.
    pub at: String,
    /// The fix: what to do instead.
    pub fix: Cow<'static, str>,
    /// The limit that was exceeded.
    pub limit: Option<Limit>,
    /// The webhook of the caller that is in the way.
    pub webhook: Option<WebhookId>,
}

/// A limit that was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The name that appears on the wire.
    pub name: &'static str,
    /// The time to wait before the next try; `None` if something has to be removed first.
    pub retry_after: Option<Duration>,
}

impl Limit {
    /// Returns the whole seconds after which to try again, for `Retry-After`: rounded up, as an earlier retry would be
    /// refused again.
    pub fn retry_seconds(self) -> Option<u64> {
        let retry_after = self.retry_after?;
        let whole = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        Some(whole.max(1))
    }
}

impl Refusal {
    /// Creates a refusal of the whole request.
    pub fn new(code: Code, what: impl Into<String>, fix: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { code, what: what.into(), at: String::new(), fix: fix.into(), limit: None, webhook: None }
    }

    /// Creates the refusal of a gateway that is stopping.
    pub fn shutting_down() -> Refusal {
        Refusal::new(
            Code::ShuttingDown,
            "the gateway is stopping; nothing was written",
            "try again in a moment",
        )
        .over("shutdown", Duration::from_secs(1))
    }

    /// Names the place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Refusal {
        self.at = place.into();
        self
    }

    /// Puts the place of the only event of a list to where the request has that event by itself.
    #[must_use]
    pub fn in_event(mut self, place: &str) -> Refusal {
        if let Some(rest) = self.at.strip_prefix("/0") {
            self.at = format!("{place}{rest}");
        }
        self
    }

    /// Puts a place in a list of events to where the request has the list.
    #[must_use]
    pub fn in_list(mut self, place: &str) -> Refusal {
        if !self.at.is_empty() {
            self.at.insert_str(0, place);
        }
        self
    }

    /// Names the limit that was exceeded, and when to try again.
    #[must_use]
    pub fn over(mut self, name: &'static str, retry_after: Duration) -> Refusal {
        self.limit = Some(Limit { name, retry_after: Some(retry_after) });
        self
    }

    /// Names the limit that was reached, if waiting alone does not help.
    #[must_use]
    pub fn at_limit(mut self, name: &'static str) -> Refusal {
        self.limit = Some(Limit { name, retry_after: None });
        self
    }

    /// Names the webhook that is in the way; it belongs to the caller.
    #[must_use]
    pub fn because_of(mut self, webhook: WebhookId) -> Refusal {
        self.webhook = Some(webhook);
        self
    }
}

impl From<Invalid> for Refusal {
    fn from(Invalid { code, what, at, fix }: Invalid) -> Refusal {
        Refusal { code, what, at, fix, limit: None, webhook: None }
    }
}
