//! A clock on the wall that jumps, while the gateway runs and while it does not: nothing is tried earlier or much later
//! for it, and signatures follow it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::turned::Turned;
use crate::support::{Engine, until};

/// Hours that the clock jumps.
const JUMPS: [i64; 4] = [1, -1, 24, -24];

#[tokio::test]
async fn a_retry_comes_when_it_was_to_come_whatever_the_clock_does() {
    for engine in Engine::ALL {
        for hours in JUMPS {
            let turned = Turned::default();
            let gateway = turned.gateway(engine).await;
            let receiver = Receiver::playing(vec![Script::status(500)], Script::status(200)).await;
            let hook = gateway.register(&receiver, json!({ "retry": ["300ms"] })).await;
            gateway.push("default", "a").await;
            let first = receiver.gets(1).await[0].clone();
            turned.by(hours);
            let again = receiver.gets(2).await[1].clone();
            assert!(
                again.at - first.at >= Duration::from_millis(230),
                "{hours} h: {:?}",
                again.at - first.at
            );
            again.verified(&hook.secret, turned.now()).expect("signed by the clock of the moment");
            assert!(
                again.verified(&hook.secret, fanfare_runtime::clock::now()).is_err(),
                "an hour is too much"
            );
            until("no rows", async || gateway.rows(&hook).await.is_empty().then_some(())).await;
        }
    }
}

#[tokio::test]
async fn what_waits_is_read_anew_after_a_jump_and_neither_hurries_nor_stalls() {
    for engine in Engine::ALL {
        for hours in JUMPS {
            let turned = Turned::default();
            let gateway = turned.gateway(engine).await;
            let (soon, late) = (
                Receiver::playing(vec![Script::status(500)], Script::status(200)).await,
                Receiver::playing(vec![Script::status(500)], Script::status(200)).await,
            );
            let quick = gateway.register(&soon, json!({ "retry": ["300ms"] })).await;
            let slow = gateway.register(&late, json!({ "retry": ["100h"] })).await;
            gateway.push("default", "a").await;
            for hook in [&quick, &slow] {
                until("a row", async || (gateway.rows(hook).await.len() == 1).then_some(())).await;
            }
            turned.by(hours);
            // A resume makes the worker read the waiting deliveries.
            for hook in [&quick, &slow] {
                let path = format!("/api/webhooks/{}/resume", hook.id);
                assert_eq!(gateway.post_json(&path, &json!({})).await.status, 200);
            }
            soon.gets(2).await;
            gateway.push("default", "b").await;
            assert_eq!(late.messages(), ["a", "b"], "{hours} h: what is to wait for days waits");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_set_while_nobody_ran_delays_nothing() {
    for hours in JUMPS {
        let turned = Turned::default();
        let mut gateway = turned.gateway(Engine::Embedded).await;
        let receiver = Receiver::playing(vec![Script::status(500)], Script::status(200)).await;
        let hook = gateway.register(&receiver, json!({ "retry": ["700ms"] })).await;
        gateway.push("default", "a").await;
        until("a row", async || (gateway.rows(&hook).await.len() == 1).then_some(())).await;
        turned.by(hours);
        gateway = turned.restarted(gateway).await;
        let got = receiver.gets(2).await;
        got[1].verified(&hook.secret, turned.now()).expect("signed by the clock of the moment");
        until("no rows", async || gateway.rows(&hook).await.is_empty().then_some(())).await;
        assert_eq!(receiver.got().len(), 2, "{hours} h");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_all_became_due_at_once_is_no_storm() {
    const EVENTS: usize = 60;
    let turned = Turned::default();
    let mut gateway = turned.gateway(Engine::Embedded).await;
    let receiver = Receiver::playing(vec![], Script::status(500)).await;
    // Without a breaker in between, since it opens only after five.
    let options =
        json!({ "retry": ["5h"], "concurrency": 3, "batch": { "max_events": 20, "max_wait": "10ms" } });
    let hook = gateway.register(&receiver, options).await;
    gateway.push_numbers(EVENTS).await;
    until("rows", async || (gateway.rows(&hook).await.len() == EVENTS).then_some(())).await;
    let before = receiver.got().len();
    turned.by(24);
    gateway = turned.restarted(gateway).await;
    // All of them are retried once, three at a time, and are failed deliveries then.
    gateway.failed_deliveries(&hook, EVENTS).await;
    let again = receiver.got().len() - before;
    assert!(again <= before && receiver.busiest() <= 3, "{again} requests after {before}");
}

#[tokio::test]
async fn whatever_is_sent_by_hand_is_signed_by_the_clock_of_the_moment() {
    for hours in JUMPS {
        let turned = Turned::default();
        let gateway = turned.gateway(Engine::Memory).await;
        let receiver = Receiver::start().await;
        let hook = gateway.register(&receiver, json!({})).await;
        let id = gateway.push("default", "a").await;
        turned.by(hours);
        for path in ["test".to_owned(), format!("deliveries/{id}/resend")] {
            let path = format!("/api/webhooks/{}/{path}", hook.id);
            let answer = gateway.request("POST", &path, |request| request).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        gateway.push("default", "b").await;
        for got in &receiver.got()[1..] {
            got.verified(&hook.secret, turned.now()).expect("signed by the clock of the moment");
        }

        // An earlier secret signs for the overlap, counted from now.
        let rotate = format!("/api/webhooks/{}/secret/rotate", hook.id);
        assert_eq!(gateway.post_json(&rotate, &json!({ "overlap": "30m" })).await.status, 200);
        gateway.push("default", "c").await;
        let last = receiver.got().pop().expect("a delivery");
        last.verified(&hook.secret, turned.now()).expect("the earlier secret still signs");
    }
}

#[tokio::test]
async fn a_webhook_that_fails_for_too_long_is_paused_and_says_why() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.webhooks.failing_max = Duration::from_millis(500);
        config.webhooks.open_first = Duration::from_millis(10);
    })
    .await;
    let receiver = Receiver::playing(vec![], Script::status(500)).await;
    let often = vec!["50ms"; 32];
    let hook = gateway.register(&receiver, json!({ "retry": often, "concurrency": 2 })).await;
    let begun = Instant::now();
    gateway.push_numbers(3).await;
    let shown = until("the pause", async || {
        let shown = gateway.get(&format!("/api/webhooks/{}", hook.id)).await.json();
        (shown["state"] == "paused").then_some(shown)
    })
    .await;
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
    assert_eq!((&shown["paused_reason"], &shown["state"]), (&json!("failing"), &json!("paused")), "{shown}");
    assert!(shown["explanation"].as_str().is_some_and(|words| words.contains("resume")), "{shown}");
    assert!(shown["paused_since"].is_string() && shown["failing_since"].is_string(), "{shown}");
    assert_eq!(shown["last_failure_outcome"], "http_5xx");
    assert!(shown["failures"].as_u64() >= Some(12), "{shown}");
    // Nothing more is sent, and nothing is lost.
    let sent = receiver.got().len();
    assert_eq!(gateway.rows(&hook).await.len(), 3);
    receiver.play(Script::status(200));
    gateway.push("default", "later").await;
    assert!(receiver.got().len() <= sent + 1, "at most what was on its way");
    let path = format!("/api/webhooks/{}/resume", hook.id);
    assert_eq!(gateway.post_json(&path, &json!({})).await.json()["failures"], 0);
    receiver.gets_message("later").await;
    until("no rows", async || gateway.rows(&hook).await.is_empty().then_some(())).await;
}
