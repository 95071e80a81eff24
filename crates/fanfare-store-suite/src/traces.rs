//! Tests of what a reader is told about events that retention removed.

use std::time::Duration;

use fanfare_core::{Filter, NewEvent, Priority};
use fanfare_store::traces::TRACES_MAX;
use fanfare_store::{Append, Read, Retention};

use crate::harness::{Log, Setup, event, extent, patterns};
use crate::seen::{Seen, seen};

async fn told(log: &Log, filter: Filter, after: u64) -> Vec<Seen> {
    seen(log, Read { filter, after, ..log.read() }).await
}

fn filter(pattern: &str, types: &[&str], priority: Priority, text: Option<&str>) -> Filter {
    let types = types.iter().map(|name| name.parse().expect("a type")).collect();
    Filter::new(vec![pattern.parse().expect("a pattern")], types, priority, text).expect("short")
}

pub async fn a_reader_is_told_only_of_what_it_missed(engine: impl Setup) {
    let mut log = engine.start(Retention { count: 10, ..Retention::default() });
    // Until 100, each hundredth event is rare; 50 is an urgent error.
    for seq in 1..=200 {
        match seq {
            100 => log.append_to("alerts.rare", "fire").await,
            50 => {
                let urgent = NewEvent {
                    channel: "builds".parse().expect("a channel"),
                    event_type: "error".parse().expect("a type"),
                    priority: Priority::High,
                    ..event("x")
                };
                log.store.log.append(Append::new(vec![urgent])).await.expect("appended")[0].event.position.seq
            }
            _ => log.append_to("builds", "x").await,
        };
        log.sweep_all().await;
    }
    for _ in 0..2 {
        assert_eq!(extent(&log.store), (191, 200));
        let rare = patterns(&["alerts.rare"]);
        assert_eq!(told(&log, rare.clone(), 100).await, [], "it has all there was");
        assert_eq!(told(&log, rare.clone(), 99).await, [Seen::Removed { up_to: 100, count: 1 }]);
        assert_eq!(told(&log, patterns(&["alerts.*"]), 0).await, [Seen::Removed { up_to: 100, count: 1 }]);
        assert_eq!(told(&log, patterns(&["nothing", "alerts.other"]), 0).await, []);
        assert_eq!(told(&log, rare, 195).await, []);

        let errors = |priority| filter(">", &["error"], priority, None);
        assert_eq!(told(&log, errors(Priority::Min), 0).await, [Seen::Removed { up_to: 50, count: 1 }]);
        assert_eq!(told(&log, errors(Priority::Min), 50).await, []);
        assert_eq!(told(&log, errors(Priority::Max), 0).await, []);
        assert_eq!(told(&log, filter(">", &[], Priority::High, None), 0).await.len(), 1);

        // Traces do not record whether the removed events contained the text.
        let text = filter("builds", &[], Priority::Min, Some("y"));
        assert_eq!(told(&log, text, 180).await, [Seen::Removed { up_to: 190, count: 10 }]);
        let all = told(&log, Filter::all(), 180).await;
        assert_eq!(all[0], Seen::Removed { up_to: 190, count: 10 });
        assert_eq!(all[1..], (191..=200).map(Seen::Event).collect::<Vec<_>>());
        log.reopen().await;
    }
}

pub async fn an_event_that_had_expired_is_not_missed(engine: impl Setup) {
    let log = engine.start(Retention { age: Duration::from_secs(60), ..Retention::default() });
    let brief = NewEvent { expires_in: Some(Duration::from_secs(5)), ..event("x") };
    log.store.log.append(Append::new(vec![brief])).await.expect("appended");
    log.clock.turn(Duration::from_secs(61));
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (2, 1));
    assert_eq!(told(&log, Filter::all(), 0).await, []);
}

pub async fn beyond_the_maximum_of_traces_everything_may_be_missed(engine: impl Setup) {
    let mut log = engine.start(Retention { count: 1, ..Retention::default() });
    log.append_to("old", "x").await;
    let kinds = TRACES_MAX as u64 + 10;
    let of_type =
        |number: u64| NewEvent { event_type: format!("t{number}").parse().expect("a type"), ..event("x") };
    for start in (0..kinds).step_by(8_192) {
        let events = (start..kinds.min(start + 8_192)).map(of_type).collect();
        log.store.log.append(Append::new(events)).await.expect("appended");
        log.sweep_all().await;
    }
    log.append(&["last"]).await;
    log.sweep_all().await;
    for _ in 0..2 {
        let last = log.store.head().last;
        // The oldest traces are dropped, so a reader from before them is told about everything up to there.
        let old = told(&log, patterns(&["other"]), 0).await;
        let [Seen::Removed { up_to, count }] = old[..] else { panic!("{old:?}") };
        assert!(up_to == count && up_to > 1 && up_to < last - 1, "{old:?}");
        assert_eq!(told(&log, patterns(&["other"]), up_to).await, [], "the rest is known");
        let newest = filter("default", &[&format!("t{}", kinds - 1)], Priority::Min, None);
        assert_eq!(told(&log, newest, up_to).await, [Seen::Removed { up_to: last - 1, count: 1 }]);
        log.reopen().await;
    }
}
