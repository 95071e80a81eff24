//! The table of webhooks, and what finds them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use fanfare_core::{Owner, WebhookId, WebhookName};
use fanfare_webhook::url::TargetHost;

use crate::registry::Entry;
use crate::webhook::Webhook;

/// The webhooks by their ids, and by what they name.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) entries: BTreeMap<WebhookId, Arc<Entry>>,
    /// The webhooks of each owner and normalized URL: of several, at most one has no name.
    pub(super) by_url: HashMap<(Owner, Box<str>), BTreeSet<WebhookId>>,
    /// The webhook of each owner and name.
    pub(super) by_name: HashMap<(Owner, WebhookName), WebhookId>,
    /// The number of webhooks that name each host.
    pub(super) by_host: HashMap<TargetHost, usize>,
    /// The webhooks that were added, removed or lost since the dispatcher last looked, which it does after each change:
    /// looking at all of them would cost more with each registration.
    pub(super) changed: BTreeSet<WebhookId>,
}

impl Table {
    /// Adds a webhook.
    pub(super) fn insert(&mut self, entry: Arc<Entry>) {
        let webhook = entry.webhook();
        self.arrive(&webhook);
        self.changed.insert(webhook.id.clone());
        self.entries.insert(webhook.id.clone(), entry);
    }

    /// Notes what a webhook names.
    pub(super) fn arrive(&mut self, webhook: &Webhook) {
        self.by_url.entry(place(webhook)).or_default().insert(webhook.id.clone());
        if let Some(name) = &webhook.name {
            self.by_name.insert((webhook.owner.clone(), name.clone()), webhook.id.clone());
        }
        *self.by_host.entry(webhook.url.host().clone()).or_default() += 1;
    }

    /// Frees what a webhook names, unless another one already has the name.
    pub(super) fn leave(&mut self, webhook: &Webhook) {
        let place = place(webhook);
        if let Some(there) = self.by_url.get_mut(&place) {
            there.remove(&webhook.id);
            if there.is_empty() {
                self.by_url.remove(&place);
            }
        }
        let name = webhook.name.as_ref().map(|name| (webhook.owner.clone(), name.clone()));
        if let Some(name) = name.filter(|name| self.by_name.get(name) == Some(&webhook.id)) {
            self.by_name.remove(&name);
        }
        if let Some(count) = self.by_host.get_mut(webhook.url.host()) {
            *count -= 1;
            if *count == 0 {
                self.by_host.remove(webhook.url.host());
            }
        }
    }

    /// Removes a webhook; returns it.
    pub(super) fn remove(&mut self, id: &WebhookId) -> Option<Arc<Entry>> {
        let entry = self.entries.remove(id)?;
        self.leave(&entry.webhook());
        self.changed.insert(id.clone());
        Some(entry)
    }
}

/// Returns the place that a webhook is sent to.
fn place(webhook: &Webhook) -> (Owner, Box<str>) {
    (webhook.owner.clone(), webhook.url.normalised().into())
}
