//! Listening to a stream: its bytes, its formats, its filters.

use serde_json::json;

use crate::support::event_source::EventSource;
use crate::support::gateway::{Gateway, reqwest_client};
use crate::support::raw::Raw;
use crate::support::reader::{Frame, Listen, Transport};
use crate::support::{Engine, soon, until};

/// Reads the stream's body until `len` bytes are there.
async fn read(raw: &mut Raw, len: usize) -> String {
    let mut body = Vec::new();
    while body.len() < len {
        body.extend(raw.chunk().await.expect("more of the stream"));
    }
    assert_eq!(body.len(), len, "{:?}", String::from_utf8_lossy(&body));
    String::from_utf8(body).expect("text")
}

/// Reads the first bytes of a stream, which come at once.
async fn preamble(raw: &mut Raw) -> String {
    let mut first = String::new();
    while !first.ends_with(": fanfare\n") {
        assert!(first.len() < 200, "{first:?}");
        first.push_str(&String::from_utf8(raw.chunk().await.expect("first bytes")).expect("text"));
    }
    first
}

async fn timestamp(gateway: &Gateway, id: &str) -> String {
    let event = gateway.get(&format!("/api/events/{id}")).await.json();
    event["timestamp"].as_str().expect("a timestamp").to_owned()
}

#[tokio::test]
async fn the_default_stream_is_what_the_seeds_send_with_ids() {
    let gateway = Gateway::start().await;
    let mut raw = Raw::connect(gateway.address).await;
    let head = raw.get("/stream", "").await;
    assert_eq!(head.status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-store, no-transform"),
        ("x-accel-buffering", "no"),
        ("transfer-encoding", "chunked"),
        ("content-length", ""),
    ] {
        assert_eq!(head.header(name), value, "{name}");
    }
    let first = preamble(&mut raw).await;
    assert_eq!(head.header("fanfare-position"), gateway.position(0));
    let rest = first.strip_prefix("retry: ");
    let retry = rest.and_then(|rest| rest.strip_suffix("\n: fanfare\n"));
    let retry: u64 = retry.expect("a delay").parse().expect("milliseconds");
    assert!((500..2_500).contains(&retry), "{retry}");

    let one = gateway.push("builds.web", "deployed").await;
    let two = gateway.push("default", "first line\nsecond line\r\nthird line").await;
    let (at_one, at_two) = (timestamp(&gateway, &one).await, timestamp(&gateway, &two).await);
    let wanted = format!(
        "id: {one}\ndata: [{at_one}] deployed\n\n\
         id: {two}\ndata: [{at_two}] first line\ndata: second line\ndata: third line\n\n"
    );
    assert_eq!(read(&mut raw, wanted.len()).await, wanted);
    assert!(at_one.len() == 32 && at_one.ends_with("+00:00"), "{at_one}");
}

