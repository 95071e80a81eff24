//! One attempt: signed, sent and recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::{Channel, Event, Position, Timestamp, WebhookId};
use fanfare_webhook::message_id::MessageId;
use fanfare_webhook::outcome::{Failure, Meaning, Outcome};
use fanfare_webhook::signature::{SignatureHeaders, SigningKeys};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::client::connection::Connection;
use crate::client::dial::Dialer;
use crate::client::times::Times;
use crate::client::{self, Answer, AnswerHeaders, Exchange};
use crate::kept::Kept;
use crate::originals::Carried;
use crate::target::Target;
use fanfare_hub::purges::Mark;
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store::Purge;
use fanfare_store::webhooks::{AttemptFacts, AttemptRow, BatchSpan};

/// Maximum bytes of a body that are kept with each attempt in memory.
const BODY_BYTES_KEPT: usize = 16 * 1024;
/// Maximum bytes of the headers of an original that are kept with each attempt: the store has 100,000 of them.
const HEADER_BYTES_KEPT: usize = 4 * 1024;

/// The payload to send: one event or a batch.
#[derive(Debug)]
pub struct Job {
    /// The events; at least one.
    pub events: Vec<Arc<Event>>,
    /// The batch that the events form, or formed when they were first sent.
    pub batch: Option<BatchSpan>,
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The bytes to sign and send.
    pub body: Bytes,
    /// The reason that no body could be made, if none could: then nothing is sent.
    pub unsendable: Option<(Failure, &'static str)>,
    /// The content type of the body.
    pub content_type: &'static str,
    /// The request that brought the event, if that is sent: its body is [`Job::body`].
    pub original: Option<Carried>,
    /// The request that caused the attempt, if a person sent it by hand.
    pub by_hand: Option<ByHand>,
    /// When the events were taken: what was purged since is not recorded.
    pub mark: Mark,
}

/// The kinds of request that send something at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByHand {
    /// The event with another body: to the receiver it is a different message with its own id.
    Edited(MessageId),
    /// The event unchanged.
    Resend,
    /// An event that is not in the log.
    Test(MessageId),
}

impl ByHand {
    fn as_str(&self) -> &'static str {
        match self {
            ByHand::Edited(_) => "edited",
            ByHand::Resend => "resend",
            ByHand::Test(_) => "test",
        }
    }
}

/// The sent payload, as far as the attempt keeps it: the log keeps all of it.
#[derive(Debug)]
pub struct Sent {
    /// The position of the event; for a batch, of its first event.
    pub position: Position,
    /// The number of events.
    pub events: usize,
    /// The seq of the last of them.
    last_seq: u64,
    /// Their channels, each once.
    channels: Box<[Channel]>,
    /// The same as [`Job::number`].
    pub number: u32,
    body_bytes: usize,
    content_type: &'static str,
    /// The request that caused the attempt, if there was one.
    by_hand: Option<&'static str>,
}

impl Sent {
    /// Returns `true` if the attempt was made because someone asked for it.
    pub fn is_by_hand(&self) -> bool {
        self.by_hand.is_some()
    }
}

impl Job {
    /// Returns the part of the log that was sent.
    pub fn span(&self) -> BatchSpan {
        let seq = self.events[0].position.seq;
        self.batch.unwrap_or(BatchSpan { first: seq, last: seq })
    }

    /// Returns the message id, which is the same for every attempt.
    fn message_id(&self) -> MessageId {
        if let Some(ByHand::Edited(id) | ByHand::Test(id)) = &self.by_hand {
            return id.clone();
        }
        let position = self.events[0].position;
        let at = |seq| Position { seq, ..position };
        if let Some(original) = &self.original {
            return at(original.first()).into();
        }
        match self.batch {
            None => position.into(),
            Some(BatchSpan { first, last }) => MessageId::of_batch(at(first), at(last)),
        }
    }
}

impl From<&Job> for Sent {
    fn from(job: &Job) -> Sent {
        let mut channels: Vec<_> = job.events.iter().map(|event| event.channel.clone()).collect();
        channels.sort_unstable();
        channels.dedup();
        Sent {
            position: job.events[0].position,
            events: job.events.len(),
            last_seq: job.events[job.events.len() - 1].position.seq,
            channels: channels.into(),
            number: job.number,
            body_bytes: job.body.len(),
            content_type: job.content_type,
            by_hand: job.by_hand.as_ref().map(ByHand::as_str),
        }
    }
}

