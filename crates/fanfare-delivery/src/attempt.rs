//! One attempt: signed, sent, and written down.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::WebhookId;
use fanfare_core::{Event, Position, Timestamp};
use fanfare_webhook::message_id::MessageId;
use fanfare_webhook::outcome::Outcome;
use fanfare_webhook::signature::{SignatureHeaders, SigningKeys};
use fanfare_webhook::url::WebhookUrl;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::client::connection::Connection;
use crate::client::dial::Dialer;
use crate::client::times::Times;
use crate::client::{self, Answer, AnswerHeaders, Attempted};
use crate::kept::Kept;
use crate::target::Target;
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store::webhooks::{AttemptRow, BatchSpan};

/// How much of a body is remembered with the attempts in memory.
const BODY_BYTES_KEPT: usize = 16 * 1024;

/// What is to be sent: an event, or a batch.
#[derive(Debug)]
pub struct Job {
    /// The events; at least one.
    pub events: Vec<Arc<Event>>,
    /// The batch that they are, or were when they were first sent.
    pub batch: Option<BatchSpan>,
    /// Which attempt this is, from 1.
    pub number: u32,
    /// The bytes that are signed and sent.
    pub body: Bytes,
    /// What they are.
    pub content_type: &'static str,
    /// Somebody asked for it.
    pub by_hand: Option<ByHand>,
}

/// What somebody asked to be sent at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByHand {
    /// The event, with another body: for the receiver it is something else, and has an id of its own.
    Edited(MessageId),
    /// The event as it is.
    Resend,
    /// An event that is in no log.
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

/// What was sent, as far as it is remembered: the whole of it is the log's to keep.
#[derive(Debug)]
pub struct Sent {
    /// The event; of a batch, the first.
    pub position: Position,
    /// How many events it was.
    pub events: usize,
    /// As [`Job::number`].
    pub number: u32,
    body_bytes: usize,
    content_type: &'static str,
    /// What somebody asked for, if so.
    by_hand: Option<&'static str>,
}

impl Sent {
    /// Says whether it was sent because somebody asked.
    pub fn is_by_hand(&self) -> bool {
        self.by_hand.is_some()
    }
}

impl Job {
    /// Gives which part of the log it is of.
    pub fn span(&self) -> BatchSpan {
        let seq = self.events[0].position.seq;
        self.batch.unwrap_or(BatchSpan { first: seq, last: seq })
    }

    /// Gives the id that is the same for every attempt.
    fn message_id(&self) -> MessageId {
        if let Some(ByHand::Edited(id) | ByHand::Test(id)) = &self.by_hand {
            return id.clone();
        }
        let position = self.events[0].position;
        let at = |seq| Position { seq, ..position };
        match self.batch {
            None => position.into(),
            Some(BatchSpan { first, last }) => MessageId::of_batch(at(first), at(last)),
        }
    }
}

impl From<&Job> for Sent {
    fn from(job: &Job) -> Sent {
        Sent {
            position: job.events[0].position,
            events: job.events.len(),
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
    /// To which webhook.
    pub webhook: WebhookId,
    /// What was sent.
    pub sent: Sent,
    /// When it began.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub times: Times,
    target: Arc<Target>,
    /// Status of the answer, and whether there was more of it than is kept.
    answer: Option<(StatusCode, bool)>,
    texts: Kept<7>,
}

/// The texts of an attempt, by their places in [`Kept`].
mod text {
    pub(super) const ID: usize = 0;
    pub(super) const TIMESTAMP: usize = 1;
    pub(super) const SIGNATURE: usize = 2;
    /// Empty when there is none.
    pub(super) const HUB_SIGNATURE: usize = 3;
    /// The beginning of what was sent: at most `BODY_BYTES_KEPT`.
    pub(super) const BODY: usize = 4;
    pub(super) const ANSWER_HEADERS: usize = 5;
    pub(super) const ANSWER_BODY: usize = 6;
}

/// What is there when an attempt has ended.
#[derive(Debug)]
pub struct Made {
    /// What came of it.
    pub attempt: Arc<Attempt>,
    /// What was sent.
    pub job: Job,
    /// The connection, when another request can go over it.
    pub connection: Option<Connection>,
}

/// Makes an attempt. `now` is when it begins, by the clock on the wall: that is what the receiver compares the signature
/// with.
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
    let headers = target.headers(&signed, job.content_type);
    reach(FailPoint::PostBegun);
    let Attempted { outcome, answer, times, connection } =
        client::post(dialer, &target, headers, job.body.clone(), idle, now).await;
    reach(FailPoint::PostDone);
    let texts = texts(&signed, &job, answer.as_ref());
    let answer = answer.map(|answer| (answer.status, answer.is_cut));
    let attempt = Attempt { webhook, sent: (&job).into(), at: now, outcome, times, target, answer, texts };
    Made { attempt: Arc::new(attempt), job, connection }
}

/// Copies what is remembered of an attempt: the bytes that were sent and received hold on to those of others.
fn texts(signed: &SignatureHeaders, job: &Job, answer: Option<&Answer>) -> Kept<7> {
    Kept::new([
        signed.id.as_bytes(),
        signed.timestamp.as_bytes(),
        signed.signature.as_bytes(),
        signed.hub_signature.as_deref().unwrap_or_default().as_bytes(),
        &job.body[..job.body.len().min(BODY_BYTES_KEPT)],
        answer.map_or("", |answer| answer.headers.as_str()).as_bytes(),
        answer.map_or(&[], |answer| &answer.body),
    ])
}

impl Attempt {
    /// Gives what the store keeps of it; its id is the store's to give.
    pub fn to_row(&self) -> AttemptRow {
        AttemptRow {
            id: 0,
            webhook: self.webhook.clone(),
            seq: self.sent.position.seq,
            number: self.sent.number,
            at: self.at,
            is_delivered: self.is_delivered(),
            detail: self.detail().to_string().into(),
        }
    }

    /// Returns the address that it was made at.
    pub fn url(&self) -> &WebhookUrl {
        &self.target.url
    }

    /// Says whether it was answered with 2xx.
    pub fn is_delivered(&self) -> bool {
        self.outcome.category() == "delivered"
    }

    /// Gives the beginning of the body, and says whether there was more.
    pub fn body(&self) -> (&[u8], bool) {
        let body = self.texts.part(text::BODY);
        (body, body.len() < self.sent.body_bytes)
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

    /// Gives what people see of it. Values of headers that are secret are left out.
    pub fn detail(&self) -> Value {
        let headers = self.target.headers(&self.signed(), self.sent.content_type);
        json!({
            "event_id": self.sent.position,
            "message_id": self.texts.text(text::ID),
            "events": self.sent.events,
            "kind": self.sent.by_hand.unwrap_or("delivery"),
            "category": self.outcome.category(),
            "status": self.answer.map(|(status, _)| status.as_u16()),
            "times": self.times,
            "request": {
                "url": self.target.url.as_given(),
                "headers": shown(&headers),
                "body_bytes": self.sent.body_bytes,
            },
            "answer": self.answer.map(|(_, is_cut)| json!({
                "headers": AnswerHeaders::read(self.texts.text(text::ANSWER_HEADERS)).collect::<BTreeMap<_, _>>(),
                "body": String::from_utf8_lossy(self.texts.part(text::ANSWER_BODY)),
                "is_cut": is_cut,
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
