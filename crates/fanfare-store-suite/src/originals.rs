//! Tests of originals: the requests that brought events live and die with the first of them.

use fanfare_core::limits::ORIGINAL_LEN_MAX;
use fanfare_core::{Epoch, HttpMessage, NewEvent, Original, Position, Received};
use fanfare_store::{Append, Purge, Read, Retention};

use crate::harness::{Log, Setup, event, extent, keyed, patterns};

/// Returns a request with this body.
pub fn received(body: &str) -> Received {
    let headers = [("content-type", &b"application/json"[..]), ("x-hub-signature-256", b"sha256=\xe9")];
    Received::new("POST", "/ingest/github?a=b", headers, body.as_bytes())
}

/// Appends events that a request brought; returns their seqs.
async fn append(log: &Log, events: Vec<NewEvent>, body: &str) -> Vec<u64> {
    let append = Append::new(events).received_as(Some(received(body)));
    let appended = log.store.log.append(append).await.expect("appended");
    appended.iter().map(|appended| appended.event.position.seq).collect()
}

/// Returns the body of the request that brought an event.
async fn body(log: &Log, seq: u64) -> Option<String> {
    body_at(log, log.at(seq)).await
}

async fn body_at(log: &Log, event: Position) -> Option<String> {
    let message: HttpMessage = log.store.log.original(event).await.expect("read")?;
    let Received::Message(expected) = received(&String::from_utf8_lossy(message.parts().body)) else {
        panic!("it was kept");
    };
    assert_eq!(message, expected, "it is as it was received");
    Some(String::from_utf8(message.parts().body.to_vec()).expect("text"))
}

/// Returns what the events of the log know of their originals.
async fn known(log: &Log) -> Vec<Option<Original>> {
    log.pages(log.read()).await.iter().map(|event| event.original).collect()
}

pub async fn an_original_comes_back_as_it_was_received(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    log.append(&["pushed"]).await;
    assert_eq!(append(&log, vec![event("one"), event("two")], "{\"n\":1}").await, [2, 3]);
    let long = Append::new(vec![event("long")]).received_as(Some(received(&"x".repeat(ORIGINAL_LEN_MAX))));
    let appended = log.store.log.append(long).await.expect("appended");
    assert_eq!(appended[0].event.original, Some(Original::TooLong));
    append(&log, vec![event("last")], "").await;
    for _ in 0..2 {
        let with = |seq| Some(Original::With(seq));
        assert_eq!(known(&log).await, [None, with(2), with(2), Some(Original::TooLong), with(5)]);
        for (seq, expected) in [
            (0, None),
            (1, None),
            (2, Some("{\"n\":1}")),
            (3, Some("{\"n\":1}")),
            (4, None),
            (5, Some("")),
            (6, None),
        ] {
            assert_eq!(body(&log, seq).await.as_deref(), expected, "{seq}");
        }
        let foreign = Position { epoch: Epoch::from_random(7), seq: 2 };
        assert_eq!(body_at(&log, foreign).await, None);
        log.reopen().await;
    }
}

pub async fn a_repeated_request_keeps_nothing_and_one_that_is_new_in_part_goes_with_that(engine: impl Setup) {
    let log = engine.start(Retention::default());
    append(&log, vec![keyed("a", "a")], "first").await;
    assert_eq!(append(&log, vec![keyed("a", "a")], "again").await, [1]);
    assert_eq!(append(&log, vec![keyed("a", "a"), keyed("b", "b")], "both").await, [1, 2]);
    assert_eq!(body(&log, 1).await.as_deref(), Some("first"));
    assert_eq!(body(&log, 2).await.as_deref(), Some("both"));
    // What is refused leaves nothing.
    let refused = Append::new(vec![event("c"), keyed("other", "a")]).received_as(Some(received("c")));
    log.store.log.append(refused).await.expect_err("the key is that of another event");
    assert_eq!(extent(&log.store), (1, 2));
    log.append(&["c"]).await;
    assert_eq!(body(&log, 3).await, None);
}