/// An attempt that was made.
#[derive(Debug)]
pub struct Attempt {
    /// The webhook that was called.
    pub webhook: WebhookId,
    /// The payload that was sent.
    pub sent: Sent,
    /// The start of the attempt.
    pub at: Timestamp,
    /// The outcome of the attempt.
    pub outcome: Outcome,
    /// Why there was no response, in more detail, if that is known.
    pub problem: Option<&'static str>,
    /// The time that each phase took.
    pub times: Times,
    target: Arc<Target>,
    answer: Option<AnswerHead>,
    texts: Kept<8>,
}

/// The parts of a response that are not text.
#[derive(Debug, Clone, Copy)]
struct AnswerHead {
    status: StatusCode,
    /// Whether the body was longer than the part that is kept.
    is_cut: bool,
    /// Whether it came from a public address.
    is_public: bool,
}

impl From<Answer> for AnswerHead {
    fn from(Answer { status, is_cut, is_public, .. }: Answer) -> AnswerHead {
        AnswerHead { status, is_cut, is_public }
    }
}

/// The texts of an attempt, by their index in [`Kept`].
mod text {
    pub(super) const ID: usize = 0;
    pub(super) const TIMESTAMP: usize = 1;
    pub(super) const SIGNATURE: usize = 2;
    /// Empty if the header was not sent.
    pub(super) const HUB_SIGNATURE: usize = 3;
    /// The start of the body that was sent: at most `BODY_BYTES_KEPT`.
    pub(super) const BODY: usize = 4;
    pub(super) const ANSWER_HEADERS: usize = 5;
    pub(super) const ANSWER_BODY: usize = 6;
    /// The headers of a request that was sent as it was received, as lines; empty if none was.
    pub(super) const ORIGINAL_HEADERS: usize = 7;
}

/// The results of an attempt that has ended.
#[derive(Debug)]
pub struct Made {
    /// The attempt.
    pub attempt: Arc<Attempt>,
    /// The payload that was sent.
    pub job: Job,
    /// The connection, if it can be used for another request.
    pub connection: Option<Connection>,
}

/// Makes an attempt. `now` is its start by the wall clock, which the receiver compares the signature with.
pub async fn make(
    dialer: &Dialer,
    webhook: WebhookId,
    target: Arc<Target>,
    keys: &SigningKeys,
    job: Job,
    idle: Option<Connection>,
    now: Timestamp,
) -> Made {
    let signed = keys.sign(&job.message_id(), now, &job.body);
    let original = job.original.as_ref().map(Carried::parts);
    let request = match &original {
        None => target.request(&target.uri, target.headers(&signed, job.content_type), job.body.clone()),
        Some(parts) => {
            let headers = target.headers_with(&signed, &parts.headers);
            target.request(&target.uri_with(parts.target), headers, job.body.clone())
        }
    };
    reach(FailPoint::PostBegun);
    let Exchange { outcome, answer, problem, times, connection } = match job.unsendable {
        Some((failure, problem)) => Exchange {
            outcome: Outcome::Failed(failure),
            answer: None,
            problem: Some(problem),
            times: Times::default(),
            connection: idle,
        },
        None => client::post(dialer, &target, request, idle, now).await,
    };
    reach(FailPoint::PostDone);
    let texts = texts(&target, &signed, &job, answer.as_ref());
    let answer = answer.map(AnswerHead::from);
    let attempt =
        Attempt { webhook, sent: (&job).into(), at: now, outcome, problem, times, target, answer, texts };
    Made { attempt: Arc::new(attempt), job, connection }
}

/// Copies the texts that an attempt keeps: the buffers that were sent and received also hold bytes of other attempts.
/// Parts of the URL that are secret are masked where a template has put them into the body.
fn texts(target: &Target, signed: &SignatureHeaders, job: &Job, answer: Option<&Answer>) -> Kept<8> {
    let body = target.masked(&job.body);
    let original = job.original.as_ref().map(|original| lines(&original.parts().headers)).unwrap_or_default();
    Kept::new([
        signed.id.as_bytes(),
        signed.timestamp.as_bytes(),
        signed.signature.as_bytes(),
        signed.hub_signature.as_deref().unwrap_or_default().as_bytes(),
        &body[..body.len().min(BODY_BYTES_KEPT)],
        answer.map_or("", |answer| answer.headers.as_str()).as_bytes(),
        answer.map_or(&[], |answer| &answer.body),
        &original,
    ])
}

