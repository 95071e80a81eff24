//! The order, rate and start of deliveries to webhooks.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::agent::settled;
use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::{Engine, until};

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn an_ordered_webhook_gets_one_after_the_other_also_past_failures() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let first = vec![
            Script::status(200),
            Script::status(500),
            Script::Reset,
            Script::status(200),
            Script::status(500),
            Script::status(500),
            Script::status(500),
        ];
        let receiver = Receiver::playing(first, Script::status(200)).await;
        let hook = gateway.register(&receiver, json!({ "ordered": true, "retry": ["20ms", "20ms"] })).await;
        gateway.push_numbers(5).await;
        receiver.gets_message("4").await;
        assert_eq!(receiver.messages(), ["0", "1", "1", "1", "2", "2", "2", "3", "4"]);
        assert_eq!(receiver.busiest(), 1);
        let failed = gateway.failed_deliveries(&hook, 1).await;
        assert_eq!((&*failed[0].event.message, failed[0].attempts), ("2", 3));
    }
}

#[tokio::test]
async fn no_more_are_on_their_way_than_were_asked_for() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::playing(vec![], Script::Held).await;
    let hook = gateway.register(&receiver, json!({ "concurrency": 3 })).await;
    gateway.push_numbers(12).await;
    for round in 1..=4 {
        receiver.gets(3 * round).await;
        receiver.release();
    }
    gateway.is_done(&hook).await;
    assert_eq!((receiver.busiest(), receiver.got().len(), receiver.connections()), (3, 12, 3));
}

#[tokio::test]
async fn a_rate_is_kept() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    gateway.register(&receiver, json!({ "rate_per_second": 20 })).await;
    let begun = Instant::now();
    gateway.push_numbers(11).await;
    receiver.gets(11).await;
    assert!(begun.elapsed() >= Duration::from_millis(500), "ten pauses of 50 ms: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_batch_is_full_or_has_waited_long_enough() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let options = json!({ "batch": { "max_events": 4, "max_wait": "60s" } });
        let hook = gateway.register(&receiver, options).await;
        for number in 0..8 {
            gateway.push_only("default", &number.to_string()).await;
        }
        let got = receiver.gets(2).await;
        let mut messages: Vec<_> =
            got.iter().flat_map(|one| one.json().as_array().expect("a list").clone()).collect();
        messages.sort_by_key(|event| event["id"].as_str().map(str::to_owned));
        assert_eq!(messages.iter().map(|event| event["message"].clone()).collect::<Vec<_>>(), numbers(8));
        for one in &got {
            one.assert_signed(&hook.secret);
            let ids = one.json();
            let (first, last) =
                (ids[0]["id"].as_str().expect("an id"), ids[3]["id"].as_str().expect("an id"));
            assert_eq!(one.id(), format!("{first}_{}", last.rsplit_once('-').expect("a position").1));
        }
        // A waiting batch is sent at the end of its maximum wait.
        gateway.register(&receiver, json!({ "batch": { "max_events": 100, "max_wait": "50ms" } })).await;
        gateway.push_only("default", "alone").await;
        let got = receiver.gets(3).await;
        assert_eq!(got[2].json()[0]["message"], "alone");
        gateway.is_done(&hook).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_failed_is_sent_again_whole_under_its_id() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        let receiver = Receiver::playing(vec![Script::status(500)], Script::status(200)).await;
        // So many attempts that it is not given up before the receiver recovers, however long a restart takes.
        let retry = [vec!["10ms", "300ms"], vec!["100ms"; 30]].concat();
        let options = json!({ "batch": { "max_events": 3, "max_wait": "60s" }, "retry": retry });
        let hook = gateway.register(&receiver, options).await;
        gateway.push_numbers(3).await;
        let got = receiver.gets(2).await;
        assert_eq!((got[0].id(), &got[0].body), (got[1].id(), &got[1].body));
        until("no rows", async || gateway.rows(&hook).await.is_empty().then_some(())).await;

        if engine == Engine::Embedded {
            receiver.play(Script::status(500));
            gateway.push_numbers(3).await;
            let got = receiver.gets(4).await;
            until("rows", async || (gateway.rows(&hook).await.len() == 3).then_some(())).await;
            gateway = gateway.restart().await;
            receiver.play(Script::status(200));
            let again = receiver.gets(5).await.pop().expect("the last");
            assert_eq!((again.id(), &again.body), (got[2].id(), &got[2].body));
            until("no rows", async || gateway.rows(&hook).await.is_empty().then_some(())).await;
        }
    }
}

#[tokio::test]
async fn a_webhook_may_begin_in_the_past() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let mut ids = Vec::new();
        for number in 0..6 {
            ids.push(gateway.push("default", &number.to_string()).await);
        }
        let (all, some, none) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
        gateway.register(&all, json!({ "since": "1h" })).await;
        gateway.register(&some, json!({ "after": ids[3] })).await;
        gateway.register(&none, json!({})).await;
        gateway.push("default", "6").await;
        for (receiver, from) in [(&all, 0), (&some, 4), (&none, 6)] {
            let mut got: Vec<_> = receiver.gets(7 - from).await.iter().map(|one| one.message()).collect();
            got.sort();
            assert_eq!(got, numbers(7)[from..]);
        }
        let foreign = json!({ "webhook_url": "http://localhost:1/", "after": "aaaaaaaa-1" });
        gateway.post_json("/api/register", &foreign).await.problem(422, "invalid_webhook");
    }
}

