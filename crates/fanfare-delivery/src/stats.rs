//! The statistics of one webhook: the outcomes of its attempts since this process started, and their durations.

use fanfare_core::{Principal, Timestamp, WebhookId};

use crate::registry::Entry;
use crate::service::{WebhookError, Webhooks};
use crate::tally::{Bucket, Outcomes, Tally};
use fanfare_runtime::clock;

/// The width of a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Width {
    /// The minutes of the last hour.
    #[default]
    Minute,
    /// The hours of the last day.
    Hour,
}

impl Width {
    /// All widths.
    pub const ALL: [Width; 2] = [Width::Minute, Width::Hour];

    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Width::Minute => "1m",
            Width::Hour => "1h",
        }
    }

    /// Parses a name that [`Width::as_str`] returned.
    pub fn from_name(name: &str) -> Option<Width> {
        Width::ALL.into_iter().find(|width| width.as_str() == name)
    }
}

/// The statistics of one webhook.
#[derive(Debug, Clone)]
pub struct Stats {
    /// The sum of the last 24 hours, without attempts made by hand.
    pub day: Outcomes,
    /// The buckets, oldest first, without attempts made by hand.
    pub buckets: Vec<Bucket>,
    /// The durations of the latest attempts, in microseconds, the shortest first.
    durations: Vec<u64>,
    /// The start of the last attempt, including those before this process started.
    pub last_attempt: Option<Timestamp>,
}

impl Stats {
    fn of(entry: &Entry, width: Width, now: Timestamp) -> Stats {
        let look = |tally: &Tally| match width {
            Width::Minute => (tally.day(now), tally.minutes(now)),
            Width::Hour => (tally.day(now), tally.hours(now)),
        };
        let (day, buckets) = entry.look_at_tally(look).unwrap_or_else(|| look(&Tally::default()));
        let (recent, health) = (entry.recent(), entry.health());
        let mut durations: Vec<u64> = recent.iter().map(|attempt| attempt.times.total_us).collect();
        durations.sort_unstable();
        let last_failure = health.last_failure.map(|(at, _)| at);
        let last_attempt =
            recent.first().map(|attempt| attempt.at).max(health.last_success).max(last_failure);
        Stats { day, buckets, durations, last_attempt }
    }

    /// Returns the duration that `percent` of the latest attempts did not exceed, in microseconds; `None` if there are
    /// none.
    pub fn percentile_us(&self, percent: usize) -> Option<u64> {
        let rank = (self.durations.len() * percent).div_ceil(100);
        self.durations.get(rank.saturating_sub(1)).copied()
    }
}

impl Webhooks {
    /// Returns the statistics of one webhook, in buckets of this width.
    pub fn stats(&self, by: &Principal, id: &WebhookId, width: Width) -> Result<Stats, WebhookError> {
        Ok(Stats::of(&*self.find(by, id)?, width, clock::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcomes, Stats, Width};

    #[test]
    fn a_percentile_is_one_of_the_durations() {
        let of = |durations: Vec<u64>| {
            let stats =
                Stats { day: Outcomes::default(), buckets: Vec::new(), durations, last_attempt: None };
            (stats.percentile_us(50), stats.percentile_us(95))
        };
        assert_eq!(of(vec![]), (None, None));
        assert_eq!(of(vec![7]), (Some(7), Some(7)));
        assert_eq!(of((1..=20).collect()), (Some(10), Some(19)));
        assert_eq!(of((1..=50).collect()), (Some(25), Some(48)));
    }

    #[test]
    fn a_width_is_read_as_it_is_written() {
        for width in Width::ALL {
            assert_eq!(Width::from_name(width.as_str()), Some(width));
        }
        assert_eq!(Width::from_name("5m"), None);
    }
}
