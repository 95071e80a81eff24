//! Tests of appending: order, keys, refusals.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::new_event::PushBody;
use fanfare_core::{Agent, Audience, Door, Json, NewEvent, Position, Priority, Source};
use fanfare_store::{Append, CHANNELS_MAX, Error, IDEMPOTENCY_WINDOW, NEW_CHANNELS_MAX, Read, Retention};

use crate::harness::{Log, Setup, event, extent, keyed, messages, patterns, seqs, seqs_appended, soon};

pub async fn a_batch_stands_in_the_log_in_its_order(engine: impl Setup) {
    let log = engine.start(Retention::default());
    assert_eq!(extent(&log.store), (1, 0));
    assert!(log.page(log.read()).await.events.is_empty());
    assert_eq!(log.store.log.append(Append::new(Vec::new())).await.expect("nothing to do").len(), 0);
    let commits = log.store.engine.commits();
    assert_eq!(log.append(&["a", "b", "c"]).await, [1, 2, 3]);
    assert_eq!(log.append(&["d"]).await, [4]);
    assert_eq!(log.store.engine.commits(), commits + 2);
    let page = log.page(log.read()).await;
    assert_eq!(messages(&page.events), ["a", "b", "c", "d"]);
    assert_eq!((page.scanned, page.first), (4, 1));
    assert_eq!(extent(&log.store), (1, 4));
    let epoch = log.store.head().epoch;
    assert_eq!(page.events[1].position, Position { epoch, seq: 2 });
}

pub async fn an_event_comes_back_as_it_was_pushed(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    let mut pushed = Vec::new();
    let types = ["info", "warning", "error", "success", "build.failed"];
    for (index, door) in Door::ALL.into_iter().enumerate() {
        let agent = Agent::claimed(&"tool ü/".repeat(index));
        pushed.push(NewEvent {
            channel: format!("a.b-{index}").parse().expect("channel"),
            event_type: types[index % types.len()].parse().expect("type"),
            data: Some(Json::parse("{\"x\": 1.50, \"ä\": [null, \"\\u0000\"]}".to_owned()).expect("JSON")),
            priority: Priority::ALL[index % Priority::ALL.len()],
            key: Some("k-ä".parse().expect("key")),
            source: Source { principal: Arc::from(format!("agent {index}")), door, agent },
            audience: if index == 0 { Audience::Stream } else { Audience::All },
            expires_in: Some(Duration::from_secs(index as u64 + 1)),
            ..event("two\nlines, \u{0}, 🎺")
        });
    }
    pushed.push(event(""));
    let appended = log.store.log.append(Append::new(pushed.clone())).await.expect("appended");
    log.reopen().await;
    let page = log.page(log.read()).await;
    assert_eq!(page.events.len(), pushed.len());
    for ((read, appended), pushed) in page.events.iter().zip(&appended).zip(pushed) {
        assert_eq!(read, &appended.event);
        assert_eq!(**read, pushed.into_event(read.position, log.clock.now()));
    }
}

pub async fn concurrent_appends_neither_interleave_nor_leave_holes(engine: impl Setup) {
    const TASKS: usize = 8;
    const ROUNDS: usize = 30;
    let log = engine.start(Retention::default());
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let store = log.store.clone();
        tasks.spawn(async move {
            let mut last = 0;
            for round in 0..ROUNDS {
                let batch =
                    (0..1 + round % 7).map(|index| event(&format!("{task} {round} {index}"))).collect();
                let seqs = seqs_appended(&store.log.append(Append::new(batch)).await.expect("appended"));
                assert!(seqs[0] > last, "one after the other");
                assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]), "nobody came between");
                last = seqs[seqs.len() - 1];
            }
        });
    }
    soon(tasks.join_all()).await;
    let events = log.pages(log.read()).await;
    assert_eq!(seqs(&events), (1..=events.len() as u64).collect::<Vec<_>>());
    let distinct: HashSet<_> = events.iter().map(|event| event.message.clone()).collect();
    let expected: usize = TASKS * (0..ROUNDS).map(|round| 1 + round % 7).sum::<usize>();
    assert_eq!((events.len(), distinct.len()), (expected, expected));
}

pub async fn what_was_answered_is_seen(engine: impl Setup) {
    let log = engine.start(Retention::default());
    for round in 1..=200 {
        let seq = log.append_to(&format!("c.{round}"), "x").await;
        assert_eq!(log.store.head().last, seq);
        let filter = patterns(&[&format!("c.{round}")]);
        let page = log.page(Read { after: seq - 1, filter, ..log.read() }).await;
        assert_eq!(seqs(&page.events), [seq]);
    }
}