#[tokio::test]
async fn formats_and_names_are_as_asked() {
    let gateway = Gateway::start().await;
    let mut json = Raw::connect(gateway.address).await;
    json.get("/stream?format=json&events=named&since=earliest", "").await;
    let mut named = Raw::connect(gateway.address).await;
    named.get("/stream?events=named", "").await;
    let mut plain = Raw::connect(gateway.address).await;
    plain.get("/stream?format=text&events=plain", "").await;
    for raw in [&mut json, &mut named, &mut plain] {
        preamble(raw).await;
    }
    let event = json!({
        "channel": "builds.web", "message": "a\nb", "type": "build.failed", "priority": "high", "key": "web",
        "data": {"b": 1.50, "a": [null]}, "expires_in": "1h", "audience": "stream",
    });
    let id = gateway.push_event(event).await;
    let at = timestamp(&gateway, &id).await;

    let wanted = format!("id: {id}\nevent: build.failed\ndata: [{at}] a\ndata: b\n\n");
    assert_eq!(read(&mut named, wanted.len()).await, wanted);
    let wanted = format!("id: {id}\ndata: [{at}] a\ndata: b\n\n");
    assert_eq!(read(&mut plain, wanted.len()).await, wanted);

    let mut browser = EventSource::default();
    let mut said = Vec::new();
    while said.len() < 2 {
        said.extend(browser.feed(&json.chunk().await.expect("more")));
    }
    assert_eq!(said[0].event, "caught-up");
    assert_eq!((said[1].event.as_str(), said[1].last_event_id.as_str()), ("build.failed", id.as_str()));
    let expires =
        serde_json::from_str::<serde_json::Value>(&said[1].data).expect("JSON")["expires_at"].clone();
    let expires = expires.as_str().expect("a time");
    // The bytes, not the value: members in this order, numbers with their digits.
    let wanted = format!(
        r#"{{"id":"{id}","channel":"builds.web","type":"build.failed","message":"a\nb","data":{{"b":1.5,"a":[null]}},"#
    );
    assert!(said[1].data.starts_with(&wanted), "{}", said[1].data);
    let wanted = format!(
        r#""priority":"high","key":"web","timestamp":"{at}","source":{{"principal":"local","door":"http"}},"audience":"stream","expires_at":"{expires}"}}"#
    );
    assert!(said[1].data.ends_with(&wanted), "{}", said[1].data);
}

#[tokio::test]
async fn data_keeps_its_digits_and_its_order() {
    let gateway = Gateway::start().await;
    let mut raw = Raw::connect(gateway.address).await;
    raw.get("/stream?format=json", "").await;
    preamble(&mut raw).await;
    let body = "{\"message\":\"x\",\"data\":{\"z\": 1.50,\r\n \"a\": 123456789012345678901234567890, \"a b\": \"\\u00e9\"}}";
    assert_eq!(gateway.post("/api/push", "application/json", body).await.status, 200);
    let frame = String::from_utf8(raw.chunk().await.expect("a frame")).expect("text");
    let data = r#""data":{"z":1.50,"a":123456789012345678901234567890,"a b":"\u00e9"}"#;
    assert!(frame.contains(data), "{frame}");
}

#[tokio::test]
async fn an_event_goes_to_those_who_asked_for_it() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let listen = |patterns: &[&str]| Listen {
            patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
            ..Listen::default()
        };
        let cases = [
            (listen(&[]), "all"),
            (listen(&["builds.web"]), "exact"),
            (listen(&["builds.*"]), "one"),
            (listen(&["builds.>"]), "rest"),
            (listen(&["*.web", "alerts"]), "two patterns"),
            (Listen { types: vec!["error".into(), "warning".into()], ..Listen::default() }, "types"),
            (Listen { min_priority: Some("high".into()), ..Listen::default() }, "priority"),
            (Listen { text: Some("FAIL".into()), ..Listen::default() }, "text"),
        ];
        let events = [
            json!({"channel": "builds.web", "message": "1 ok"}),
            json!({"channel": "builds.web.eu", "message": "2 failed", "type": "error"}),
            json!({"channel": "builds", "message": "3", "type": "warning", "priority": "max"}),
            json!({"channel": "alerts", "message": "4 fail", "priority": "high"}),
            json!({"channel": "other.web", "message": "5", "priority": "low"}),
        ];
        let end = json!({"channel": "builds.web", "message": "end fail", "type": "error", "priority": "max"});
        let wanted = |name: &str| match name {
            "all" => "12345",
            "exact" | "one" => "1",
            "rest" => "12",
            "two patterns" => "145",
            "types" => "23",
            "priority" => "34",
            "text" => "24",
            _ => unreachable!("{name}"),
        };
        // The same for those who were there, and for those who come later and read it from the log.
        let mut live = Vec::new();
        for (listen, name) in &cases {
            for transport in Transport::ALL {
                live.push((gateway.open(transport, listen.clone()).await, *name, transport));
            }
        }
        let mut answers = Vec::new();
        for event in &events {
            answers.push(gateway.post_json("/api/push", event).await.json()["stream_clients"].clone());
        }
        assert_eq!(answers, [15, 12, 9, 12, 6].map(serde_json::Value::from));
        gateway.push_event(end).await;
        let mut later = Vec::new();
        for (listen, name) in &cases {
            for transport in Transport::ALL {
                let listen = Listen { since: Some("1h".into()), ..listen.clone() };
                later.push((gateway.open(transport, listen).await, *name, transport));
            }
        }
        for (reader, name, transport) in live.iter_mut().chain(&mut later) {
            let mut got = String::new();
            loop {
                let message = reader.message().await;
                if message.starts_with("end") {
                    break;
                }
                got.push_str(&message[..1]);
            }
            assert_eq!(got, wanted(name), "{name} over {transport:?} on {engine:?}");
        }
    }
}

