//! The attempts at all webhooks, page by page.

use fanfare_core::{Principal, WebhookId};

use crate::attempt_id::AttemptId;
use crate::listing::{Place, RowPlace};
use crate::looking::{AttemptQuery, AttemptRecord};
use crate::service::{WebhookError, Webhooks};

/// Maximum webhooks that one call looks at: each costs a read of the store, of a mebibyte at most if it is one page.
const WEBHOOKS_EACH_MAX: usize = 20;

impl Webhooks {
    /// Returns a page of the attempts at the webhooks of `by`, or at one of them, and the place after which the next
    /// page starts: webhook by webhook, the oldest registration first, and those of each as [`Webhooks::attempts`] has
    /// them. The page can be short, even empty, and have more behind it. `wanted.before` is not looked at.
    pub async fn all_attempts(
        &self,
        by: &Principal,
        webhook: Option<&WebhookId>,
        after: Option<RowPlace<AttemptId>>,
        wanted: &AttemptQuery,
    ) -> Result<(Vec<AttemptRecord>, Option<RowPlace<AttemptId>>), WebhookError> {
        let mut webhooks = match webhook {
            Some(id) => vec![self.find(by, id)?],
            None => self.list(by),
        };
        webhooks.retain(|entry| {
            after.as_ref().is_none_or(|after| match Place::of(entry) == after.webhook {
                true => after.row.is_some(),
                false => Place::of(entry) > after.webhook,
            })
        });
        let mut found = Vec::new();
        for (index, entry) in webhooks.iter().enumerate() {
            let (id, place) = (entry.webhook().id.clone(), Place::of(entry));
            let last = after.as_ref().filter(|after| after.webhook == place);
            let query = AttemptQuery {
                before: last.and_then(|last| last.row.clone()),
                limit: wanted.limit - found.len(),
                ..wanted.clone()
            };
            let (mut attempts, next) = match self.attempts(by, &id, query).await {
                // It was removed meanwhile.
                Err(WebhookError::NotFound(_)) if webhook.is_none() => (Vec::new(), None),
                read => read?,
            };
            found.append(&mut attempts);
            if next.is_some() {
                return Ok((found, Some(RowPlace { webhook: place, row: next })));
            }
            let is_end = found.len() >= wanted.limit || index + 1 == WEBHOOKS_EACH_MAX;
            if is_end && index + 1 < webhooks.len() {
                return Ok((found, Some(RowPlace { webhook: place, row: None })));
            }
        }
        Ok((found, None))
    }
}
