//! Stopping: all clients are informed, nothing accepted is lost, and it does not take forever.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::gateway::{GRACE, Gateway};
use crate::support::raw::Raw;
use crate::support::reader::{Frame, Transport};
use crate::support::receiver::{Receiver, Script};
use crate::support::socket::Socket;
use crate::support::{Engine, until};

/// Maximum duration of a stop that waits for nobody, on a busy machine.
const PROMPT: Duration = Duration::from_secs(4);

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
async fn what_clients_leave_unfinished_does_not_hold_it_up() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::playing(Vec::new(), Script::Hang).await;
    gateway.register(&receiver, json!({})).await;
    let push = "POST /api/push/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n";
    let mut half_head = Raw::connect(gateway.address).await;
    half_head.send("GET /health HTTP/1.1\r\nhost: loc").await;
    let mut second_half_head = Raw::connect(gateway.address).await;
    let head = second_half_head.get("/health", "").await;
    second_half_head.body(&head).await;
    second_half_head.send("GET /health HTTP/1.1\r\nhost: loc").await;
    let mut half_body = Raw::connect(gateway.address).await;
    half_body.send(format!("{push}half")).await;
    // It waits for the webhook, which hangs.
    let mut pusher = Raw::connect(gateway.address).await;
    pusher.send(format!("{push}ten  bytes")).await;
    gateway.reached(1).await;
    let mut waiting = Raw::connect(gateway.address).await;
    waiting.send("GET /api/events?channel=nothing&wait=55s HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    // It is told, and does not answer.
    let silent_socket = Socket::open(gateway.address).await;
    let mut half_http2 = Raw::connect(gateway.address).await;
    half_http2.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    gateway.clients(1).await;

    gateway.begin_stop();
    assert!(half_head.rest().await.is_empty() && second_half_head.rest().await.is_empty());
    let head = half_body.head().await;
    assert_eq!((head.status, head.header("connection")), (503, "close"));
    let problem: Value = serde_json::from_slice(&half_body.body(&head).await).expect("JSON");
    assert_eq!(problem["code"], "shutting_down");
    let head = pusher.head().await;
    let answer: Value = serde_json::from_slice(&pusher.body(&head).await).expect("JSON");
    assert_eq!((head.status, &answer["webhooks_notified"]), (200, &json!(0)), "{answer}");
    let head = waiting.head().await;
    let page: Value = serde_json::from_slice(&waiting.body(&head).await).expect("JSON");
    assert_eq!((head.status, &page["events"]), (200, &json!([])), "{page}");
    let took = gateway.stop().await;
    assert!(took < PROMPT, "{took:?}");
    drop((silent_socket, half_http2));
}

#[tokio::test]
async fn a_client_that_does_not_read_its_response_does_not_hold_it_up() {
    let gateway = Gateway::start().await;
    for _ in 0..40 {
        gateway.push("a", &"x".repeat(200_000)).await;
    }
    let mut lazy = Raw::connect_narrow(gateway.address).await;
    lazy.get("/api/events?limit=40", "").await;
    let took = gateway.stop().await;
    assert!(took < PROMPT, "{took:?}");
}

#[tokio::test]
async fn a_thousand_streams_are_told_even_those_that_read_slowly() {
    const STREAMS: usize = 1_000;
    const SLOW: usize = 20;
    let gateway = Gateway::start().await;
    let mut streams = Vec::new();
    for number in 0..STREAMS {
        let is_slow = number < SLOW;
        let mut raw = match is_slow {
            true => Raw::connect_narrow(gateway.address).await,
            false => Raw::connect(gateway.address).await,
        };
        raw.get(if is_slow { "/stream?channel=large" } else { "/stream?channel=small" }, "").await;
        streams.push(raw);
    }
    gateway.clients(STREAMS).await;
    for _ in 0..40 {
        gateway.push("large", &"x".repeat(200_000)).await;
    }
    gateway.push("small", "hello").await;
    until("the stalls", async || {
        let clients = gateway.get("/api/clients").await.json();
        let clients = clients["clients"].as_array().expect("a list");
        (clients.iter().filter(|client| client["state"] == "stalled").count() == SLOW).then_some(())
    })
    .await;
    let took = gateway.stop().await;
    assert!(took < PROMPT, "{took:?}");
    for (number, mut raw) in streams.into_iter().enumerate() {
        let mut said = Vec::new();
        while let Some(chunk) = raw.chunk().await {
            said = chunk;
        }
        let last = String::from_utf8_lossy(&said);
        assert!(raw.is_whole() && last.contains("event: closing"), "stream {number}: {last}");
    }
}

#[tokio::test]
async fn while_it_drains_it_says_so_and_serves_everybody() {
    const DRAIN: Duration = Duration::from_secs(8);
    let gateway = Gateway::with(Engine::Memory, |config| config.drain_time = DRAIN).await;
    let mut reader = gateway.listen(Transport::Sse1, "a").await;
    let mut raw = Raw::connect(gateway.address).await;
    let head = raw.get("/ready", "").await;
    assert_eq!((head.status, head.header("connection")), (200, ""));
    raw.body(&head).await;
    let begun = Instant::now();
    gateway.begin_stop();
    let head = raw.get("/ready", "").await;
    let ready: Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
    assert_eq!(
        (head.status, head.header("connection"), &ready["status"]),
        (503, "close", &json!("stopping"))
    );
    // New connections are accepted, and streams go on.
    gateway.push("a", "during").await;
    assert!(matches!(reader.next().await, Frame::Event(event) if event["message"] == "during"));
    assert!(matches!(reader.next().await, Frame::Closing(_)));
    assert!(begun.elapsed() >= DRAIN);
    assert_eq!(reader.next().await, Frame::End);
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
                // No longer listening.
                let Ok(answer) = sent else { break };
                assert_eq!(answer.status(), 200, "a push that has arrived is not refused");
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