#[tokio::test]
async fn what_has_expired_is_not_sent() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::playing(vec![Script::Held], Script::status(200)).await;
    let hook = gateway.register(&receiver, json!({ "concurrency": 1 })).await;
    gateway.push_only("default", "first").await;
    receiver.gets(1).await;
    let short = json!([
        { "message": "short", "expires_in": 1 }, { "message": "long", "expires_in": 600 },
    ]);
    let answer = gateway.post_json("/api/push?wait=0s", &short).await.json();
    let appended = Instant::now();
    until("its time", async || (appended.elapsed() > Duration::from_millis(1_050)).then_some(())).await;
    assert_eq!(answer["count"], 2);
    receiver.release();
    receiver.gets_message("long").await;
    gateway.is_done(&hook).await;
    assert_eq!(receiver.messages(), ["first", "long"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_where_it_stopped() {
    let gateway = Gateway::on(Engine::Embedded).await;
    let receiver = Receiver::start().await;
    let hook = gateway.register(&receiver, json!({})).await;
    gateway.push("default", "before").await;
    gateway.is_done(&hook).await;
    let gateway = gateway.restart().await;
    gateway.push("default", "after").await;
    assert_eq!(receiver.messages(), ["before", "after"], "each once");
    receiver.got()[1].assert_signed(&hook.secret);
    let listed = gateway.get("/api/webhooks").await.json();
    assert_eq!(listed["webhooks"], json!([receiver.url()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_what_is_on_its_way_and_repeats_nothing() {
    let gateway = Gateway::on(Engine::Embedded).await;
    let receiver = Receiver::playing(vec![Script::Held], Script::status(200)).await;
    gateway.register(&receiver, json!({ "concurrency": 1 })).await;
    gateway.push_numbers(2).await;
    receiver.gets(1).await;
    gateway.begin_stop();
    until("the end of pushing", async || {
        let pushed = gateway.webhooks.hub().is_closing();
        pushed.then_some(())
    })
    .await;
    receiver.release();
    let gateway = gateway.restart().await;
    receiver.gets(2).await;
    gateway.push("default", "last").await;
    assert_eq!(receiver.messages(), ["0", "1", "last"]);
}

#[tokio::test]
async fn a_webhook_that_is_removed_is_sent_nothing_more() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::playing(vec![], Script::Held).await;
        let hook = gateway.register(&receiver, json!({ "concurrency": 2 })).await;
        gateway.push_numbers(50).await;
        receiver.gets(2).await;
        let answer = gateway.post_json("/api/unregister", &json!({ "webhook_url": receiver.url() })).await;
        assert_eq!(answer.json()["total_webhooks"], 0);
        receiver.release();
        // Registered again it is another webhook, which starts now.
        receiver.play(Script::status(200));
        let again = gateway.register(&receiver, json!({})).await;
        assert_ne!(again.id, hook.id);
        gateway.push("default", "again").await;
        let messages = receiver.messages();
        assert_eq!(messages.len(), 3, "{messages:?}");
        assert_eq!(messages[2], "again");
        assert_eq!(gateway.rows(&hook).await, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_wants_nothing_of_it_is_past_it_after_a_stop() {
    let gateway = Gateway::on(Engine::Embedded).await;
    let receiver = Receiver::start().await;
    let hook = gateway.register(&receiver, json!({ "channels": ["rare"] })).await;
    // An event that it matches: then it follows the log, instead of catching up on earlier events.
    gateway.push("rare", "x").await;
    until("its end", async || (gateway.entry(&hook).cursor.get().seq == 1).then_some(())).await;
    gateway.push_numbers(500).await;
    settled(&gateway).await;
    let gateway = gateway.restart().await;
    assert_eq!(gateway.entry(&hook).cursor.get().seq, 501);
    assert_eq!(gateway.entry(&hook).health().lost_up_to, None);
}

#[tokio::test]
async fn a_receiver_far_behind_gets_everything_once() {
    const COUNT: usize = 9_000;
    let gateway = Gateway::on(Engine::Embedded).await;
    let receiver = Receiver::playing(vec![], Script::Held).await;
    let hook = gateway.register(&receiver, json!({})).await;
    // More than the ring holds.
    for _ in 0..COUNT / 1_000 {
        gateway.push_numbers(1_000).await;
    }
    receiver.gets(16).await;
    receiver.play(Script::status(200));
    receiver.release();
    gateway.is_done(&hook).await;
    let mut ids: Vec<_> = receiver.got().iter().map(|one| one.id().to_owned()).collect();
    assert_eq!(ids.len(), COUNT);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), COUNT);
    assert!(receiver.connections() <= 16, "connections are used again: {}", receiver.connections());
}
