//! Attempts and replays that end after what they took was purged: nothing of it comes back, even if retention has removed
//! the event from the log by then, so that only a delivery would keep it.

use fanfare_core::Principal;
use fanfare_delivery::selecting::Words;
use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::receiver::{Got, Receiver, Script};
use crate::support::webhook::Hook;
use crate::support::{Engine, until};

/// The secret that must not come back.
const SECRET: &str = "hush-7c02ae";

/// Starts a gateway whose log has room for two events.
async fn small(engine: Engine) -> Gateway {
    Gateway::with(engine, |config| config.retention.count = 2).await
}

/// Lets retention remove the first event from the log.
async fn push_it_out(gateway: &Gateway) {
    gateway.push_only("fine", "two").await;
    gateway.push_only("fine", "three").await;
    until("retention", async || (gateway.hub.extent().first == 2).then_some(())).await;
}

/// How an event, the only one of the channel `leak`, is purged.
#[derive(Debug, Clone, Copy)]
enum How {
    Channel,
    Event,
}

impl How {
    const ALL: [How; 2] = [How::Channel, How::Event];

    async fn purge(self, gateway: &Gateway, event: &str) -> u16 {
        let path = match self {
            How::Channel => "/api/channels/leak".to_owned(),
            How::Event => format!("/api/events/{event}"),
        };
        gateway.request("DELETE", &path, |request| request).await.status
    }
}

/// Fails the test if the gateway has something of the first event for a webhook, once everything is recorded.
async fn has_nothing_of_it(gateway: &Gateway, hook: &Hook, who: &str) {
    gateway.is_done(hook).await;
    let listed = gateway.get(&format!("/api/webhooks/{}/deliveries", hook.id)).await;
    assert!(!listed.text().contains(SECRET), "{who}: {}", listed.text());
    let rows = gateway.rows(hook).await;
    assert!(rows.iter().all(|row| row.event.position.seq > 1), "{who}: {rows:?}");
    let attempts = gateway.failed_attempts(hook).await;
    assert!(attempts.iter().all(|attempt| attempt.position.seq > 1), "{who}: {attempts:?}");
    assert!(gateway.recent(hook).iter().all(|attempt| attempt.sent.position.seq > 1), "{who}");
    let first = gateway.position(1);
    let resend = format!("/api/webhooks/{}/deliveries/{first}/resend", hook.id);
    let answer = gateway.post_json(&resend, &json!({})).await;
    assert!([404, 410].contains(&answer.status), "{who}: {}", answer.text());
}

fn secrets(receiver: &Receiver) -> usize {
    receiver.got().iter().filter(|got| String::from_utf8_lossy(&got.body).contains(SECRET)).count()
}