/// Subscribers join while pushes are in progress: a push counts exactly those that get its event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_subscribers_that_a_push_counts_are_those_that_get_the_event() {
    const PUSHERS: usize = 8;
    const ROUNDS: usize = 40;
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        for round in 0..ROUNDS {
            let channel = format!("round.{round}");
            let transport = Transport::ALL[round % Transport::ALL.len()];
            // Each pushes until somebody is counted.
            let pushing = async || {
                let mut uncounted = Vec::new();
                loop {
                    let event = json!({"channel": &channel, "message": "counted"});
                    let pushed = gateway.post_json("/api/push", &event).await.json();
                    if pushed["stream_clients"] == 1 {
                        break (uncounted, pushed["id"].clone());
                    }
                    uncounted.push(pushed["id"].clone());
                }
            };
            let pushers = futures_util::future::join_all((0..PUSHERS).map(|_| pushing()));
            let (mut reader, pushes) = tokio::join!(gateway.listen(transport, &channel), pushers);
            gateway.push(&channel, "end").await;
            let mut received = Vec::new();
            loop {
                let event = reader.event().await;
                if event["message"] == "end" {
                    break;
                }
                received.push(event["id"].clone());
            }
            for (uncounted, counted) in pushes {
                assert!(received.contains(&counted), "{counted} did not come, {transport:?} on {engine:?}");
                let surprise = uncounted.iter().find(|id| received.contains(id));
                assert_eq!(surprise, None, "came without being counted, {transport:?} on {engine:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_head_request_opens_no_stream() {
    let gateway = Gateway::start().await;
    let answer = gateway.request("HEAD", "/stream?channel=builds.*", |request| request).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream; charset=utf-8"));
    assert!(answer.body.is_empty());
    gateway.clients(0).await;
}

#[tokio::test]
async fn an_http_1_0_reader_gets_a_body_without_chunks() {
    let gateway = Gateway::start().await;
    let mut raw = Raw::connect(gateway.address).await;
    raw.send("GET /stream?format=json HTTP/1.0\r\n\r\n").await;
    let head = raw.head().await;
    assert_eq!(
        (head.status, head.header("transfer-encoding"), head.header("connection")),
        (200, "", "close")
    );
    preamble(&mut raw).await;
    let id = gateway.push("a", "x").await;
    let frame = String::from_utf8(raw.chunk().await.expect("a frame")).expect("text");
    assert!(frame.starts_with(&format!("id: {id}\ndata: {{")) && frame.ends_with("}\n\n"), "{frame:?}");
}

#[tokio::test]
async fn head_says_of_a_stream_what_get_would_say() {
    let gateway = Gateway::start().await;
    for path in ["/stream", "/sse", "/mcp/sse"] {
        let mut raw = Raw::connect(gateway.address).await;
        raw.send(format!("HEAD {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n"))
            .await;
        let head = raw.head().await;
        assert_eq!((head.status, head.header("content-length")), (200, ""), "{path}");
        assert_eq!(head.header("cache-control"), "no-store, no-transform", "{path}");
        // The connection has a next request.
        let next = raw.get("/health", "").await;
        assert_eq!(next.status, 200, "{path}");
        let http2 = reqwest_client(true).head(format!("http://{}{path}", gateway.address)).send();
        let answer = soon("an answer", http2).await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.headers().get("content-length")), (200, None), "{path}");
        assert_eq!(soon("the end", answer.bytes()).await.expect("a body").len(), 0, "{path}");
    }
    // A length that is known is said.
    let mut raw = Raw::connect(gateway.address).await;
    raw.send("HEAD /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_ne!(raw.head().await.header("content-length"), "");
    gateway.clients(0).await;
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_the_place() {
    let gateway = Gateway::start().await;
    for (query, status, code, at) in [
        ("chanel=a", 400, "invalid_query", "?chanel"),
        ("channel=a..b", 400, "invalid_pattern", "?channel"),
        ("channel=a&channel=%3E.a", 400, "invalid_pattern", "?channel"),
        ("type=a%20b", 400, "invalid_type", "?type"),
        ("min_priority=urgent", 400, "invalid_priority", "?min_priority"),
        ("min_priority=low&min_priority=low", 400, "invalid_query", "?min_priority"),
        ("format=xml", 400, "invalid_query", "?format"),
        ("events=all", 400, "invalid_query", "?events"),
        ("since=yesterday", 400, "invalid_time", "?since"),
        ("reader=a%20b", 400, "invalid_reader", "?reader"),
        ("conflate=maybe", 400, "invalid_query", "?conflate"),
    ] {
        let problem = gateway.get(&format!("/stream?{query}")).await.problem(status, code);
        assert_eq!(problem["at"], at, "{query}");
    }
    assert_eq!(gateway.hub.client_count(), 0);
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive_with_comments() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.http.keepalive = std::time::Duration::from_millis(200);
    })
    .await;
    let mut raw = Raw::connect(gateway.address).await;
    raw.get("/stream", "").await;
    preamble(&mut raw).await;
    for _ in 0..2 {
        assert_eq!(raw.chunk().await.expect("a comment"), b":\n");
    }
    // The bytes after a comment form complete frames.
    let id = gateway.push("a", "x").await;
    let mut browser = EventSource::default();
    let said = until("the event", async || browser.feed(&raw.chunk().await.expect("more")).pop()).await;
    assert_eq!(said.last_event_id, id);

    let mut h2 = gateway.listen(Transport::Sse2, ">").await;
    let mut socket = gateway.listen(Transport::WebSocket, ">").await;
    gateway.push("a", "y").await;
    assert_eq!((h2.message().await.as_str(), socket.message().await.as_str()), ("y", "y"));
}

