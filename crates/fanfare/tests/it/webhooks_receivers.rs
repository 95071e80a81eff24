//! Receivers in every way that they can be wrong: each attempt ends in time, is written down, and is made once.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::{Engine, soon, until};

/// Maximum duration of an attempt here.
const ATTEMPT_MAX: Duration = Duration::from_millis(600);
/// Additional time for a busy machine.
const SLACK: Duration = Duration::from_secs(4);
/// More than two sockets buffer between a writer and a client that has stopped reading.
const BUFFERED_MAX: usize = 16 * 1024 * 1024;

async fn impatient() -> Gateway {
    Gateway::with(Engine::Memory, |config| config.webhooks.attempt_max = ATTEMPT_MAX).await
}

/// Sends one event to a receiver that plays `script`; returns the outcome, and the duration of the attempt.
async fn attempt(gateway: &Gateway, script: Script) -> (&'static str, Duration, Receiver) {
    let receiver = Receiver::playing(vec![], script).await;
    let hook = gateway.register(&receiver, json!({ "retry": [] })).await;
    gateway.push_only("default", "x").await;
    let outcome = gateway.outcomes(&hook, 1).await[0];
    let took = Duration::from_micros(gateway.recent(&hook)[0].times.total_us);
    if outcome != "delivered" {
        let failed = until("the attempt", async || gateway.failed_attempts(&hook).await.pop()).await;
        assert!(failed.detail.contains(&format!(r#""outcome":"{outcome}""#)), "{}", failed.detail);
        gateway.failed_deliveries(&hook, 1).await;
    }
    gateway.is_done(&hook).await;
    assert_eq!(receiver.got().len(), 1, "one attempt is one request");
    gateway.remove(&hook).await;
    (outcome, took, receiver)
}

#[tokio::test]
async fn an_attempt_ends_in_time_wherever_the_receiver_hangs() {
    let by_default = fanfare_delivery::service::Config::default().attempt_max;
    assert_eq!(by_default, Duration::from_secs(10));
    let gateway = impatient().await;
    let bytes = |text: &str| text.as_bytes().to_vec();
    for script in [
        Script::Hang,
        Script::Stall(bytes("HTTP/1.1 200 OK\r\ncontent-le")),
        Script::Stall(bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nthe beginning")),
        Script::Stall(bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")),
        Script::Stall(bytes("HTTP/1.1 100 Continue\r\n\r\n")),
        Script::Trickle(bytes("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")),
        Script::Trickle(bytes("HTTP/1.1 200 OK\r\nx-header: ")),
        Script::Trickle(bytes("HTTP/1.1 200 OK\r\n\r\n")),
    ] {
        let (outcome, took, _) = attempt(&gateway, script.clone()).await;
        assert_eq!(outcome, "timeout", "{script:?}");
        assert!((ATTEMPT_MAX..ATTEMPT_MAX + SLACK).contains(&took), "{script:?}: {took:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_never_accepts_is_given_up() {
    let gateway = impatient().await;
    // The kernel accepts the connection, but no program does.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = |listener: &TcpListener| format!("http://{}/", listener.local_addr().expect("an address"));
    let hook = gateway.register_url(&url(&silent), json!({ "retry": [] })).await;
    gateway.push_only("default", "x").await;
    assert_eq!(gateway.outcomes(&hook, 1).await, ["timeout"]);
    gateway.remove(&hook).await;

    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = url(&gone);
    drop(gone);
    let hook = gateway.register_url(&address, json!({ "retry": [] })).await;
    gateway.push_only("default", "x").await;
    assert_eq!(gateway.outcomes(&hook, 1).await, ["connection_refused"]);
}

#[tokio::test]
async fn a_connection_that_is_not_made_ends_before_the_attempt_would() {
    let gateway = Gateway::start().await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let full = socket.listen(1).expect("a listener");
    let address = full.local_addr().expect("an address");
    // Until the kernel accepts no more.
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        waiting.push(stream.expect("a connection"));
        assert!(waiting.len() < 100, "the kernel takes any number");
    }
    let hook = gateway.register_url(&format!("http://{address}/"), json!({ "retry": [] })).await;
    gateway.push_only("default", "x").await;
    assert_eq!(gateway.outcomes(&hook, 1).await, ["timeout"]);
    let took = Duration::from_micros(gateway.recent(&hook)[0].times.total_us);
    assert!((Duration::from_secs(3)..Duration::from_secs(7)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn no_more_of_an_answer_is_read_than_is_worth_it() {
    // Its attempts have ten seconds, and need none of them.
    let gateway = Gateway::start().await;
    let megabyte = vec![b'x'; 1024 * 1024];
    let chunk = [b"100000\r\n".to_vec(), megabyte.clone(), b"\r\n".to_vec()].concat();
    for (head, again, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n", megabyte.clone(), "delivered"),
        ("HTTP/1.1 200 OK\r\n\r\n", megabyte.clone(), "delivered"),
        ("HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n", chunk, "http_5xx"),
        ("HTTP/1.1 200 OK\r\nx: ", megabyte.clone(), "protocol_error"),
        ("HTTP/1.1 200 OK\r\n", b"x-header: value\r\n".repeat(10_000), "protocol_error"),
        ("", megabyte, "protocol_error"),
    ] {
        let script = Script::Endless(head.as_bytes().to_vec(), again);
        let (outcome, _, receiver) = attempt(&gateway, script).await;
        assert_eq!(outcome, expected, "{head:?}");
        let written = receiver.had_enough().await;
        assert!(written < BUFFERED_MAX, "{head:?}: {written} bytes were taken");
    }
    // An endless sequence of interim responses is not a response.
    let gateway = impatient().await;
    let flood = Script::Endless(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100));
    let (outcome, took, _) = attempt(&gateway, flood).await;
    assert!(["timeout", "protocol_error"].contains(&outcome), "{outcome}");
    // The buffered bytes are read before the clock is checked, which takes a while in a debug build.
    assert!(took < ATTEMPT_MAX + 3 * SLACK, "{took:?}");
}

#[tokio::test]
async fn what_is_kept_of_an_answer_is_its_beginning_as_it_came() {
    let gateway = impatient().await;
    let receiver = Receiver::playing(
        vec![],
        Script::Answer(500, "content-encoding: gzip\r\nx-a: b\r\n".to_owned(), "y".repeat(60_000)),
    )
    .await;
    let hook = gateway.register(&receiver, json!({ "retry": [] })).await;
    gateway.push_only("default", "x").await;
    gateway.failed_deliveries(&hook, 1).await;
    let attempt = gateway.failed_attempts(&hook).await.pop().expect("an attempt");
    let detail: serde_json::Value = serde_json::from_str(&attempt.detail).expect("JSON");
    assert_eq!(
        detail["answer"]["body"].as_str().expect("a body"),
        "y".repeat(16 * 1024),
        "nothing is unpacked"
    );
    assert_eq!(
        (&detail["answer"]["is_cut"], &detail["answer"]["headers"]["x-a"]),
        (&json!(true), &json!("b"))
    );
    assert_eq!((&detail["status_code"], &detail["outcome"]), (&json!(500), &json!("http_5xx")));
}

#[tokio::test]
async fn what_is_broken_off_or_no_http_is_one_failed_attempt() {
    let gateway = impatient().await;
    let bytes = |text: &[u8]| Script::Bytes(text.to_vec());
    for (script, expected) in [
        (Script::Reset, "broken_off"),
        (bytes(b""), "broken_off"),
        (bytes(b"HTTP/1.1 200"), "broken_off"),
        (bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this"), "broken_off"),
        (bytes(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhe"), "broken_off"),
        (bytes(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), "broken_off"),
        (bytes(b"hello\r\n"), "protocol_error"),
        (bytes(b"\x16\x03\x01\x00\x05hello"), "protocol_error"),
        (bytes(b"HTTP/1.1 999999 Far\r\n\r\n"), "protocol_error"),
        (bytes(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), "protocol_error"),
        (bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\nx"), "protocol_error"),
        (bytes(b"HTTP/1.1 200 OK\r\nx: \0\r\n\r\n"), "protocol_error"),
        (bytes(b"HTTP/2.0 200 OK\r\n\r\n"), "protocol_error"),
        (
            bytes(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
            "protocol_error",
        ),
        (bytes(b"HTTP/1.0 200 OK\r\n\r\nuntil the end"), "delivered"),
        (
            bytes(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
            "delivered",
        ),
    ] {
        let (outcome, took, _) = attempt(&gateway, script.clone()).await;
        let Script::Bytes(said) = &script else {
            assert_eq!(outcome, expected);
            continue;
        };
        assert_eq!(outcome, expected, "{:?}", String::from_utf8_lossy(said));
        assert!(took < ATTEMPT_MAX, "{took:?}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_before_its_time_or_as_the_last_word_counts() {
    let gateway = impatient().await;
    let answer = |text: &str| text.as_bytes().to_vec();
    let whole = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    for (script, expected) in [
        (Script::Early(answer(whole)), "delivered"),
        (Script::Early(answer("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")), "http_5xx"),
        (Script::HalfClosed(answer(whole)), "delivered"),
        (Script::HalfClosed(answer("HTTP/1.1 200 OK\r\n\r\nuntil the end")), "delivered"),
        (Script::HalfClosed(answer("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")), "broken_off"),
        (Script::HalfClosed(answer("HTTP/1.1 20")), "broken_off"),
        (Script::HalfClosed(Vec::new()), "broken_off"),
    ] {
        let (outcome, took, _) = attempt(&gateway, script.clone()).await;
        assert_eq!(outcome, expected, "{script:?}");
        assert!(took < ATTEMPT_MAX, "{script:?}: {took:?}");
    }
    // A connection whose other end has stopped sending is not reused.
    let receiver = Receiver::playing(vec![], Script::HalfClosed(answer(whole))).await;
    let hook = gateway.register(&receiver, json!({ "retry": [], "concurrency": 1 })).await;
    for number in 0..5 {
        gateway.push("default", &number.to_string()).await;
    }
    assert_eq!(gateway.outcomes(&hook, 5).await, ["delivered"; 5]);
    assert_eq!((receiver.got().len(), receiver.connections()), (5, 5));
    gateway.remove(&hook).await;

    // A body that is not read, larger than the buffers: the response has arrived, so it counts.
    let large = Receiver::playing(vec![], Script::Early(answer(whole))).await;
    let options = json!({ "retry": [], "batch": { "max_events": 4, "max_wait": "60s" } });
    let hook = gateway.register(&large, options).await;
    let data = "y".repeat(250 * 1024);
    let events = (0..4).map(|_| json!({ "message": "x", "data": { "y": data } })).collect();
    let pushed = gateway.post_json("/api/push?wait=0s", &serde_json::Value::Array(events)).await;
    assert_eq!(pushed.status, 200, "{}", pushed.text());
    assert_eq!(gateway.outcomes(&hook, 1).await, ["delivered"]);
}

#[tokio::test]
async fn only_2xx_is_a_delivery_and_no_redirect_is_followed() {
    let gateway = impatient().await;
    let elsewhere = Receiver::start().await;
    for status in [301, 302, 303, 307, 308] {
        for to in
            [elsewhere.url(), gateway.url("/api/push"), "http://169.254.169.254/".to_owned(), "/".to_owned()]
        {
            let script = Script::with(status, &format!("location: {to}\r\n"));
            assert_eq!(attempt(&gateway, script).await.0, "http_3xx", "{status} to {to}");
        }
    }
    assert_eq!((elsewhere.got().len(), elsewhere.connections()), (0, 0));
    for (status, expected) in [
        (200, "delivered"),
        (201, "delivered"),
        (202, "delivered"),
        (204, "delivered"),
        (205, "delivered"),
        (206, "delivered"),
        (226, "delivered"),
        (299, "delivered"),
        (300, "http_3xx"),
        (304, "http_3xx"),
        (399, "http_3xx"),
        (400, "http_4xx"),
        (404, "http_4xx"),
        (413, "http_4xx"),
        (429, "http_4xx"),
        (502, "http_5xx"),
        (503, "http_5xx"),
        (504, "http_5xx"),
        (600, "protocol_error"),
    ] {
        assert_eq!(attempt(&gateway, Script::status(status)).await.0, expected, "{status}");
    }
}

#[tokio::test]
async fn tls_that_is_none_or_hangs_is_a_failed_attempt() {
    let gateway = impatient().await;
    let receiver = Receiver::start().await;
    let url = format!("https://{}/", receiver.address);
    let hook = gateway.register_url(&url, json!({ "retry": [] })).await;
    gateway.push_only("default", "x").await;
    // The fixture waits for the end of a head that never comes.
    assert_eq!(gateway.outcomes(&hook, 1).await, ["timeout"]);
    gateway.remove(&hook).await;

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}/", listener.local_addr().expect("an address"));
    let hook = gateway.register_url(&url, json!({ "retry": [] })).await;
    gateway.push_only("default", "x").await;
    let (mut stream, _) = soon("a connection", listener.accept()).await.expect("a connection");
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .expect("written");
    assert_eq!(gateway.outcomes(&hook, 1).await, ["tls_error"]);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_costs_no_delivery() {
    let gateway = impatient().await;
    // Closed without saying so.
    let script = Script::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec());
    let receiver = Receiver::playing(vec![], script).await;
    let hook =
        gateway.register(&receiver, json!({ "retry": ["10ms", "10ms", "10ms"], "concurrency": 1 })).await;
    for number in 0..40 {
        gateway.push("default", &number.to_string()).await;
    }
    until("all of it", async || {
        gateway.is_done(&hook).await;
        gateway.rows(&hook).await.is_empty().then_some(())
    })
    .await;
    let mut messages = receiver.messages();
    messages.sort();
    messages.dedup();
    assert_eq!(messages.len(), 40);
    let attempts = gateway.recent(&hook).len();
    assert!(receiver.got().len() <= attempts, "{} requests, {attempts} attempts", receiver.got().len());
}

#[tokio::test]
async fn connections_are_used_again_and_closed_when_nobody_needs_them() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    gateway.register(&receiver, json!({})).await;
    for number in 0..20 {
        gateway.push("default", &number.to_string()).await;
    }
    assert_eq!((receiver.got().len(), receiver.connections()), (20, 1));
    // Earlier than receivers usually do it themselves.
    until("the end of the connection", async || (receiver.open() == 0).then_some(())).await;
}

#[tokio::test]
async fn one_dead_receiver_does_not_hold_up_the_others() {
    const EVENTS: usize = 100;
    let gateway = Gateway::start().await;
    let (hanging, refusing) =
        (Receiver::playing(vec![], Script::Hang).await, Receiver::playing(vec![], Script::Reset).await);
    let dead = gateway.register(&hanging, json!({})).await;
    gateway.register(&refusing, json!({ "retry": ["10ms", "10ms"] })).await;
    let mut well = Vec::new();
    for _ in 0..20 {
        let receiver = Receiver::start().await;
        gateway.register(&receiver, json!({})).await;
        well.push(receiver);
    }
    let begun = Instant::now();
    gateway.push_numbers(EVENTS).await;
    for receiver in &well {
        receiver.gets(EVENTS).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(9), "before the dead one's first attempts end");
    assert_eq!(gateway.recent(&dead).len(), 0);
    assert_eq!(hanging.got().len(), 16, "and no more than may be on their way");
    // The stop need not wait for it.
    gateway.remove(&dead).await;
}
