//! The WebSocket protocol: every request, every error, every goodbye.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::reader::Transport;
use crate::support::socket::{Said, Socket};

#[tokio::test]
async fn every_request_has_its_answer() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let mut other = gateway.listen(Transport::Sse1, ">").await;
        let mut socket = Socket::open(gateway.address).await;
        assert_eq!(socket.ask(json!({"op": "ping"})).await, json!({"op": "pong"}));
        for id in [json!("text"), json!(7), json!(1.5), json!(true)] {
            assert_eq!(socket.ask(json!({"op": "ping", "id": id})).await, json!({"op": "pong", "id": id}));
        }
        let subscribed = socket.ask(json!({"op": "subscribe", "id": 1, "channels": ["a.*"]})).await;
        assert_eq!(subscribed, json!({"op": "subscribed", "id": 1, "position": gateway.position(0)}));

        let event = json!({"message": "x", "channel": "a.b", "type": "error", "data": {"n": 1}});
        socket.say(&json!({"op": "publish", "id": 2, "event": event})).await;
        // The answer and the event are two things; which comes first is open.
        let (mut published, mut got) = (None, None);
        while published.is_none() || got.is_none() {
            let said = socket.json().await;
            if said["op"] == "published" { published = Some(said) } else { got = Some(said) }
        }
        let id = gateway.position(1);
        let wanted = json!({"op": "published", "id": 2, "ids": [id], "stream_clients": 2});
        assert_eq!(published.expect("an answer"), wanted);
        let got = got.expect("an event");
        assert_eq!((&got["op"], &got["event"]["id"]), (&"event".into(), &id.clone().into()));
        assert_eq!(got["event"]["source"], json!({"principal": "local", "door": "websocket"}));
        assert_eq!(got["event"], other.event().await);

        // Subscribing again replaces the subscription; unsubscribing reports its position.
        socket.ask(json!({"op": "subscribe", "channels": ["b"], "after": id})).await;
        assert_eq!(socket.json().await["op"], "caught-up");
        let batch = json!([{"message": "1", "channel": "a.b"}, {"message": "2", "channel": "b"}]);
        let ids: Vec<_> = (2..=3).map(|seq| gateway.position(seq)).collect();
        let answer = gateway.post_json("/api/push", &batch).await.json();
        assert_eq!(answer["ids"], json!(ids));
        assert_eq!(socket.json().await["event"]["message"], "2");
        let left = socket.ask(json!({"op": "unsubscribe", "id": "u"})).await;
        assert_eq!(left, json!({"op": "unsubscribed", "id": "u", "position": ids[1]}));
        gateway.push("b", "unheard").await;
        let published =
            socket.ask(json!({"op": "publish", "events": [{"message": "3"}, {"message": "4"}]})).await;
        assert_eq!(published["ids"], json!([gateway.position(5), gateway.position(6)]));
        assert_eq!(socket.ask(json!({"op": "unsubscribe"})).await["position"], gateway.position(6));
        gateway.clients(1).await;
    }
}

