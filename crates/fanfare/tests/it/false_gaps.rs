//! A reader is told only about removed events that its filter selects.

use serde_json::{Value, json};

use crate::support::event_source::EventSource;
use crate::support::gateway::Gateway;
use crate::support::reader::{Frame, Listen, Transport};
use crate::support::receiver::Receiver;
use crate::support::tools::Era;
use crate::support::{Engine, until};

/// Number of events that are kept.
const KEPT: u64 = 100;

async fn start(engine: Engine) -> Gateway {
    Gateway::with(engine, |config| config.retention.count = KEPT).await
}

async fn push_noise(gateway: &Gateway, count: usize) {
    let noise: Vec<Value> = (0..count).map(|_| json!({"channel": "noise", "message": "x"})).collect();
    for some in noise.chunks(500) {
        gateway.push_batch(some.to_vec()).await;
    }
    let first = gateway.hub.last().seq - KEPT + 1;
    until("retention", async || (gateway.hub.extent().first == first).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_missed_nothing_is_told_of_nothing() {
    for engine in Engine::ALL {
        let mut gateway = start(engine).await;
        let receiver = Receiver::start().await;
        let webhook = gateway.register(&receiver, json!({ "channels": ["alerts.rare"] })).await;
        gateway.push("alerts.rare", "one").await;
        let urgent = json!({"channel": "builds", "message": "b", "type": "error", "priority": "high"});
        gateway.push_event(urgent).await;
        push_noise(&gateway, 3_000).await;
        if engine == Engine::Embedded {
            gateway = gateway.restart().await;
        }
        for transport in Transport::ALL {
            let who = format!("{transport:?} on {engine:?}");
            let after = |seq: u64, pattern: &str| Listen {
                after: Some(gateway.position(seq)),
                ..Listen::to(pattern)
            };
            // It has the only event that it wants.
            let mut reader = gateway.open(transport, after(1, "alerts.rare")).await;
            assert!(matches!(reader.next().await, Frame::CaughtUp(_)), "{who}");
            let mut reader = gateway.open(transport, after(0, "alerts.other")).await;
            assert!(matches!(reader.next().await, Frame::CaughtUp(_)), "{who}");
            let errors = Listen { types: vec!["error".to_owned()], ..after(2, ">") };
            let mut reader = gateway.open(transport, errors.clone()).await;
            assert!(matches!(reader.next().await, Frame::CaughtUp(_)), "{who}");

            // A reader that does not have it is told about this event only.
            let mut reader = gateway.open(transport, after(0, "alerts.*")).await;
            let Frame::Gap(gap) = reader.next().await else { panic!("{who}: no gap") };
            assert_eq!((&gap["missed"], &gap["reason"]), (&json!(1), &json!("retention")), "{who}");
            let places = (&json!(gateway.position(0)), &json!(gateway.position(2)));
            assert_eq!((&gap["after"], &gap["next"]), places, "{who}");
            assert!(matches!(reader.next().await, Frame::CaughtUp(_)), "{who}: one gap");
            let errors =
                Listen { after: Some(gateway.position(0)), min_priority: Some("high".into()), ..errors };
            let mut reader = gateway.open(transport, errors).await;
            let Frame::Gap(gap) = reader.next().await else { panic!("{who}: no gap") };
            assert_eq!((&gap["next"], &gap["missed"]), (&json!(gateway.position(3)), &json!(1)), "{who}");
            // For a text, this can no longer be known.
            let text = Listen { text: Some("fire".into()), ..after(2, "noise") };
            let mut reader = gateway.open(transport, text).await;
            let Frame::Gap(gap) = reader.next().await else { panic!("{who}: no gap") };
            assert_eq!(gap["missed"], 3_002 - KEPT - 2, "{who}");
        }
        let arguments =
            |seq: u64| json!({ "channels": ["alerts.*"], "cursor": gateway.position(seq), "wait": "1s" });
        let waited = gateway.tool(Era::Modern, "wait_for", arguments(1)).await;
        assert_eq!(
            (waited.member("status").as_str(), &waited.structured["missed"]),
            ("timed_out", &Value::Null)
        );
        let waited = gateway.tool(Era::Modern, "wait_for", arguments(0)).await;
        assert_eq!(waited.structured["missed"], 1);
        // The webhook has passed all of it.
        gateway.push("alerts.rare", "end").await;
        receiver.gets_message("end").await;
        let shown = gateway.get(&format!("/api/webhooks/{}", webhook.id)).await.json();
        assert_eq!(shown.get("lost_up_to"), None, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_reader_of_a_rare_channel_that_reconnects_is_told_of_nothing() {
    for engine in Engine::ALL {
        let gateway = start(engine).await;
        let listen = || Listen { reader: Some("laptop".to_owned()), ..Listen::to("alerts.rare") };
        let mut reader = gateway.open(Transport::Sse1, listen()).await;
        let id = gateway.push("alerts.rare", "one").await;
        loop {
            match reader.next().await {
                Frame::Event(event) => break assert_eq!(event["message"], "one"),
                Frame::CaughtUp(_) => {}
                other => panic!("{other:?}"),
            }
        }
        let ack = gateway.post_json("/api/readers/laptop/ack", &json!({ "position": id })).await;
        assert_eq!(ack.status, 200, "{}", ack.text());
        push_noise(&gateway, 3_000).await;
        drop(reader);
        for transport in Transport::ALL {
            let mut reader = gateway.open(transport, listen()).await;
            let next = reader.next().await;
            assert!(matches!(next, Frame::CaughtUp(_)), "{transport:?} on {engine:?}: {next:?}");
        }
        assert!(gateway.get("/metrics").await.text().contains("\nfanfare_gaps_total 0\n"));
    }
}

#[tokio::test]
async fn nothing_but_its_events_is_sent_to_a_reader_that_missed_nothing() {
    let gateway = start(Engine::Memory).await;
    let id = gateway.push("alerts.rare", "one").await;
    push_noise(&gateway, 300).await;
    let mut raw = crate::support::raw::Raw::connect(gateway.address).await;
    raw.get(&format!("/stream?channel=alerts.rare&last_event_id={id}"), "").await;
    gateway.push("alerts.rare", "two").await;
    let mut parser = EventSource::default();
    let mut text = String::new();
    while !text.contains("two") {
        let chunk = raw.chunk().await.expect("more");
        text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        parser.feed(&chunk);
    }
    // Some clients report a block without data as an event: the first lines belong to the block of the first event.
    let blocks: Vec<_> = text.split("\n\n").filter(|block| !block.is_empty()).collect();
    assert_eq!(blocks.len(), 1, "{text}");
    assert!(blocks[0].starts_with("retry: ") && blocks[0].contains("two"), "{text}");
}
