//! What a subscription just misses: `X.>` does not select `X`, but people write one and mean both.

use std::sync::PoisonError;

use fanfare_core::{Channel, Pattern};

use crate::subscription::Subscription;

/// Maximum channels that a subscriber is told it just misses: this many show what is wrong, and fit in a header.
const OVERLOOKED_MAX: usize = 8;

impl Subscription {
    /// Returns the channels `X` with events that a pattern `X.>` of the filter may have been meant to select, and that no
    /// pattern selects: at most [`OVERLOOKED_MAX`].
    pub fn overlooked(&self) -> Vec<Channel> {
        let filter = &self.client.feed.filter;
        let above: Vec<Channel> = filter.patterns().iter().filter_map(Pattern::above).collect();
        if above.is_empty() {
            return above;
        }
        let channels = self.hub.shared.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let overlooked = above.into_iter();
        overlooked
            .filter(|channel| !filter.matches_channel(channel) && channels.has_events(channel))
            .take(OVERLOOKED_MAX)
            .collect()
    }
}
