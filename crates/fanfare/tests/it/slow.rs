//! Slow subscribers: they cost little, delay no one, and are disconnected in the end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gateway::{Gateway, reqwest_client, send_apart};
use crate::support::raw::Raw;
use crate::support::reader::{Listen, Transport};
use crate::support::socket::Socket;
use crate::support::{Engine, until};

/// Returns a counter or gauge of `/metrics`.
async fn metric(gateway: &Gateway, name: &str) -> f64 {
    let text = gateway.get("/metrics").await.text();
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    line.and_then(|line| line.split(' ').nth(1)).expect(name).parse().expect("a number")
}

/// Returns the resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    let kilobytes: u64 = line.split_whitespace().nth(1).and_then(|size| size.parse().ok()).expect("a number");
    kilobytes * 1024
}

#[tokio::test]
async fn a_stream_over_http2_that_takes_nothing_is_disconnected() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.http.stall_timeout = Duration::from_secs(1);
        config.http.keepalive = Duration::from_millis(200);
    })
    .await;
    let lazy = send_apart(reqwest_client(true).get(gateway.url("/stream"))).await;
    // One that has everything is not stalled, however long nothing happens.
    let mut idle = gateway.listen(Transport::Sse2, "rare").await;
    gateway.clients(2).await;
    // More than the windows of both ends hold.
    let text = "x".repeat(250_000);
    for _ in 0..64 {
        gateway.push("a", &text).await;
    }
    until("the lazy one to go", async || (gateway.hub.client_count() == 1).then_some(())).await;
    assert!(metric(&gateway, "fanfare_stalled_total").await >= 1.0);
    drop(lazy);
    gateway.push("rare", "still here").await;
    assert_eq!(idle.message().await, "still here");
}

#[tokio::test]
async fn readers_that_never_read_delay_nobody_and_are_disconnected() {
    const LAZY: usize = 60;
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, |config| {
            config.http.stall_timeout = Duration::from_secs(2);
            config.retention.count = 20;
        })
        .await;
        let mut lazy = Vec::new();
        for number in 0..LAZY {
            let mut raw = Raw::connect_narrow(gateway.address).await;
            // On a ring of their own, on that of the others, and behind it.
            raw.get(["/stream", "/stream?channel=*", "/stream?since=earliest"][number % 3], "").await;
            lazy.push(raw);
        }
        let mut lazy_socket = Socket::open(gateway.address).await;
        lazy_socket.ask(json!({"op": "subscribe"})).await;
        let mut others = Vec::new();
        for transport in Transport::ALL {
            others.push(gateway.listen(transport, ">").await);
        }
        let before = resident();
        let text = "x".repeat(250_000);
        for number in 0..120 {
            gateway.push("a", &format!("{number} {text}")).await;
            for reader in &mut others {
                let message = reader.message().await;
                assert!(message.starts_with(&format!("{number} ")), "delayed: {}", &message[..10]);
            }
        }
        // Copies for each of them would be 1.8 GB. Other tests at the same time use little beside that.
        let grown = resident().saturating_sub(before);
        assert!(grown < 600_000_000, "{grown} bytes for {LAZY} readers on {engine:?}");
        until("the lazy ones to go", async || (gateway.hub.client_count() == others.len()).then_some(()))
            .await;
        assert!(metric(&gateway, "fanfare_stalled_total").await >= LAZY as f64);
        for raw in &mut lazy {
            let rest = raw.rest().await;
            assert!(rest.len() < 12_000_000, "{} bytes waited in the kernel", rest.len());
        }
        gateway.push("a", "end").await;
        for reader in &mut others {
            assert_eq!(reader.message().await, "end");
        }
    }
}

#[tokio::test]
async fn big_events_arrive_to_the_byte_through_narrow_sockets() {
    let gateway = Gateway::start().await;
    let mut raw = Raw::connect_narrow(gateway.address).await;
    raw.get("/stream?format=json", "").await;
    let mut readers = Vec::new();
    for transport in Transport::ALL {
        readers.push(gateway.listen(transport, ">").await);
    }
    // Each 256 KiB, each another text, in batches and alone.
    let message = |number: usize| -> String {
        let unit = format!("{number}é\n");
        let text = unit.repeat(256 * 1024 / unit.len());
        text + &"x".repeat(256 * 1024 % unit.len())
    };
    let mut pushed = 0;
    for size in [1, 7, 1, 12, 3] {
        let batch = (pushed..pushed + size).map(|number| json!({"message": message(number)})).collect();
        gateway.push_batch(batch).await;
        pushed += size;
    }
    let mut browser = crate::support::event_source::EventSource::default();
    let mut got = 0;
    while got < pushed {
        for said in browser.feed(&raw.chunk().await.expect("more")) {
            let event: Value = serde_json::from_str(&said.data).expect("JSON");
            assert!(event["message"] == message(got), "event {got} differs");
            got += 1;
        }
    }
    for reader in &mut readers {
        for number in 0..pushed {
            assert!(reader.message().await == message(number), "event {number} differs");
        }
    }
}

#[tokio::test]
async fn a_reader_that_conflates_gets_the_newest_of_each_key() {
    let batch = |from: u64| -> Vec<Value> {
        let event = |number: u64| match number % 100 {
            0 => json!({"message": format!("{number} alone")}),
            rest => json!({"message": format!("{number} keyed"), "key": format!("k{}", rest % 10)}),
        };
        (from..from + 300).map(event).collect()
    };
    for engine in Engine::ALL {
        for (transport, in_ring) in Transport::ALL.into_iter().flat_map(|one| [(one, true), (one, false)]) {
            let gateway = Gateway::on(engine).await;
            // A subscriber with the same filter keeps the events in a ring; without one they are in the store alone.
            let mut keeper = Raw::connect(gateway.address).await;
            if in_ring {
                keeper.get("/stream", "").await;
            }
            let count = if in_ring { 300 } else { 6_000 };
            for from in (0..count).step_by(300) {
                gateway.push_batch(batch(from)).await;
            }
            let alone = (0..count).step_by(100).map(|number| format!("{number} alone"));
            // The last of all that have a key end in each of the ten digits.
            let newest = (count - 10..count).map(|number| format!("{number} keyed"));
            let wanted: Vec<_> = alone.chain(newest).collect();
            let listen = Listen { conflate: true, ..Listen::earliest(">") };
            let mut reader = gateway.open(transport, listen).await;
            let replay = reader.replay().await;
            let got: Vec<_> = replay.iter().map(|event| event["message"].as_str().expect("text")).collect();
            assert_eq!(got, wanted, "{transport:?} on {engine:?}, in the ring: {in_ring}");
            // A client that keeps up gets all events, one by one.
            for number in 0..3 {
                gateway.push_event(json!({"message": number.to_string(), "key": "k1"})).await;
                assert_eq!(reader.message().await, number.to_string());
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_a_reader_that_conflates_is_bounded_in_bytes() {
    let gateway = Gateway::start().await;
    let text = "x".repeat(250_000);
    for number in 0..200 {
        gateway.push_event(json!({"message": text, "key": number.to_string()})).await;
    }
    let mut raw = Raw::connect_narrow(gateway.address).await;
    let before = resident();
    raw.get("/stream?conflate=1&since=earliest", "").await;
    until("the reader to stall", async || {
        let clients = gateway.get("/api/clients").await.json();
        (clients["clients"][0]["state"] == "stalled").then_some(())
    })
    .await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 40_000_000, "{grown} bytes for one page");
}