pub async fn an_original_goes_with_its_event_by_count_and_by_age(engine: impl Setup) {
    let hour = std::time::Duration::from_secs(60 * 60);
    let mut log = engine.start(Retention { count: 3, age: hour, ..Retention::default() });
    append(&log, vec![event("one"), event("two")], "x").await;
    append(&log, vec![event("three")], "y").await;
    log.append(&["four"]).await;
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (2, 4));
    assert_eq!(body(&log, 2).await, None, "its first event is gone");
    assert_eq!(body(&log, 3).await.as_deref(), Some("y"));
    log.clock.turn(hour * 2);
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (5, 4));
    log.reopen().await;
    assert_eq!(body(&log, 3).await, None);
}

pub async fn originals_count_for_retention_by_bytes(engine: impl Setup) {
    const LEN: usize = 10_000;
    let mut log = engine.start(Retention { bytes: 10 * LEN as u64, ..Retention::default() });
    for index in 0..9_u64 {
        append(&log, vec![event("x")], &index.to_string().repeat(LEN)).await;
        log.sweep_all().await;
    }
    assert_eq!(extent(&log.store), (1, 9));
    // What was purged counts as before, also when another event that the request brought was.
    append(&log, vec![event("x"), event("y")], &"y".repeat(LEN)).await;
    log.store.purge(&Purge::Event(log.at(11))).await.expect("purged").expect("it is there");
    log.store.purge(&Purge::Event(log.at(9))).await.expect("purged").expect("it is there");
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (2, 11));
    // The end of the log counts it, too, after a start.
    log.reopen().await;
    append(&log, vec![event("x")], &"z".repeat(LEN)).await;
    log.reopen().await;
    append(&log, vec![event("x")], &"z".repeat(LEN)).await;
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (4, 13));
    log.append(&["x".repeat(9 * LEN).as_str()]).await;
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (14, 14));
    assert_eq!(body(&log, 13).await, None);
}

pub async fn what_the_floor_spares_keeps_its_original(engine: impl Setup) {
    let mut log = engine.start(Retention { count: 10, floor: 2, ..Retention::default() });
    let on = |message| NewEvent { channel: "quiet".parse().expect("a channel"), ..event(message) };
    for message in ["a", "b", "c"] {
        append(&log, vec![on(message)], message).await;
    }
    for _ in 0..30 {
        log.append(&["noise"]).await;
        log.sweep_all().await;
    }
    for _ in 0..2 {
        let quiet = log.pages(Read { filter: patterns(&["quiet"]), ..log.read() }).await;
        assert_eq!(quiet.len(), 2);
        assert_eq!(body(&log, 1).await, None);
        assert_eq!(body(&log, 2).await.as_deref(), Some("b"));
        assert_eq!(body(&log, 3).await.as_deref(), Some("c"));
        log.reopen().await;
    }
    log.store.purge(&Purge::Event(log.at(2))).await.expect("purged").expect("it is there");
    assert_eq!(body(&log, 2).await, None);
    append(&log, vec![on("d")], "d").await;
    log.sweep_all().await;
    assert_eq!(body(&log, 3).await.as_deref(), Some("c"));
}

pub async fn a_purge_of_any_event_that_a_request_brought_erases_it(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    let on = |name: &str| NewEvent { channel: name.parse().expect("a channel"), ..event("secret") };
    append(&log, vec![on("a"), on("b"), on("c")], "one").await;
    append(&log, vec![on("a"), on("c"), on("b")], "two").await;
    append(&log, vec![on("c")], "three").await;
    log.store.purge(&Purge::Event(log.at(3))).await.expect("purged").expect("it is there");
    let b = Purge::Channel("b".parse().expect("a channel"));
    for _ in 0..2 {
        for seq in 1..=3 {
            assert_eq!(body(&log, seq).await, None, "{seq}");
        }
        assert_eq!(body(&log, 4).await.as_deref(), Some("two"));
        log.reopen().await;
    }
    log.store.purge(&b).await.expect("purged").expect("it is there");
    for _ in 0..2 {
        for seq in 1..=6 {
            assert_eq!(body(&log, seq).await, None, "{seq}");
        }
        assert_eq!(body(&log, 7).await.as_deref(), Some("three"));
        // What the request brought besides stays.
        let seqs: Vec<_> = log.pages(log.read()).await.iter().map(|event| event.position.seq).collect();
        assert_eq!(seqs, [1, 4, 5, 7]);
        log.reopen().await;
    }
}
