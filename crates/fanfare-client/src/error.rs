//! The errors between a client and a gateway.

use std::time::Duration;

pub use fanfare_api::problem::Problem;
use fanfare_core::{Code, duration};

/// An error of a request.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The request was sent, and the answer was lost: it may have been carried out.
    #[error("the answer of {url} was lost: {problem}")]
    AnswerLost {
        /// The address.
        url: String,
        /// The problem.
        problem: String,
    },
    /// The server is not a gateway.
    #[error("{url} does not answer like a Fanfare gateway: {problem}")]
    NotFanfare {
        /// The address.
        url: String,
        /// The problem with the answer.
        problem: String,
    },
    /// The gateway refused the request, with the reason.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// The port speaks the other of http and https.
    #[error("{url} does not speak {}", .url.split(':').next().unwrap_or_default())]
    OtherScheme {
        /// The address.
        url: String,
    },
    /// No answer arrived in time.
    #[error("{url} did not answer within {} s", .after.as_secs_f32())]
    TimedOut {
        /// The address.
        url: String,
        /// The time that was waited.
        after: Duration,
    },
    /// The gateway cannot be reached.
    #[error("cannot reach {url}: {problem}")]
    Unreachable {
        /// The address.
        url: String,
        /// The error of the operating system.
        problem: String,
    },
}

impl Error {
    /// Returns whether the same request may succeed a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Error::AnswerLost { .. } | Error::TimedOut { .. } | Error::Unreachable { .. } => true,
            Error::NotFanfare { .. } | Error::OtherScheme { .. } => false,
            // A limit without a time stays exceeded until something is removed.
            Error::Refused(problem) if problem.status == 429 => problem.retry_after.is_some(),
            Error::Refused(problem) => matches!(problem.status, 408 | 500..=599),
        }
    }

    /// Returns whether the request may have been carried out.
    pub fn leaves_unknown(&self) -> bool {
        match self {
            Error::AnswerLost { .. } | Error::TimedOut { .. } => true,
            Error::NotFanfare { .. } | Error::OtherScheme { .. } | Error::Unreachable { .. } => false,
            Error::Refused(problem) => problem.known_code() == Some(Code::OutcomeUnknown),
        }
    }

    /// Returns the delay that the gateway asked for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Refused(problem) => problem.retry_after,
            Error::AnswerLost { .. }
            | Error::NotFanfare { .. }
            | Error::OtherScheme { .. }
            | Error::TimedOut { .. }
            | Error::Unreachable { .. } => None,
        }
    }

    /// Returns the error of a client that an operator disconnected, and that may return after `left`.
    pub(super) fn denied(left: Option<Duration>) -> Error {
        let left = left.map_or_else(|| "later".to_owned(), |left| format!("in {}", duration::show(left)));
        Error::Refused(Box::new(Problem {
            kind: "about:blank".to_owned(),
            title: String::new(),
            status: 204,
            code: Code::ClientDenied.as_str().to_owned(),
            detail: format!("an operator disconnected this client, and it may return {left}"),
            at: String::new(),
            fix: "return then, or ask the operator of the gateway".to_owned(),
            limit: None,
            retry_after: None,
            webhook_id: None,
        }))
    }

    /// Classifies an error of the HTTP library; `url` is the gateway's URL, without the query.
    pub(super) fn from_http(error: &reqwest::Error, url: &str, timeout: Duration) -> Error {
        let url = url.to_owned();
        if error.is_timeout() {
            return Error::TimedOut { url, after: timeout };
        }
        let problem = innermost(error);
        if is_of_other_scheme(&url, &problem) {
            return Error::OtherScheme { url };
        }
        if error.is_connect() {
            return Error::Unreachable { url, problem };
        }
        if error.is_builder() || error.is_redirect() || error.is_decode() {
            return Error::NotFanfare { url, problem };
        }
        Error::AnswerLost { url, problem }
    }
}

/// Returns whether the other side of `url` speaks http where TLS was expected, or the reverse: what it sent is no record of
/// TLS (rustls), or no status line (hyper).
fn is_of_other_scheme(url: &str, problem: &str) -> bool {
    match url.starts_with("https:") {
        true => problem.contains("InvalidContentType"),
        false => problem == "invalid HTTP version parsed",
    }
}

/// Returns the last error in the chain of causes: `Connection refused` is more useful than `error sending request`.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    let text = error.to_string();
    // The operating system's texts end in `(os error 111)`, which does not help people.
    match text.split_once(" (os error") {
        Some((said, _)) => lowercase_first(said),
        None => lowercase_first(&text),
    }
}

fn lowercase_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
