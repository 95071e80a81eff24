//! The consequences of a failed delivery: retries, failed deliveries, pauses, the breaker.

use std::time::{Duration, Instant};

use fanfare_store::{DeliveryStatus, Retention};
use fanfare_webhook::pause::{PauseReason, State};
use serde_json::json;

use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::{Engine, until};
use crate::webhooks_crashes::seq;

#[tokio::test]
async fn a_failure_is_tried_again_by_the_schedule_and_then_given_up() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::playing(vec![], Script::status(500)).await;
        let hook = gateway.register(&receiver, json!({ "retry": ["50ms", "100ms"] })).await;
        let begun = Instant::now();
        let answer = gateway.post_json("/api/push", &json!({ "message": "a" })).await.json();
        assert_eq!(answer["webhooks_notified"], 0);
        let got = receiver.gets(3).await;
        let least = Duration::from_millis(120);
        assert!(begun.elapsed() >= least, "no delay is drawn below 80 %: {:?}", begun.elapsed());
        assert!(got.iter().all(|one| one.id() == answer["id"] && one.body == got[0].body));
        got.iter().for_each(|one| one.assert_signed(&hook.secret));
        let failed = gateway.failed_deliveries(&hook, 1).await;
        assert_eq!((failed[0].attempts, &*failed[0].failure), (3, "http_5xx"));
        let failed = gateway.failed_attempts(&hook).await;
        let numbers: Vec<_> = failed.iter().map(|attempt| (attempt.number, attempt.is_delivered)).collect();
        assert_eq!(numbers, [(1, false), (2, false), (3, false)]);
        let listed = gateway.get("/api/webhooks?details=true").await.json();
        assert_eq!(listed["items"][0]["state"], "failing", "failed webhooks stay registered");
        assert_eq!(listed["items"][0]["failures"], 3);

        receiver.play(Script::status(200));
        let answer = gateway.post_json("/api/push", &json!({ "message": "b" })).await.json();
        assert_eq!(answer["webhooks_notified"], 1);
        assert_eq!(gateway.entry(&hook).health().failing.failures, 0);
    }
}

#[tokio::test]
async fn a_retry_that_arrives_leaves_nothing_behind() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::playing(vec![Script::status(503)], Script::status(200)).await;
        let hook = gateway.register(&receiver, json!({ "retry": ["10ms"] })).await;
        gateway.push("default", "a").await;
        assert_eq!(gateway.outcomes(&hook, 2).await, ["http_5xx", "delivered"]);
        until("no rows", async || gateway.rows(&hook).await.is_empty().then_some(())).await;
        assert_eq!(gateway.failed_attempts(&hook).await.len(), 1);
    }
}

#[tokio::test]
async fn what_the_receiver_asks_for_counts() {
    let gateway = Gateway::start().await;
    let asking = Script::with(429, "Retry-After: 1\r\nX-RateLimit-Global: true\r\n");
    let receiver = Receiver::playing(vec![asking], Script::status(200)).await;
    let hook = gateway.register(&receiver, json!({ "retry": ["10ms"] })).await;
    let begun = Instant::now();
    gateway.push("default", "a").await;
    // Nothing is sent until then, so no push waits for it either.
    let answer = gateway.post_json("/api/push", &json!({ "message": "b" })).await.json();
    assert_eq!(answer["webhooks_notified"], 0);
    assert!(begun.elapsed() < Duration::from_secs(1));
    let got = receiver.gets(3).await;
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    let mut again: Vec<_> = got[1..].iter().map(|one| one.message()).collect();
    again.sort();
    assert_eq!(again, ["a", "b"]);
    gateway.is_done(&hook).await;

    // An absurd delay counts as the maximum, or not at all.
    for (asked, hours) in [("99999999999999999999", 24), ("-5", 0), ("soon", 0)] {
        let headers = format!("Retry-After: {asked}\r\n");
        let receiver = Receiver::playing(vec![Script::with(500, &headers)], Script::Hang).await;
        let hook = gateway.register(&receiver, json!({ "retry": ["1h"] })).await;
        gateway.push_only("default", asked).await;
        let row = until("the row", async || gateway.rows(&hook).await.pop()).await;
        let DeliveryStatus::Waiting(at) = row.status else { panic!("{row:?}") };
        let ahead = at.as_micros() - fanfare_runtime::clock::now().as_micros();
        let least = if hours == 0 { 47 * 60 } else { 24 * 3_600 - 60 };
        let most = if hours == 0 { 73 * 60 } else { 24 * 3_600 + 60 };
        assert!((least..=most).contains(&(ahead / 1_000_000)), "{asked}: {ahead} µs");
        gateway.remove(&hook).await;
    }
}