#[tokio::test]
async fn mistakes_are_named_and_leave_the_socket_open() {
    let gateway = Gateway::start().await;
    let mut socket = Socket::open(gateway.address).await;
    let long = "x".repeat(256 * 1024 + 1);
    let long = json!({"op": "publish", "event": {"message": long}}).to_string();
    for (text, code, at, id) in [
        ("no json", "invalid_json", "", Value::Null),
        ("[]", "invalid_json", "", Value::Null),
        ("{}", "invalid_op", "/op", Value::Null),
        (r#"{"op":"dance","id":3}"#, "invalid_op", "/op", 3.into()),
        (r#"{"op":"ping","id":{}}"#, "invalid_op", "/id", Value::Null),
        (r#"{"op":"ping","id":3,"more":1}"#, "unknown_field", "/more", 3.into()),
        (r#"{"op":"subscribe","channels":["a","b..c"]}"#, "invalid_pattern", "/channels/1", Value::Null),
        (r#"{"op":"subscribe","types":["a b"]}"#, "invalid_type", "/types/0", Value::Null),
        (r#"{"op":"subscribe","min_priority":"x"}"#, "invalid_priority", "/min_priority", Value::Null),
        (r#"{"op":"subscribe","since":"x"}"#, "invalid_time", "/since", Value::Null),
        (r#"{"op":"subscribe","since":"1m","after":"x"}"#, "invalid_op", "/since", Value::Null),
        (r#"{"op":"subscribe","reader":"a b"}"#, "invalid_reader", "/reader", Value::Null),
        (r#"{"op":"subscribe","channel":"a"}"#, "unknown_field", "/channel", Value::Null),
        (r#"{"op":"ack","position":"x"}"#, "invalid_position", "/position", Value::Null),
        (r#"{"op":"subscribe","conflate":1}"#, "invalid_op", "/conflate", Value::Null),
        (r#"{"op":"ack"}"#, "invalid_op", "/position", Value::Null),
        (r#"{"op":"publish","id":"p"}"#, "invalid_op", "", "p".into()),
        (r#"{"op":"publish","event":{}}"#, "invalid_message", "/event/message", Value::Null),
        (
            r#"{"op":"publish","event":{"message":"x","channel":"."}}"#,
            "invalid_channel",
            "/event/channel",
            Value::Null,
        ),
        (
            r#"{"op":"publish","event":{"message":"x","mesage":1}}"#,
            "unknown_field",
            "/event/mesage",
            Value::Null,
        ),
        (r#"{"op":"publish","events":[]}"#, "empty_batch", "/events", Value::Null),
        (
            r#"{"op":"publish","events":[{"message":"x"},{"message":2}]}"#,
            "invalid_message",
            "/events/1/message",
            Value::Null,
        ),
        (&long, "invalid_message", "/event/message", Value::Null),
    ] {
        socket.send(Message::text(text)).await;
        let said = socket.json().await;
        let text = &text[..text.len().min(80)];
        assert_eq!((&said["op"], &said["id"]), (&"error".into(), &id), "{text}: {said}");
        assert_eq!(said["error"]["code"], code, "{text}: {said}");
        assert_eq!(said["error"]["at"].as_str().unwrap_or_default(), at, "{text}: {said}");
        let status = fanfare_core::Code::ALL.iter().find(|known| known.as_str() == code).expect("a code");
        assert_eq!(
            said["error"]["status"],
            fanfare_server::problem::status(*status, at).as_u16(),
            "{text}: {said}"
        );
        assert_eq!(said["error"]["type"], "about:blank", "{text}: {said}");
        for member in ["title", "detail", "fix"] {
            assert!(said["error"][member].as_str().is_some_and(|text| !text.is_empty()), "{text}: {said}");
        }
    }
    assert_eq!(socket.ask(json!({"op": "ping"})).await["op"], "pong");
    assert_eq!((gateway.hub.last().seq, gateway.hub.client_count()), (0, 0), "something came of a mistake");
}

#[tokio::test]
async fn a_socket_that_breaks_the_rules_is_told_which() {
    let gateway = Gateway::start().await;
    let large = json!({"op": "publish", "event": {"message": "x".repeat(3 << 20)}}).to_string();
    for (message, code) in [(Message::binary(vec![1, 2, 3]), 1003), (Message::text(large), 1009)] {
        let mut socket = gateway_socket(&gateway).await;
        socket.send(message).await;
        let (said, reason) = socket.goodbye().await;
        assert_eq!(said, code);
        assert!(!reason.is_empty());
    }
    // Text that is not UTF-8, and a frame without a mask, as bytes: no client library sends them.
    for (frame, code) in
        [(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe][..], 1007_u16), (&[0x81, 0x02, b'{', b'}'][..], 1002)]
    {
        let mut raw = Raw::connect(gateway.address).await;
        let head = raw.get("/ws", &format!("{HANDSHAKE}sec-websocket-version: 13\r\n")).await;
        assert_eq!(head.status, 101);
        assert_eq!(head.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        raw.send(frame).await;
        let said = raw.rest().await;
        assert_eq!((said[0], u16::from_be_bytes([said[2], said[3]])), (0x88, code));
    }
    gateway.clients(0).await;
}

/// The example of RFC 6455, section 1.2.
const HANDSHAKE: &str = "connection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn gateway_socket(gateway: &Gateway) -> Socket {
    let mut socket = Socket::open(gateway.address).await;
    socket.ask(json!({"op": "subscribe"})).await;
    socket
}

#[tokio::test]
async fn what_is_no_handshake_is_refused() {
    let gateway = Gateway::start().await;
    gateway.get("/ws").await.problem(400, "invalid_query");
    for headers in [format!("{HANDSHAKE}sec-websocket-version: 8\r\n"), HANDSHAKE.to_owned()] {
        assert_eq!(Raw::connect(gateway.address).await.get("/ws", &headers).await.status, 400);
    }
    let headers = format!("{HANDSHAKE}sec-websocket-version: 13\r\n");
    assert_eq!(Raw::connect(gateway.address).await.get("/ws?channel=a", &headers).await.status, 400);
    // A subprotocol is chosen from those offered, if ours is among them.
    for (offered, chosen) in [("chat, fanfare.v1", "fanfare.v1"), ("fanfare.v2", ""), ("", "")] {
        let headers = format!("{headers}sec-websocket-protocol: {offered}\r\n");
        let head = Raw::connect(gateway.address).await.get("/ws", &headers).await;
        assert_eq!((head.status, head.header("sec-websocket-protocol")), (101, chosen), "{offered}");
    }
    // A client that asks for an extension gets a socket without.
    let mut request = format!("ws://{}/ws", gateway.address).into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-extensions", "permessage-deflate".parse().expect("a value"));
    let (wire, answer) = tokio_tungstenite::connect_async(request).await.expect("a handshake");
    assert_eq!(answer.headers().get("sec-websocket-extensions"), None);
    assert_eq!(Socket { wire }.ask(json!({"op": "ping"})).await["op"], "pong");
}

#[tokio::test]
async fn goodbyes_and_pings_are_answered() {
    let gateway = Gateway::start().await;
    // The first ping is a beat away: one at once would be followed by a goodbye at the next beat.
    let mut socket = Socket::open(gateway.address).await;
    socket.say(&json!({"op": "subscribe"})).await;
    let said = socket.hear().await;
    assert!(matches!(said, Said::Json(_)), "{said:?}");
    socket.send(Message::Ping("are you there".into())).await;
    let said = futures_util::StreamExt::next(&mut socket.wire).await.expect("an answer").expect("a frame");
    assert_eq!(said, Message::Pong("are you there".into()));
    let frame = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
    socket.send(Message::Close(Some(frame))).await;
    assert_eq!(socket.goodbye().await.0, 1000);
    assert!(matches!(socket.hear().await, Said::End));
    gateway.clients(0).await;
}

#[tokio::test]
async fn a_silent_socket_is_pinged_and_then_let_go_of() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.http.keepalive = Duration::from_millis(400);
    })
    .await;
    // A client that answers pings, as libraries do, stays connected, at whatever moment between two beats the ping
    // came.
    for _ in 0..4 {
        let mut socket = gateway_socket(&gateway).await;
        for _ in 0..2 {
            assert!(matches!(socket.hear().await, Said::Ping));
        }
        assert_eq!(socket.ask(json!({"op": "ping"})).await["op"], "pong");
    }
    // A silent one is closed.
    let mut raw = Raw::connect(gateway.address).await;
    raw.get("/ws", &format!("{HANDSHAKE}sec-websocket-version: 13\r\n")).await;
    let said = raw.rest().await;
    // Twelve more, because the answer to the first may take five seconds.
    let (pings, end) = said.split_at(2 * 13);
    assert_eq!(pings, [0x89, 0].repeat(13));
    assert_eq!((end[0], u16::from_be_bytes([end[2], end[3]])), (0x88, 1008));
}
