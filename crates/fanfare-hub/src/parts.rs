//! The parts of a batch. One push can have thousands of events, and each is compared with thousands of filters; between
//! two parts, others have the thread.

use std::sync::Arc;

use fanfare_core::Event;

/// Maximum comparisons of an event with a filter in one part: about a millisecond.
const LOOKS_MAX: usize = 30_000;
/// Maximum bytes of the events in one part: to encode them takes about a millisecond.
const BYTES_MAX: usize = 1024 * 1024;

/// Cuts consecutive events into parts; `feeds` is the number of feeds that an event is compared with. A part has at least
/// one event.
pub(crate) fn of(events: &[Arc<Event>], feeds: impl Fn(&Event) -> usize) -> Vec<&[Arc<Event>]> {
    let cost = |event: &Event| (feeds(event), event.stored_len() as usize);
    let (mut looks, mut bytes) = events.first().map_or((0, 0), |event| cost(event));
    let fits = |_: &Arc<Event>, event: &Arc<Event>| {
        let (more_looks, more_bytes) = cost(event);
        looks += more_looks;
        bytes += more_bytes;
        let fits = looks <= LOOKS_MAX && bytes <= BYTES_MAX;
        if !fits {
            (looks, bytes) = (more_looks, more_bytes);
        }
        fits
    };
    events.chunk_by(fits).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanfare_core::{Arrival, Door, Epoch, Event, NewEvent, Position, Source, Stamp, Timestamp};

    use super::{BYTES_MAX, LOOKS_MAX, of};

    fn events(count: u64, len: usize) -> Vec<Arc<Event>> {
        let timestamp = Timestamp::from_micros(0);
        let stamp = Stamp { timestamp, arrival: Arrival::from(timestamp) };
        let source = Source { principal: "local".into(), door: Door::Http, agent: None };
        let new = NewEvent { message: "x".repeat(len).into(), ..NewEvent::new("x", source).expect("short") };
        let event = |seq| new.clone().into_event(Position { epoch: Epoch::from_random(1), seq }, stamp);
        (1..=count).map(|seq| Arc::new(event(seq))).collect()
    }

    #[test]
    fn parts_have_few_comparisons_and_few_bytes_and_lose_nothing() {
        let batches =
            [(10_000, 1, 300), (20, 250_000, 1), (3, 3 * BYTES_MAX, 0), (3, 1, 2 * LOOKS_MAX), (0, 0, 1)];
        for (count, len, feeds) in batches {
            let events = events(count, len);
            let parts = of(&events, |_| feeds);
            for part in &parts {
                let bytes: u64 = part.iter().map(|event| event.stored_len()).sum();
                assert!(part.len() == 1 || part.len() * feeds <= LOOKS_MAX && bytes as usize <= BYTES_MAX);
            }
            let seqs =
                |events: &[Arc<Event>]| events.iter().map(|event| event.position.seq).collect::<Vec<_>>();
            assert_eq!(seqs(&parts.concat()), seqs(&events));
        }
        assert_eq!(of(&events(100, 1), |_| 1).len(), 1, "what is short stays whole");
    }
}
