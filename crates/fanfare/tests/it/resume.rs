//! Resuming: replay and live events join without a gap or a duplicate, and lost events are reported.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::reader::{Frame, Listen, Reader, Transport};
use crate::support::{Engine, until};

fn seq(event: &Value) -> u64 {
    let id = event["id"].as_str().expect("an id");
    id.split_once('-').expect("a position").1.parse().expect("a seq")
}

fn numbered(count: u64, message: &str) -> Vec<Value> {
    (0..count).map(|number| json!({"channel": "a.b", "message": format!("{number} {message}")})).collect()
}

/// Reads events until the log's last seq is `last`; they must be those after `after`, each once and in order.
async fn read_all(reader: &mut Reader, after: u64, last: u64, who: &str) {
    let mut expected = after + 1;
    while expected <= last {
        let event = reader.event().await;
        assert_eq!(seq(&event), expected, "{who}: out of order, twice or lost");
        expected += 1;
    }
}

#[tokio::test]
async fn a_reader_that_reconnects_continues_where_it_stopped() {
    for engine in Engine::ALL {
        for transport in Transport::ALL {
            let gateway = Gateway::on(engine).await;
            let mut reader = gateway.listen(transport, "orders.*").await;
            gateway.push("orders.1", "paid").await;
            gateway.push("other", "noise").await;
            gateway.push("orders.1", "packed").await;
            let seen = reader.event().await;
            drop(reader);

            gateway.push("orders.1", "shipped").await;
            let position = seen["id"].as_str().expect("an id");
            let mut reader = gateway.listen_after(transport, "orders.*", position).await;
            let replayed = reader.replay().await;
            let replayed: Vec<_> = replayed.iter().map(|event| event["message"].as_str()).collect();
            assert_eq!(replayed, [Some("packed"), Some("shipped")], "{transport:?} on {engine:?}");
            gateway.push("orders.2", "paid").await;
            assert_eq!(reader.message().await, "paid");
        }
    }
}

#[tokio::test]
async fn a_position_can_be_given_in_every_way() {
    let gateway = Gateway::start().await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(gateway.push("a", &number.to_string()).await);
    }
    let first_at = gateway.get(&format!("/api/events/{}", ids[1])).await.json()["timestamp"].clone();
    let since = first_at.as_str().expect("a timestamp").replace('+', "%2B");
    let cases = [
        (String::new(), format!("last-event-id: {}\r\n", ids[0]), "23"),
        (format!("last_event_id={}", ids[0]), String::new(), "23"),
        (format!("last_event_id={}", ids[0]), format!("Last-Event-ID: {}\r\n", ids[1]), "3"),
        (format!("last_event_id={}", ids[1]), "Last-Event-ID: \r\n".to_owned(), "3"),
        ("since=earliest".to_owned(), String::new(), "123"),
        ("since=1h".to_owned(), String::new(), "123"),
        (format!("since={since}"), String::new(), "23"),
        ("since=2020-01-01T00:00:00Z".to_owned(), format!("last-event-id: {}\r\n", ids[2]), ""),
        ("since=2090-01-01T00:00:00Z".to_owned(), String::new(), ""),
        (format!("last_event_id={}", gateway.position(0)), String::new(), "123"),
    ];
    for (query, header, wanted) in cases {
        let mut raw = Raw::connect(gateway.address).await;
        assert_eq!(raw.get(&format!("/stream?format=json&{query}"), &header).await.status, 200);
        let mut browser = crate::support::event_source::EventSource::default();
        let mut got = String::new();
        'replay: loop {
            for said in browser.feed(&raw.chunk().await.expect("more")) {
                if said.event == "caught-up" {
                    break 'replay;
                }
                let event: Value = serde_json::from_str(&said.data).expect("JSON");
                got.push_str(event["message"].as_str().expect("a message"));
            }
        }
        assert_eq!(got, wanted, "{query} {header}");
    }
}