#[tokio::test]
async fn a_limit_holds_the_delivery_that_it_answered_and_no_other() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let limited = Script::with(429, "Retry-After: 3600\r\n");
        let receiver = Receiver::playing(vec![limited], Script::status(200)).await;
        let hook = gateway.register(&receiver, json!({ "retry": ["10ms"] })).await;
        gateway.push("default", "busy").await;
        for message in ["a", "b", "c"] {
            let answer = gateway.post_json("/api/push", &json!({ "message": message })).await.json();
            assert_eq!(answer["webhooks_notified"], 1, "{message}");
        }
        assert_eq!(receiver.messages(), ["busy", "a", "b", "c"]);
        let row = until("the row", async || gateway.rows(&hook).await.pop()).await;
        assert_eq!(&*row.event.message, "busy");
        let DeliveryStatus::Waiting(at) = row.status else { panic!("{row:?}") };
        let ahead = (at.as_micros() - fanfare_runtime::clock::now().as_micros()) / 1_000_000;
        assert!((3_500..=3_600).contains(&ahead), "{ahead} s");
        let shown = gateway.get("/api/webhooks?details=true").await.json()["items"][0].clone();
        assert_eq!((&shown["state"], shown.get("held_until")), (&json!("active"), None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_gone_is_sent_nothing_until_somebody_resumes_it() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        let receiver = Receiver::playing(vec![], Script::status(410)).await;
        let hook = gateway.register(&receiver, json!({ "concurrency": 1 })).await;
        gateway.push("default", "first").await;
        let begun = Instant::now();
        let answer = gateway.post_json("/api/push", &json!({ "message": "second" })).await.json();
        assert_eq!((&answer["webhooks_notified"], receiver.got().len()), (&json!(0), 1));
        assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for it");
        let failed = gateway.failed_deliveries(&hook, 1).await;
        assert_eq!((&*failed[0].event.message, failed[0].attempts), ("first", 1));
        let listed = gateway.get("/api/webhooks?details=true").await.json();
        let shown = &listed["items"][0];
        assert_eq!((&shown["state"], &shown["paused_reason"]), (&json!("paused"), &json!("gone")));
        if engine == Engine::Embedded {
            gateway = gateway.restart().await;
            let State::Paused { reason, .. } = gateway.entry(&hook).health().state else { panic!("active") };
            assert_eq!(reason, PauseReason::Gone, "a restart does not forget it");
        }
        receiver.play(Script::status(200));
        gateway.entry(&hook).change_health(|health| health.state = State::Active);
        gateway.entry(&hook).nudge();
        receiver.gets_message("second").await;
        gateway.is_done(&hook).await;
        assert_eq!(receiver.messages(), ["first", "second"]);
    }
}

#[tokio::test]
async fn a_pause_by_hand_holds_everything_and_loses_nothing() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let hook = gateway.register(&receiver, json!({})).await;
    let pause = |state| {
        gateway.entry(&hook).change_health(|health| health.state = state);
        gateway.entry(&hook).nudge();
    };
    pause(State::Paused { reason: PauseReason::ByHand, since: fanfare_runtime::clock::now() });
    let begun = Instant::now();
    for message in ["a", "b"] {
        let answer = gateway.post_json("/api/push", &json!({ "message": message })).await.json();
        assert_eq!(answer["webhooks_notified"], 0);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for it");
    assert_eq!(receiver.got().len(), 0);
    pause(State::Active);
    receiver.gets(2).await;
    gateway.is_done(&hook).await;
    assert_eq!(receiver.got().len(), 2);
}

