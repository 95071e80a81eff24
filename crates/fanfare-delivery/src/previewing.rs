//! Previews: the body that a webhook would send, without sending it.

use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::refusal::Refusal;
use fanfare_core::wire::payload::Payload;
use fanfare_core::{Audience, Code, Invalid, Position, Principal, WebhookId};
use fanfare_webhook::options::Options;
use fanfare_webhook::patch::{Patch, Registration};
use fanfare_webhook::sample::Sample;
use fanfare_webhook::template::Template;
use fanfare_webhook::url::WebhookUrl;
use serde_json::value::RawValue;

use crate::filling::is_of_log;
use crate::service::{WebhookError, Webhooks};
use crate::target::masked;
use fanfare_core::{Event, line_ends};

/// A body, as it would be sent.
#[derive(Debug)]
pub struct Preview {
    /// The content type.
    pub content_type: Box<str>,
    /// The body; secret parts of the URL are masked.
    pub body: Bytes,
    /// The length of the body that would be sent.
    pub body_bytes: usize,
}

/// The event of a preview.
#[derive(Debug, Clone)]
pub enum Subject {
    /// An event of the log.
    Event(Position),
    /// The event of a test.
    Sample(Sample),
}

impl Webhooks {
    /// Returns the body that a webhook would send with the changes of `patch`, which are not kept.
    pub async fn preview(
        &self,
        by: &Principal,
        id: &WebhookId,
        patch: Patch,
        subject: Subject,
    ) -> Result<Preview, WebhookError> {
        let webhook = self.find(by, id)?.webhook();
        let event = match subject {
            Subject::Event(position) => self.event(by, id, position).await?,
            Subject::Sample(sample) => Arc::new(self.test_event(by, &sample)?),
        };
        let mut options = webhook.options.clone();
        options.apply(patch)?;
        options.check_url(&webhook.url)?;
        self.previewed(&options, &webhook.url, event).await
    }

    /// Returns the body that a registration would make of the event of a test.
    pub async fn preview_of(
        &self,
        by: &Principal,
        registration: Registration,
        sample: Sample,
    ) -> Result<Preview, WebhookError> {
        let mut options = Options::default();
        options.apply(registration.options)?;
        options.check_url(&registration.url)?;
        let event = Arc::new(self.test_event(by, &sample)?);
        self.previewed(&options, &registration.url, event).await
    }

    /// Returns the body that is sent for an event, as JSON: one of another type, or one that cannot be made, as a text.
    pub(super) async fn body_as_json(&self, options: &Options, url: &WebhookUrl, event: &Event) -> Vec<u8> {
        if is_of_log(options) {
            return options.body(event);
        }
        let text = match self.previewed(options, url, Arc::new(event.clone())).await {
            Ok(preview) if serde_json::from_slice::<&RawValue>(&preview.body).is_ok() => {
                return preview.body.into();
            }
            Ok(preview) => String::from_utf8_lossy(&preview.body).into_owned(),
            Err(error) => Refusal::from(error).what,
        };
        line_ends::written(&text)
    }

    async fn previewed(
        &self,
        options: &Options,
        url: &WebhookUrl,
        event: Arc<Event>,
    ) -> Result<Preview, WebhookError> {
        if event.audience == Audience::Stream {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                format!("event `{}` has the audience `stream`, which keeps it from webhooks", event.position),
                "choose another event",
            )
            .at("/event_id")
            .into());
        }
        let _permit = self.trials.try_acquire().map_err(|_| WebhookError::Busy)?;
        let of_payload = options.payload.content_type(options.batch.is_some());
        let own = options.content_type.as_ref().map(|own| own.as_str());
        let (body, content_type) = match &options.template {
            None if options.payload == Payload::Original => {
                let missing = |why: &str| {
                    let fix = "choose an event that has the member `original`, or another `payload`";
                    Invalid::new(Code::InvalidWebhook, why, fix).at("/payload")
                };
                let carried = self.parts.carried(&event).await?;
                let carried = carried.unwrap_or(Err("no request to `/ingest` brought the event"));
                (carried.map_err(missing)?.body(), of_payload)
            }
            None => (options.body(&event).into(), of_payload),
            Some(template) => {
                let body = self.parts.rendering.body(template, event, url).await;
                let failed = |error: fanfare_webhook::template::RenderError| {
                    Invalid::new(Code::InvalidWebhook, error.to_string(), error.fix()).at("/template")
                };
                (body.map_err(failed)?, Template::content_type(template))
            }
        };
        let secrets: Vec<String> = match options.template {
            Some(_) => url.secret_values().collect(),
            None => Vec::new(),
        };
        let body_bytes = body.len();
        let body = Bytes::from(masked(&body, &secrets).into_owned());
        Ok(Preview { content_type: own.unwrap_or(content_type).into(), body, body_bytes })
    }
}
