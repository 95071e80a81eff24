//! Stopping: all clients are informed, nothing accepted is lost, and it does not take forever.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::gateway::{GRACE, Gateway};
use crate::support::raw::Raw;
use crate::support::reader::{Frame, Transport};
use crate::support::socket::Socket;
use crate::support::{Engine, until};

#[tokio::test]
async fn every_reader_is_told_to_come_back() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let mut readers = Vec::new();
        for transport in Transport::ALL {
            for pattern in [">", "a"] {
                readers.push((gateway.listen(transport, pattern).await, transport));
            }
        }
        let mut raw = Raw::connect(gateway.address).await;
        raw.get("/stream", "").await;
        let mut idle_socket = Socket::open(gateway.address).await;
        assert_eq!(idle_socket.ask(json!({"op": "ping"})).await["op"], "pong");
        gateway.push("a", "last").await;
        gateway.begin_stop();
        let mut delays = Vec::new();
        for (reader, transport) in &mut readers {
            // Earlier events need not arrive before: a client that reconnects gets them then.
            let said = loop {
                match reader.next().await {
                    Frame::Event(_) => {}
                    Frame::Closing(said) => break said,
                    other => panic!("{other:?} over {transport:?}"),
                }
            };
            if *transport == Transport::WebSocket {
                assert_eq!(said["code"], 1001);
                assert!(said["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
            } else {
                assert_eq!(said["reason"], "shutdown");
                delays.push(said["retry_ms"].as_u64().expect("milliseconds"));
            }
            assert_eq!(reader.next().await, Frame::End, "over {transport:?}");
        }
        assert!(delays.iter().all(|delay| (500..2_500).contains(delay)), "{delays:?}");
        assert_ne!(delays, vec![delays[0]; delays.len()], "all would come back at once");
        assert_eq!(idle_socket.goodbye().await.0, 1001);
        let mut browser = crate::support::event_source::EventSource::default();
        let mut said = Vec::new();
        while let Some(chunk) = raw.chunk().await {
            said.extend(browser.feed(&chunk));
        }
        let closing = said.last().expect("a notice");
        let data: Value = serde_json::from_str(&closing.data).expect("JSON");
        // A browser obeys `retry:`, and comes back with the position that it had.
        assert_eq!((closing.event.as_str(), data["retry_ms"].as_u64()), ("closing", browser.retry_ms));
        assert!(gateway.stop().await < GRACE, "on {engine:?}");
    }
}

#[tokio::test]
async fn connections_that_say_nothing_do_not_hold_it_up() {
    let gateway = Gateway::start().await;
    let silent = Raw::connect(gateway.address).await;
    let mut half = Raw::connect(gateway.address).await;
    half.send("P").await;
    let mut idle = Raw::connect(gateway.address).await;
    let head = idle.get("/health", "").await;
    idle.body(&head).await;
    let took = gateway.stop().await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop((silent, half, idle));
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_off_at_the_deadline() {
    const SHORT: Duration = Duration::from_secs(1);
    let gateway = Gateway::with(Engine::Memory, |config| config.shutdown_timeout = SHORT).await;
    let mut lazy = Raw::connect_narrow(gateway.address).await;
    lazy.get("/stream", "").await;
    let mut slow_push = Raw::connect(gateway.address).await;
    slow_push.send("POST /api/push/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf").await;
    for _ in 0..100 {
        gateway.push("a", &"x".repeat(100_000)).await;
    }
    until("the stall", async || {
        let clients = gateway.get("/api/clients").await.json();
        (clients["clients"][0]["state"] == "stalled").then_some(())
    })
    .await;
    let took = gateway.stop().await;
    assert!(took >= SHORT, "{took:?}: it was given no time");
    assert!(took < SHORT * 5, "{took:?}: the deadline was not kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_there_after_a_restart_and_the_rest_was_refused() {
    let gateway = Arc::new(Gateway::on(Engine::Embedded).await);
    let mut pushers = JoinSet::new();
    for pusher in 0..4 {
        let address = gateway.address;
        pushers.spawn(async move {
            let http = crate::support::gateway::reqwest_client(false);
            let mut answered = Vec::new();
            for number in 0.. {
                let url = format!("http://{address}/api/push/p{pusher}");
                let sent =
                    http.post(url).header("content-type", "text/plain").body(number.to_string()).send().await;
                // Refused, or no longer listening.
                let Ok(answer) = sent else { break };
                if answer.status() != 200 {
                    assert_eq!(answer.status(), 503);
                    let problem: Value = answer.json().await.expect("a problem");
                    assert_eq!(problem["code"], "shutting_down");
                    break;
                }
                let Ok(answer) = answer.json::<Value>().await else { break };
                answered.push(answer["id"].as_str().expect("an id").to_owned());
            }
            answered
        });
    }
    gateway.reached(200).await;
    gateway.begin_stop();
    let mut answered = Vec::new();
    while let Some(ids) = pushers.join_next().await {
        answered.extend(ids.expect("a pusher"));
    }
    let gateway = Arc::into_inner(gateway).expect("the last").restart().await;
    assert!(answered.len() >= 196, "{}", answered.len());
    for id in &answered {
        let answer = gateway.get(&format!("/api/events/{id}")).await;
        assert_eq!(answer.status, 200, "{id} was answered, and is lost");
    }
    // It continues where it was.
    let next = gateway.hub.last().seq + 1;
    assert_eq!(gateway.push("a", "after").await, gateway.position(next));
}