pub async fn a_repeated_key_appends_nothing(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let batch = vec![keyed("a", "k1"), event("b"), keyed("a", "k1"), keyed("d", "k2")];
    let appended = log.store.log.append(Append::new(batch)).await.expect("appended");
    assert_eq!(seqs_appended(&appended), [1, 2, 1, 3]);
    assert_eq!(appended.iter().map(|one| one.repeated).collect::<Vec<_>>(), [false, false, true, false]);
    assert_eq!(&*appended[2].event.message, "a");

    let again =
        log.store.log.append(Append::new(vec![keyed("d", "k2"), event("f")])).await.expect("appended");
    assert_eq!(seqs_appended(&again), [3, 4]);
    assert_eq!((again[0].repeated, &*again[0].event.message), (true, "d"));
    assert_eq!(messages(&log.pages(log.read()).await), ["a", "b", "d", "f"]);

    // All at once: one of them comes first, whichever it is.
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = log.store.clone();
        tasks.spawn(
            async move { store.log.append(Append::new(vec![keyed("g", "k3")])).await.expect("appended") },
        );
    }
    let answers: Vec<_> = soon(tasks.join_all()).await.into_iter().flatten().collect();
    assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
    assert!(answers.iter().all(|answer| answer.event.position.seq == 5));
}

pub async fn a_key_counts_for_a_day(engine: impl Setup) {
    let log = engine.start(Retention::default());
    log.store.log.append(Append::new(vec![keyed("a", "k"), keyed("x", "other")])).await.expect("appended");
    log.clock.turn(IDEMPOTENCY_WINDOW - Duration::from_micros(1));
    log.sweep_all().await;
    assert!(log.store.log.append(Append::new(vec![keyed("a", "k")])).await.expect("appended")[0].repeated);
    log.clock.turn(Duration::from_micros(1));
    let appended = log.store.log.append(Append::new(vec![keyed("c", "k")])).await.expect("appended");
    assert_eq!((appended[0].repeated, appended[0].event.position.seq), (false, 3));
    // The new key counts from now on, even after the old ones are swept.
    log.sweep_all().await;
    assert!(log.store.log.append(Append::new(vec![keyed("c", "k")])).await.expect("appended")[0].repeated);
    assert!(
        !log.store.log.append(Append::new(vec![keyed("y", "other")])).await.expect("appended")[0].repeated
    );
}

pub async fn a_key_whose_event_was_removed_still_counts(engine: impl Setup) {
    let log = engine.start(Retention { count: 2, ..Retention::default() });
    let first =
        log.store.log.append(Append::new(vec![keyed("a", "k")])).await.expect("appended")[0].event.clone();
    log.clock.turn(Duration::from_secs(5));
    log.append(&["b", "c", "d"]).await;
    log.sweep_all().await;
    let again = log.store.log.append(Append::new(vec![keyed("a", "k")])).await.expect("appended");
    assert!(again[0].repeated);
    assert_eq!(again[0].event, first);
    assert_eq!(log.store.head().last, 4);
}

pub async fn nothing_of_a_refused_append_is_there(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let on = |index: usize| NewEvent { channel: format!("c{index}").parse().expect("channel"), ..event("x") };
    for start in (0..CHANNELS_MAX).step_by(NEW_CHANNELS_MAX) {
        let events = (start..CHANNELS_MAX.min(start + NEW_CHANNELS_MAX + 1) - 1).map(on).collect();
        log.store.log.append(Append::new(events)).await.expect("as many as may be, but one");
    }
    let refused = log.store.log.append(Append::new(vec![on(0), keyed("x", "k"), on(CHANNELS_MAX + 1)])).await;
    assert!(matches!(refused, Err(Error::TooManyChannels { max: CHANNELS_MAX })), "{refused:?}");
    assert_eq!(log.store.head().last, CHANNELS_MAX as u64 - 1);
    assert_eq!(log.store.log.channels().await.expect("channels").len(), CHANNELS_MAX - 1);

    // The refused append did not use up its key, and the last place is still free.
    assert!(!log.store.log.append(Append::new(vec![keyed("x", "k")])).await.expect("appended")[0].repeated);
    assert!(matches!(
        log.store.log.append(Append::new(vec![on(CHANNELS_MAX + 1)])).await,
        Err(Error::TooManyChannels { .. })
    ));
    assert_eq!(log.append(&["known"]).await, [CHANNELS_MAX as u64 + 1]);
    assert_eq!(log.store.log.channels().await.expect("channels").len(), CHANNELS_MAX);
}

