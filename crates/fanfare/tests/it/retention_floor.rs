//! A floor for each channel: a flood in one channel leaves the newest events of the others.

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::reader::{Frame, Listen, Transport};
use crate::support::receiver::Receiver;
use crate::support::{Engine, until};

/// Number of events that are kept.
const KEPT: u64 = 100;

/// Number of the newest events of each channel that are spared.
const FLOOR: u64 = 3;

/// Starts a gateway with five events on `quiet`, of which a flood on another channel has left the newest three. Returns it
/// with the ids of the five.
async fn flooded(engine: Engine) -> (Gateway, Vec<String>) {
    let gateway = Gateway::with(engine, |config| {
        config.retention.count = KEPT;
        config.retention.floor = FLOOR;
    })
    .await;
    let mut quiet = Vec::new();
    for number in 1..=5 {
        quiet.push(gateway.push("quiet", &format!("hush {number}")).await);
        flood(&gateway, 10).await;
    }
    flood(&gateway, 3_000).await;
    until("retention", async || (gateway.hub.extent().events() == KEPT).then_some(())).await;
    (gateway, quiet)
}

/// Pushes tiny events to a channel of their own.
async fn flood(gateway: &Gateway, count: usize) {
    let noise: Vec<Value> = (0..count).map(|_| json!({"channel": "flood", "message": "x"})).collect();
    for some in noise.chunks(500) {
        gateway.push_batch(some.to_vec()).await;
    }
}