/// The scenario that the program depends on most.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_joins_live_without_gap_or_duplicate_while_others_push() {
    const PUSHERS: u64 = 4;
    const PUSHES: u64 = 150;
    for engine in Engine::ALL {
        for round in 0..3 {
            let gateway = Arc::new(Gateway::on(engine).await);
            let mut tasks = JoinSet::new();
            let mut total = 0;
            for pusher in 0..PUSHERS {
                // Each has its own size of batch, so that blocks differ.
                let size = 1 + (pusher + round) % 4;
                total += PUSHES * size;
                let gateway = Arc::clone(&gateway);
                tasks.spawn(async move {
                    for _ in 0..PUSHES {
                        gateway.push_batch(numbered(size, &format!("of {pusher}"))).await;
                    }
                });
            }
            for number in 0..12_u64 {
                let gateway = Arc::clone(&gateway);
                let transport = Transport::ALL[number as usize % 3];
                tasks.spawn(async move {
                    // They connect one after the other, during the whole push.
                    let moment = total * number / 13;
                    gateway.reached(moment).await;
                    // Half share a ring, half have their own, which starts empty.
                    let pattern =
                        if number % 2 == 0 { ">" } else { ["a.*", "a.>", "*.b"][number as usize % 3] };
                    let after = if number % 4 < 2 { 0 } else { moment / 2 };
                    let who = format!("reader {number} over {transport:?} on {engine:?} after {after}");
                    let mut reader = gateway.listen_after(transport, pattern, &gateway.position(after)).await;
                    read_all(&mut reader, after, total, &who).await;
                    drop(reader);
                    // Resumes again from the middle, in the ring or not.
                    let mut reader =
                        gateway.listen_after(transport, pattern, &gateway.position(total / 2)).await;
                    read_all(&mut reader, total / 2, total, &who).await;
                });
            }
            while let Some(ended) = tasks.join_next().await {
                ended.expect("a reader or pusher");
            }
            assert_eq!(gateway.hub.last().seq, total);
        }
    }
}

#[tokio::test]
async fn a_reader_that_is_behind_the_ring_reads_from_the_store_and_goes_live() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        for _ in 0..3 {
            gateway.push_batch(numbered(5_000, "x")).await;
        }
        for transport in Transport::ALL {
            let last = gateway.hub.last().seq;
            let mut reader = gateway.open(transport, Listen::earliest(">")).await;
            read_all(&mut reader, 0, last, &format!("{transport:?} on {engine:?}")).await;
            assert!(matches!(reader.next().await, Frame::CaughtUp(_)));
            gateway.push("a.b", "live").await;
            assert_eq!(seq(&reader.event().await), last + 1);
        }
    }
}

#[tokio::test]
async fn a_reader_that_pauses_gets_everything_once_and_in_order() {
    for engine in Engine::ALL {
        for transport in Transport::ALL {
            let gateway = Gateway::on(engine).await;
            let mut reader = gateway.listen(transport, ">").await;
            // Far more than the ring (4,096 events, 2 MiB) and the sockets hold.
            let text = "x".repeat(2_000);
            for _ in 0..12 {
                gateway.push_batch(numbered(1_000, &text)).await;
            }
            let who = format!("{transport:?} on {engine:?}");
            read_all(&mut reader, 0, 6_000, &who).await;
            gateway.push_batch(numbered(1_000, &text)).await;
            read_all(&mut reader, 6_000, 13_000, &who).await;
        }
    }
}

#[tokio::test]
async fn what_retention_removed_is_said() {
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, |config| config.retention.count = 100).await;
        gateway.push_batch(numbered(1_000, "x")).await;
        until("retention", async || (gateway.hub.extent().first == 901).then_some(())).await;
        for transport in Transport::ALL {
            let mut reader = gateway.listen_after(transport, ">", &gateway.position(10)).await;
            let Frame::Gap(gap) = reader.next().await else {
                panic!("no gap over {transport:?} on {engine:?}")
            };
            assert_eq!(gap["after"], gateway.position(10));
            assert_eq!((&gap["next"], &gap["missed"]), (&gateway.position(901).into(), &890.into()));
            read_all(&mut reader, 900, 1_000, "after the gap").await;
            assert!(matches!(reader.next().await, Frame::CaughtUp(_)));
            // A client that asks for everything available misses nothing, and neither does one that stopped right
            // before it.
            for listen in [
                Listen::earliest(">"),
                Listen { since: Some("1h".into()), ..Listen::default() },
                Listen { after: Some(gateway.position(900)), ..Listen::default() },
            ] {
                let mut reader = gateway.open(transport, listen).await;
                read_all(&mut reader, 900, 1_000, "without a gap").await;
            }
        }
    }
}

