//! How far a webhook is behind.

use fanfare_core::{Event, Principal};

use crate::registry::Entry;
use fanfare_hub::Hub;
use fanfare_hub::lag::LagPages;
use fanfare_store as store;
use fanfare_webhook::selector::Selector;

impl Entry {
    /// Counts what the webhook still has to be sent, without what was sent before others, from `pages` of the log.
    /// Returns the count, and whether it is exact ([`Hub::webhook_lag`]).
    pub async fn lag(
        &self,
        hub: &Hub,
        by: &Principal,
        pages: &mut LagPages,
    ) -> Result<(u64, bool), store::Error> {
        let (webhook, position) = (self.webhook(), self.cursor.get());
        let mut selector = Selector::new(webhook.options.payload);
        let wants = |event: &Event| {
            let is_wanted = webhook.options.wants(event);
            let is_sent = is_wanted && !selector.repeats(event);
            if is_wanted {
                selector.pass(event);
            }
            is_sent
        };
        let (lag, is_exact) = hub.webhook_lag(by, position, &webhook.options.filter, wants, pages).await?;
        Ok((lag.saturating_sub(self.health().early_after(position)), is_exact))
    }
}