#[tokio::test]
async fn what_is_too_large_fails_at_once_and_the_others_go_on() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::playing(vec![Script::status(413)], Script::status(200)).await;
        let hook = gateway.register(&receiver, json!({ "concurrency": 1, "retry": ["10ms", "10ms"] })).await;
        gateway.push_numbers(3).await;
        receiver.gets(3).await;
        let failed = gateway.failed_deliveries(&hook, 1).await;
        assert_eq!((&*failed[0].event.message, failed[0].attempts), ("0", 1));
        assert_eq!(receiver.messages(), ["0", "1", "2"]);
        assert_eq!(gateway.entry(&hook).health().failing.failures, 0, "the receiver is well");
    }
}

#[tokio::test]
async fn the_breaker_lets_one_find_out_for_all() {
    let open = Duration::from_millis(400);
    let gateway = Gateway::with(Engine::Memory, |config| config.webhooks.open_first = open).await;
    let receiver = Receiver::playing(vec![], Script::status(500)).await;
    let hook = gateway
        .register(&receiver, json!({ "concurrency": 1, "retry": ["10ms", "10ms", "10ms", "10ms", "10ms", "10ms", "10ms", "10ms"] }))
        .await;
    gateway.push_numbers(40).await;
    gateway.outcomes(&hook, 5).await;
    let opened = Instant::now();
    assert_eq!(receiver.got().len(), 5, "five in a row open it");
    let answer = gateway.post_json("/api/push", &json!({ "message": "x" })).await.json();
    assert_eq!(answer["webhooks_notified"], 0, "nobody waits for it");
    assert!(opened.elapsed() < Duration::from_secs(5));
    receiver.gets(6).await;
    assert!(opened.elapsed() >= open / 2, "{:?}", opened.elapsed());
    gateway.outcomes(&hook, 6).await;
    let again = Instant::now();
    receiver.play(Script::status(200));
    // Twice as long now; then the one that arrives opens the way for all.
    receiver.gets(7).await;
    assert!(again.elapsed() >= open, "{:?}", again.elapsed());
    until("all of it", async || {
        (gateway.rows(&hook).await.is_empty() && receiver.got().len() >= 47).then_some(())
    })
    .await;
    gateway.is_done(&hook).await;
    let mut delivered: Vec<_> = receiver.messages().split_off(6);
    delivered.sort();
    delivered.dedup();
    assert_eq!(delivered.len(), 41, "everything arrived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_outlives_a_restart_and_the_event_in_the_log() {
    let gateway = Gateway::with(Engine::Embedded, |config| {
        config.retention = Retention { count: 5, ..Retention::default() };
    })
    .await;
    let receiver = Receiver::playing(vec![Script::status(500)], Script::status(200)).await;
    let hook = gateway.register(&receiver, json!({ "retry": ["700ms"], "channels": ["kept"] })).await;
    let id = gateway.push("kept", "kept").await;
    until("the row", async || (gateway.rows(&hook).await.len() == 1).then_some(())).await;
    gateway.push_numbers(50).await;
    let gateway = gateway.restart().await;
    let got = receiver.gets(2).await;
    assert_eq!((got[1].id(), &*got[1].message()), (&*id, "kept"));
    until("no rows", async || gateway.rows(&hook).await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn events_that_were_removed_before_they_were_sent_are_owned_up_to() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.retention = Retention { count: 5, ..Retention::default() };
    })
    .await;
    let receiver = Receiver::start().await;
    let hook = gateway.register(&receiver, json!({})).await;
    let entry = gateway.entry(&hook);
    entry.change_health(|health| {
        health.state = State::Paused { reason: PauseReason::ByHand, since: fanfare_runtime::clock::now() };
    });
    entry.nudge();
    // More than the ring holds, of which the log keeps five.
    for _ in 0..6 {
        gateway.push_numbers(1_000).await;
    }
    until("the sweep", async || (gateway.hub.extent().first > 5_000).then_some(())).await;
    entry.change_health(|health| health.state = State::Active);
    entry.nudge();
    gateway.is_done(&hook).await;
    let lost = until("a loss", async || entry.health().lost_up_to).await.seq;
    // Some of the oldest may have been in its hands already, and are sent.
    let after = receiver.got().iter().filter(|got| seq(got.id()) > lost).count() as u64;
    assert!(lost < 6_000);
    assert_eq!(lost + after, 6_000);
}
