//! The HTTP client for webhooks: one request, one response, one deadline for both.
//!
//! It follows no redirects, decompresses nothing, ignores the environment's proxies, and never sends a request twice.

pub mod connection;
pub mod dial;
mod proxying;
pub mod resolve;
pub mod sockets;
pub mod times;

use std::time::{Duration, Instant};

use bytes::Bytes;
use fanfare_core::Timestamp;
use fanfare_webhook::outcome::{Failure, Outcome};
use fanfare_webhook::retry_after::{self, RetryAfter};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::client::connection::{Connection, Read, Unanswered};
use crate::client::dial::Dialer;
use crate::client::sockets::Socket;
use crate::client::times::{Times, since};
use crate::target::Target;

/// Maximum duration of an attempt by default: name, connection, TLS, request and the whole response.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(10);
/// Maximum bytes of a response body that are read: up to here, reading costs less than opening a new connection.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Maximum bytes of a response body that are kept for the log of attempts.
pub const ANSWER_BYTES_KEPT: usize = 16 * 1024;

/// The result of an attempt.
#[derive(Debug)]
pub struct Exchange {
    /// The outcome of the attempt.
    pub outcome: Outcome,
    /// The response, as far as it arrived.
    pub answer: Option<Answer>,
    /// Why there was no response, in more detail than `outcome`, if that is known.
    pub problem: Option<&'static str>,
    /// The time that each phase took.
    pub times: Times,
    /// The connection, if it can be used for another request.
    pub connection: Option<Connection>,
}

/// The response of a receiver.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: AnswerHeaders,
    /// The value of the header `Retry-After`, and whether it is said to be for all deliveries.
    retry_after: Option<(Box<str>, bool)>,
    /// The start of the body: at most [`ANSWER_BYTES_KEPT`].
    pub body: Vec<u8>,
    /// Whether the body was longer than the part that is kept.
    pub is_cut: bool,
    /// Whether it came from a public address.
    pub is_public: bool,
}

/// The headers of a response, copied: the original values keep the whole buffer alive that they were read from.
#[derive(Debug)]
pub struct AnswerHeaders(Box<str>);

impl AnswerHeaders {
    /// Returns the headers as one text, for [`read`](AnswerHeaders::read).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns names and values; bytes that are not UTF-8 were replaced.
    pub fn read(text: &str) -> impl Iterator<Item = (&str, &str)> {
        // A value cannot contain a line break, nor a name a colon.
        text.lines().filter_map(|line| line.split_once(':'))
    }
}

impl From<&HeaderMap> for AnswerHeaders {
    fn from(headers: &HeaderMap) -> AnswerHeaders {
        let lens = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 2);
        let mut lines = String::with_capacity(lens.sum());
        for (name, value) in headers {
            lines.push_str(name.as_str());
            lines.push(':');
            lines.push_str(&String::from_utf8_lossy(value.as_bytes()));
            lines.push('\n');
        }
        AnswerHeaders(lines.into())
    }
}

/// Sends `request`, which [`Target::request`] made, to `target`, over `idle` if that is still usable. `now` is the time that a date in
/// `Retry-After` is compared with.
pub async fn post(
    dialer: &Dialer,
    target: &Target,
    request: Request<Full<Bytes>>,
    idle: Option<Connection>,
    now: Timestamp,
) -> Exchange {
    // The wait for a permit is not this receiver's fault, so its time starts after it.
    let via = match idle {
        Some(connection) => Via::Idle(connection),
        None => Via::New(dialer.sockets.take(target.url.host()).await),
    };
    let begun = Instant::now();
    let mut account = Account::default();
    let exchange = exchange(dialer, target, request, via, &mut account);
    let time = target.timeout.unwrap_or(dialer.attempt_max);
    let done = tokio::time::timeout(time, exchange).await.unwrap_or(Err(Failure::Timeout));
    let Account { mut times, answer, problem } = account;
    times.total_us = since(begun);
    let (outcome, connection) = match (done, &answer) {
        (Ok(connection), Some(answer)) => (answered(answer, now), connection),
        (Ok(_), None) => (Outcome::Failed(Failure::BrokenOff), None),
        (Err(failure), _) => (Outcome::Failed(failure), None),
    };
    Exchange { outcome, answer, problem, times, connection }
}

