//! Bodies that a template makes.
//!
//! The text of a template can take tens of milliseconds, by intent or by mistake. It is rendered beside the threads that
//! serve, and few are at a time: each may use some megabytes on the way.

use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::Event;
use fanfare_runtime::bulk;
use fanfare_webhook::outcome::Failure;
use fanfare_webhook::template::{RenderError, Template};
use fanfare_webhook::url::WebhookUrl;
use tokio::sync::Semaphore;

use crate::attempt::Job;
use crate::webhook::Webhook;

/// Maximum templates with a text that are rendered at a time.
const RENDERING_MAX: usize = 2;

/// The places for rendering.
#[derive(Debug)]
pub(super) struct Rendering(Arc<Semaphore>);

impl Default for Rendering {
    fn default() -> Rendering {
        Rendering(Arc::new(Semaphore::new(RENDERING_MAX)))
    }
}

impl Rendering {
    /// Returns `job`, of one event, with the body that the webhook's template makes of it, if it has one.
    pub(super) async fn filled(&self, job: Job, webhook: &Webhook) -> Job {
        let Some(template) = &webhook.options.template else { return job };
        match self.body(template, Arc::clone(&job.events[0]), &webhook.url).await {
            Ok(body) => Job { body, content_type: template.content_type(), ..job },
            Err(error) => Job {
                body: Bytes::new(),
                content_type: template.content_type(),
                unsendable: Some((Failure::Template, error.problem())),
                ..job
            },
        }
    }

    /// Returns the body that a template makes of an event.
    pub(super) async fn body(
        &self,
        template: &Template,
        event: Arc<Event>,
        url: &WebhookUrl,
    ) -> Result<Bytes, RenderError> {
        if template.preset().is_some() {
            // A preset reads each character a few times, which takes no longer than to sign it.
            return template.render(&event, url).map(Bytes::from);
        }
        // Never closed.
        let place = Arc::clone(&self.0).acquire_owned().await;
        let (template, url) = (template.clone(), url.clone());
        let render = move || {
            // It goes on if its caller hangs up.
            let _place = place;
            template.render(&event, &url)
        };
        // How long it takes is not the event's length: it is long in any case.
        bulk::run(usize::MAX, render).await.map(Bytes::from)
    }
}
