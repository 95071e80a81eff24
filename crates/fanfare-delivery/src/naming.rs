//! Finding the webhook that a caller means by a URL and, if it has one, by a name.

use std::sync::Arc;

use fanfare_core::{Principal, WebhookName};
use fanfare_webhook::url::WebhookUrl;

use crate::missing::Missing;
use crate::registry::Entry;
use crate::service::{WebhookError, Webhooks};
use fanfare_store as store;

impl Webhooks {
    /// Returns the webhook of `by` with this name.
    pub fn find_named(&self, by: &Principal, name: &WebhookName) -> Result<Arc<Entry>, WebhookError> {
        let found = self.registry.by_name(by.owner(), name.clone());
        found.ok_or_else(|| WebhookError::NotFound(Missing::Named(name.clone())))
    }

    /// Returns the webhook of `by` with this name. Without a name, returns the one at this URL that has none, or else the
    /// only one there.
    ///
    /// Fails if the webhook with this name is at another URL, and if several are at the URL and all of them have names.
    pub(super) fn meant(
        &self,
        by: &Principal,
        url: &WebhookUrl,
        name: Option<&WebhookName>,
    ) -> Result<Option<Arc<Entry>>, WebhookError> {
        if let Some(name) = name {
            let found = self.registry.by_name(by.owner(), name.clone());
            return match found.as_ref().map(|entry| entry.webhook()) {
                Some(webhook) if webhook.url != *url => {
                    Err(store::Error::NameTaken { webhook: webhook.id.clone(), name: name.clone() }.into())
                }
                _ => Ok(found),
            };
        }
        let there = self.registry.at_url(by.owner(), url.normalised());
        let nameless = there.iter().find(|entry| entry.webhook().name.is_none());
        match (nameless, there.as_slice()) {
            (Some(one), _) | (None, [one]) => Ok(Some(Arc::clone(one))),
            (None, []) => Ok(None),
            (None, several) => Err(WebhookError::Ambiguous {
                names: several.iter().filter_map(|entry| entry.webhook().name.clone()).collect(),
            }),
        }
    }
}
