//! The outcome of an attempt, and its meaning.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::retry_after::RetryAfter;
use fanfare_core::timestamp::Timestamp;

/// The outcome of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The receiver responded.
    Answered {
        /// The status of the response; 100–599.
        status: u16,
        /// The wait that the receiver asked for with `Retry-After`, if the header is there and can be parsed.
        retry_after: Option<RetryAfter>,
    },
    /// There was no response.
    Failed(Failure),
}

/// The reason why there was no response. This is a closed set: the words of the receiver or its resolver only go to the
/// operator's log, so that nobody can explore a network by registering webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The connection was reset, or ended before the response was complete.
    BrokenOff,
    /// Nothing listens there, or no route leads there.
    ConnectionRefused,
    /// The name does not resolve.
    Dns,
    /// The request that brought the event is to be sent, and is not kept; nothing was sent.
    NoOriginal,
    /// The response is not HTTP, or its headers exceed the bound.
    Protocol,
    /// The webhook's template makes no body of the event; nothing was sent.
    Template,
    /// The address rules refuse the target: see `policy::Refusal`.
    TargetRefused,
    /// The time for the whole attempt ran out.
    Timeout,
    /// The TLS handshake failed, or the certificate does not match.
    Tls,
}

impl Failure {
    /// All failures.
    pub const ALL: [Failure; 9] = [
        Failure::BrokenOff,
        Failure::ConnectionRefused,
        Failure::Dns,
        Failure::NoOriginal,
        Failure::Protocol,
        Failure::TargetRefused,
        Failure::Template,
        Failure::Timeout,
        Failure::Tls,
    ];

    /// Returns the name in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Failure::BrokenOff => "broken_off",
            Failure::ConnectionRefused => "connection_refused",
            Failure::Dns => "dns_error",
            Failure::NoOriginal => "no_original",
            Failure::Protocol => "protocol_error",
            Failure::TargetRefused => "target_refused",
            Failure::Template => "template_error",
            Failure::Timeout => "timeout",
            Failure::Tls => "tls_error",
        }
    }

    /// Parses a name that [`Failure::as_str`] returned.
    pub fn from_name(name: &str) -> Option<Failure> {
        Failure::ALL.into_iter().find(|failure| failure.as_str() == name)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The meaning of an outcome, regardless of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The receiver has the delivery: 2xx.
    Delivered,
    /// The receiver wants no more events: 410. The webhook is disabled.
    Gone,
    /// The receiver will never accept this delivery: 413.
    TooLarge,
    /// Nothing can be sent, now or at a retry: the template makes no body of this event, or its original is not kept.
    Unsendable,
    /// The receiver may accept it later: every other status, 3xx included, because redirects are never followed.
    TryAgain,
}

impl Outcome {
    /// Returns the meaning.
    pub fn meaning(self) -> Meaning {
        match self {
            Outcome::Answered { status: 200..=299, .. } => Meaning::Delivered,
            Outcome::Answered { status: 410, .. } => Meaning::Gone,
            Outcome::Answered { status: 413, .. } => Meaning::TooLarge,
            Outcome::Failed(Failure::NoOriginal | Failure::Template) => Meaning::Unsendable,
            Outcome::Answered { .. } | Outcome::Failed(_) => Meaning::TryAgain,
        }
    }

    /// Returns the time until which the receiver wants no deliveries at all: `Retry-After`, if it is said to be for all.
    /// The breaker then holds back all deliveries, not only this one.
    pub fn hold_until(self) -> Option<Timestamp> {
        match self {
            Outcome::Answered { retry_after, .. } => {
                retry_after.filter(|asked| asked.is_for_all).map(|asked| asked.at)
            }
            Outcome::Failed(_) => None,
        }
    }

    /// Returns the name in the store and on the wire.
    pub fn as_str(self) -> &'static str {
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
        serializer.serialize_str(self.as_str())
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
            let is_ours = matches!(failure, Failure::NoOriginal | Failure::Template);
            let expected = if is_ours { Meaning::Unsendable } else { Meaning::TryAgain };
            assert_eq!(Outcome::Failed(failure).meaning(), expected);
            assert_eq!(Failure::from_name(failure.as_str()), Some(failure));
        }
    }
}
