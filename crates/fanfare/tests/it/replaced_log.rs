//! A log that loses its last events and goes on under a new epoch, while everybody is connected: they are told, go on,
//! and get everything that is new.

use fanfare_store::DeliveryRow;
use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::reader::{Frame, Listen, Reader, Transport};
use crate::support::receiver::Receiver;
use crate::support::soon;
use crate::support::tools::Era;
use crate::support::until;
use crate::support::webhook::Hook;

fn as_reader(name: &str, pattern: &str) -> Listen {
    Listen { reader: Some(name.to_owned()), ..Listen::to(pattern) }
}

/// Reads the notice that the log was replaced; returns the position in it.
async fn reset(reader: &mut Reader) -> Value {
    match reader.next().await {
        Frame::Reset(notice) => {
            assert_eq!(notice["reason"], "another_epoch", "{notice}");
            notice["position"].clone()
        }
        other => panic!("a reset was expected: {other:?}"),
    }
}

/// Waits until this many deliveries of a webhook are not done, and returns them.
async fn waiting(gateway: &Gateway, hook: &Hook, count: usize) -> Vec<DeliveryRow> {
    until("the deliveries", async || {
        let rows = gateway.rows(hook).await;
        (rows.len() == count).then_some(rows)
    })
    .await
}

/// Returns the messages of a replay.
async fn replayed(reader: &mut Reader) -> Vec<String> {
    let events = reader.replay().await;
    events.iter().map(|event| event["message"].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn open_streams_are_told_and_go_on_in_the_new_log() {
    for transport in Transport::ALL {
        let (gateway, memory) = Gateway::on_memory().await;
        let mut live = gateway.listen(transport, "a").await;
        let mut named = gateway.open(transport, as_reader("ann", "a")).await;
        for message in ["one", "two", "lost"] {
            gateway.push("a", message).await;
        }
        assert_eq!(live.messages(3).await, ["one", "two", "lost"]);
        assert_eq!(named.messages(3).await, ["one", "two", "lost"]);
        let before = gateway.position(3);
        memory.lose(2);
        for reader in [&mut live, &mut named] {
            assert_eq!(reset(reader).await, gateway.position(2), "{transport:?}");
            assert_eq!(replayed(reader).await, [""; 0]);
        }
        gateway.push("b", "elsewhere").await;
        let id = gateway.push("a", "new").await;
        assert_eq!(id, gateway.position(4));
        for reader in [&mut live, &mut named] {
            let event = reader.event().await;
            assert_eq!((&event["id"], &event["message"]), (&json!(id), &json!("new")));
        }

        // A position of the earlier log that both have is where it goes on; one that nobody knows is not.
        let mut late = gateway.listen_after(transport, "a", &before).await;
        assert_eq!(reset(&mut late).await, gateway.position(2));
        assert_eq!(replayed(&mut late).await, ["new"]);
        let mut stranger = gateway.listen_after(transport, "a", "zzzzzzzz-3").await;
        assert_eq!(reset(&mut stranger).await, gateway.position(4));

        // Twice, before anybody has read what the first time brought.
        memory.lose(2);
        memory.lose(1);
        gateway.push("a", "newer").await;
        for reader in [&mut live, &mut named, &mut late, &mut stranger] {
            let (mut place, mut id) = (Value::Null, Value::Null);
            while id.is_null() {
                match reader.next().await {
                    Frame::Reset(notice) => place = notice["position"].clone(),
                    Frame::Event(event) if event["message"] == "newer" => id = event["id"].clone(),
                    Frame::Event(_) | Frame::CaughtUp(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            let is_here = |at: &Value| at.as_str().expect("text").starts_with(gateway.hub.epoch().as_str());
            assert!(is_here(&place) && id == json!(gateway.position(2)), "{place} {id}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_was_behind_loses_nothing() {
    for transport in Transport::ALL {
        let (gateway, memory) = Gateway::on_memory().await;
        // More than a feed keeps in memory.
        for _ in 0..10 {
            gateway.push_batch((0..1_000).map(|_| json!({"channel": "a", "message": "x"})).collect()).await;
        }
        let mut reader = gateway.open(transport, Listen::earliest("a")).await;
        assert_eq!(reader.message().await, "x");
        memory.lose(9_000);
        gateway.push("a", "last").await;
        let (mut seen, mut has_changed) = (1, false);
        loop {
            match reader.next().await {
                Frame::Event(event) if event["message"] == "last" => break,
                Frame::Event(event) => {
                    seen += 1;
                    // In order and without holes, on both sides of the change.
                    let id = event["id"].as_str().expect("an id");
                    let seq: usize = id.rsplit_once('-').expect("an id").1.parse().expect("a number");
                    assert_eq!(seq, seen);
                }
                Frame::Reset(notice) => {
                    has_changed = true;
                    let position = notice["position"].as_str().expect("a position");
                    let seq: usize = position.rsplit_once('-').expect("an id").1.parse().expect("a number");
                    assert!(seq == seen.min(9_000), "{notice} after {seen}");
                    seen = seq;
                }
                Frame::CaughtUp(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(has_changed && seen == 9_000, "{seen}");
    }
}

#[tokio::test]
async fn a_durable_reader_is_set_back_to_what_both_logs_have() {
    let (gateway, memory) = Gateway::on_memory().await;
    drop(gateway.open(Transport::Sse1, as_reader("ann", "a")).await);
    let mut ids = Vec::new();
    for message in ["one", "two", "three"] {
        ids.push(gateway.push("a", message).await);
    }
    let ack = async |id: &str| gateway.post_json("/api/readers/ann/ack", &json!({"position": id})).await;
    assert_eq!(ack(&ids[2]).await.json()["position"], ids[2]);
    memory.lose(1);
    gateway.push("a", "new").await;

    // It keeps its place in the earlier log until it has one in this.
    let listed = gateway.get("/api/readers").await.json();
    assert_eq!(
        (&listed["readers"][0]["position"], &listed["readers"][0]["lag"]),
        (&json!(ids[2]), &json!(1))
    );
    let receipts = gateway.get(&format!("/api/events/{}/receipts", gateway.position(1))).await.json();
    assert_eq!(receipts["readers_acknowledged"], 0, "what is in another log says nothing of this one");
    for _ in 0..2 {
        let mut reader = gateway.open(Transport::WebSocket, as_reader("ann", "a")).await;
        assert_eq!(reset(&mut reader).await, gateway.position(1));
        assert_eq!(replayed(&mut reader).await, ["new"]);
    }
    let refused = ack(&ids[2]).await.problem(422, "invalid_position");
    assert_eq!(refused["detail"], format!("position `{}` is not in this log", ids[2]));
    assert_eq!(ack(&gateway.position(2)).await.json()["position"], gateway.position(2));
    let mut reader = gateway.open(Transport::WebSocket, as_reader("ann", "a")).await;
    assert!(matches!(reader.next().await, Frame::CaughtUp(_)));
}

#[tokio::test]
async fn webhooks_start_from_what_both_logs_have_and_skip_nothing() {
    let (gateway, memory) = Gateway::on_memory().await;
    let (well, ill) = (Receiver::start().await, Receiver::start().await);
    let well_hook = gateway.register(&well, json!({"channels": ["a"]})).await;
    let ill_hook = gateway.register(&ill, json!({"channels": ["a"], "retry": ["1h"]})).await;
    ill.answer(500);
    for message in ["one", "two", "lost"] {
        gateway.push("a", message).await;
    }
    assert_eq!(well.next_messages(3).await, ["one", "two", "lost"]);
    gateway.is_done(&ill_hook).await;
    waiting(&gateway, &ill_hook, 3).await;
    let (two, lost) = (gateway.position(2), gateway.position(3));

    memory.lose(1);
    gateway.push("a", "new").await;
    gateway.push("a", "newer").await;
    assert_eq!(well.next_messages(2).await, ["new", "newer"], "nothing is sent twice, nothing is skipped");
    gateway.is_done(&well_hook).await;
    gateway.is_done(&ill_hook).await;

    // What waits is still sent, even if the log has lost the event; ids tell the logs apart.
    let rows = waiting(&gateway, &ill_hook, 5).await;
    let messages: Vec<_> = rows.iter().map(|row| &*row.event.message).collect();
    assert_eq!(messages, ["one", "two", "lost", "new", "newer"]);
    ill.answer(200);
    let replay = format!("/api/webhooks/{}/replay", ill_hook.id);
    let answer = gateway
        .post_json(&replay, &json!({"event_ids": [lost, gateway.position(2)], "dry_run": false}))
        .await;
    assert_eq!((answer.status, &answer.json()["count"]), (200, &json!(2)), "{}", answer.text());
    waiting(&gateway, &ill_hook, 3).await;
    let got = ill.got();
    let ids: Vec<_> = got.iter().filter(|got| got.message() == "lost").map(|got| got.id()).collect();
    assert_eq!(ids, [&lost, &lost], "the same delivery has the same id");
    let discarded = format!("/api/webhooks/{}/deliveries/{}", ill_hook.id, rows[0].event.position);
    let answer = gateway.request("DELETE", &discarded, |request| request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    waiting(&gateway, &ill_hook, 2).await;

    // Pages go on from one log to the other.
    let list = format!("/api/webhooks/{}/deliveries?limit=1", ill_hook.id);
    let first = gateway.get(&list).await.json();
    let second =
        gateway.get(&format!("{list}&cursor={}", first["next_cursor"].as_str().expect("more"))).await.json();
    let ids = [&first, &second].map(|page| page["deliveries"][0]["event_id"].clone());
    assert_eq!(ids, [json!(two), json!(gateway.position(3))], "{first} {second}");
    gateway.get(&format!("{list}&cursor=zzzzzzzz-1")).await.problem(400, "invalid_position");
}

#[tokio::test]
async fn a_paused_webhook_finds_its_place_when_it_is_resumed() {
    let (gateway, memory) = Gateway::on_memory().await;
    let receiver = Receiver::start().await;
    let hook = gateway.register(&receiver, json!({"channels": ["a"]})).await;
    gateway.push("a", "one").await;
    assert_eq!(receiver.next_messages(1).await, ["one"]);
    gateway.is_done(&hook).await;
    let pause = format!("/api/webhooks/{}/pause", hook.id);
    assert_eq!(gateway.post_json(&pause, &json!({})).await.status, 200);
    gateway.push("a", "lost").await;
    memory.lose(1);
    gateway.push("a", "new").await;
    let resume = format!("/api/webhooks/{}/resume", hook.id);
    assert_eq!(gateway.post_json(&resume, &json!({})).await.status, 200);
    // Whatever the worker had read before it was paused is sent as well.
    let got = receiver.gets_message("new").await;
    assert_eq!(got.id(), gateway.position(2));
    gateway.is_done(&hook).await;
}

#[tokio::test]
async fn agents_wait_on_in_the_new_log() {
    for era in Era::ALL {
        let (gateway, memory) = Gateway::on_memory().await;
        gateway.push("a", "one").await;
        gateway.push("a", "lost").await;
        let arguments = json!({"channels": ["a"], "wait": "50s"});
        let act = async {
            gateway.clients(1).await;
            memory.lose(1);
            gateway.push("a", "new").await;
        };
        let (told, ()) =
            soon("an answer", async { tokio::join!(gateway.tool(era, "wait_for", arguments), act) }).await;
        assert_eq!((told.messages(), told.member("next_cursor")), (vec!["new"], gateway.last()));
        gateway.clients(0).await;
    }
}
