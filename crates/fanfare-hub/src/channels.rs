//! Channels: what was pushed to each one, and its rate.

use std::collections::HashMap;
use std::sync::Arc;

use fanfare_core::{Channel, Event, Timestamp};

use fanfare_store::ChannelRow;

/// The length of the windows in which the rate is counted, in seconds.
const WINDOW_SECONDS: i64 = 10;
/// The number of windows that make up the minute over which the rate is averaged.
const WINDOWS: usize = 6;

/// All channels with their counts and rates.
#[derive(Debug, Default)]
pub struct Channels {
    by_name: HashMap<Channel, Activity>,
}

#[derive(Debug, Clone)]
struct Activity {
    row: ChannelRow,
    /// Events per window; the index is the window's number modulo their count.
    windows: [u32; WINDOWS],
    /// The number of the newest window.
    newest: i64,
}

impl Channels {
    /// Creates the table from the rows of the store.
    pub fn new(rows: Vec<ChannelRow>) -> Channels {
        let activity =
            |row: ChannelRow| (row.channel.clone(), Activity { row, windows: [0; WINDOWS], newest: 0 });
        Channels { by_name: rows.into_iter().map(activity).collect() }
    }

    /// Returns the number of channels.
    pub fn count(&self) -> usize {
        self.by_name.len()
    }

    /// Returns whether `channel` has events.
    pub fn has_events(&self, channel: &Channel) -> bool {
        self.by_name.get(channel).is_some_and(|activity| activity.row.events > 0)
    }

    /// Counts `events`, which were just appended.
    pub fn note(&mut self, events: &[Arc<Event>]) {
        for event in events {
            if let Some(activity) = self.by_name.get_mut(&event.channel) {
                activity.note(event);
            } else {
                let row = ChannelRow {
                    channel: event.channel.clone(),
                    events: 0,
                    last_seq: 0,
                    last_timestamp: event.timestamp,
                };
                let mut activity = Activity { row, windows: [0; WINDOWS], newest: 0 };
                activity.note(event);
                self.by_name.insert(event.channel.clone(), activity);
            }
        }
    }

    /// Returns every channel, in no particular order.
    pub fn rows(&self) -> impl Iterator<Item = ChannelRow> {
        self.by_name.values().map(|activity| activity.row.clone())
    }

    /// Returns the channels whose last event is before `seq`.
    pub fn last_before(&self, seq: u64) -> Vec<Channel> {
        let rows = self.by_name.values().map(|activity| &activity.row);
        rows.filter(|row| row.last_seq < seq).map(|row| row.channel.clone()).collect()
    }

    /// Forgets these channels, except those that have since received an event at `seq` or later.
    pub fn forget(&mut self, channels: &[Channel], seq: u64) {
        for channel in channels {
            if self.by_name.get(channel).is_some_and(|activity| activity.row.last_seq < seq) {
                self.by_name.remove(channel);
            }
        }
    }

    /// Subtracts events that a channel has lost, all of which were counted here; forgets the channel if none are left.
    pub fn uncount(&mut self, channel: &Channel, events: u64) {
        if let Some(activity) = self.by_name.get_mut(channel) {
            activity.row.events = activity.row.events.saturating_sub(events);
            if activity.row.events == 0 {
                self.by_name.remove(channel);
            }
        }
    }

    /// Returns every channel with its rate (events per second over the last minute), ordered by name.
    pub fn list(&self, now: Timestamp) -> Vec<(ChannelRow, f64)> {
        let mut list: Vec<_> =
            self.by_name.values().map(|activity| (activity.row.clone(), activity.rate(now))).collect();
        list.sort_unstable_by(|a, b| a.0.channel.cmp(&b.0.channel));
        list
    }
}

impl Activity {
    fn note(&mut self, event: &Event) {
        // An event that the store already counted comes again when the follower starts.
        if event.position.seq <= self.row.last_seq {
            return;
        }
        self.row.events += 1;
        self.row.last_seq = event.position.seq;
        self.row.last_timestamp = event.timestamp;
        self.turn_to(window(event.timestamp));
        let index = self.newest.rem_euclid(WINDOWS as i64) as usize;
        self.windows[index] = self.windows[index].saturating_add(1);
    }

    /// Empties the windows between the newest and `window`.
    fn turn_to(&mut self, window: i64) {
        if window - self.newest >= WINDOWS as i64 {
            self.windows = [0; WINDOWS];
        } else {
            for passed in self.newest + 1..=window {
                self.windows[passed.rem_euclid(WINDOWS as i64) as usize] = 0;
            }
        }
        self.newest = self.newest.max(window);
    }

    fn rate(&self, now: Timestamp) -> f64 {
        let mut turned = self.clone();
        turned.turn_to(window(now));
        let events: u32 = turned.windows.iter().fold(0, |sum, events| sum.saturating_add(*events));
        f64::from(events) / (WINDOW_SECONDS as f64 * WINDOWS as f64)
    }
}

fn window(timestamp: Timestamp) -> i64 {
    timestamp.as_micros().div_euclid(WINDOW_SECONDS * 1_000_000)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Channels;
    use fanfare_core::{Arrival, Door, Epoch, Event, NewEvent, Position, Source, Stamp, Timestamp};

    fn event(seq: u64) -> Arc<Event> {
        let source = Source { principal: "local".into(), door: Door::Http, agent: None };
        let event = NewEvent::new("x", source).expect("short");
        let timestamp = Timestamp::from_micros(0);
        let stamp = Stamp { timestamp, arrival: Arrival::from(timestamp) };
        Arc::new(event.into_event(Position { epoch: Epoch::from_random(1), seq }, stamp))
    }

    #[test]
    fn a_channel_that_loses_events_keeps_those_that_came_later() {
        let channel = event(1).channel.clone();
        let mut channels = Channels::default();
        channels.note(&[event(1), event(2), event(3)]);
        channels.uncount(&channel, 2);
        assert_eq!(channels.rows().map(|row| (row.events, row.last_seq)).collect::<Vec<_>>(), [(1, 3)]);
        channels.uncount(&channel, 0);
        assert_eq!(channels.count(), 1);
        channels.uncount(&channel, 1);
        assert_eq!(channels.count(), 0);
    }
}
