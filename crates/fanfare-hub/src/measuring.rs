//! The metrics that are computed on request.

use std::cmp::Reverse;
use std::sync::PoisonError;

use fanfare_core::Filter;

use crate::Hub;
use fanfare_store as store;
use fanfare_store::ChannelRow;

/// Maximum channels that one update compares with the filters of readers: a few milliseconds of work. For the
/// remaining readers, every event in the log counts.
const COMPARED_MAX: usize = 100_000;

impl Hub {
    /// Updates the metrics that are not counted along the way. If the store cannot be read, fails and leaves
    /// them unchanged.
    pub async fn measure(&self) -> Result<(), store::Error> {
        let head = self.extent();
        let counts = self.counts();
        counts.log_events.set(head.events());
        counts.channels.set(*self.shared.channel_count.borrow() as u64);
        counts.oldest_event_age.set(self.oldest_event_age().await?);
        let readers = self.ledger().readers().await?;
        counts.readers.set(readers.len() as u64);
        let mut waiting: Vec<(u64, &Filter)> = readers
            .iter()
            .map(|row| (head.resume(row.acknowledged), &row.filter))
            .filter(|(seq, _)| *seq < head.last)
            .collect();
        waiting.sort_by_key(|(seq, _)| *seq);
        let lag = match waiting.is_empty() {
            true => 0,
            false => head.last - self.furthest_behind(waiting).unwrap_or(head.last),
        };
        counts.reader_lag_max.set(lag);
        Ok(())
    }

    /// Returns the age of the oldest event in seconds; 0 without one.
    async fn oldest_event_age(&self) -> Result<f64, store::Error> {
        let oldest = self.oldest().await?;
        Ok(oldest.map_or(0.0, |event| self.log_time().since(event.arrival).as_secs_f64()))
    }

    /// Returns the seq of the reader that is furthest behind, out of seqs in ascending order with the filter of each.
    /// Readers whose channels have had no event since are not behind.
    fn furthest_behind(&self, readers: Vec<(u64, &Filter)>) -> Option<u64> {
        let mut channels: Vec<ChannelRow> = self
            .shared
            .channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .rows()
            .filter(|row| row.last_seq > readers[0].0)
            .collect();
        channels.sort_by_key(|row| Reverse(row.last_seq));
        let mut left = COMPARED_MAX;
        let has_event = |(seq, filter): &(u64, &Filter)| {
            channels.iter().take_while(|row| row.last_seq > *seq).any(|row| {
                let is_known = left > 0;
                left = left.saturating_sub(1);
                !is_known || filter.matches_channel(&row.channel)
            })
        };
        readers.into_iter().find(has_event).map(|(seq, _)| seq)
    }
}
