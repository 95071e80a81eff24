//! How an attempt ended, and what follows from that.

use std::fmt;

use serde::{Serialize, Serializer};

use fanfare_core::timestamp::Timestamp;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The receiver answered.
    Answered {
        /// Its status; 100–599.
        status: u16,
        /// When it asked to be tried again (`Retry-After`), if it did and that could be read.
        retry_after: Option<Timestamp>,
    },
    /// There was no answer.
    Failed(Failure),
}

/// Why there was no answer. A closed set: what the receiver or its resolver said goes to the operator's log only, so
/// that nobody explores a network by registering webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// It was reset, or ended before the answer was whole.
    BrokenOff,
    /// Nobody listens there, or no route leads there.
    ConnectionRefused,
    /// Its name has no address.
    Dns,
    /// Something was answered that is not HTTP, or headers past the bound.
    Protocol,
    /// The address rules refuse it: see `policy::Refusal`.
    TargetRefused,
    /// The time for the whole attempt was over.
    Timeout,
    /// No agreement on TLS, or a certificate that does not fit.
    Tls,
}

impl Failure {
    /// All of them.
    pub const ALL: [Failure; 7] = [
        Failure::BrokenOff,
        Failure::ConnectionRefused,
        Failure::Dns,
        Failure::Protocol,
        Failure::TargetRefused,
        Failure::Timeout,
        Failure::Tls,
    ];

    /// Gives the name in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Failure::BrokenOff => "broken_off",
            Failure::ConnectionRefused => "connection_refused",
            Failure::Dns => "dns_error",
            Failure::Protocol => "protocol_error",
            Failure::TargetRefused => "target_refused",
            Failure::Timeout => "timeout",
            Failure::Tls => "tls_error",
        }
    }

    /// Reads what [`Failure::as_str`] wrote.
    pub fn from_name(name: &str) -> Option<Failure> {
        Failure::ALL.into_iter().find(|failure| failure.as_str() == name)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an outcome means, whatever the schedule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// It has it: 2xx.
    Delivered,
    /// It wants nothing any more: 410. The webhook is disabled.
    Gone,
    /// It will never take this one: 413.
    TooLarge,
    /// It may take it later: everything else, 3xx too, since redirects are never followed.
    TryAgain,
}

impl Outcome {
    /// Says what it means.
    pub fn meaning(self) -> Meaning {
        match self {
            Outcome::Answered { status: 200..=299, .. } => Meaning::Delivered,
            Outcome::Answered { status: 410, .. } => Meaning::Gone,
            Outcome::Answered { status: 413, .. } => Meaning::TooLarge,
            Outcome::Answered { .. } | Outcome::Failed(_) => Meaning::TryAgain,
        }
    }

    /// Gives the moment until which the receiver wants nothing at all: 429 or 503 with `Retry-After`. The breaker
    /// holds all deliveries back until then, not only this one.
    pub fn hold_until(self) -> Option<Timestamp> {
        match self {
            Outcome::Answered { status: 429 | 503, retry_after } => retry_after,
            Outcome::Answered { .. } | Outcome::Failed(_) => None,
        }
    }

    /// Gives the category that callers see.
    pub fn category(self) -> &'static str {
        match self {
            Outcome::Answered { status: 200..=299, .. } => "delivered",
            Outcome::Answered { status: 300..=399, .. } => "http_3xx",
            Outcome::Answered { status: 400..=499, .. } => "http_4xx",
            Outcome::Answered { status: 500..=599, .. } => "http_5xx",
            Outcome::Answered { .. } => Failure::Protocol.as_str(),
            Outcome::Failed(failure) => failure.as_str(),
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.category())
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Meaning, Outcome};

    #[test]
    fn only_2xx_is_delivered_and_two_statuses_end_it() {
        for status in 100..600 {
            let meaning = Outcome::Answered { status, retry_after: None }.meaning();
            let expected = match status {
                200 | 201 | 202 | 204 | 205 | 226 | 299 => Meaning::Delivered,
                410 => Meaning::Gone,
                413 => Meaning::TooLarge,
                100 | 199 | 300 | 301 | 302 | 303 | 304 | 307 | 308 | 399 | 400 | 404 | 429 | 500 | 503 => {
                    Meaning::TryAgain
                }
                _ => continue,
            };
            assert_eq!(meaning, expected, "{status}");
        }
        for failure in Failure::ALL {
            assert_eq!(Outcome::Failed(failure).meaning(), Meaning::TryAgain);
            assert_eq!(Failure::from_name(failure.as_str()), Some(failure));
        }
    }
}
