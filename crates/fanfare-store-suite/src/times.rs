//! Tests of the two times of an event: the time of day, and its arrival on the clock of the log.

use std::time::Duration;

use fanfare_core::{NewEvent, Timestamp};

use fanfare_store::{Append, IDEMPOTENCY_WINDOW, Retention, STANDS_FOR};

use crate::harness::{Log, Setup, event, extent, keyed, messages};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Returns the events that are younger than `age`.
async fn younger(log: &Log, age: Duration) -> Vec<u64> {
    let moment = log.store.log.now().before(age);
    let after = log.store.log.seq_before(moment).await.expect("seq");
    (after + 1..=log.store.head().last).collect()
}

async fn timestamps(log: &Log) -> Vec<Timestamp> {
    log.page(log.read()).await.events.iter().map(|event| event.timestamp).collect()
}

async fn is_repeated(log: &Log, key: &str) -> bool {
    log.store.log.append(Append::new(vec![keyed("a", key)])).await.expect("appended")[0].repeated
}

pub async fn a_clock_that_is_wrong_for_a_moment_changes_nothing(engine: impl Setup + Copy) {
    for ahead in [true, false] {
        let log = engine.start(Retention { age: HOUR, ..Retention::default() });
        let start = log.clock.now();
        let short = NewEvent { expires_in: Some(SECOND * 60), ..event("short") };
        log.store.log.append(Append::new(vec![keyed("a", "k"), short])).await.expect("appended");
        match ahead {
            true => log.clock.set_ahead(MONTH),
            false => log.clock.set_back(MONTH),
        }
        log.sweep_all().await;
        log.append(&["while it is wrong"]).await;
        log.clock.turn(SECOND * 2);
        log.sweep_all().await;
        assert_eq!(extent(&log.store), (1, 3), "nothing is removed");
        assert!(is_repeated(&log, "k").await, "a key counts as before");
        match ahead {
            true => log.clock.set_back(MONTH),
            false => log.clock.set_ahead(MONTH),
        }
        log.append(&["when it is right again"]).await;
        assert_eq!(timestamps(&log).await, [start, start, start, start.after(SECOND * 2)]);
        assert_eq!(younger(&log, SECOND).await, [4]);
        log.clock.turn(SECOND * 58);
        let left = log.page(log.read()).await.events;
        assert_eq!(messages(&left), ["a", "while it is wrong", "when it is right again"], "after 60 s");
        assert!(is_repeated(&log, "k").await);
        log.sweep_all().await;
        assert_eq!(extent(&log.store), (1, 4));
    }
}

pub async fn a_clock_that_stays_ahead_is_believed(engine: impl Setup) {
    let log = engine.start(Retention { age: DAY, ..Retention::default() });
    let start = log.clock.now();
    log.append(&["a"]).await;
    log.clock.set_ahead(MONTH);
    log.append(&["b"]).await;
    log.clock.turn(STANDS_FOR);
    log.append(&["c"]).await;
    assert_eq!(timestamps(&log).await, [start, start, start.after(MONTH + STANDS_FOR)]);
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (3, 3), "a month has passed");
}

pub async fn a_clock_that_was_ahead_leaves_no_trace_in_what_comes_later(engine: impl Setup + Copy) {
    // Set back while the log is open, and while it is closed.
    for is_open in [true, false] {
        let mut log = engine.start(Retention { age: HOUR, ..Retention::default() });
        log.store.log.append(Append::new(vec![keyed("a", "k")])).await.expect("appended");
        log.clock.set_back(MONTH);
        if is_open {
            log.append(&["not believed yet"]).await;
            log.clock.turn(STANDS_FOR);
        } else {
            if !log.setup.survives() {
                continue;
            }
            log.append(&["b"]).await;
            log.reopen().await;
        }
        let now = log.clock.now();
        let short = NewEvent { expires_in: Some(SECOND * 5), ..event("short") };
        let appended = log.store.log.append(Append::new(vec![short])).await.expect("appended");
        assert_eq!(appended[0].event.timestamp, now, "the true time at once");
        assert_eq!(appended[0].event.expires, Some(now.after(SECOND * 5)));
        assert_eq!(timestamps(&log).await.len(), 3);
        log.clock.turn(SECOND * 6);
        let left = log.page(log.read()).await.events;
        assert!(left.iter().all(|event| &*event.message != "short"), "5 s are 5 s");
        log.append(&["d"]).await;
        assert_eq!(younger(&log, SECOND).await, [4]);
        assert_eq!(log.store.log.seq_before(log.store.log.at(log.clock.now())).await.expect("seq"), 3);
        assert!(is_repeated(&log, "k").await);
        // The time for which a log is closed passes for it, too.
        log.clock.turn(SECOND * 60);
        if log.setup.survives() {
            log.reopen().await;
        }
        assert_eq!(
            (younger(&log, SECOND * 30).await, younger(&log, SECOND * 90).await.pop()),
            (vec![], Some(4))
        );
        log.clock.turn(HOUR - SECOND * 68);
        log.sweep_all().await;
        assert_eq!(extent(&log.store), (if is_open { 3 } else { 1 }, 4), "less than an hour old");
        log.clock.turn(SECOND * 60);
        log.sweep_all().await;
        assert_eq!(extent(&log.store), (5, 4), "an hour is an hour");
        log.clock.turn(IDEMPOTENCY_WINDOW);
        log.sweep_all().await;
        assert!(!is_repeated(&log, "k").await, "a day is a day");
    }
}

pub async fn a_clock_that_is_wrong_at_a_start_deletes_nothing_at_once(engine: impl Setup) {
    let mut log = engine.start(Retention { age: DAY, ..Retention::default() });
    if !log.setup.survives() {
        return;
    }
    log.append(&["a", "b"]).await;
    log.clock.set_ahead(MONTH);
    log.reopen().await;
    log.append(&["c"]).await;
    log.clock.turn(STANDS_FOR - SECOND);
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (1, 3), "it may yet be corrected");
    assert_eq!(younger(&log, HOUR).await, [3], "what is read goes by the clock as it is");
    log.clock.turn(SECOND);
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (3, 3));
}

pub async fn arrivals_never_go_back(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    let start = log.clock.now();
    assert_eq!(log.store.log.seq_before(log.store.log.now()).await.expect("seq"), 0);
    for (round, minutes) in [0, 20, 0, 9, 0, 0, 30].into_iter().enumerate() {
        log.append(&["x"]).await;
        log.clock.turn(SECOND * 60 * minutes);
        match round % 3 {
            0 => log.clock.set_back(DAY),
            1 => log.clock.set_ahead(HOUR),
            _ => log.reopen().await,
        }
    }
    let events = log.page(log.read()).await.events;
    assert!(events.windows(2).all(|pair| pair[0].arrival <= pair[1].arrival), "{events:?}");
    for event in &events {
        let before = log.store.log.seq_before(event.arrival).await.expect("seq");
        assert!(before < event.position.seq, "{} {before}", event.position);
    }
    if log.setup.survives() {
        assert_eq!(events.len(), 7);
        assert!(events.iter().any(|event| event.timestamp < start), "the time of day follows the clock");
    }
}