pub async fn the_key_of_another_event_is_refused(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    let first = NewEvent {
        data: Some(Json::parse("{\"a\": 1, \"b\": [1.50, null]}".to_owned()).expect("JSON")),
        ..keyed("x", "k")
    };
    log.store.log.append(Append::new(vec![event("before"), first.clone()])).await.expect("appended");
    log.reopen().await;
    if !log.setup.survives() {
        log.store.log.append(Append::new(vec![event("before"), first.clone()])).await.expect("appended");
    }
    // What a repetition may differ in: the way it came, and how its data is written.
    let data = Json::parse("{\"b\":[1.5,null],\"a\":1}".to_owned()).expect("JSON");
    let source = Source { door: Door::Mcp, agent: Agent::claimed("another"), ..first.source.clone() };
    let same = NewEvent { data: Some(data), source, ..first.clone() };
    let again = log.store.log.append(Append::new(vec![same])).await.expect("appended").remove(0);
    assert_eq!((again.repeated, again.event.position.seq), (true, 2));

    let before = log.store.head().last;
    let others = [
        NewEvent { message: "y".into(), ..first.clone() },
        NewEvent { channel: "b".parse().expect("channel"), ..first.clone() },
        NewEvent { event_type: "error".parse().expect("type"), ..first.clone() },
        NewEvent { data: None, ..first.clone() },
        NewEvent {
            data: Some(Json::parse("{\"a\":1,\"b\":[1.5]}".to_owned()).expect("JSON")),
            ..first.clone()
        },
        NewEvent { priority: Priority::High, ..first.clone() },
        NewEvent { key: Some("c".parse().expect("key")), ..first.clone() },
        NewEvent { audience: Audience::Stream, ..first.clone() },
        NewEvent { expires_in: Some(Duration::from_secs(9)), ..first.clone() },
    ];
    for other in others {
        let refused = log.store.log.append(Append::new(vec![event("z"), other.clone()])).await;
        assert!(matches!(refused, Err(Error::IdempotencyConflict { index: 1 })), "{other:?}: {refused:?}");
    }
    let two = vec![keyed("p", "new"), keyed("q", "new")];
    let refused = log.store.log.append(Append::new(two)).await;
    assert!(matches!(refused, Err(Error::IdempotencyConflict { index: 1 })), "{refused:?}");
    assert_eq!(extent(&log.store), (1, before), "nothing of it is appended");
    assert!(!is_repeated(&log, keyed("q", "new")).await, "nor is the key used up");
    // `/ingest` refuses nothing: only the sender knows what is the same delivery, and cannot react to a conflict.
    let delivered = Source { door: Door::Ingest, ..first.source.clone() };
    assert!(is_repeated(&log, NewEvent { message: "y".into(), source: delivered, ..first.clone() }).await);
    // After a day, a key is a new one.
    log.clock.turn(IDEMPOTENCY_WINDOW);
    assert!(!is_repeated(&log, NewEvent { message: "y".into(), ..first }).await);
}

async fn is_repeated(log: &Log, event: NewEvent) -> bool {
    log.store.log.append(Append::new(vec![event])).await.expect("appended")[0].repeated
}

pub async fn the_key_of_a_batch_names_all_of_it(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let batch = |messages: &[&str]| {
        let mut batch = PushBody::Batch(messages.iter().map(|message| event(message)).collect());
        batch.named_by(&"k".parse().expect("key"));
        let PushBody::Batch(events) = batch else { unreachable!("it was one") };
        log.store.log.append(Append::new(events))
    };
    assert_eq!(seqs_appended(&batch(&["a", "a", "b"]).await.expect("appended")), [1, 2, 3]);
    let again = batch(&["a", "a", "b"]).await.expect("appended");
    assert_eq!(seqs_appended(&again), [1, 2, 3]);
    assert!(again.iter().all(|one| one.repeated));
    for other in [&["a", "a"][..], &["a", "a", "b", "c"], &["a", "c", "b"]] {
        let refused = batch(other).await;
        assert!(matches!(refused, Err(Error::IdempotencyConflict { .. })), "{other:?}: {refused:?}");
    }
    // The key of one event is another.
    assert!(!is_repeated(&log, keyed("a", "k")).await);
    assert_eq!(extent(&log.store), (1, 4));
}
