//! Tests of forgetting channels.

use fanfare_core::{Channel, NewEvent};
use fanfare_store::{Append, CHANNELS_MAX, Error, NEW_CHANNELS_MAX, Retention};

use crate::harness::{Log, Setup, channels, event, patterns};
use crate::hooks::{hook, of, remove, waiting};
use crate::seen::{Seen, seen};
use fanfare_store::Read;

fn named(name: &str) -> Channel {
    name.parse().expect("a channel")
}

async fn forget(log: &Log, names: &[&str]) -> Vec<String> {
    let channels = names.iter().map(|name| named(name)).collect();
    let forgotten = log.store.log.forget_channels(channels).await.expect("forgotten");
    forgotten.iter().map(Channel::to_string).collect()
}

pub async fn a_channel_without_events_can_be_forgotten(engine: impl Setup) {
    let mut log = engine.start(Retention { count: 2, ..Retention::default() });
    for name in ["a", "b", "a", "c"] {
        log.append_to(name, "x").await;
    }
    log.sweep_all().await;
    assert_eq!(forget(&log, &["a", "b", "c", "nothing"]).await, ["b"], "the others have events");
    for _ in 0..2 {
        assert_eq!(channels(&log).await, [("a".to_owned(), 2), ("c".to_owned(), 1)]);
        log.reopen().await;
    }
    // Readers are still told about its events.
    let b = seen(&log, Read { filter: patterns(&["b"]), ..log.read() }).await;
    assert_eq!(b, [Seen::Removed { up_to: 2, count: 1 }]);

    // A name that is used again is a new channel, and does not get the events of another.
    log.append_to("d", "x").await;
    log.append_to("b", "x").await;
    log.reopen().await;
    assert_eq!(channels(&log).await.len(), 4);
    for (name, seq) in [("d", 5), ("b", 6)] {
        let read = Read { after: 4, filter: patterns(&[name]), ..log.read() };
        assert_eq!(seen(&log, read).await, [Seen::Event(seq)], "{name}");
    }
}

pub async fn names_for_each_run_are_fine_for_years(engine: impl Setup) {
    const RUNS: usize = 25_000;
    let log = engine.start(Retention { count: 500, ..Retention::default() });
    for start in (0..RUNS).step_by(500) {
        let names: Vec<_> = (start..start + 500).map(|run| format!("runs.{run}")).collect();
        let events = names.iter().map(|name| NewEvent { channel: named(name), ..event("x") }).collect();
        log.store.log.append(Append::new(events)).await.expect("there is room");
        log.sweep_all().await;
        let rows = log.store.log.channels().await.expect("channels");
        let first = log.store.head().first;
        let empty: Vec<_> =
            rows.into_iter().filter(|row| row.last_seq < first).map(|row| row.channel).collect();
        log.store.log.forget_channels(empty).await.expect("forgotten");
    }
    assert_eq!(channels(&log).await.len(), 500);
}

pub async fn one_push_cannot_take_all_names(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let on = |index: usize| NewEvent { channel: named(&format!("c{index}")), ..event("x") };
    let all = log.store.log.append(Append::new((0..CHANNELS_MAX).map(on).collect())).await;
    assert!(matches!(all, Err(Error::TooManyNewChannels { max: NEW_CHANNELS_MAX })), "{all:?}");
    assert_eq!(channels(&log).await.len(), 0);
    log.store.log.append(Append::new((0..NEW_CHANNELS_MAX).map(on).collect())).await.expect("that many");
    // Channels that are known are not counted.
    let events = (1..=NEW_CHANNELS_MAX).map(on).collect();
    log.store.log.append(Append::new(events)).await.expect("one of them is new");
    assert_eq!(channels(&log).await.len(), NEW_CHANNELS_MAX + 1);
}

pub async fn what_a_delivery_needs_keeps_its_channel(engine: impl Setup) {
    let mut log = engine.start(Retention { count: 1, ..Retention::default() });
    log.store.ledger.insert_webhook(hook(&log, 0)).await.expect("registered");
    log.append_to("a", "needed").await;
    let (needs, again) = (waiting(&log, 0, 1).await, waiting(&log, 0, 1).await);
    log.store.ledger.record(Vec::new(), vec![needs]).await.expect("recorded");
    log.append_to("b", "x").await;
    log.sweep_all().await;
    forget(&log, &["a"]).await;
    log.append_to("c", "x").await;
    for _ in 0..2 {
        let rows = log.store.ledger.deliveries(of(0)).await.expect("rows");
        assert_eq!((rows.len(), rows[0].event.channel.as_str(), &*rows[0].event.message), (1, "a", "needed"));
        log.reopen().await;
    }
    log.store.ledger.record(Vec::new(), vec![remove(&log, 0, 1)]).await.expect("recorded");
    forget(&log, &["a"]).await;
    assert!(channels(&log).await.iter().all(|(name, _)| name != "a"));
    // An attempt that ends later records the delivery again, although the channel is forgotten.
    log.store.ledger.record(Vec::new(), vec![again]).await.expect("recorded");
    log.reopen().await;
    if log.setup.survives() {
        let rows = log.store.ledger.deliveries(of(0)).await.expect("rows");
        assert_eq!((rows.len(), rows[0].event.channel.as_str()), (1, "a"));
    }
    assert!(channels(&log).await.iter().all(|(name, _)| name != "a"));
}
