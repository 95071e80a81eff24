//! Bodies that are not those of the log: what a template makes of an event, or the request that brought it.

use fanfare_core::Principal;
use fanfare_core::wire::payload::Payload;
use fanfare_core::{Event, Original};
use fanfare_store as store;
use fanfare_webhook::options::Options;
use fanfare_webhook::outcome::Failure;

use crate::attempt::Job;
use crate::originals::Carried;
use crate::parts::Parts;
use crate::webhook::Webhook;

impl Parts {
    /// Returns `job` with the body that the webhook's template makes of its event, or with the request that brought it,
    /// if the webhook is sent one of them.
    pub(super) async fn filled(&self, job: Job, webhook: &Webhook) -> Result<Job, store::Error> {
        // A batch was begun before the webhook had such a body, and is sent as it was begun.
        if job.batch.is_some() || job.events.len() != 1 {
            return Ok(job);
        }
        if webhook.options.payload != Payload::Original {
            return Ok(self.rendering.filled(job, webhook).await);
        }
        match self.carried(&job.events[0]).await? {
            // Tests, and what waited before the webhook had this payload.
            None => Ok(Job { body: Payload::Original.body(&job.events[0]).into(), ..job }),
            Some(Ok(original)) => Ok(Job { body: original.body(), original: Some(original), ..job }),
            Some(Err(problem)) => Ok(Job { unsendable: Some((Failure::NoOriginal, problem)), ..job }),
        }
    }

    /// Returns the request that brought an event, or the reason that it is not kept; `None` if no request did.
    pub(super) async fn carried(
        &self,
        event: &Event,
    ) -> Result<Option<Result<Carried, &'static str>>, store::Error> {
        let first = match event.original {
            None => return Ok(None),
            Some(Original::TooLong) => {
                return Ok(Some(Err("the request that brought the event was too long to be kept")));
            }
            Some(Original::With(first)) => first,
        };
        let room = self.originals.room().await;
        let message = self.hub.original(&Principal::local(), event.position).await?;
        Ok(Some(message.map(|message| Carried::new(message, first, room)).ok_or(
            "the request that brought the event is gone: retention removed it, or an event of it was purged",
        )))
    }
}

/// Returns whether the body is that of the log: then a worker encodes it with those of other webhooks.
pub(super) fn is_of_log(options: &Options) -> bool {
    options.template.is_none() && options.payload != Payload::Original
}
