//! The floor of retention: the newest events of each channel, which the limits of count and bytes spare.
//!
//! A limit that is exceeded moves the start of the log, [`Head::first`](crate::Head::first). With a floor, the newest
//! events of a channel that the start passes stay: they are **spared**. From the start on, the log has no holes; before
//! it, it has the spared events alone. So a flood in one channel does not take the history of the others.
//!
//! A spared event is removed when it is too old, when its channel has enough newer ones, or when the spared events exceed
//! their share of the limits: then the oldest of them go. Of each channel, the log therefore always keeps the newest
//! events, without a hole among them.

use crate::{CHANNELS_MAX, Retention};

/// Maximum floor. An engine has this many seqs of each channel in memory.
pub const FLOOR_MAX: u64 = 1_000;

/// Spared events can use the limits of count and bytes up to 1 part in this many, so that the rest is left for what is
/// new in all channels.
const SHARE: u64 = 2;

/// Maximum channels with spared events. Only a channel without events can be forgotten, so names that were used once
/// would otherwise exhaust the number of channels.
pub const SPARED_CHANNELS_MAX: usize = CHANNELS_MAX / 2;

/// The extent of the spared events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spared {
    /// Number of them.
    pub events: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Number of channels that have any.
    pub channels: usize,
}

impl Retention {
    /// Returns how many events, and bytes of events, the part of the log without holes may have beside the spared ones.
    pub fn left_by(&self, spared: Spared) -> (u64, u64) {
        let count = self.count - spared.events.min(self.count / SHARE);
        let bytes = self.bytes - spared.bytes.min(self.bytes / SHARE);
        (count, bytes)
    }

    /// Returns whether there are too many spared events, so that the oldest has to go.
    pub fn is_exceeded_by(&self, spared: Spared) -> bool {
        let is_too_many = self.floor == 0 || spared.events > self.count / SHARE;
        spared.events > 0
            && (is_too_many || spared.bytes > self.bytes / SHARE || spared.channels > SPARED_CHANNELS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{SPARED_CHANNELS_MAX, Spared};
    use crate::Retention;

    #[test]
    fn spared_events_leave_half_of_each_limit() {
        let retention = Retention { count: 101, bytes: 1_000, floor: 5, ..Retention::default() };
        let spared = |events, bytes| Spared { events, bytes, channels: 1 };
        assert_eq!(retention.left_by(Spared::default()), (101, 1_000));
        assert_eq!(retention.left_by(spared(10, 100)), (91, 900));
        assert_eq!(retention.left_by(spared(90, 900)), (51, 500));
        assert!(!retention.is_exceeded_by(spared(50, 500)));
        assert!(retention.is_exceeded_by(spared(51, 500)) && retention.is_exceeded_by(spared(50, 501)));
        let channels = SPARED_CHANNELS_MAX + 1;
        assert!(retention.is_exceeded_by(Spared { channels, ..spared(1, 1) }));
    }

    #[test]
    fn without_a_floor_nothing_is_spared() {
        let retention = Retention::default();
        assert!(!retention.is_exceeded_by(Spared::default()));
        assert!(retention.is_exceeded_by(Spared { events: 1, bytes: 1, channels: 1 }));
    }
}
