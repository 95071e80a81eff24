//! The HTTP client of webhooks: one request, one answer, one deadline for all of it.
//!
//! No redirect is followed, nothing is unpacked, no proxy of the environment is used, and no request is sent twice.

pub mod connection;
pub mod dial;
pub mod resolve;
pub mod times;

use std::time::{Duration, Instant};

use bytes::Bytes;
use fanfare_core::Timestamp;
use fanfare_core::webhook::outcome::{Failure, Outcome};
use fanfare_core::webhook::retry_after;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::webhooks::client::connection::{Connection, Read, Unanswered};
use crate::webhooks::client::dial::Dialer;
use crate::webhooks::client::times::{Times, since};
use crate::webhooks::target::Target;

/// How long an attempt may take when nothing is said: name, connection, TLS, request and the whole answer.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(10);
/// Most bytes of an answer's body that are read: so much is cheaper to read than a new connection is to open.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How much of an answer's body is kept for the log of attempts.
pub const ANSWER_BYTES_KEPT: usize = 16 * 1024;

/// How an attempt ended.
#[derive(Debug)]
pub struct Attempted {
    /// What it means.
    pub outcome: Outcome,
    /// The answer, as far as it came.
    pub answer: Option<Answer>,
    /// How long it took.
    pub times: Times,
    /// The connection, when another request can go over it.
    pub connection: Option<Connection>,
}

/// What a receiver answered.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The beginning of its body: at most [`ANSWER_BYTES_KEPT`].
    pub body: Vec<u8>,
    /// There was more.
    pub is_cut: bool,
}

/// Posts `body` to `target` with `headers`, over `idle` when that can still be used. `now` says what a date in
/// `Retry-After` is compared with.
pub async fn post(
    dialer: &Dialer,
    target: &Target,
    headers: HeaderMap,
    body: Bytes,
    idle: Option<Connection>,
    now: Timestamp,
) -> Attempted {
    let begun = Instant::now();
    let mut times = Times::default();
    let mut answer = None;
    let exchange = exchange(dialer, target, headers, body, idle, &mut times, &mut answer);
    let done = tokio::time::timeout(dialer.attempt_max, exchange).await.unwrap_or(Err(Failure::Timeout));
    times.total_us = since(begun);
    let (outcome, connection) = match (done, &answer) {
        (Ok(connection), Some(answer)) => (answered(answer, now), connection),
        (Ok(_), None) => (Outcome::Failed(Failure::BrokenOff), None),
        (Err(failure), _) => (Outcome::Failed(failure), None),
    };
    Attempted { outcome, answer, times, connection }
}

async fn exchange(
    dialer: &Dialer,
    target: &Target,
    headers: HeaderMap,
    body: Bytes,
    idle: Option<Connection>,
    times: &mut Times,
    answer: &mut Option<Answer>,
) -> Result<Option<Connection>, Failure> {
    let mut request =
        Request::post(target.uri.clone()).body(Full::new(body)).map_err(|_| Failure::Protocol)?;
    *request.headers_mut() = headers;
    let (mut connection, response) = match send_over(idle, request, times).await {
        Sent::Answered(answered) => *answered,
        Sent::Failed(failure) => return Err(failure),
        // Nothing was sent yet, so this is still the first request.
        Sent::Unsent(request) => {
            let connection = dialer.dial(&target.url, times).await?;
            match send_over(Some(connection), *request, times).await {
                Sent::Answered(answered) => *answered,
                Sent::Failed(failure) => return Err(failure),
                Sent::Unsent(_) => return Err(Failure::BrokenOff),
            }
        }
    };
    let begun = Instant::now();
    let (head, body) = response.into_parts();
    let answer =
        answer.insert(Answer { status: head.status, headers: head.headers, body: Vec::new(), is_cut: false });
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
    Unsent(Box<Request<Full<Bytes>>>),
    Failed(Failure),
}

async fn send_over(connection: Option<Connection>, request: Request<Full<Bytes>>, times: &mut Times) -> Sent {
    let Some(mut connection) = connection else { return Sent::Unsent(Box::new(request)) };
    if !connection.is_usable().await {
        return Sent::Unsent(Box::new(request));
    }
    let begun = Instant::now();
    let sent = connection.send(request).await;
    times.wait_us = Some(since(begun));
    match sent {
        Ok(response) => Sent::Answered(Box::new((connection, response))),
        Err(Unanswered::Unsent(request)) => Sent::Unsent(request),
        Err(Unanswered::Failed(failure)) => Sent::Failed(failure),
    }
}

fn answered(answer: &Answer, now: Timestamp) -> Outcome {
    let asked = answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = asked.and_then(|value| retry_after::parse(value, now));
    Outcome::Answered { status: answer.status.as_u16(), retry_after }
}