fn batch_of(got: &Got) -> Vec<Value> {
    got.json().as_array().expect("a batch").iter().map(|one| one["message"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_attempt_that_ends_after_the_purge_brings_nothing_back() {
    for engine in Engine::ALL {
        for (how, is_in_log) in How::ALL.into_iter().flat_map(|how| [(how, true), (how, false)]) {
            let who = format!("{how:?} on {engine:?}, in the log: {is_in_log}");
            let gateway = small(engine).await;
            let receiver = Receiver::playing(vec![Script::HeldWith(500)], Script::status(200)).await;
            let hook = gateway.register(&receiver, json!({ "retry": ["10ms"] })).await;
            let leaked = gateway.push_only("leak", SECRET).await;
            receiver.gets(1).await;
            if is_in_log {
                assert_eq!(how.purge(&gateway, &leaked).await, 200, "{who}");
                push_it_out(&gateway).await;
            } else {
                push_it_out(&gateway).await;
                // The log has it no longer, and no delivery has it yet.
                how.purge(&gateway, &leaked).await;
            }
            receiver.release();
            has_nothing_of_it(&gateway, &hook, &who).await;
            gateway.push("fine", "last").await;
            receiver.gets_message("last").await;
            assert_eq!(secrets(&receiver), 1, "{who}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resend_by_hand_that_ends_after_the_purge_leaves_no_record() {
    for engine in Engine::ALL {
        for (how, is_in_log) in How::ALL.into_iter().flat_map(|how| [(how, true), (how, false)]) {
            let who = format!("{how:?} on {engine:?}, in the log: {is_in_log}");
            let gateway = small(engine).await;
            let first = vec![Script::status(200), Script::HeldWith(500)];
            let receiver = Receiver::playing(first, Script::status(200)).await;
            let hook = gateway.register(&receiver, json!({})).await;
            let leaked = gateway.push("leak", SECRET).await;
            let resend = format!("/api/webhooks/{}/deliveries/{leaked}/resend", hook.id);
            let body = json!({});
            let purge_meanwhile = async {
                receiver.gets(2).await;
                if is_in_log {
                    assert_eq!(how.purge(&gateway, &leaked).await, 200, "{who}");
                    push_it_out(&gateway).await;
                } else {
                    push_it_out(&gateway).await;
                    how.purge(&gateway, &leaked).await;
                }
                receiver.release();
            };
            let (answer, ()) = tokio::join!(gateway.post_json(&resend, &body), purge_meanwhile);
            assert_eq!(answer.status, 200, "{who}: {}", answer.text());
            has_nothing_of_it(&gateway, &hook, &who).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_took_its_events_before_the_purge_puts_none_of_them_back() {
    for engine in Engine::ALL {
        for (how, answer) in How::ALL.into_iter().flat_map(|how| [(how, 500), (how, 200)]) {
            let who = format!("{how:?} on {engine:?}, after {answer}");
            let gateway = small(engine).await;
            let receiver = Receiver::playing(vec![Script::status(answer)], Script::status(200)).await;
            let hook = gateway.register(&receiver, json!({ "retry": ["1h"] })).await;
            let leaked = gateway.push("leak", SECRET).await;
            gateway.is_done(&hook).await;
            let by = Principal::local();
            let words = Words { event_ids: Some(vec![leaked.clone()]), ..Words::default() };
            let selected = gateway.webhooks.select(&by, &hook.id, words).await.expect("it is there");
            push_it_out(&gateway).await;
            how.purge(&gateway, &leaked).await;
            gateway.webhooks.replay(&by, &hook.id, selected, false).await.expect("replayed");
            has_nothing_of_it(&gateway, &hook, &who).await;
            gateway.push("fine", "last").await;
            receiver.gets_message("last").await;
            assert_eq!(secrets(&receiver), 1, "{who}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_a_batch_whose_first_attempt_was_in_flight_is_sent_again() {
    for engine in Engine::ALL {
        for how in How::ALL {
            let who = format!("{how:?} on {engine:?}");
            let gateway = Gateway::on(engine).await;
            let receiver = Receiver::playing(vec![Script::HeldWith(500)], Script::status(200)).await;
            let batch = json!({"max_events": 3, "max_wait": "60s"});
            let hook = gateway.register(&receiver, json!({ "batch": batch, "retry": ["50ms"] })).await;
            let leaked = gateway.push_only("leak", SECRET).await;
            gateway.push_only("fine", "two").await;
            gateway.push_only("fine", "three").await;
            receiver.gets(1).await;
            assert_eq!(how.purge(&gateway, &leaked).await, 200, "{who}");
            receiver.release();
            let again = receiver.gets(2).await.remove(1);
            assert_eq!(batch_of(&again), ["two", "three"], "{who}");
            until("nothing waits", async || gateway.rows(&hook).await.is_empty().then_some(())).await;
            let attempts = gateway.failed_attempts(&hook).await;
            assert!(attempts.is_empty(), "{who}: a receiver can repeat what it got: {attempts:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_a_batch_is_not_sent_beside_the_attempt_in_flight() {
    for engine in Engine::ALL {
        for how in How::ALL {
            let who = format!("{how:?} on {engine:?}");
            let gateway = Gateway::on(engine).await;
            let mut first = vec![Script::status(500); 3];
            first.push(Script::HeldWith(500));
            let receiver = Receiver::playing(first, Script::status(200)).await;
            let options = json!({
                "batch": {"max_events": 3, "max_wait": "60s"}, "retry": ["10ms", "1h"], "concurrency": 8,
            });
            let hook = gateway.register(&receiver, options).await;
            // Something else waits, so that the worker has to read what waits.
            for message in ["a", "b", "c"] {
                gateway.push_only("other", message).await;
            }
            let has_tried_twice = async |count| {
                let rows = gateway.rows(&hook).await;
                (rows.iter().filter(|row| row.attempts == 2).count() == count).then_some(rows)
            };
            until("it waits", async || has_tried_twice(3).await).await;
            let leaked = gateway.push_only("leak", SECRET).await;
            for message in ["two", "three"] {
                gateway.push_only("fine", message).await;
            }
            receiver.gets(4).await;
            assert_eq!(how.purge(&gateway, &leaked).await, 200, "{who}");
            // A full batch is sent after what waits and is due.
            for message in ["four", "five", "six"] {
                gateway.push_only("fine", message).await;
            }
            let next = receiver.gets(5).await.remove(4);
            assert_eq!(batch_of(&next), ["four", "five", "six"], "{who}");
            receiver.release();
            let rows = until("the attempt has ended", async || has_tried_twice(5).await).await;
            let left: Vec<_> = rows.iter().map(|row| &*row.event.message).collect();
            assert_eq!(left, ["a", "b", "c", "two", "three"], "{who}");
            assert_eq!(receiver.count(), 5, "{who}");
        }
    }
}