#[tokio::test]
async fn a_slow_reader_that_retention_passes_is_told_what_it_missed() {
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, |config| config.retention.count = 10).await;
        let mut raw = Raw::connect_narrow(gateway.address).await;
        raw.get("/stream?format=json", "").await;
        let text = "x".repeat(100_000);
        for _ in 0..20 {
            gateway.push_batch(numbered(10, &text)).await;
        }
        until("retention", async || (gateway.hub.extent().first == 191).then_some(())).await;
        let mut browser = crate::support::event_source::EventSource::default();
        let (mut last, mut gaps) = (0, 0);
        while last < 200 {
            let Some(chunk) = raw.chunk().await else {
                // It was cut off within an event that is gone, and comes back after the last whole one.
                raw = Raw::connect_narrow(gateway.address).await;
                let after = format!("last-event-id: {}\r\n", gateway.position(last));
                raw.get("/stream?format=json", &after).await;
                browser = crate::support::event_source::EventSource::default();
                continue;
            };
            for said in browser.feed(&chunk) {
                let data: Value = serde_json::from_str(&said.data).expect("JSON");
                if said.event == "gap" {
                    gaps += 1;
                    assert_eq!(data["after"], gateway.position(last));
                    assert_eq!(
                        (&data["next"], &data["missed"]),
                        (&gateway.position(191).into(), &(190 - last).into())
                    );
                    last = 190;
                } else {
                    last += 1;
                    assert_eq!(seq(&data), last, "lost without a word");
                }
            }
        }
        assert_eq!(gaps, 1, "on {engine:?}");
    }
}

#[tokio::test]
async fn a_position_that_means_nothing_here_is_answered_with_a_reset() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        gateway.push("a", "before").await;
        for transport in Transport::ALL {
            let ahead = gateway.position(1_000_000);
            for (position, reason) in [
                ("zzzzzzzz-1", "another_epoch"),
                ("17", "unreadable"),
                ("\u{feff}", "unreadable"),
                (ahead.as_str(), "ahead_of_log"),
            ] {
                let mut reader = gateway.listen_after(transport, ">", position).await;
                let Frame::Reset(reset) = reader.next().await else { panic!("no reset for {position}") };
                assert_eq!((&reset["reason"], &reset["position"]), (&reason.into(), &gateway.last().into()));
                gateway.push("a", "after").await;
                assert_eq!(reader.message().await, "after", "{transport:?} on {engine:?}");
            }
        }
    }
}

#[tokio::test]
async fn readers_resume_across_a_restart() {
    let gateway = Gateway::on(Engine::Embedded).await;
    gateway.push_batch(numbered(50, "before")).await;
    let mut seen = Vec::new();
    for transport in Transport::ALL {
        let mut reader = gateway.open(transport, Listen::earliest(">")).await;
        read_all(&mut reader, 0, 20, "before the restart").await;
        seen.push(transport);
    }
    let position = gateway.position(20);
    let gateway = gateway.restart().await;
    gateway.push_batch(numbered(50, "after")).await;
    for transport in seen {
        let mut reader = gateway.listen_after(transport, ">", &position).await;
        read_all(&mut reader, 20, 100, "after the restart").await;
    }

    // A log in memory is another log after a restart, and reports that.
    let gateway = Gateway::start().await;
    let position = gateway.push("a", "before").await;
    let gateway = gateway.restart().await;
    let mut reader = gateway.listen_after(Transport::Sse1, ">", &position).await;
    let Frame::Reset(reset) = reader.next().await else { panic!("no reset") };
    assert_eq!(reset["reason"], "another_epoch");
}