#[tokio::test]
async fn an_event_that_has_expired_is_not_delivered() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        // Keeps the events in a ring; subscribers to another channel read them from the store.
        let _other = gateway.listen(Transport::Sse1, "a").await;
        gateway.push("a", "before").await;
        // More than are looked at in one go.
        let mut id = String::new();
        for _ in 0..100 {
            id = gateway.push_event(json!({"channel": "a", "message": "short", "expires_in": 0.001})).await;
        }
        until("the end of the event", async || {
            (gateway.get(&format!("/api/events/{id}")).await.status == 404).then_some(())
        })
        .await;
        for transport in Transport::ALL {
            for pattern in ["a", "*"] {
                let mut reader = gateway.open(transport, Listen::earliest(pattern)).await;
                let got: Vec<_> =
                    reader.replay().await.iter().map(|event| event["message"].clone()).collect();
                assert_eq!(got, ["before"], "{pattern} {transport:?} on {engine:?}");
                // A replay of expired events alone is a replay, too, with an end.
                let mut reader = gateway.listen_after(transport, pattern, &gateway.position(1)).await;
                let end = reader.next().await;
                assert!(matches!(end, Frame::CaughtUp(_)), "{pattern} {transport:?} on {engine:?}: {end:?}");
            }
        }
    }
}