/// What is known of an exchange, whenever its time runs out.
#[derive(Debug, Default)]
struct Account {
    times: Times,
    answer: Option<Answer>,
    /// Why there was no connection.
    problem: Option<&'static str>,
}

/// The connection to send a request over.
enum Via {
    /// A connection that was used before.
    Idle(Connection),
    /// A connection that has to be opened.
    New(Socket),
}

async fn exchange(
    dialer: &Dialer,
    target: &Target,
    mut request: Request<Full<Bytes>>,
    via: Via,
    account: &mut Account,
) -> Result<Option<Connection>, Failure> {
    if let Some(proxy) = dialer.proxy_for(&target.url).filter(|_| !target.url.is_https()) {
        proxy.address(&target.url, &mut request)?;
    }
    let Account { times, answer, problem } = account;
    let sent = match via {
        Via::Idle(connection) => send_over(connection, request, times).await,
        Via::New(socket) => Sent::Unsent(Box::new(request), socket),
    };
    let (mut connection, response) = match sent {
        Sent::Answered(answered) => *answered,
        Sent::Failed(failure) => return Err(failure),
        // Nothing was sent yet, so this is still the first request.
        Sent::Unsent(request, socket) => {
            // This future is large and rarely needed; without the box, every attempt would carry it.
            let dialled = Box::pin(async {
                let connection = dialer.dial(target, socket, times, problem).await?;
                Ok(send_over(connection, *request, times).await)
            });
            match dialled.await? {
                Sent::Answered(answered) => *answered,
                Sent::Failed(failure) => return Err(failure),
                Sent::Unsent(..) => return Err(Failure::BrokenOff),
            }
        }
    };
    let begun = Instant::now();
    let (head, body) = response.into_parts();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let is_for_all = retry_after::is_for_all(head.status.as_u16(), header);
    let asked = header(header::RETRY_AFTER.as_str()).map(|asked| (Box::from(asked), is_for_all));
    let answer = answer.insert(Answer {
        status: head.status,
        retry_after: asked,
        headers: (&head.headers).into(),
        body: Vec::new(),
        is_cut: false,
        is_public: connection.is_public(),
    });
    let mut read = Read::default();
    let outcome = connection.read(body, ANSWER_BYTES_KEPT, ANSWER_BYTES_MAX, &mut read).await;
    times.body_us = Some(since(begun));
    answer.is_cut = !read.is_whole || read.len > read.beginning.len();
    answer.body = read.beginning;
    outcome?;
    Ok(read.is_whole.then_some(connection))
}

enum Sent {
    Answered(Box<(Connection, Response<Incoming>)>),
    Unsent(Box<Request<Full<Bytes>>>, Socket),
    Failed(Failure),
}

async fn send_over(mut connection: Connection, request: Request<Full<Bytes>>, times: &mut Times) -> Sent {
    if !connection.is_usable().await {
        return Sent::Unsent(Box::new(request), connection.into_socket());
    }
    let begun = Instant::now();
    let sent = connection.send(request).await;
    times.wait_us = Some(since(begun));
    match sent {
        Ok(response) => Sent::Answered(Box::new((connection, response))),
        Err(Unanswered::Unsent(request)) => Sent::Unsent(request, connection.into_socket()),
        Err(Unanswered::Failed(failure)) => Sent::Failed(failure),
    }
}

fn answered(answer: &Answer, now: Timestamp) -> Outcome {
    let asked = answer.retry_after.as_ref();
    let retry_after = asked.and_then(|(asked, is_for_all)| {
        Some(RetryAfter { at: retry_after::parse(asked, now)?, is_for_all: *is_for_all })
    });
    Outcome::Answered { status: answer.status.as_u16(), retry_after }
}
