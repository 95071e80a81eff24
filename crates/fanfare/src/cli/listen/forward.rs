//! `--forward-to`: posts each event to a URL, as a webhook would get it, or as it was received.

use std::time::{Duration, Instant};

use bytes::Bytes;
use fanfare_api::words::Priority;
use fanfare_core::{Channel, EventType, HttpMessage, Position, Timestamp};
use fanfare_webhook::message_id::MessageId;
use fanfare_webhook::retry::RetrySchedule;
use fanfare_webhook::rotation::Rotation;
use fanfare_webhook::secret::Secret;
use fanfare_webhook::signature::SigningKeys;
use fanfare_webhook::url::WebhookUrl;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::Failure;
use crate::cli::listen::originals::{self, Originals};
use fanfare_client::{Received, receiving};

/// Delays between attempts by default: long enough for a receiver that is being restarted.
pub(crate) const RETRY_DEFAULT: &str = "200ms,1s,5s";

/// Posts events to a URL.
#[derive(Debug)]
pub(crate) struct Forward {
    http: reqwest::Client,
    url: WebhookUrl,
    keys: Option<SigningKeys>,
    retry: Vec<Duration>,
    originals: Option<Originals>,
}

/// What is posted for an event.
#[derive(Debug)]
enum Content {
    /// The event.
    Event(Bytes),
    /// The request that brought it.
    Original(HttpMessage),
}

/// The outcome for one event.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Forwarded {
    /// Whether the last response was 2xx.
    pub(crate) delivered: bool,
    /// Status of the last response.
    pub(crate) status_code: Option<u16>,
    /// Why there was no response to the last attempt.
    pub(crate) problem: Option<String>,
    /// Number of attempts.
    pub(crate) attempts: u32,
    /// Duration of the last attempt.
    pub(crate) total_us: u64,
}

/// The body, the same as that of a webhook with the payload `seed`.
#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
    timestamp: Timestamp,
    id: Position,
    channel: &'a Channel,
    #[serde(rename = "type")]
    event_type: &'a EventType,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    priority: &'a Priority,
}

impl Forwarded {
    /// Describes the outcome: `500`, `connection refused after 4 attempts`.
    pub(crate) fn said(&self) -> String {
        let outcome = match (self.status_code, &self.problem) {
            (Some(status), _) => status.to_string(),
            (None, problem) => problem.clone().unwrap_or_default(),
        };
        match self.attempts {
            1 => outcome,
            attempts => format!("{outcome} after {attempts} attempts"),
        }
    }
}

impl Forward {
    /// Creates a forwarder to `url`, which signs with `secret`. With `originals`, it posts the requests that brought events.
    pub(crate) fn new(
        url: WebhookUrl,
        secret: Option<Secret>,
        retry: &RetrySchedule,
        originals: Option<Originals>,
    ) -> Result<Forward, Failure> {
        let keys =
            secret.map(|secret| SigningKeys { secrets: Rotation::new(secret), ed25519: None, hub: false });
        let http = receiving::http().map_err(|error| Failure::failed("cannot prepare to post").why(error))?;
        Ok(Forward { http, url, keys, retry: retry.delays().to_vec(), originals })
    }

    /// Returns whether the request that brought the event was posted for another one already. Call it once for each event.
    pub(crate) fn is_posted(&self, event: &Received) -> bool {
        self.originals.as_ref().is_some_and(|originals| originals.is_posted(&event.value))
    }

    /// Posts an event, and retries until it is delivered or the delays are used up.
    pub(crate) async fn run(&self, event: &Received) -> Forwarded {
        let mut content = None;
        let mut attempts = 0;
        loop {
            let begun = Instant::now();
            let result = self.attempt(event, &mut content).await;
            let total_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            let delay = self.retry.get(attempts as usize);
            attempts += 1;
            let (status, problem) = match result {
                Ok(status) => (Some(status), None),
                Err(problem) => (None, Some(problem)),
            };
            let delivered = status.is_some_and(|status| status.is_success());
            // With these two, the receiver says that a retry is useless.
            let is_final =
                matches!(status, Some(StatusCode::GONE | StatusCode::PAYLOAD_TOO_LARGE)) || delivered;
            match delay {
                Some(delay) if !is_final => tokio::time::sleep(*delay).await,
                _ => {
                    let status_code = status.map(|status| status.as_u16());
                    return Forwarded { delivered, status_code, problem, attempts, total_us };
                }
            }
        }
    }

    async fn attempt(&self, event: &Received, content: &mut Option<Content>) -> Result<StatusCode, String> {
        let id = event.value.id;
        let content = match content {
            Some(content) => content,
            None => content.insert(self.content(event).await?),
        };
        let (mut request, body, has_signature) = match content {
            Content::Event(body) => {
                let request = self.http.post(self.url.normalised()).header(CONTENT_TYPE, "application/json");
                (request, body.clone(), false)
            }
            Content::Original(message) => {
                let has_signature =
                    message.parts().headers.iter().any(|(name, _)| name.starts_with("webhook-"));
                let request = originals::request(&self.http, &self.url, message)?;
                (request, Bytes::copy_from_slice(message.parts().body), has_signature)
            }
        };
        // The gateway's own deliveries have this header too. It stops a loop if the receiver pushes to this gateway.
        request = request.header("fanfare-via", id.epoch.as_str());
        match &self.keys {
            // Two signatures of one name would both be unreadable, and the sender's is what the receiver expects.
            _ if has_signature => {}
            Some(keys) => {
                // Each attempt is signed with the current time, because receivers refuse old signatures.
                let now: Timestamp = jiff::Timestamp::now().into();
                for (name, value) in keys.sign(&MessageId::from(id), now, &body).iter() {
                    request = request.header(name, value);
                }
            }
            None => request = request.header("webhook-id", id.to_string()),
        }
        receiving::status(request.body(body)).await
    }

    /// Returns what to post for an event: the request that brought it, if that is asked for and kept.
    async fn content(&self, event: &Received) -> Result<Content, String> {
        let original = match &self.originals {
            Some(originals) => originals.of(&event.value).await?,
            None => None,
        };
        Ok(original.map_or_else(|| Content::Event(body(event).into()), Content::Original))
    }
}

fn body(event: &Received) -> String {
    let event = &event.value;
    let body = Body {
        message: &event.message,
        timestamp: event.timestamp,
        id: event.id,
        channel: &event.channel,
        event_type: &event.event_type,
        data: event.data.as_deref(),
        priority: &event.priority,
    };
    serde_json::to_string(&body).expect("text and JSON are JSON")
}