/// Writes headers as lines, as many as are kept with an attempt.
fn lines(headers: &[(&str, &[u8])]) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in headers {
        if lines.len() + name.len() + value.len() > HEADER_BYTES_KEPT {
            break;
        }
        lines.extend_from_slice(&[name.as_bytes(), b":", value, b"\n"].concat());
    }
    lines
}

/// Reads what [`lines`] wrote: neither a name nor a value has a line end.
fn read_lines(lines: &[u8]) -> Vec<(&str, &[u8])> {
    fn read(line: &[u8]) -> Option<(&str, &[u8])> {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]))
    }
    lines.split(|byte| *byte == b'\n').filter_map(read).collect()
}

impl Attempt {
    /// Returns the attempt as the store keeps it; the store assigns its id.
    pub fn to_row(&self) -> AttemptRow {
        AttemptRow {
            id: 0,
            webhook: self.webhook.clone(),
            position: self.sent.position,
            last_seq: self.sent.last_seq,
            number: self.sent.number,
            at: self.at,
            is_delivered: self.is_delivered(),
            status: self.facts().status,
            outcome: self.outcome.as_str().into(),
            detail: self.detail().to_string().into(),
        }
    }

    /// Returns what attempts are filtered by.
    pub(super) fn facts(&self) -> AttemptFacts<'_> {
        AttemptFacts {
            is_delivered: self.is_delivered(),
            status: self.answer.map(|answer| answer.status.as_u16()),
            outcome: self.outcome.as_str(),
            at: self.at,
        }
    }

    /// Returns whether the attempt may have sent an event that `purge` selects.
    pub(super) fn may_be_of(&self, purge: &Purge) -> bool {
        let Sent { position, last_seq, channels, .. } = &self.sent;
        match purge {
            Purge::Channel(channel) => channels.contains(channel),
            // In whichever epoch: after a restore, two positions name one event.
            Purge::Event(event) => (position.seq..=*last_seq).contains(&event.seq),
        }
    }

    /// Returns what the attempt was sent to.
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// Returns `true` if the response status was 2xx.
    pub fn is_delivered(&self) -> bool {
        self.outcome.meaning() == Meaning::Delivered
    }

    /// Returns the start of the body, and whether the body was longer.
    pub fn body(&self) -> (&[u8], bool) {
        let body = self.texts.part(text::BODY);
        (body, BODY_BYTES_KEPT < self.sent.body_bytes)
    }

    fn signed(&self) -> SignatureHeaders {
        let hub_signature = self.texts.text(text::HUB_SIGNATURE);
        SignatureHeaders {
            id: self.texts.text(text::ID).into(),
            timestamp: self.texts.text(text::TIMESTAMP).into(),
            signature: self.texts.text(text::SIGNATURE).into(),
            hub_signature: (!hub_signature.is_empty()).then(|| hub_signature.to_owned()),
        }
    }

    /// Returns the attempt as shown to people; secret header values are omitted.
    pub fn detail(&self) -> Value {
        let original = self.texts.part(text::ORIGINAL_HEADERS);
        let headers = match original.is_empty() {
            true => self.target.headers(&self.signed(), self.sent.content_type),
            false => self.target.headers_with(&self.signed(), &read_lines(original)),
        };
        json!({
            "event_id": self.sent.position,
            "message_id": self.texts.text(text::ID),
            "events": self.sent.events,
            "kind": self.sent.by_hand.unwrap_or("delivery"),
            "outcome": self.outcome.as_str(),
            "problem": self.problem,
            "status_code": self.answer.map(|answer| answer.status.as_u16()),
            "times": self.times,
            "request": {
                "method": self.target.method.as_str(),
                "url": self.target.url.shown(),
                "headers": shown(&headers),
                "body_bytes": self.sent.body_bytes,
            },
            "public": self.answer.is_some_and(|answer| answer.is_public),
            "answer": self.answer.map(|answer| json!({
                "headers": AnswerHeaders::read(self.texts.text(text::ANSWER_HEADERS)).collect::<BTreeMap<_, _>>(),
                "body": String::from_utf8_lossy(self.texts.part(text::ANSWER_BODY)),
                "is_cut": answer.is_cut,
            })),
        })
    }
}

fn shown(headers: &HeaderMap) -> Map<String, Value> {
    let show = |value: &http::HeaderValue| match value.is_sensitive() {
        true => "(hidden)".to_owned(),
        false => String::from_utf8_lossy(value.as_bytes()).into_owned(),
    };
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), show(value).into())).collect()
}
