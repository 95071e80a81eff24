//! Purging a channel and redacting an event: the content is gone everywhere, and every client that would have
//! read it is told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gateway::{Gateway, reqwest_client};
use crate::support::reader::{Frame, Listen, Reader, Transport};
use crate::support::receiver::{Got, Receiver, Script};
use crate::support::tools::Era;
use crate::support::{Engine, until};

/// The secret that must no longer be readable.
const SECRET: &str = "hush-4f1d9c";

async fn delete(gateway: &Gateway, path: &str) -> Value {
    let answer = gateway.request("DELETE", path, |request| request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Reads up to the end of the replay: messages, and gaps as their reason with the number of events.
async fn replayed(reader: &mut Reader) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match reader.next().await {
            Frame::CaughtUp(_) => return seen,
            Frame::Event(event) => seen.push(event["message"].as_str().expect("a message").to_owned()),
            Frame::Gap(gap) => {
                seen.push(format!("{} {}", gap["reason"].as_str().expect("a reason"), gap["missed"]));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_purged_channel_are_told_and_others_hear_nothing() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        // They keep new events in memory, for others with the same filter.
        let mut live = Vec::new();
        for pattern in [">", "leak", "fine"] {
            live.push(gateway.listen(Transport::Sse1, pattern).await);
        }
        for (channel, message) in [
            ("fine", "one"),
            ("leak", SECRET),
            ("leak", SECRET),
            ("fine", "four"),
            ("leak", SECRET),
            ("fine", "six"),
        ] {
            gateway.push(channel, message).await;
        }
        assert_eq!(live[0].messages(6).await[1], SECRET);
        assert_eq!(gateway.get("/api/channels").await.json()["total"], 2);

        let removed = delete(&gateway, "/api/channels/leak").await;
        let expected = json!({"name": "leak", "events": 3, "deliveries": 0, "attempts": 0, "erased": true});
        assert_eq!(removed, expected);

        for transport in Transport::ALL {
            let who = format!("{transport:?} on {engine:?}");
            for (pattern, expected) in [
                (">", vec!["one", "purged 2", "four", "purged 1", "six"]),
                ("leak", vec!["purged 3"]),
                ("fine", vec!["one", "four", "six"]),
            ] {
                let mut reader = gateway.open(transport, Listen::earliest(pattern)).await;
                assert_eq!(replayed(&mut reader).await, expected, "{pattern} over {who}");
                // From the place that the second gap led to.
                let mut reader = gateway.listen_after(transport, pattern, &gateway.position(5)).await;
                let expected = if pattern == "leak" { vec![] } else { vec!["six"] };
                assert_eq!(replayed(&mut reader).await, expected, "{pattern} after 5 over {who}");
            }
            let listen = Listen { conflate: true, ..Listen::earliest(">") };
            let mut reader = gateway.open(transport, listen).await;
            let expected = ["one", "purged 2", "four", "purged 1", "six"];
            assert_eq!(replayed(&mut reader).await, expected, "conflated over {who}");
        }
        let mut gaps = gateway.open(Transport::Sse1, Listen::earliest(">")).await;
        assert_eq!(gaps.message().await, "one");
        let Frame::Gap(gap) = gaps.next().await else { panic!("no gap") };
        let expected = json!({
            "after": gateway.position(1), "next": gateway.position(4), "missed": 2, "reason": "purged",
        });
        assert_eq!(gap, expected);

        // Clients that have it already are told nothing, and continue.
        gateway.push("leak", "new").await;
        assert_eq!(live[0].message().await, "new");
        assert_eq!(live[1].messages(4).await.last().expect("the last"), "new");
        let listed = gateway.get("/api/channels").await.json();
        let leak = &listed["channels"][1];
        assert_eq!((&leak["name"], &leak["events"]), (&json!("leak"), &json!(1)), "{listed}");
        let mut other = live.pop().expect("a reader of the other channel");
        assert_eq!(other.messages(3).await, ["one", "four", "six"]);

        for order in ["oldest", "newest"] {
            let page = gateway.get(&format!("/api/events?order={order}")).await;
            assert!(!page.text().contains(SECRET), "{}", page.text());
            let page = page.json();
            assert_eq!(
                (page["events"].as_array().map(Vec::len), &page["purged"]),
                (Some(4), &json!(3)),
                "{page}"
            );
            let page = gateway.get(&format!("/api/events?order={order}&channel=fine")).await.json();
            assert_eq!(page.get("purged"), None, "{page}");
        }
        let found = gateway.get(&format!("/api/events?text={SECRET}")).await.json();
        assert_eq!(found["events"], json!([]), "{found}");
        let all = gateway
            .request("GET", "/api/events", |request| request.header("accept", "application/x-ndjson"))
            .await;
        assert_eq!(all.text().lines().count(), 4, "{}", all.text());
        let one = gateway.get(&format!("/api/events/{}", gateway.position(3))).await;
        let problem = one.problem(410, "position_gone");
        assert!(problem["detail"].as_str().expect("a text").ends_with("was purged"), "{problem}");
        let problem = gateway.get(&format!("/api/events/{}/receipts", gateway.position(3))).await;
        problem.problem(410, "position_gone");

        let told = gateway.tool(Era::Modern, "read_history", json!({})).await;
        assert_eq!(told.structured["purged"], 3, "{}", told.text);
        assert!(!told.text.contains(SECRET));
        let arguments = json!({ "channels": ["leak"], "cursor": gateway.position(1), "wait": "1s" });
        let waited = gateway.tool(Era::Modern, "wait_for", arguments).await;
        assert_eq!((&waited.structured["missed"], waited.messages()), (&json!(3), vec!["new"]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redacted_event_is_gone_and_the_rest_of_its_channel_stays() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let live = gateway.listen(Transport::WebSocket, "keys").await;
        gateway.push("keys", "before").await;
        let leak = json!({"channel": "keys", "message": SECRET, "data": {"token": SECRET}, "key": SECRET});
        let id = gateway.push_event(leak).await;
        gateway.push("keys", "after").await;
        let removed = delete(&gateway, &format!("/api/events/{id}")).await;
        assert_eq!(removed, json!({"id": id, "events": 1, "deliveries": 0, "attempts": 0, "erased": true}));
        let again = delete(&gateway, &format!("/api/events/{id}")).await;
        assert_eq!(again["events"], 0, "it was gone already: {again}");
        drop(live);
        gateway.clients(0).await;
        let gateway = match engine {
            Engine::Embedded => gateway.restart().await,
            Engine::Memory => gateway,
        };
        for transport in Transport::ALL {
            let mut reader = gateway.open(transport, Listen::earliest("keys")).await;
            assert_eq!(replayed(&mut reader).await, ["before", "purged 1", "after"], "{transport:?}");
        }
        let listed = gateway.get("/api/channels").await.json();
        assert_eq!(listed["channels"][0]["events"], 3, "it still had them: {listed}");
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_purged() {
    let gateway = Gateway::with(Engine::Memory, |config| config.retention.count = 1).await;
    gateway.push("a", "one").await;
    gateway.push("a", "two").await;
    until("retention", async || (gateway.hub.extent().first == 2).then_some(())).await;
    let refused = async |path: &str, status, code| {
        let answer = gateway.request("DELETE", path, |request| request).await;
        answer.problem(status, code)["detail"].as_str().expect("a text").to_owned()
    };
    let detail = refused("/api/channels/nothing", 404, "not_found").await;
    assert!(detail.contains("channel `nothing`"), "{detail}");
    refused("/api/channels/a..b", 404, "not_found").await;
    let (gone, ahead) = (gateway.position(1), gateway.position(7));
    let detail = refused(&format!("/api/events/{gone}"), 410, "position_gone").await;
    assert!(detail.contains("retention"), "{detail}");
    let detail = refused(&format!("/api/events/{ahead}"), 404, "not_found").await;
    assert!(detail.contains(&ahead), "{detail}");
    refused("/api/events/xyz", 404, "not_found").await;
    delete(&gateway, "/api/channels/a").await;
    refused("/api/channels/a", 404, "not_found").await;
    // The same guard as for every other request.
    let foreign = gateway
        .request("DELETE", "/api/channels/a", |request| request.header("origin", "https://evil.example"))
        .await;
    assert_eq!(foreign.status, 403, "{}", foreign.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_of_what_was_purged_are_not_sent() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::playing(vec![], Script::status(500)).await;
        let waiting = gateway.register(&receiver, json!({ "retry": ["1h"] })).await;
        gateway.push("leak", SECRET).await;
        gateway.push("fine", "two").await;
        let leaked = gateway.push("fine", SECRET).await;
        until("three rows", async || (gateway.rows(&waiting).await.len() == 3).then_some(())).await;
        assert_eq!(gateway.recent(&waiting).len(), 3);

        let removed = delete(&gateway, "/api/channels/leak").await;
        assert_eq!((&removed["deliveries"], &removed["attempts"]), (&json!(1), &json!(1)), "{removed}");
        let removed = delete(&gateway, &format!("/api/events/{leaked}")).await;
        assert_eq!((&removed["deliveries"], &removed["attempts"]), (&json!(1), &json!(1)), "{removed}");
        assert_eq!(gateway.rows(&waiting).await.len(), 1);
        assert_eq!((gateway.recent(&waiting).len(), gateway.failed_attempts(&waiting).await.len()), (1, 1));
        let status = gateway.get("/api/status").await.json();
        assert_eq!(status["webhooks"]["waiting"], 1, "{status}");
        let resend = format!("/api/webhooks/{}/deliveries/{leaked}/resend", waiting.id);
        gateway.post_json(&resend, &json!({})).await.problem(410, "position_gone");

        // All that waits is sent now: it is the other one alone.
        let before = receiver.count();
        receiver.answer(200);
        let replay = format!("/api/webhooks/{}/replay", waiting.id);
        let answer = gateway.post_json(&replay, &json!({"channels": [">"], "dry_run": false})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        until("nothing waits", async || gateway.rows(&waiting).await.is_empty().then_some(())).await;
        gateway.push("fine", "last").await;
        receiver.gets_message("last").await;
        let sent: Vec<_> = receiver.messages().split_off(before);
        assert!(sent.contains(&"two".to_owned()) && !sent.contains(&SECRET.to_owned()), "{sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_webhook_has_in_hand_is_not_sent_either() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let (paused, batched) = (Receiver::start().await, Receiver::start().await);
        let stopped = gateway.register(&paused, json!({})).await;
        let batch = json!({"max_events": 3, "max_wait": "60s"});
        let gathers = gateway.register(&batched, json!({ "batch": batch })).await;
        let pause = async |verb: &str| {
            let answer = gateway.post_json(&format!("/api/webhooks/{}/{verb}", stopped.id), &json!({})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        };
        pause("pause").await;
        gateway.push_only("a", "one").await;
        let leaked = gateway.push_only("a", SECRET).await;
        gateway.push_only("leak", SECRET).await;
        // The batch is full at the third, so it lacks one.
        let first = batched.next().await;
        assert_eq!(first.json().as_array().map(Vec::len), Some(3));
        gateway.push_only("a", "two").await;
        let later = gateway.push_only("a", SECRET).await;
        until("it has read them", async || (gateway.entry(&gathers).cursor.get().seq == 3).then_some(()))
            .await;
        delete(&gateway, &format!("/api/events/{leaked}")).await;
        delete(&gateway, &format!("/api/events/{later}")).await;
        delete(&gateway, "/api/channels/leak").await;
        assert_eq!(gateway.recent(&gathers).len(), 0, "the batch had what was purged");
        gateway.push_only("a", "three").await;
        gateway.push_only("a", "four").await;
        let second = batched.next().await;
        let messages: Vec<_> =
            second.json().as_array().expect("a batch").iter().map(|one| one["message"].clone()).collect();
        assert_eq!(messages, ["two", "three", "four"]);
        pause("resume").await;
        paused.gets(4).await;
        gateway.push("a", "end").await;
        paused.gets_message("end").await;
        let mut got = paused.messages();
        got.sort_unstable();
        assert_eq!(got, ["end", "four", "one", "three", "two"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_that_ends_after_the_purge_brings_nothing_back() {
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, |config| config.retention.count = 2).await;
        let receiver = Receiver::playing(vec![Script::status(500)], Script::HeldWith(500)).await;
        let retry = json!({ "retry": ["100ms", "1h"], "ordered": true });
        let hook = gateway.register(&receiver, retry).await;
        let leaked = gateway.push_only("a", SECRET).await;
        receiver.gets(1).await;
        until("a row", async || (gateway.rows(&hook).await.len() == 1).then_some(())).await;
        // Only the delivery needs it by now.
        receiver.gets(2).await;
        gateway.push_only("b", "two").await;
        gateway.push_only("b", "three").await;
        until("retention", async || (gateway.hub.extent().first == 2).then_some(())).await;
        delete(&gateway, &format!("/api/events/{leaked}")).await;
        receiver.answer(200);
        receiver.release();
        // These come in their order: once the attempt has ended, and not after an hour.
        receiver.gets_message("three").await;
        gateway.is_done(&hook).await;
        let of_leak = |got: &Got| got.id().ends_with(&leaked) || got.message() == SECRET;
        assert_eq!(receiver.got().iter().filter(|got| of_leak(got)).count(), 2, "on {engine:?}");
        let rows = gateway.rows(&hook).await;
        assert!(rows.iter().all(|row| *row.event.message != *SECRET), "on {engine:?}: {rows:?}");
        let resend = format!("/api/webhooks/{}/deliveries/{leaked}/resend", hook.id);
        gateway.post_json(&resend, &json!({})).await.problem(404, "not_found");
        assert_eq!(gateway.failed_attempts(&hook).await.len(), 0, "on {engine:?}");
        assert_eq!(gateway.recent(&hook).len(), 2, "those at the other two, on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_a_batch_is_sent_again_without_its_first() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::playing(vec![Script::status(500)], Script::HeldWith(500)).await;
        let batch = json!({"max_events": 3, "max_wait": "60s"});
        let hook = gateway.register(&receiver, json!({ "batch": batch, "retry": ["50ms", "50ms"] })).await;
        let leaked = gateway.push_only("a", SECRET).await;
        gateway.push_only("a", "two").await;
        gateway.push_only("a", "three").await;
        receiver.gets(2).await;
        delete(&gateway, &format!("/api/events/{leaked}")).await;
        receiver.answer(200);
        receiver.release();
        let third = receiver.gets(3).await.remove(2);
        let messages: Vec<_> =
            third.json().as_array().expect("a batch").iter().map(|one| one["message"].clone()).collect();
        assert_eq!(messages, ["two", "three"], "on {engine:?}");
        until("nothing waits", async || gateway.rows(&hook).await.is_empty().then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_ends_although_its_caller_hangs_up() {
    // In memory, a purge is a single step.
    let gateway = Gateway::on(Engine::Embedded).await;
    gateway.push("leak", SECRET).await;
    // The purge waits for another program that reads the file, with its last steps: it empties the write-ahead log, and
    // forgets the channel.
    let other = rusqlite::Connection::open(gateway.log_file()).expect("a database");
    other.execute_batch("BEGIN; SELECT count(*) FROM events").expect("a state of it");
    // Over HTTP/1.1, a client that is gone looks like one that waits for its answer.
    let caller = tokio::spawn(reqwest_client(true).delete(gateway.url("/api/channels/leak")).send());
    until("the first step", async || {
        let page = gateway.get("/api/events?order=oldest&channel=leak").await.json();
        (page["purged"] == 1).then_some(())
    })
    .await;
    caller.abort();
    gateway.has_no_connections().await;
    assert_eq!(gateway.get("/api/channels").await.json()["total"], 1, "the purge is under way");
    other.execute_batch("COMMIT").expect("done");
    until("no channel", async || (gateway.get("/api/channels").await.json()["total"] == 0).then_some(()))
        .await;
    let mut reader = gateway.open(Transport::Sse1, Listen::earliest("leak")).await;
    assert_eq!(replayed(&mut reader).await, ["purged 1"]);
}

#[tokio::test]
async fn a_push_under_way_and_a_purge_end_in_either_order() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let _live = gateway.listen(Transport::Sse1, ">").await;
        for round in 0..20_u64 {
            gateway.push("a", SECRET).await;
            let (push, purge) = tokio::join!(
                gateway.push("a", "x"),
                gateway.request("DELETE", "/api/channels/a", |request| request),
            );
            assert_eq!(purge.status, 200, "round {round}: {}", purge.text());
            let mut reader = gateway.open(Transport::Sse1, Listen::earliest("a")).await;
            let seen = tokio::time::timeout(Duration::from_secs(10), replayed(&mut reader)).await;
            let seen = seen.expect("the replay ends");
            assert!(!seen.contains(&SECRET.to_owned()), "round {round}: {seen:?} after {push}");
            // Each event is there, or is said to be purged.
            let count = |one: &String| {
                one.strip_prefix("purged ").map_or(1, |count| count.parse().expect("a number"))
            };
            assert_eq!(seen.iter().map(count).sum::<u64>(), 2 * (round + 1), "round {round}: {seen:?}");
        }
    }
}
