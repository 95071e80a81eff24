//! The tally: the outcomes of the attempts at one webhook, counted by the minute and by the hour.

use fanfare_core::Timestamp;

/// The number of minutes that are counted one by one: as many as a row of bars can show at a glance.
pub const MINUTES: usize = 60;
/// The number of hours that are counted one by one: a day.
pub const HOURS: usize = 24;

const MINUTE_MICROS: i64 = 60 * 1_000_000;
const HOUR_MICROS: i64 = 60 * MINUTE_MICROS;

/// The number of attempts by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// The number of responses with 2xx.
    pub delivered: u32,
    /// The number of all other attempts.
    pub failed: u32,
}

/// The attempts that started in one minute or hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The start of the minute or hour.
    pub start: Timestamp,
    /// The attempts.
    pub outcomes: Outcomes,
}

/// The last hour and the last day; less than 700 bytes.
#[derive(Debug, Default)]
pub struct Tally {
    minutes: Slots<MINUTES, MINUTE_MICROS>,
    hours: Slots<HOURS, HOUR_MICROS>,
}

impl Tally {
    /// Counts an attempt that began at `at`.
    pub fn count(&mut self, at: Timestamp, is_delivered: bool) {
        self.minutes.count(at, is_delivered);
        self.hours.count(at, is_delivered);
    }

    /// Returns the [`MINUTES`] minutes up to that of `now`, oldest first.
    pub fn minutes(&self, now: Timestamp) -> Vec<Bucket> {
        self.minutes.up_to(now).collect()
    }

    /// Returns the [`HOURS`] hours up to that of `now`, oldest first.
    pub fn hours(&self, now: Timestamp) -> Vec<Bucket> {
        self.hours.up_to(now).collect()
    }

    /// Returns the sum of the [`HOURS`] hours up to that of `now`.
    pub fn day(&self, now: Timestamp) -> Outcomes {
        self.hours.up_to(now).fold(Outcomes::default(), |sum, hour| Outcomes {
            delivered: sum.delivered.saturating_add(hour.outcomes.delivered),
            failed: sum.failed.saturating_add(hour.outcomes.failed),
        })
    }
}

/// A ring of `N` time slots of `WIDTH` microseconds each.
#[derive(Debug)]
struct Slots<const N: usize, const WIDTH: i64> {
    /// The number of the newest slot that was counted in, since 1970.
    newest: i64,
    ended: [Outcomes; N],
}

impl<const N: usize, const WIDTH: i64> Default for Slots<N, WIDTH> {
    fn default() -> Self {
        Slots { newest: 0, ended: [Outcomes::default(); N] }
    }
}

impl<const N: usize, const WIDTH: i64> Slots<N, WIDTH> {
    const LEN: i64 = N as i64;

    fn count(&mut self, at: Timestamp, is_delivered: bool) {
        let slot = at.as_micros().div_euclid(WIDTH);
        // Far ahead, or far behind because the clock was set back: the counts are from another time.
        if (slot - self.newest).abs() >= Self::LEN {
            *self = Slots { newest: slot, ..Slots::default() };
        }
        while self.newest < slot {
            self.newest += 1;
            self.ended[Self::place(self.newest)] = Outcomes::default();
        }
        let ended = &mut self.ended[Self::place(slot)];
        let count = if is_delivered { &mut ended.delivered } else { &mut ended.failed };
        *count = count.saturating_add(1);
    }

    fn up_to(&self, now: Timestamp) -> impl Iterator<Item = Bucket> {
        let last = now.as_micros().div_euclid(WIDTH);
        (last - Self::LEN + 1..=last).map(|slot| {
            let outcomes = match (self.newest - Self::LEN + 1..=self.newest).contains(&slot) {
                true => self.ended[Self::place(slot)],
                false => Outcomes::default(),
            };
            Bucket { start: Timestamp::from_micros(slot * WIDTH), outcomes }
        })
    }

    fn place(slot: i64) -> usize {
        usize::try_from(slot.rem_euclid(Self::LEN)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Bucket, HOURS, MINUTES, Outcomes, Tally, Timestamp};

    fn at(minute: u64) -> Timestamp {
        Timestamp::from_micros(1_795_132_800_000_000).after(Duration::from_secs(60 * minute))
    }

    fn hour(tally: &Tally, now: Timestamp) -> Vec<Outcomes> {
        tally.minutes(now).into_iter().map(|bucket| bucket.outcomes).collect()
    }

    #[test]
    fn buckets_start_where_minutes_and_hours_do() {
        let (tally, now) = (Tally::default(), at(90).after(Duration::from_secs(17)));
        let starts = |buckets: Vec<Bucket>| buckets.iter().map(|bucket| bucket.start).collect::<Vec<_>>();
        let minutes = starts(tally.minutes(now));
        assert_eq!((minutes.len(), minutes[0], minutes[59]), (MINUTES, at(31), at(90)));
        let hours = starts(tally.hours(now));
        assert_eq!((hours.len(), hours[22], hours[23]), (HOURS, at(0), at(60)));
    }

    #[test]
    fn what_is_older_than_an_hour_and_than_a_day_is_forgotten() {
        let mut tally = Tally::default();
        tally.count(at(0), true);
        tally.count(at(59), false);
        assert_eq!(hour(&tally, at(59))[0], Outcomes { delivered: 1, failed: 0 });
        assert_eq!(hour(&tally, at(59))[59], Outcomes { delivered: 0, failed: 1 });
        assert_eq!(hour(&tally, at(60))[58], Outcomes { delivered: 0, failed: 1 });
        assert_eq!(hour(&tally, at(200)), [Outcomes::default(); MINUTES]);
        assert_eq!(tally.day(at(200)), Outcomes { delivered: 1, failed: 1 });
        assert_eq!(tally.day(at(60 * HOURS as u64)), Outcomes::default());
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_the_counting() {
        let mut tally = Tally::default();
        tally.count(at(1_000_000), true);
        tally.count(at(3), true);
        assert_eq!(tally.day(at(3)), Outcomes { delivered: 1, failed: 0 });
    }

    proptest! {
        #[test]
        fn it_counts_as_a_list_of_everything_would(steps in prop::collection::vec((0..90u64, any::<bool>()), 1..80)) {
            let (mut tally, mut all, mut now) = (Tally::default(), Vec::new(), 0);
            for (pause, is_delivered) in steps {
                now += pause;
                tally.count(at(now), is_delivered);
                all.push((now, is_delivered));
                let of = |minute: u64| {
                    let ended = all.iter().filter(|(when, _)| *when == minute);
                    let delivered = ended.clone().filter(|(_, is_delivered)| *is_delivered).count();
                    Outcomes { delivered: delivered as u32, failed: (ended.count() - delivered) as u32 }
                };
                let expected: Vec<Outcomes> =
                    (0..60).rev().map(|back| now.checked_sub(back).map_or(Outcomes::default(), of)).collect();
                prop_assert_eq!(hour(&tally, at(now)), expected);
                let in_day = all.iter().filter(|(when, _)| when / 60 + 24 > now / 60).count();
                let day = tally.day(at(now));
                prop_assert_eq!((day.delivered + day.failed) as usize, in_day);
            }
        }
    }
}