/// Returns the ids of the events on a page of the history.
async fn ids(gateway: &Gateway, query: &str) -> Vec<String> {
    let page = gateway.get(&format!("/api/events?{query}")).await.json();
    let events = page["events"].as_array().expect("a list");
    events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_leaves_the_newest_events_of_a_quiet_channel() {
    for engine in Engine::ALL {
        let (mut gateway, quiet) = flooded(engine).await;
        for round in 0..2 {
            assert_eq!(ids(&gateway, "channel=quiet&order=oldest").await, quiet[2..], "{engine:?}");
            assert_eq!(ids(&gateway, "channel=quiet&since=1h&order=oldest").await, quiet[2..]);
            let newest: Vec<String> = quiet[2..].iter().rev().cloned().collect();
            assert_eq!(ids(&gateway, "channel=quiet").await, newest);
            assert_eq!(ids(&gateway, "channel=quiet&limit=1").await, newest[..1]);
            let page = gateway.get("/api/events?order=oldest").await.json();
            assert_eq!(page["first"], json!(quiet[2]));
            assert_eq!(page["events"].as_array().map(Vec::len), Some(KEPT as usize));
            assert_eq!(page["events"][FLOOR as usize]["channel"], "flood");
            assert_eq!(gateway.get("/api/status").await.json()["first"], json!(quiet[2]));
            let event = gateway.get(&format!("/api/events/{}", quiet[2])).await;
            assert_eq!((event.status, &event.json()["message"]), (200, &json!("hush 3")));
            assert_eq!(gateway.get(&format!("/api/events/{}", quiet[1])).await.status, 410);
            assert_eq!(gateway.get(&format!("/api/events/{}", gateway.position(500))).await.status, 410);
            assert_eq!(gateway.metric("fanfare_log_events").await, Some(KEPT as f64));
            let channels = gateway.get("/api/channels").await.json();
            assert_eq!(channels["channels"][1]["name"], "quiet");
            if round == 0 && engine == Engine::Embedded {
                gateway = gateway.restart().await;
            }
        }
        // A newer event takes the place of the oldest.
        let newer = gateway.push("quiet", "hush 6").await;
        until("retention", async || {
            let left = ids(&gateway, "channel=quiet&order=oldest").await;
            (left == [quiet[3].clone(), quiet[4].clone(), newer.clone()]).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_resumes_before_the_hole_gets_what_is_left_after_one_gap() {
    for engine in Engine::ALL {
        let (mut gateway, quiet) = flooded(engine).await;
        if engine == Engine::Embedded {
            gateway = gateway.restart().await;
        }
        let extent = gateway.hub.extent();
        for transport in Transport::ALL {
            let who = format!("{transport:?} on {engine:?}");
            let after =
                |id: &str, pattern: &str| Listen { after: Some(id.to_owned()), ..Listen::to(pattern) };
            // A reader of the channel that had the first one.
            let mut reader = gateway.open(transport, after(&quiet[0], "quiet")).await;
            let Frame::Gap(gap) = reader.next().await else { panic!("{who}: no gap") };
            assert_eq!((&gap["after"], &gap["reason"]), (&json!(quiet[0]), &json!("retention")), "{who}");
            for id in &quiet[2..] {
                assert_eq!(reader.event().await["id"], json!(id), "{who}");
            }
            assert!(matches!(reader.next().await, Frame::CaughtUp(_)), "{who}");

            // Readers that missed nothing of the channel.
            for start in 1..4 {
                let mut reader = gateway.open(transport, after(&quiet[start], "quiet")).await;
                for id in &quiet[start + 1..] {
                    assert_eq!(reader.event().await["id"], json!(id), "{who}");
                }
                assert!(matches!(reader.next().await, Frame::CaughtUp(_)), "{who}");
            }

            // A reader of everything: one gap, what is left in the hole, and the rest without a gap.
            let mut reader = gateway.open(transport, after(&gateway.position(0), ">")).await;
            let Frame::Gap(gap) = reader.next().await else { panic!("{who}: no gap") };
            assert_eq!((&gap["next"], &gap["missed"]), (&json!(quiet[2]), &json!(extent.removed())), "{who}");
            for id in &quiet[2..] {
                assert_eq!(reader.event().await["id"], json!(id), "{who}");
            }
            for seq in extent.first..=extent.last {
                assert_eq!(reader.event().await["id"], json!(gateway.position(seq)), "{who}");
            }
            assert!(matches!(reader.next().await, Frame::CaughtUp(_)), "{who}");

            // It lost the connection in the hole: what is gone after its position is reported again, and what is left is
            // not lost.
            let mut reader = gateway.open(transport, after(&quiet[3], ">")).await;
            let Frame::Gap(gap) = reader.next().await else { panic!("{who}: no gap") };
            assert_eq!((&gap["after"], &gap["next"]), (&json!(quiet[3]), &json!(quiet[4])), "{who}");
            assert_eq!(reader.event().await["id"], json!(quiet[4]), "{who}");
            assert_eq!(reader.event().await["id"], json!(gateway.position(extent.first)), "{who}");

            // A client that asks for what is there misses nothing.
            for listen in [Listen::earliest(">"), Listen { since: Some("1h".into()), ..Listen::to(">") }] {
                let mut reader = gateway.open(transport, listen).await;
                assert_eq!(reader.event().await["id"], json!(quiet[2]), "{who}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_hears_of_a_hole_once_although_it_takes_several_pages() {
    /// With three events each, more than fit on a page that a subscription reads.
    const CHANNELS: usize = 700;
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, |config| {
            config.retention.count = 5_000;
            config.retention.floor = FLOOR;
        })
        .await;
        // The events on channels of their own have holes between them, too.
        for _ in 0..FLOOR {
            let quiet = (0..CHANNELS).flat_map(|number| [format!("quiet.{number}"), "flood".to_owned()]);
            let quiet: Vec<Value> =
                quiet.map(|channel| json!({"channel": channel, "message": "x"})).collect();
            gateway.push_batch(quiet).await;
        }
        flood(&gateway, 8_000).await;
        until("retention", async || (gateway.hub.extent().events() == 5_000).then_some(())).await;
        let extent = gateway.hub.extent();
        assert_eq!(extent.spared, CHANNELS as u64 * FLOOR, "{engine:?}");
        let listen = Listen { after: Some(gateway.position(0)), ..Listen::to(">") };
        let mut reader = gateway.open(Transport::Sse1, listen).await;
        let (mut missed, mut events) = (Vec::new(), 0);
        loop {
            match reader.next().await {
                Frame::Gap(gap) => missed.push(gap["missed"].clone()),
                Frame::CaughtUp(_) => break,
                Frame::Event(_) => events += 1,
                other => panic!("{other:?} on {engine:?}"),
            }
        }
        assert_eq!((missed, events), (vec![json!(extent.removed())], 5_000), "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_was_paused_in_a_flood_gets_what_is_left() {
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, |config| {
            config.retention.count = KEPT;
            config.retention.floor = FLOOR;
        })
        .await;
        let receiver = Receiver::start().await;
        let webhook = gateway.register(&receiver, json!({ "channels": ["quiet"] })).await;
        let pause = gateway.post_json(&format!("/api/webhooks/{}/pause", webhook.id), &json!({})).await;
        assert_eq!(pause.status, 200, "{}", pause.text());
        for number in 1..=2 {
            gateway.push("quiet", &format!("hush {number}")).await;
        }
        flood(&gateway, 3_000).await;
        until("retention", async || (gateway.hub.extent().events() == KEPT).then_some(())).await;
        let resume = gateway.post_json(&format!("/api/webhooks/{}/resume", webhook.id), &json!({})).await;
        assert_eq!(resume.status, 200, "{}", resume.text());
        receiver.gets_message("hush 1").await;
        receiver.gets_message("hush 2").await;
        let shown = gateway.get(&format!("/api/webhooks/{}", webhook.id)).await.json();
        assert_eq!(shown.get("lost_up_to"), None, "{shown}");
    }
}
